package assess

import (
	"bytes"
	"html"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/ui/htmlpage/pagetest"
)

func htmlOf(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.HTML(&b))
	return b.String()
}

// U8: the page fetches nothing, whatever stands in it, and tells the browser so.
func TestHTMLFetchesNothing(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Report{"sample": sampleReport(t), "hostile": hostileReport(), "empty": {Message: "failed"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pagetest.FetchesNothing(t, htmlOf(t, r))
		})
	}
}

// Each object, code and advice of the report stands on the page.
func TestHTMLHoldsTheReport(t *testing.T) {
	t.Parallel()
	r := sampleReport(t, "type.unavailable")
	text := html.UnescapeString(htmlOf(t, r))
	for _, f := range r.Databases[0].Findings {
		require.Contains(t, text, string(f.Code))
		require.Contains(t, text, f.Object.Name)
	}
	for _, a := range append(r.Application, r.WayBack...) {
		require.Contains(t, text, a.Title)
	}
	for _, c := range r.Databases[0].Checks {
		require.Contains(t, text, c.Title)
	}
	require.Contains(t, text, "ada", "who accepted")
	require.Contains(t, text, "not looked at", "what nobody looked at is said")
}
