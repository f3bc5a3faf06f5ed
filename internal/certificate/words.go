package certificate

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/verify"
)

// mostNamed is how many objects the first line names.
const mostNamed = 3

// summary is the first line: that all is equal, or what is not.
func summary(r *verify.Report, entries []Entry, live bool) string {
	if r.Good() {
		words := equalWords(r)
		if live {
			words += "; both sides could be written meanwhile"
		}
		return words
	}
	var parts []string
	bad, unread := outcomes(entries)
	if len(bad) > 0 {
		parts = append(parts, verb(len(bad), "differs: ", "differ: ")+named(bad))
	}
	if len(unread) > 0 {
		parts = append(parts, fmt.Sprintf("%s could not be checked: %s", number(len(unread)), named(unread)))
	}
	if !r.Complete {
		parts = append(parts, "the verification did not come to its end")
	}
	if len(parts) == 0 {
		parts = append(parts, "not everything was looked at")
	}
	headline := "NOT EQUAL"
	if len(bad) == 0 {
		headline = "NOT PROVED"
	}
	return fmt.Sprintf("%s: of %s, %s", headline, strings.Join(sizes(r), ", "), strings.Join(parts, "; "))
}

// outcomes names what differs, and what could not be looked at.
func outcomes(entries []Entry) (bad, unread []string) {
	judge := func(v verify.Verdict, name string) {
		switch v {
		case verify.Match, verify.Skipped:
		case verify.Mismatch:
			bad = append(bad, name)
		case verify.Errored, verify.Unknown:
			unread = append(unread, name)
		default:
			unread = append(unread, name)
		}
	}
	for i := range entries {
		switch e := &entries[i]; {
		case e.Table != nil:
			judge(e.Table.Verdict, "table "+e.Table.Target.String())
		case e.Sequence != nil:
			judge(e.Sequence.Verdict, "sequence "+e.Sequence.Target.String())
		case e.View != nil:
			judge(e.View.Verdict, "view "+e.View.Target.String())
		case e.Behaviour != nil:
			judge(e.Behaviour.Verdict, e.Behaviour.Kind+" "+e.Behaviour.Object)
		}
	}
	return bad, unread
}

func sizes(r *verify.Report) []string {
	return append([]string{counted(int64(len(r.Tables)), "table"), counted(r.Rows(), "row")}, others(len(r.Sequences), len(r.Views))...)
}

// others are numbers of sequences and views, those that are none left out.
func others(sequences, views int) (out []string) {
	if sequences > 0 {
		out = append(out, counted(int64(sequences), "sequence"))
	}
	if views > 0 {
		out = append(out, counted(int64(views), "view"))
	}
	return out
}

func equalWords(r *verify.Report) string {
	skipped := r.TableCounts().Skipped
	if r.Level == verify.LevelSchema {
		return counted(int64(len(r.Tables)), "table") + ", definitions equal; rows were not looked at, as asked" + alsoEqual(r)
	}
	if r.Level == verify.LevelCounts {
		return fmt.Sprintf("%s, %s, counts equal; contents were not compared, as asked", counted(int64(len(r.Tables)-skipped), "table"), counted(r.Rows(), "row")) + alsoEqual(r) + left(skipped)
	}
	words := fmt.Sprintf("%s, %s, all equal", counted(int64(len(r.Tables)-skipped), "table"), counted(r.Rows(), "row"))
	if excused := r.ExcusedRows(); excused > 0 {
		words += fmt.Sprintf(" but for %s as announced", counted(excused, "row"))
	}
	return words + alsoEqual(r) + left(skipped)
}

// alsoEqual says what beside tables is equal, and what was not compared.
func alsoEqual(r *verify.Report) string {
	sequences, views := r.SequenceCounts(), r.ViewCounts()
	words := ""
	if more := others(sequences.Match, views.Match); len(more) > 0 {
		words += "; " + strings.Join(more, ", ") + " too"
	}
	if more := others(sequences.Skipped, views.Skipped); len(more) > 0 {
		words += "; " + strings.Join(more, ", ") + " not compared"
	}
	return words
}

func left(skipped int) string {
	if skipped == 0 {
		return ""
	}
	return fmt.Sprintf("; rows of %s not compared, as accepted", counted(int64(skipped), "table"))
}

func named(list []string) string {
	if len(list) > mostNamed {
		return strings.Join(list[:mostNamed], ", ") + fmt.Sprintf(" and %s more", number(len(list)-mostNamed))
	}
	return strings.Join(list, ", ")
}

func verb(n int, one, more string) string {
	if n == 1 {
		return number(n) + " " + one
	}
	return number(n) + " " + more
}

func number(n int) string { return humanize.Comma(int64(n)) }

func counted(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return humanize.Comma(n) + " " + word + "s"
}
