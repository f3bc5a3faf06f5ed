package report

import (
	"bytes"
	"html"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/ui/htmlpage/pagetest"
)

func htmlOf(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.HTML(&b))
	return b.String()
}

// hostile is a report with a name that breaks whatever does not escape it.
func hostile() *Report {
	const name = `</style><script>alert(1)</script><img src=x onerror=alert(2)>"'&` + "`\n{{.}}"
	r := full()
	r.Message, r.Run, r.Options, r.Next, r.Notes = name, name, []string{name}, []string{name}, []string{name}
	r.Tables[0].Target, r.Tables[0].Error, r.Sequences[0].Target = name, name, name
	x := found()
	x.Columns[0].Column, x.Shown[0].Key[0].Value, x.Shown[1].Columns[0].Target.Text = name, name, name
	r.Tables[0].Found = x
	r.Statements[0].Reason, r.Statements[0].SQL = name, name
	r.Findings = append(r.Findings, Finding{Finding: finding.Finding{Code: "object.left", Severity: finding.Left, Object: obj(name, name, name, name), Message: name, Remedy: name}})
	r.Profile.Probe.Facts[0].Evidence = name
	return r
}

// U8: what moved, differs, was rewritten or dropped, timings, assumptions not
// proved, work left: all of it stands on a page that fetches nothing.
func TestHTMLU8(t *testing.T) {
	t.Parallel()
	pagetest.FetchesNothing(t, htmlOf(t, hostile()))
	pagetest.FetchesNothing(t, htmlOf(t, &Report{Message: "failed"}))
	r := full()
	text := htmlOf(t, r)
	pagetest.FetchesNothing(t, text)
	text = html.UnescapeString(text)
	for _, x := range r.Tables {
		require.Contains(t, text, x.Target)
		require.Contains(t, text, x.Verdict)
	}
	for _, x := range []string{"public.lines: 1 row missing, 2 rows extra, 1,204 rows changed", "total: 1,204 rows, all rounded", "id=4, day=2026-01-01", "extra (2 times)", "'1.25'", "NULL", "1,203 rows more differ", "2 rows with digits of a second beyond 3 in at"} {
		require.Contains(t, text, x)
	}
	for _, x := range r.Sequences {
		require.Contains(t, text, x.Target)
	}
	for _, x := range r.Findings {
		require.Contains(t, text, x.Object.String())
		require.Contains(t, text, x.Message)
	}
	for _, x := range r.Statements {
		require.Contains(t, text, x.Reason)
	}
	for _, x := range r.Profile.Probe.Facts {
		require.Contains(t, text, x.Evidence)
	}
	require.NotNil(t, r.Ending)
	require.Contains(t, text, r.Ending.Headline)
	require.Contains(t, text, r.Ending.Connection)
	for _, s := range endingSections(r.Ending) {
		for _, a := range s.advice {
			require.Contains(t, text, a.Text)
		}
	}
	for _, x := range append(r.Notes, r.Next...) {
		require.Contains(t, text, x)
	}
}

func TestHTMLInABrowser(t *testing.T) {
	ctx := pagetest.Browser(t)
	for name, r := range map[string]*Report{"full": full(), "hostile": hostile()} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "page.html")
			require.NoError(t, r.WriteFile(path))
			pagetest.Opens(ctx, t, path, "")
		})
	}
}
