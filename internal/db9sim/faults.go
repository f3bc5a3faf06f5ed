package db9sim

import "context"

// point is where a fault can strike.
type point string

// The points.
const (
	atConnect      point = "connect"
	atStatement    point = "statement" // detail: the statement's tag, such as "CREATE TABLE"
	atBegin        point = "begin"
	atCopyStart    point = "copy-start"
	atCopyData     point = "copy-data" // detail: bytes so far
	atCopyDone     point = "copy-done"
	atLedger       point = "ledger" // an INSERT after a COPY in one transaction
	atBeforeCommit point = "before-commit"
	atAfterCommit  point = "after-commit"
)

// Fault says what goes wrong, where, and when.
type Fault struct {
	Point       string
	Action      string // reset, blackhole, stall, an SQLSTATE, commit-lost, commit-late, rollback-for-commit
	Nth         int    // of the times the point is passed, from 1; 0 leaves it to Probability
	Probability float64
	Times       int // at most; 0 is once
}

// fault is one to be injected now.
type fault struct {
	action string
}

type faults struct{}

func newFaults([]Fault, uint64) *faults { return &faults{} }

// at says what goes wrong at a point this time.
func (f *faults) at(point, string) (fault, bool) { return fault{}, false }

// fault asks for a fault at a point and lets it happen: a stall is waited for,
// an SQLSTATE is returned as a refusal, and a connection that ends gives an
// error, with which the session ends without another word to its client.
func (s *session) fault(_ context.Context, p point, detail string) (*refusal, error) {
	if _, ok := s.sim.faults.at(p, detail); !ok {
		return nil, nil
	}
	return nil, nil
}

// commit runs a COMMIT, or END, with what may go wrong before, in and after it.
func (s *session) commit(ctx context.Context, stmt *statement) (outcome, error) {
	return s.forward(ctx, stmt)
}
