package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/verify"
)

// lastLine is what the user reads last: what happened, and what to do next.
func (j *job) lastLine(code Code, err error) string {
	if j.assessed != nil && err == nil && j.message != "" {
		return j.message
	}
	parts := []string{j.headline(code, err)}
	if c := j.rep.Counts; code != Usage && j.plan != nil && !j.opts.DryRun {
		parts = append(parts, fmt.Sprintf("%s left, %d changed", objects(c.Left), c.Changed))
	}
	if len(j.next) > 0 {
		parts = append(parts, "continue with: "+strings.Join(j.next, "; then: "))
	}
	return strings.Join(parts, "; ")
}

func objects(n int) string { return count(n, "object") }

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return humanize.Comma(int64(n)) + " " + word + "s"
}

// headline is the first part of the last line.
func (j *job) headline(code Code, err error) string {
	if j.synced && err == nil {
		return j.message
	}
	switch code {
	case Interrupted:
		if !j.written.Load() {
			return "interrupted before anything was written"
		}
		return "interrupted; " + j.standing()
	case Failed:
		if err != nil {
			msg := redact(ui.ErrorText(err))
			if j.written.Load() && j.copied != nil {
				msg += "; " + j.standing()
			}
			return msg
		}
		if j.certifiedBad != "" {
			return j.certifiedBad
		}
		out := "verification could not look at everything: " + j.verdicts(verify.Errored, verify.Unknown)
		if j.command == cmdRepair && j.message != "" {
			out = j.message + "; " + out
		}
		if differ := j.verdicts(verify.Mismatch); differ != notEnded {
			out += "; it found differences: " + differ
		}
		return out
	case Usage, Blocked:
		return redact(ui.ErrorText(err))
	case Differences:
		if j.certifiedBad != "" {
			return j.certifiedBad
		}
		out := "verification found differences: " + j.verdicts(verify.Mismatch)
		if j.command == cmdRepair && j.message != "" {
			out = j.message + "; " + out
		}
		if unread := j.verdicts(verify.Errored, verify.Unknown); unread != notEnded {
			out += "; not everything could be looked at: " + unread
		}
		return out + j.whichRows()
	case Partial:
		if j.message != "" && err == nil && j.plan == nil { // a finished run with refused rows
			return j.message
		}
		if err != nil && !j.stopped() {
			return "partly done: " + redact(ui.ErrorText(err))
		}
		return "partly done: " + j.standing()
	case OK:
	}
	if j.message != "" {
		return j.message
	}
	return j.success()
}

// success is the headline of a run that did all that was asked for.
func (j *job) success() string {
	c := j.rep.Counts
	what := fmt.Sprintf("%s, %s, %s", count(c.Tables, "table"), count(int(c.Rows), "row"), count(c.Sequences, "sequence"))
	if c.Views > 0 {
		what += ", " + count(c.Views, "view")
	}
	if r := j.rejects(); r != "" {
		what += "; " + r
	}
	if c.Tables == 0 {
		what = "the source holds no tables, so no rows were copied"
		if c.Sequences > 0 {
			what += "; " + count(c.Sequences, "sequence")
		}
	}
	if j.verified != nil && j.verified.Good() {
		if n := j.verified.TableCounts().Skipped; n > 0 {
			without := j.withoutData()
			headline, tail := "done and verified: ", ""
			if n > without {
				headline = fmt.Sprintf("done, %s not proved as accepted, all else verified: ", count(n-without, "table"))
			}
			if without > 0 {
				tail = fmt.Sprintf("; %s without data, as asked", count(without, "table"))
			}
			return headline + what + tail
		}
		return "done and verified: " + what
	}
	return "copied, not verified: " + what
}

// standing says what is not done, for runs that did not come to their end.
func (j *job) standing() string {
	var parts []string
	if j.plan != nil {
		all := len(j.plan.Transfers)
		switch {
		case j.copied == nil && all > 0 && (j.command == cmdClone || j.command == cmdCopy):
			parts = append(parts, "no rows were copied")
		case len(j.incomplete) > 0:
			parts = append(parts, fmt.Sprintf("%d of %s not copied: %s", len(j.incomplete), count(all, "table"), j.reasons()))
		case j.copied != nil && j.rejected() > 0:
			parts = append(parts, "all other rows were copied")
		case j.copied != nil:
			parts = append(parts, "all rows were copied")
		}
	}
	if r := j.rejects(); r != "" {
		parts = append(parts, r)
	}
	if n := j.rep.Counts.Failed; n > 0 {
		parts = append(parts, count(n, "statement")+" failed")
	}
	if n := j.rep.Counts.Skipped; n > 0 {
		parts = append(parts, count(n, "statement")+" skipped")
	}
	unset := 0
	for _, s := range j.sequences {
		if s.Err != nil {
			unset++
		}
	}
	if unset > 0 {
		parts = append(parts, count(unset, "sequence")+" not set")
	}
	if j.stopped() {
		parts = append(parts, "stopped by an interrupt")
	}
	if j.verified != nil && j.verified.TableCounts().Mismatch > 0 {
		parts = append(parts, "verification found differences: "+j.verdicts(verify.Mismatch))
	}
	if j.mended != "" {
		parts = append(parts, j.mended)
	}
	if len(parts) == 0 {
		return "what was asked for did not come to its end"
	}
	return strings.Join(parts, ", ")
}

// mostReasons is how many tables the last line names; the report names all.
const mostReasons = 3

// reasons names tables that are not complete, and why.
func (j *job) reasons() string {
	names := make([]catalog.Name, 0, len(j.incomplete))
	for n := range j.incomplete {
		names = append(names, n)
	}
	slices.SortFunc(names, catalog.Name.Compare)
	var out []string
	for i, n := range names {
		if i == mostReasons {
			out = append(out, fmt.Sprintf("%d more", len(names)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s (%s)", n, redact(ui.ErrorText(j.incomplete[n]))))
	}
	return strings.Join(out, ", ")
}

// notEnded is what is said where nothing has the verdicts that are asked for.
const notEnded = "it did not come to its end"

// whichRows names the command that says which rows differ, where contents were
// compared by their sums alone.
func (j *job) whichRows() string {
	if j.verified == nil || j.opts.Recheck || j.verified.Level != verify.LevelDigest && j.verified.Level != verify.LevelCounts {
		return ""
	}
	for i := range j.verified.Tables {
		if d := j.verified.Tables[i].Data; d != nil && d.Verdict == verify.Mismatch && d.Level != "" {
			return "; which rows differ says: " + j.localiseCommand()
		}
	}
	return ""
}

// verdicts names what has one of the verdicts.
func (j *job) verdicts(which ...verify.Verdict) string {
	var out []string
	if j.verified != nil {
		for _, t := range j.verified.Tables {
			if slices.Contains(which, t.Verdict) {
				out = append(out, fmt.Sprintf("%s (%s)", t.Target, t.Detail))
			}
		}
		for _, s := range j.verified.Sequences {
			if slices.Contains(which, s.Verdict) {
				out = append(out, fmt.Sprintf("sequence %s (%s)", s.Target, s.Detail))
			}
		}
		for _, v := range j.verified.Views {
			if slices.Contains(which, v.Verdict) {
				out = append(out, fmt.Sprintf("view %s (%s)", v.Target, v.Detail))
			}
		}
		out = append(out, j.behaved(which)...)
	}
	if len(out) == 0 {
		return notEnded
	}
	if len(out) > mostReasons {
		out = append(out[:mostReasons], fmt.Sprintf("%d more", len(out)-mostReasons))
	}
	return redact(strings.Join(out, ", "))
}
