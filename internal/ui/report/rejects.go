package report

import (
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/pg2db9/pg2db9/internal/ui"
)

// Rejects says how many rows of a table were refused, and where they are.
func (t Table) Rejects() string {
	text := "1 row was refused by the target"
	if t.Rejected != 1 {
		text = humanize.Comma(t.Rejected) + " rows were refused by the target"
	}
	if t.RejectsFile == "" {
		return text + ", and stand in _pg2db9.reject"
	}
	return fmt.Sprintf("%s: %s", text, t.RejectsFile)
}

// textRejects lists every table of which rows were refused.
func (r *Report) textRejects(w *page) {
	if r.Counts.Rejected == 0 {
		return
	}
	t := newTable("table", "refused", "file")
	right(t, 2)
	for _, x := range r.Tables {
		if x.Rejected > 0 {
			t.AppendRow(table.Row{ui.Printable(x.Target), num(x.Rejected), ui.Printable(firstOf(x.RejectsFile, "-"))})
		}
	}
	render(w, "Rows that the target refused", t)
}

func (r *Report) mdRejects(b *page) {
	if r.Counts.Rejected == 0 {
		return
	}
	b.f("\n## Rows that the target refused\n\n| table | refused | file |\n| --- | ---: | --- |\n")
	for _, x := range r.Tables {
		if x.Rejected > 0 {
			b.f("| %s | %s | %s |\n", codeCell(x.Target), num(x.Rejected), orDash(x.RejectsFile))
		}
	}
}
