package assess

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// docs/findings.md is made from the rules: UPDATE=1 writes it.
func TestFindingsDocument(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	f := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	f(`# Findings

What pg2db9 sees that matters to you has a code, which never changes. This page is made from the rules themselves
(UPDATE=1 go test ./internal/assess -run Document).

| severity | means |
| --- | --- |
| block | nothing is written until you decide: change it, exclude it, map it, or accept it |
| left | it is not carried; the run goes on |
| change | it is carried, but not as it was |
| info | worth knowing; nothing is lost |

Only *block* gives exit code 4. ` + "`--accept CODE`" + ` acknowledges all findings of a code, ` + "`--accept CODE:OBJECT`" + ` those of one object,
as the report names it without its kind (` + "`type.refused:public.t.c`" + `); a report records who accepted what. The severity below is
that of the worst case; a finding may be milder. Some blocks cannot be accepted: the run would fail all the same, with the
target half written.

`)
	f("| code | severity | when, and what it means | what to do | `--accept` |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range Rules() {
		f("| `%s` | %s | %s | %s | %s |\n", r.Code, r.Severity, cell(r.Reason), cell(r.Remedy), acceptNote(r))
	}
	f("\n## What the groups of an assessment mean\n\n| group | codes |\n| --- | --- |\n")
	for _, g := range groups {
		var codes []string
		for _, r := range Rules() {
			if whatToDo(finding.Finding{Code: r.Code, Severity: r.Severity, Remedy: r.Remedy}) == g.ID {
				codes = append(codes, "`"+string(r.Code)+"`")
			}
		}
		f("| %s (`%s`) | %s |\n", g.Title, g.ID, strings.Join(codes, ", "))
	}
	f("\n## Checks of the migration guides\n\n`pg2db9 assess` answers each with what was found, none, or that nobody looked.\n\n| check | why it matters | what to do | codes |\n| --- | --- | --- | --- |\n")
	for _, c := range checks {
		codes := make([]string, len(c.codes))
		for i, x := range c.codes {
			codes[i] = "`" + string(x) + "`"
		}
		f("| %s | %s | %s | %s |\n", c.title, cell(c.reason), cell(c.remedy), strings.Join(codes, ", "))
	}
	golden(t, filepath.Join("..", "..", "docs", "findings.md"), b.String())
}

// acceptNote says what --accept does about a code.
func acceptNote(r finding.Rule) string {
	switch {
	case r.Severity != finding.Block:
		return ""
	case strings.HasPrefix(string(r.Code), "data."):
		return "an assessment records it; a clone looks for such values by itself (`value.refused`)"
	case Acceptable(r.Code):
		return "the run goes on"
	case strings.HasPrefix(string(r.Code), "type.") || strings.HasPrefix(string(r.Code), "value."):
		return "the column becomes text (or json, where that is told)"
	case strings.HasPrefix(string(r.Code), "table."):
		return "the run goes on, as the remedy says"
	}
	return "cannot be accepted"
}
