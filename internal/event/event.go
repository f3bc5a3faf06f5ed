// Package event is what the engines tell about a run. Lifecycle events are
// delivered to every listener, in order, and never dropped; counters that
// change with every row are meters, which listeners sample (Progress.Snapshot).
package event

import (
	"sync"
	"time"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// Event is one lifecycle event. The set is closed: listeners switch over it.
type Event interface{ event() }

// RunStarted opens a run.
type RunStarted struct {
	Run     string // run id
	Command string // "clone", "copy", ...
	Source  string // redacted
	Target  string // redacted
}

// PhaseStarted opens a phase: "connect", "catalog", "tables", "data", "keys", "verify", ...
type PhaseStarted struct {
	Phase string
	Items int // statements, parts or tables that it holds; 0 is unknown
}

// PhaseDone closes a phase.
type PhaseDone struct {
	Phase   string
	Elapsed time.Duration
	Failed  int // items that failed
}

// Part identifies a part in events.
type Part struct {
	ID       int64  // the part's number in the run
	Table    string // target table, unquoted
	Relation string // what is read on the source, when it is not the table itself (a leaf partition)
	Range    string // "whole", "blocks 0-8191"
	Bytes    int64  // estimated bytes on the source
}

// PartStarted says that a worker took a part.
type PartStarted struct{ Part Part }

// PartDone says that a part's rows are committed on the target.
type PartDone struct {
	Part    Part
	Rows    int64
	Bytes   int64 // COPY TEXT bytes sent
	Elapsed time.Duration
}

// PartRetry says that a part was interrupted and goes on from its last commit.
type PartRetry struct {
	Part    Part
	Err     error
	Attempt int           // the attempt that failed, from 1
	After   time.Duration // wait before the next
}

// PartFailed says that a part will not be finished in this run.
type PartFailed struct {
	Part Part
	Err  error
}

// TableDone says that every part of a table is committed on the target and its
// four counts agree. A table that fails has PartFailed events instead.
type TableDone struct {
	Table   string // target table, unquoted
	Parts   int
	Rows    int64
	Bytes   int64 // COPY TEXT bytes sent
	Elapsed time.Duration
}

// StatementDone says that a statement of the plan was executed.
type StatementDone struct {
	ID      string
	Phase   string
	Object  finding.Object
	Elapsed time.Duration
}

// StatementFailed says that a statement of the plan failed.
type StatementFailed struct {
	ID       string
	Phase    string
	Object   finding.Object
	SQL      string
	Err      error
	Optional bool // reported, but the run is not partial for it
}

// TableVerified gives one table's verdict.
type TableVerified struct {
	Table   string
	Verdict string // "match", "mismatch", "skipped", "errored", "unknown"
	Rows    int64
	Detail  string
}

// Found passes on a finding.
type Found struct{ Finding finding.Finding }

// Note is a sentence for the user that is not a failure: "a new snapshot is taken".
type Note struct{ Text string }

// RunDone closes a run.
type RunDone struct {
	Run      string
	ExitCode int
	Message  string // the last line: what happened and what to do next
	Elapsed  time.Duration
}

func (RunStarted) event()      {}
func (PhaseStarted) event()    {}
func (PhaseDone) event()       {}
func (PartStarted) event()     {}
func (PartDone) event()        {}
func (PartRetry) event()       {}
func (PartFailed) event()      {}
func (TableDone) event()       {}
func (StatementDone) event()   {}
func (StatementFailed) event() {}
func (TableVerified) event()   {}
func (Found) event()           {}
func (Note) event()            {}
func (RunDone) event()         {}

// Listener takes events. On is called from one goroutine at a time and must
// return quickly: the engine waits for it.
type Listener interface{ On(e Event) }

// Bus delivers events to its listeners in the order of Emit. The zero value
// has no listeners and may be used; a nil Bus drops everything.
type Bus struct {
	mu        sync.Mutex
	listeners []Listener
}

// NewBus returns a bus with the listeners.
func NewBus(ls ...Listener) *Bus { return &Bus{listeners: ls} }

// Emit delivers e to every listener before it returns.
func (b *Bus) Emit(e Event) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.listeners {
		l.On(e)
	}
}
