package report

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/pg2db9/pg2db9/internal/ui"
)

// Behaviour is one thing that the target was made to do.
type Behaviour struct {
	Object  string `json:"object"`
	Kind    string `json:"kind"`
	What    string `json:"what"`    // what was tried
	Verdict string `json:"verdict"` // match, mismatch, skipped, errored, unknown
	Detail  string `json:"detail"`  // what it did, or why it was not tried
}

// BehaviourCounts sums the checks up in words.
func (r *Report) BehaviourCounts() string {
	n := map[string]int{}
	for _, c := range r.Behaviour {
		n[c.Verdict]++
	}
	var out []string
	for _, v := range []string{"match", "mismatch", "errored", "unknown", "skipped"} {
		if n[v] > 0 || v == "match" {
			out = append(out, fmt.Sprintf("%d %s", n[v], v))
		}
	}
	return strings.Join(out, ", ")
}

// textBehaviour shows what did not pass; the files hold all.
func (r *Report) textBehaviour(w *page) {
	if len(r.Behaviour) == 0 {
		return
	}
	w.f("\nBehaviour: %s\n", r.BehaviourCounts())
	t := newTable("object", "kind", "verdict", "detail")
	for _, c := range r.Behaviour {
		if c.Verdict != "match" {
			t.AppendRow(table.Row{ui.Printable(c.Object), c.Kind, c.Verdict, ui.Printable(c.Detail)})
		}
	}
	if t.Length() > 0 {
		for line := range strings.Lines(t.Render() + "\n") {
			w.f("  %s\n", strings.TrimRight(line, " \n"))
		}
	}
}

func (r *Report) mdBehaviour(b *page) {
	if len(r.Behaviour) == 0 {
		return
	}
	b.f("\n## Behaviour\n\n%s\n\n| object | kind | tried | verdict | detail |\n| --- | --- | --- | --- | --- |\n", r.BehaviourCounts())
	for _, c := range r.Behaviour {
		b.f("| %s | %s | %s | %s | %s |\n", codeCell(c.Object), c.Kind, cell(c.What), c.Verdict, cell(c.Detail))
	}
}
