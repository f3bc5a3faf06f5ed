package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/copier/runs"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// clearScreen puts a terminal's cursor to its beginning, and takes away what
// stood there.
const clearScreen = "\x1b[H\x1b[2J"

// show prints what a look saw: an object with --json, else text; on a terminal
// that is watched in the place of the look before.
func (w *watcher) show(v *view) {
	if w.p.json {
		w.p.lines.Write("status", ui.Object{{Key: "status", Value: v}})
		return
	}
	var b strings.Builder
	if w.opts.Watch && w.p.streams.terminal(w.p.streams.Out) {
		b.WriteString(clearScreen)
	}
	v.text(&b)
	if w.opts.Watch {
		b.WriteString("\n")
	}
	_, _ = io.WriteString(w.p.streams.Out, b.String())
}

// text is a look for people.
func (v *view) text(b *strings.Builder) {
	if !v.Ledger {
		fmt.Fprintln(b, v.Message)
		return
	}
	if len(v.Runs) == 0 {
		fmt.Fprintln(b, "the ledger on the target holds no runs")
		return
	}
	for i := range v.Runs {
		v.Runs[i].text(b)
	}
	sessionsText(b, "target", v.Target)
	sessionsText(b, "source", v.Source)
}

// line prints one fact of a run.
func line(b *strings.Builder, name, format string, args ...any) {
	fmt.Fprintf(b, "  %-10s %s\n", name, ui.Printable(fmt.Sprintf(format, args...)))
}

func (x *runView) rejectsText(b *strings.Builder) {
	for _, r := range x.Rejects {
		line(b, "rejected", "%s: %s", r.Table, count(int(r.Rows), "row"))
	}
}

func (x *runView) text(b *strings.Builder) {
	fmt.Fprintln(b, ui.Printable(fmt.Sprintf("run %s: %s, %s, profile %s, from %s", x.ID, x.Command, x.State, x.Profile, x.Source)))
	if x.State == runs.StateDone {
		line(b, "rows", "%s, %s in %s", count(int(x.Rows), "row"), ui.Size(x.Bytes), ui.Span(x.Changed.Sub(x.Started)))
		x.rejectsText(b)
		return
	}
	line(b, "owner", "%s", x.ownerText())
	parts := fmt.Sprintf("%s of %s done", humanize.Comma(x.Parts.Done), count(int(x.Parts.All), "part"))
	if x.Parts.Begun > 0 {
		parts += fmt.Sprintf(", %d under way", x.Parts.Begun)
	}
	if x.Parts.Failed > 0 {
		parts += fmt.Sprintf(", %d failed", x.Parts.Failed)
	}
	line(b, "parts", "%s", parts)
	line(b, "rows", "%s", x.rowsText())
	line(b, "last batch", "%s", x.batchText())
	if x.SnapshotAge != nil {
		line(b, "snapshot", "%s", x.snapshotText())
	}
	if s := x.Steps; s.Done+s.Begun+s.Failed > 0 {
		line(b, "steps", "%d done, %d under way, %d failed", s.Done, s.Begun, s.Failed)
	}
	x.rejectsText(b)
	x.failuresText(b)
	for _, s := range x.Stalled {
		line(b, "stalled", "%s", s)
	}
	if x.Next != "" {
		line(b, "continue", "%s", x.Next)
	}
}

func (x *runView) ownerText() string {
	switch o := x.Owner; {
	case o.Alive:
		return fmt.Sprintf("%s, at work (backend %d)", o.Name, o.PID)
	case o.Lease != nil:
		return fmt.Sprintf("%s, silent: its lease ended at %s", o.Name, o.Lease.Format(time.RFC3339))
	case o.Name != "":
		return fmt.Sprintf("nobody; it was %s", o.Name)
	}
	return "nobody"
}

func (x *runView) rowsText() string {
	s := fmt.Sprintf("%s, %s of about %s", count(int(x.Rows), "row"), ui.Size(x.EstimatedDone), ui.Size(x.Estimated))
	if x.BytesPerSecond > 0 {
		s += fmt.Sprintf("; %s/s, %s rows/s", ui.Size(x.BytesPerSecond), humanize.Comma(x.RowsPerSecond))
	}
	if x.SecondsLeft != nil && *x.SecondsLeft < 1e8 {
		s += fmt.Sprintf("; %s left", ui.About(time.Duration(*x.SecondsLeft*float64(time.Second))))
	}
	return s
}

func (x *runView) batchText() string {
	if x.LastBatchAge == nil {
		return "none is committed"
	}
	return span(*x.LastBatchAge) + " ago"
}

func span(secs float64) string { return ui.Span(time.Duration(secs * float64(time.Second))) }

func (x *runView) snapshotText() string {
	s := fmt.Sprintf("taken %s ago", span(*x.SnapshotAge))
	if x.Snapshot.KeptBy == "" && x.Snapshot.KeptPID == 0 {
		return s + ", held by the run itself"
	}
	s += fmt.Sprintf(", kept by %s (backend %d on the source", x.Snapshot.KeptBy, x.Snapshot.KeptPID)
	switch h := x.Holder; {
	case h == nil:
		return s + "; with --source it is asked whether it lives)"
	case h.Why != "":
		return s + "; the source could not be asked: " + h.Why + ")"
	case !h.Lives:
		return s + ", which is gone: a run that continues takes a new snapshot)"
	default:
		return s + fmt.Sprintf(", which lives; %s transactions since)", humanize.Comma(h.XminAge))
	}
}

// mostFailures is how many failures the text names; --json names all.
const mostFailures = 20

func (x *runView) failuresText(b *strings.Builder) {
	for i, f := range x.Failures {
		if i == mostFailures {
			line(b, "failed", "%d more (--json names all)", len(x.Failures)-i)
			return
		}
		what := f.Step
		if what == "" {
			what = fmt.Sprintf("%s (part %d)", f.Table, f.Part)
		}
		line(b, "failed", "%s: %s", what, redact(f.Error))
	}
}

func sessionsText(b *strings.Builder, side string, s *runs.Sessions) {
	if s == nil {
		return
	}
	if s.Told != "" {
		fmt.Fprintf(b, "sessions on the %s: %s\n", side, ui.Printable(s.Told))
		return
	}
	var bytes int64
	for _, x := range s.Sessions {
		bytes += x.CopyBytes
	}
	words := summary(s)
	if words == "" {
		words = "none"
	}
	if bytes > 0 {
		words += fmt.Sprintf("; %s under way in transactions that are not committed", ui.Size(bytes))
	}
	fmt.Fprintf(b, "sessions on the %s: %s\n", side, ui.Printable(words))
}
