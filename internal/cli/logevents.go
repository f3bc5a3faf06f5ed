package cli

import (
	"log/slog"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// logListener writes a run's events into its log. The names of records and of
// their attributes stay what they are.
type logListener struct{ log *slog.Logger }

// On implements event.Listener.
func (l logListener) On(e event.Event) {
	switch e := e.(type) {
	case event.RunStarted:
		l.log.Info("run started", "command", e.Command, "source", e.Source, "target", e.Target)
	case event.PhaseStarted:
		l.log.Info("phase started", "phase", e.Phase, "items", e.Items)
	case event.PhaseDone:
		l.log.Info("phase done", "phase", e.Phase, "seconds", e.Elapsed.Seconds(), "failed", e.Failed)
	case event.PartStarted:
		l.log.Info("part started", partAttrs(e.Part, "bytes_estimated", e.Part.Bytes)...)
	case event.PartDone:
		l.log.Info("part done", partAttrs(e.Part, "rows", e.Rows, "bytes", e.Bytes, "seconds", e.Elapsed.Seconds())...)
	case event.PartRetry:
		l.log.Warn("part retried", partAttrs(e.Part, "attempt", e.Attempt, "after_seconds", e.After.Seconds(), "sqlstate", dial.SQLState(e.Err), "error", e.Err)...)
	case event.PartFailed:
		l.log.Error("part failed", partAttrs(e.Part, "sqlstate", dial.SQLState(e.Err), "error", e.Err)...)
	case event.TableDone:
		l.log.Info("table done", "table", e.Table, "parts", e.Parts, "rows", e.Rows, "bytes", e.Bytes, "seconds", e.Elapsed.Seconds())
	case event.StatementDone:
		l.log.Info("statement done", "id", e.ID, "phase", e.Phase, "object", e.Object.String(), "seconds", e.Elapsed.Seconds())
	case event.StatementFailed:
		log := l.log.Error
		if e.Optional {
			log = l.log.Warn
		}
		log("statement failed", "id", e.ID, "phase", e.Phase, "object", e.Object.String(), "sqlstate", dial.SQLState(e.Err), "error", e.Err)
	case event.TableVerified:
		l.log.Info("table verified", "table", e.Table, "verdict", e.Verdict, "rows", e.Rows, "detail", e.Detail)
	case event.Found:
		l.found(e.Finding)
	case event.Note:
		l.log.Info("note", "text", e.Text)
	case event.RunDone: // the end is recorded when its code stands
	default: // of which stderr or the report tell
	}
}

func (l logListener) found(f finding.Finding) {
	l.log.Info("finding", "code", string(f.Code), "severity", f.Severity.String(), "object", f.Object.String(), "text", f.Message)
}

// partAttrs name the part in every record that is about one.
func partAttrs(p event.Part, more ...any) []any {
	return append([]any{"part", p.ID, "table", p.Table, "relation", p.Relation, "range", p.Range}, more...)
}
