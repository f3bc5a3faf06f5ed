package ui

import (
	"fmt"
	"io"

	"github.com/pg2db9/pg2db9/internal/event"
)

// plain prints lines: for logs, pipes and files.
type plain struct {
	w     io.Writer
	quiet bool // no progress lines, only what went wrong
}

var _ printer = (*plain)(nil)

func (p *plain) event(e event.Event) {
	if p.quiet && !important(e) {
		return
	}
	if line := eventLine(e); line != "" {
		_, _ = fmt.Fprintln(p.w, Printable(line))
	}
}

func (p *plain) progress(s sample) {
	if s.stage.phase != "" && !p.quiet {
		_, _ = fmt.Fprintln(p.w, Printable(progressLine(s)))
	}
}

func (p *plain) writer() io.Writer { return p.w }

func (p *plain) close() {}

// important reports events that are told even with --no-progress.
func important(e event.Event) bool {
	switch e := e.(type) {
	case event.PartRetry, event.PartFailed, event.StatementFailed, event.Note:
		return true
	case event.TableVerified:
		return e.Verdict != "match" && e.Verdict != "skipped"
	default:
		return false
	}
}
