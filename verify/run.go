package verify

import (
	"context"
	"errors"
	"log/slog"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Params is what Run needs.
type Params struct {
	// Source is read when Copied is nil. With Copied it is asked for the
	// sequences' present positions alone, and may be nil.
	Source *dial.Endpoint
	// Snapshot is the exported snapshot to read the source in; when it is
	// empty, Run exports one of its own.
	Snapshot string
	Target   *dial.Endpoint

	Plan    *ddlgen.Plan
	Profile ddlgen.Profile // of the target

	// Copied is the account of the copier, table by table. When it is not nil,
	// the source is not read: a transfer without an account stays Unknown.
	Copied []SourceSide
	// Sequences are the positions that were given to the target's sequences.
	// When it is nil the plan's are expected; else one of the plan that is not
	// in it stays Unknown.
	Sequences []SequenceSet

	// ExistingTables says that the tables were there before the run and are the
	// user's (pg2db9 copy): their columns must hold what was copied, but may
	// have other types, another order and others beside them.
	ExistingTables bool
	// SkipData leaves the rows out, by the user's leave: they are Skipped.
	SkipData bool

	Jobs int // reads at once, each on a connection of its own; less than 1 is 1

	Bus      *event.Bus
	Progress *event.Progress // counts the rows read, in a run of its own; may be nil
	Log      *slog.Logger    // may be nil
}

// SourceSide is the account of one table that was copied. When Err is nil the
// four counts and the digest's are equal, or rows were lost on the way.
type SourceSide struct {
	Target catalog.Name

	Read   int64 // rows by the source's COPY tags
	Framed int64 // rows seen in the stream
	Acked  int64 // rows by the target's COPY tags
	Ledger int64 // rows by the ledger, after the durable commit

	Bytes  int64      // COPY TEXT bytes sent: what reading the table back will cost
	Digest digest.Sum // of the rows sent, in canonical form
	Err    error      // why the table is not complete: it is then not read back
}

// SequenceSet is a sequence as it was set on the target.
type SequenceSet struct {
	Target    catalog.Name
	Source    catalog.Name
	LastValue int64
	IsCalled  bool
	Err       error // why it could not be set
}

// Run compares the target with what the plan promises and the source held, and
// returns a report whether they are equal or not. The error is not nil when
// Run could not be begun or was cancelled; the report then says Unknown of all
// that was not looked at.
func Run(ctx context.Context, p Params) (*Report, error) {
	return &Report{}, errors.ErrUnsupported
}
