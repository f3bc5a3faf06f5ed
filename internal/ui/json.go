package ui

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// jsonLines prints one object a line. The names are a contract:
// docs/json-output.md lists them, and a test compares.
type jsonLines struct {
	lines *Lines
	quiet bool // no progress objects
	errs  io.Writer
}

var _ printer = (*jsonLines)(nil)

// Lines writes JSON objects, one a line, each with its type first.
type Lines struct {
	w   io.Writer
	now func() time.Time
}

// NewLines returns a writer of JSON lines.
func NewLines(w io.Writer) *Lines { return &Lines{w: w, now: time.Now} }

// Object is one JSON line: keys in the order they are written.
type Object []Field

// Field is one key of an Object.
type Field struct {
	Key   string
	Value any
}

// Write prints one object with "type" and "time" before its fields.
func (l *Lines) Write(kind string, fields Object) {
	all := append(Object{{"type", kind}, {"time", l.now().UTC().Format(time.RFC3339Nano)}}, fields...)
	buf := []byte{'{'}
	for i, f := range all {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(append(buf, encode(f.Key)...), ':')
		buf = append(buf, encode(f.Value)...)
	}
	_, _ = l.w.Write(append(buf, '}', '\n')) // nothing can be told about a broken stdout
}

// encode is json.Marshal with <, > and & as they are.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte(`"unprintable"`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (p *jsonLines) event(e event.Event) {
	kind, fields := eventObject(e)
	if kind != "" {
		p.lines.Write(kind, fields)
	}
}

func (p *jsonLines) writer() io.Writer { return p.errs }

func (p *jsonLines) close() {}

// eventObject gives an event's type and fields; events of the run's end are
// not printed here but as the exit object.
func eventObject(e event.Event) (string, Object) {
	switch e := e.(type) {
	case event.RunStarted:
		return "run_started", Object{{"run", e.Run}, {"command", e.Command}, {"source", e.Source}, {"target", e.Target}}
	case event.PhaseStarted:
		return "phase_started", Object{{"phase", e.Phase}, {"items", e.Items}}
	case event.PhaseDone:
		return "phase_done", Object{{"phase", e.Phase}, {"seconds", seconds(e.Elapsed)}, {"failed", e.Failed}}
	case event.PartStarted:
		return "part_started", partFields(e.Part)
	case event.PartDone:
		return "part_done", append(partFields(e.Part), Field{"rows", e.Rows}, Field{"bytes", e.Bytes}, Field{"seconds", seconds(e.Elapsed)})
	case event.PartRetry:
		return "part_retry", append(partFields(e.Part), Field{"attempt", e.Attempt}, Field{"after_seconds", seconds(e.After)},
			Field{"error", ErrorText(e.Err)}, Field{"sqlstate", dial.SQLState(e.Err)})
	case event.PartFailed:
		return "part_failed", append(partFields(e.Part), Field{"error", ErrorText(e.Err)}, Field{"sqlstate", dial.SQLState(e.Err)})
	case event.TableDone:
		return "table_done", Object{{"table", e.Table}, {"parts", e.Parts}, {"rows", e.Rows}, {"bytes", e.Bytes}, {"seconds", seconds(e.Elapsed)}}
	case event.StatementDone:
		return "statement_done", Object{{"id", e.ID}, {"phase", e.Phase}, {"object", e.Object}, {"seconds", seconds(e.Elapsed)}}
	case event.StatementFailed:
		return "statement_failed", Object{
			{"id", e.ID},
			{"phase", e.Phase},
			{"object", e.Object},
			{"sql", e.SQL},
			{"error", ErrorText(e.Err)},
			{"sqlstate", dial.SQLState(e.Err)},
			{"optional", e.Optional},
		}
	case event.TableVerified:
		return "table_verified", Object{{"table", e.Table}, {"verdict", e.Verdict}, {"rows", e.Rows}, {"detail", e.Detail}}
	case event.Found:
		return "finding", FindingFields(e.Finding)
	case event.Note:
		return "note", Object{{"text", Redact(e.Text)}}
	case event.RunDone:
		return "", nil
	}
	return "", nil
}

// FindingFields are the fields of a finding object.
func FindingFields(f finding.Finding) Object {
	return Object{{"code", f.Code}, {"severity", f.Severity}, {"object", f.Object}, {"message", f.Message}, {"remedy", f.Remedy}}
}

func partFields(p event.Part) Object {
	return Object{{"part", p.ID}, {"table", p.Table}, {"relation", p.Relation}, {"range", p.Range}, {"estimated_bytes", p.Bytes}}
}

func (p *jsonLines) progress(s sample) {
	if s.stage.phase == "" || p.quiet {
		return
	}
	o := Object{
		{"phase", s.stage.phase},
		{"items", s.stage.items},
		{"done", s.stage.done},
		{"failed", s.stage.failed},
		{"rows", s.Rows},
		{"bytes", s.Bytes},
		{"parts_done", s.DoneParts},
		{"parts", s.TotalParts},
		{"keys_building", s.Building},
		{"keys_built", s.Built},
		{"estimated_bytes_done", s.DoneBytes},
		{"estimated_bytes", s.TotalBytes},
		{"rows_per_second", int64(s.rowRate)},
		{"bytes_per_second", int64(s.byteRate)},
	}
	var left any
	if s.leftOK {
		left = seconds(s.left)
	}
	o = append(o, Field{"seconds_left", left}, Field{"limited_by", s.limit}, Field{"held", s.Held})
	running := make([]map[string]any, 0, len(s.Running))
	for _, r := range s.Running {
		running = append(running, map[string]any{
			"part": r.Part.ID, "table": r.Part.Table, "relation": r.Part.Relation, "range": r.Part.Range,
			"rows": r.Rows, "bytes": r.Bytes, "estimated_bytes": r.Part.Bytes,
			"waits_for": waitWord(r.Waits), "seconds": seconds(r.Elapsed),
		})
	}
	p.lines.Write("progress", append(o, Field{"running", running}))
}

func waitWord(w event.Waits) string {
	switch w {
	case event.WaitSource:
		return limitSource
	case event.WaitTarget:
		return limitTarget
	case event.WaitRate:
		return limitRate
	case event.WaitGuard:
		return limitGuard
	case event.WaitNetwork:
		return limitNetwork
	case event.WaitRetry:
		return limitRetry
	case event.WaitNothing:
	}
	return limitNothing
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
