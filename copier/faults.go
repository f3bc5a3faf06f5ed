package copier

import (
	"context"
	"errors"
)

// errLedgerRefused is a batch that the ledger did not take: it is recorded
// already, or does not follow the last, or the part has another owner.
var errLedgerRefused = errors.New("the ledger refused the batch")

// point names a moment in a batch's life at which tests make something happen.
type point string

// The points.
const (
	pointCopied     point = "copied"      // COPY was acknowledged, the ledger row was not sent
	pointRecorded   point = "recorded"    // the ledger row was acknowledged, COMMIT was not sent
	pointCommitSent point = "commit sent" // COMMIT was sent, its answer was not read
	pointPartDone   point = "part done"   // a part's last batch was acknowledged
)

// faults are the test's hooks; nil does nothing.
type faults struct {
	at func(ctx context.Context, p point, b *batch) error
	// beforeParts is called when the parts are planned and none is begun.
	beforeParts func()
	// believeAcks leaves out the look at the ledger after the durable commit.
	believeAcks bool
}

func (f *faults) hit(ctx context.Context, p point, b *batch) error {
	if f == nil || f.at == nil {
		return nil
	}
	return f.at(ctx, p, b)
}
