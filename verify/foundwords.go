package verify

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// mostTallies is how many columns the sentence on a table names.
const mostTallies = 5

// equalWords says what was seen to be equal, and what is excused.
func (d *Data) equalWords() string {
	words := fmt.Sprintf("%s equal (%s)", rowCount(d.Counted), d.Obtained)
	switch {
	case d.Level == LevelDeep:
		words = fmt.Sprintf("%s equal, each beside its counterpart (%s)", rowCount(d.Counted), d.Obtained)
		if d.Summed > 0 {
			words += fmt.Sprintf("; %s of them by sums of some hundred: their key has no ranges that both sides order alike", rowCount(d.Summed))
		}
	case d.Level == LevelCounts && d.Obtained == Certified:
		words = rowCount(d.Counted) + ", as the certificate says; their contents were not compared"
	case d.Obtained == RowsCounted:
		words = rowCount(d.Counted) + " on both sides; their contents were not compared"
	}
	for _, fact := range d.Live.facts() {
		words += "; " + fact
	}
	return words + d.Earlier.words() + d.excusedWords()
}

func (d *Data) excusedWords() string {
	var b strings.Builder
	for i, e := range d.Excused {
		if i == 0 {
			b.WriteString("; excused: ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(e.String())
	}
	return b.String()
}

// String says it in words.
func (e Excused) String() string {
	if e.Column == "" {
		return countedRows(e.Rows) + " " + e.Why
	}
	return fmt.Sprintf("%s with %s in %s", countedRows(e.Rows), e.Why, e.Column)
}

// foundWords says how many rows differ, and in which columns.
func (d *Data) foundWords() []string {
	f := d.Found
	if f == nil {
		return nil
	}
	var facts []string
	if n := f.Missing + f.Extra + f.Changed; n > 0 {
		facts = append(facts, f.String())
	}
	for i, c := range f.Columns {
		if i == mostTallies {
			facts = append(facts, fmt.Sprintf("and %d more columns", len(f.Columns)-i))
			break
		}
		facts = append(facts, c.String())
	}
	if f.Unlocalised > 0 {
		why := ""
		if d.NotLocalised != "" {
			why = ": " + d.NotLocalised
		}
		facts = append(facts, fmt.Sprintf("more differ that were not found, among %s%s", countedRows(f.Unlocalised), why))
	}
	return facts
}

// String counts the rows by kind.
func (f *RowsFound) String() string {
	var parts []string
	for _, p := range []struct {
		n    int64
		kind RowKind
	}{{f.Missing, RowMissing}, {f.Extra, RowExtra}, {f.Changed, RowChanged}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", countedRows(p.n), p.kind))
		}
	}
	if len(parts) == 0 {
		return "no rows found that differ"
	}
	return strings.Join(parts, ", ")
}

// String says what changed in a column.
func (c ColumnTally) String() string {
	words := fmt.Sprintf("%s: %s", c.Column, countedRows(c.Rows))
	switch {
	case c.How != "" && c.Rows > 1:
		words += ", all " + c.How
	case c.How != "":
		words += ", " + c.How
	}
	return words
}

func countedRows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return humanize.Comma(n) + " rows"
}
