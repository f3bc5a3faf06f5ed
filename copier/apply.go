package copier

import (
	"context"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// ApplyParams is what Apply needs.
type ApplyParams struct {
	Target     *dial.Endpoint
	Statements []ddlgen.Statement // of one phase or of several, in plan order
	Jobs       int                // statements at once, within a phase
	// Skip says why a statement must not be run, "" to run it: keys of a table
	// whose data are not complete.
	Skip func(ddlgen.Statement) string
	// Prefix is executed once on each connection, e.g. to raise maintenance_work_mem.
	StopAtFirst bool // pre-data: the first failure ends it
	Stop        <-chan struct{}
	Bus         *event.Bus
}

// Applied is what became of the statements.
type Applied struct {
	Done    []string // IDs
	Failed  []StatementError
	Skipped []SkippedStatement
	Elapsed time.Duration
}

// StatementError is a statement that failed.
type StatementError struct {
	Statement ddlgen.Statement
	Err       error
}

// SkippedStatement is a statement that was not run, and why.
type SkippedStatement struct {
	Statement ddlgen.Statement
	Reason    string
}

// Apply executes statements phase by phase; inside a phase as many at once as
// Jobs and their After edges allow. It returns an error only when it could not
// go on at all (no connection, cancelled, or StopAtFirst); failed statements
// are in the result.
func Apply(ctx context.Context, p ApplyParams) (*Applied, error) {
	panic("unwritten")
}

// SequenceParams is what SetSequences needs.
type SequenceParams struct {
	Source *dial.Endpoint // read again, so that the target is not behind a source in use; nil takes the plan's values
	Target *dial.Endpoint
	Values []ddlgen.SequenceValue
	Bus    *event.Bus
}

// SequenceResult is a sequence as it was set on the target.
type SequenceResult struct {
	Source    catalog.Name
	Target    catalog.Name
	LastValue int64
	IsCalled  bool
	Err       error
}

// SetSequences gives the target's sequences the source's present positions.
func SetSequences(ctx context.Context, p SequenceParams) ([]SequenceResult, error) {
	panic("unwritten")
}
