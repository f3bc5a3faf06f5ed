package copier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Params is what Copy needs.
type Params struct {
	Source   *dial.Endpoint
	Target   *dial.Endpoint
	Snapshot *Snapshot
	Plan     *ddlgen.Plan
	Profile  ddlgen.Profile
	Run      string // run id, see NewRunID
	Jobs     int    // parts copied at once, each with one connection to either side
	Split    Split  // how tables are cut into parts

	// MinJobs and MaxJobs bound how many that may become while the target is
	// measured; without MaxJobs it stays at Jobs, and only falls where a server has
	// no more connections.
	MinJobs, MaxJobs int

	MaxRate int64       // bytes a second that are read from the source, over all jobs; 0 is no bound
	Guard   GuardLimits // what others may suffer on the source

	// Truncate names target tables that are emptied before they are loaded
	// (--on-existing truncate).
	Truncate []catalog.Name

	// Keys are statements of ddlgen.PhaseKeys that the workers may execute beside
	// the copies, when the rows of their table are all there. Copy does not wait for
	// them: see Result.Keys. Record is told of each that was executed.
	Keys   []ddlgen.Statement
	Record func(ctx context.Context, s Step)

	// Owner is the lease's that holds the run (Lease.Owner); "" is none. What takes
	// rows or parts away is done only while the run is its.
	Owner string

	// Resume continues the run of this name; nil begins it.
	Resume *Resume

	// Stop is closed on the first interrupt: batches in flight are finished, no
	// part and no batch is begun any more. Nil never stops.
	Stop <-chan struct{}

	// OnRowError says what becomes of a row that the target refuses; with RowReject
	// at most MaxRejects of the run are refused before a table fails for one.
	OnRowError RowErrors
	MaxRejects int64

	// For the ledger: name and version of this program, the command that it runs,
	// and what the user asked for, as JSON without secrets.
	Tool, Command, Options string

	// Made takes the place of Source and Snapshot where rows are made in place of
	// being read (a measurement of the target).
	Made Maker

	Bus      *event.Bus
	Progress *event.Progress
	Log      *slog.Logger
	Batches  func(Batch) // told of every batch that the target has committed, by any worker; nil is not

	// Patience is how long a server that is away is tried again without any
	// progress, before a table is given up; 0 is five minutes.
	Patience time.Duration

	survivorWait time.Duration // 0 is the default; tests shorten it
	answerWait   time.Duration // the same
	faults       *faults
	speeds       *speeds // nil: a new one
}

// Result is what Copy did, table by table, whether it succeeded or not.
type Result struct {
	Run     string
	Tables  []TableResult // by target name; every transfer of the plan has one
	Elapsed time.Duration

	// Keys are what the workers still execute of Params.Keys, until ctx ends. The
	// caller waits for them; what was not executed is left to Apply.
	Keys *KeysBeside

	// Jobs is how many the servers had connections for: fewer than asked for where
	// one has refused some, else 0.
	Jobs int
}

// TableResult is the account of one target table. When Err is nil, Read and
// Framed are equal, Acked and Ledger are, and the two differ by Rejected
// (invariant 3).
type TableResult struct {
	Target catalog.Name
	Source catalog.Name

	Parts     int
	PartsDone int

	Read   int64 // rows by the source's COPY tags
	Framed int64 // rows seen in the stream
	Acked  int64 // rows by the target's COPY tags
	Ledger int64 // rows that were loaded by the ledger, read after the durable commit

	Rejected int64 // rows that the target refused, by the ledger

	Bytes   int64      // of COPY, in the format in which the rows came
	Digest  digest.Sum // of the rows loaded, in canonical form
	Binary  bool       // they came in the binary format: Digest is of that form, and says nothing about text
	Elapsed time.Duration
	Err     error
}

// PartialError says what was copied when not all was.
type PartialError struct {
	Done        []catalog.Name // target tables complete
	Failed      []TableError
	Interrupted bool // stopped by the user
	Err         error
}

// TableError is why one table is not complete.
type TableError struct {
	Table catalog.Name
	Err   error
}

// Error implements error.
func (e *PartialError) Error() string {
	var b strings.Builder
	if e.Interrupted {
		b.WriteString("interrupted: ")
	}
	if len(e.Failed) == 0 && e.Err != nil {
		fmt.Fprintf(&b, "%v: ", e.Err)
	}
	fmt.Fprintf(&b, "%d tables copied, %d not", len(e.Done), len(e.Failed))
	for i, f := range e.Failed {
		if i == 10 {
			fmt.Fprintf(&b, "; and %d more", len(e.Failed)-i)
			break
		}
		fmt.Fprintf(&b, "; %s: %v", f.Table, f.Err)
	}
	return b.String()
}

// Unwrap returns the first cause.
func (e *PartialError) Unwrap() error { return e.Err }

// Stopped says that an error of Copy's is nothing but the end of a run that was
// stopped (Params.Stop): what was not copied was not begun, or left at a batch's
// end.
func Stopped(err error) bool {
	var partial *PartialError
	if !errors.As(err, &partial) || !partial.Interrupted {
		return false
	}
	for _, f := range partial.Failed {
		if !errors.Is(f.Err, errStopped) {
			return false
		}
	}
	return len(partial.Failed) > 0
}
