package assess

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func htmlOf(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.HTML(&b))
	return b.String()
}

var (
	tags       = regexp.MustCompile(`<[^>]*>`)
	elements   = regexp.MustCompile(`(?s)<script>.*?</script>|<style>.*?</style>`)
	attributes = regexp.MustCompile(`\s([a-zA-Z-]+)="([^"]*)"`)
	outside    = regexp.MustCompile(`(?i)url\s*\(|@import|https?:|//`)
)

// U8: the page fetches nothing, whatever stands in it, and tells the browser so.
func TestHTMLFetchesNothing(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Report{"sample": sampleReport(t), "hostile": hostileReport(), "empty": {Message: "failed"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := htmlOf(t, r)
			require.Contains(t, text, `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">`)
			own := elements.FindAllString(text, -1)
			require.Len(t, own, 2, "one style, one script: no other is let in")
			for _, e := range own {
				require.False(t, outside.MatchString(e), outside.FindString(e))
			}
			rest := elements.ReplaceAllString(text, "")
			for _, tag := range tags.FindAllString(rest, -1) { // html/template leaves no < of a text
				for _, a := range attributes.FindAllStringSubmatch(tag, -1) {
					require.NotRegexp(t, `^on`, a[1])
					switch a[1] {
					case "src", "href", "action", "formaction", "data", "poster", "srcset":
						require.Regexp(t, `^(#|data:,)`, a[2])
					}
				}
			}
			require.NotContains(t, rest, "<script")
			require.NotContains(t, rest, "<img")
			require.NotContains(t, text, "ZgotmplZ")
			require.True(t, strings.HasPrefix(text, "<!doctype html>"))
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
