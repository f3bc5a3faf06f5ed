package report

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/verify"
)

// mostShownRows is how many rows of a table a terminal gets; files get all that
// the report has.
const mostShownRows = 20

// Differing are the tables with rows that were found to differ.
func (r *Report) Differing() []Table {
	var list []Table
	for _, t := range r.Tables {
		if t.Found != nil {
			list = append(list, t)
		}
	}
	return list
}

// foundTitle counts what differs in a table.
func foundTitle(t Table) string {
	f := t.Found
	out := fmt.Sprintf("%s: %s", t.Target, f)
	if f.Unlocalised > 0 {
		out += fmt.Sprintf(", more among %s that were not looked at", humanize.Comma(f.Unlocalised)+" rows")
	}
	return out
}

// differenceRows is a line for each column of each row shown: row, key, column,
// source, target. The first two are empty where they are those of the line above.
func differenceRows(f *verify.RowsFound, most int) (lines [][]string, left int64) {
	shown := f.Shown[:min(len(f.Shown), most)]
	for _, d := range shown {
		kind := string(d.Kind)
		if d.Copies > 1 {
			kind += fmt.Sprintf(" (%s times)", humanize.Comma(d.Copies))
		}
		key := keyText(d.Key)
		if len(d.Columns) == 0 {
			lines = append(lines, []string{kind, key, "", "", ""})
		}
		for i, c := range d.Columns {
			if i > 0 {
				kind, key = "", ""
			}
			lines = append(lines, []string{kind, key, c.Column, valueText(c.Source), valueText(c.Target)})
		}
	}
	left = f.Missing + f.Extra + f.Changed
	for _, d := range shown {
		left -= d.Copies
	}
	return lines, left
}

func keyText(key []verify.KeyValue) string {
	parts := make([]string, len(key))
	for i, k := range key {
		if parts[i] = k.Column + "=" + short(k.Value); k.Null {
			parts[i] = k.Column + " NULL"
		}
	}
	return strings.Join(parts, ", ")
}

// short bounds a key's value, which the report's JSON has whole.
func short(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

func valueText(v *verify.Value) string {
	switch {
	case v == nil:
		return ""
	case v.Null:
		return "NULL"
	case v.Bytes > 0:
		return fmt.Sprintf("'%s' (%s bytes)", v.Text, humanize.Comma(v.Bytes))
	}
	return "'" + v.Text + "'"
}

// textDifferences shows for each table what differs: how many rows, which
// columns, and the first rows with key and both values.
func (r *Report) textDifferences(w *page) {
	for _, x := range r.Differing() {
		t := newTable("row", "key", "column", "source", "target")
		lines, left := differenceRows(x.Found, mostShownRows)
		for _, l := range lines {
			row := table.Row{}
			for _, c := range l {
				row = append(row, ui.Printable(c))
			}
			t.AppendRow(row)
		}
		title := "Differences in " + ui.Printable(foundTitle(x))
		if t.Length() > 0 {
			render(w, title, t)
		} else {
			w.f("\n%s\n", title)
		}
		if left > 0 {
			w.f("  and %s rows more; --report FILE.json has more of them, --differences FILE all\n", humanize.Comma(left))
		}
		for _, c := range x.Found.Columns {
			w.f("  %s.%s\n", ui.Printable(x.Target), ui.Printable(c.String()))
		}
	}
	r.textExcused(w)
}

// ExcusedLines are the rows of each table that differ as was announced, in words.
func (r *Report) ExcusedLines() []string {
	var lines []string
	for _, x := range r.Tables {
		for _, e := range x.Excused {
			lines = append(lines, x.Target+": "+e.String())
		}
	}
	return lines
}

// moreRows says how many rows of a table differ that the report does not show.
func moreRows(t Table) string {
	_, left := differenceRows(t.Found, len(t.Found.Shown))
	if left <= 0 {
		return ""
	}
	return humanize.Comma(left) + " rows more differ: verify --differences FILE writes all of them."
}

func (r *Report) textExcused(w *page) {
	lines := r.ExcusedLines()
	if len(lines) == 0 {
		return
	}
	w.f("\nRows that differ as announced\n")
	for _, l := range lines {
		w.f("  %s\n", ui.Printable(l))
	}
}

func (r *Report) mdDifferences(b *page) {
	for _, x := range r.Differing() {
		b.f("\n## Differences in %s\n\n%s\n", code(x.Target), escape(foundTitle(x)))
		for _, c := range x.Found.Columns {
			b.f("\n- %s", escape(c.String()))
		}
		lines, _ := differenceRows(x.Found, len(x.Found.Shown))
		if len(lines) > 0 {
			b.f("\n\n| row | key | column | source | target |\n| --- | --- | --- | --- | --- |\n")
		}
		for _, l := range lines {
			b.f("| %s | %s | %s | %s | %s |\n", l[0], orDash(l[1]), orDash(l[2]), orDash(l[3]), orDash(l[4]))
		}
		if more := moreRows(x); more != "" {
			b.f("\n%s\n", more)
		}
	}
	if lines := r.ExcusedLines(); len(lines) > 0 {
		b.f("\n## Rows that differ as announced\n\n")
		for _, l := range lines {
			b.f("- %s\n", escape(l))
		}
	}
}
