package ui

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// eventLine is the plain line for an event, "" for those that have none: what
// a person reads is one line a phase, one a finished table, and all that went
// wrong.
func eventLine(e event.Event) string {
	switch e := e.(type) {
	case event.RunStarted:
		return fmt.Sprintf("%s %s: %s -> %s", e.Command, e.Run, e.Source, e.Target)
	case event.PhaseStarted:
		if e.Items > 0 {
			return fmt.Sprintf("%s: started, %s to do", e.Phase, count(int64(e.Items)))
		}
		return e.Phase + ": started"
	case event.PhaseDone:
		if e.Failed > 0 {
			return fmt.Sprintf("%s: done in %s, %s FAILED", e.Phase, span(e.Elapsed), count(int64(e.Failed)))
		}
		return fmt.Sprintf("%s: done in %s", e.Phase, span(e.Elapsed))
	case event.TableDone:
		return fmt.Sprintf("table %s: %s rows, %s in %s", e.Table, count(e.Rows), size(e.Bytes), span(e.Elapsed))
	case event.PartRetry:
		return fmt.Sprintf("%s: attempt %d interrupted (%s), again in %s", partName(e.Part), e.Attempt, ErrorText(e.Err), span(e.After))
	case event.PartFailed:
		return fmt.Sprintf("%s: FAILED: %s", partName(e.Part), ErrorText(e.Err))
	case event.StatementFailed:
		word := "FAILED"
		if e.Optional {
			word = "not done"
		}
		return fmt.Sprintf("%s: %s %s: %s", e.Phase, e.Object, word, ErrorText(e.Err))
	case event.TableVerified:
		if e.Verdict == "match" || e.Verdict == "skipped" {
			return ""
		}
		return strings.TrimSuffix(fmt.Sprintf("verify %s: %s: %s", e.Table, strings.ToUpper(e.Verdict), e.Detail), ": ")
	case event.Note:
		return Redact(e.Text)
	case event.Found: // the report has them all, in their order
		return ""
	case event.PartStarted, event.PartDone, event.StatementDone, event.RunDone:
		return ""
	}
	return ""
}

// partName names a part for people: the table, the leaf that is read, and the
// range unless it is the whole.
func partName(p event.Part) string {
	s := p.Table
	if p.Relation != "" && p.Relation != p.Table {
		s += " (" + p.Relation + ")"
	}
	if p.Range != "" && p.Range != "whole" {
		s += " " + p.Range
	}
	return s
}

// ErrorText is an error for people, with what the server said beside its
// message: SQLSTATE, detail, and where in the COPY it stood. A server may quote a
// password; none is passed on.
func ErrorText(err error) string {
	if err == nil {
		return ""
	}
	s := err.Error()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return Redact(s)
	}
	for _, more := range []struct{ label, text string }{{"detail", pg.Detail}, {"context", pg.Where}, {"hint", pg.Hint}} {
		if more.text != "" && !strings.Contains(s, more.text) {
			s += "; " + more.label + ": " + clip(more.text)
		}
	}
	if remedy := dial.Remedy(err); remedy != "" && !strings.Contains(s, remedy) {
		s += "; " + remedy
	}
	return Redact(s)
}

// clip keeps a server's detail to a readable length: it may quote a value of
// many megabytes.
func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// progressLine is the plain line of a run's progress.
func progressLine(s sample) string {
	var b strings.Builder
	b.WriteString(s.stage.phase)
	if share, ok := s.share(); ok {
		fmt.Fprintf(&b, " %.0f%%", share*100)
	}
	if !s.rowwise() {
		if s.stage.items > 0 {
			fmt.Fprintf(&b, ": %s of %s", count(int64(s.stage.done)), count(int64(s.stage.items)))
		}
		return b.String()
	}
	fmt.Fprintf(&b, ": %s rows, %s", count(s.Rows), size(s.Bytes))
	if s.byteRate > 0 {
		fmt.Fprintf(&b, ", %s/s, %s rows/s", size(int64(s.byteRate)), count(int64(s.rowRate)))
	}
	if s.TotalParts > 0 {
		fmt.Fprintf(&b, ", %d of %d parts", s.DoneParts, s.TotalParts)
	}
	b.WriteString(beside(s))
	b.WriteString(", " + outlook(s))
	return b.String()
}

// beside tells of keys and indexes that are built beside the copies.
func beside(s sample) string {
	switch {
	case s.stage.phase != dataPhase || s.Building+s.Built == 0:
		return ""
	case s.Building == 0:
		return fmt.Sprintf(", %d keys built beside", s.Built)
	default:
		return fmt.Sprintf(", %d keys built beside and %d under way", s.Built, s.Building)
	}
}

// outlook says how long the data still take and what limits them.
func outlook(s sample) string {
	left := "time left unknown"
	if s.leftOK {
		left = about(s.left) + " left"
	}
	if s.limit != "" {
		left += ", limited by " + s.limit
	}
	if s.Held != "" {
		left += "; " + s.Held
	}
	return left
}
