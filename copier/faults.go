package copier

import (
	"context"
	"errors"
	"time"
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
	// These take a protection away, to show what it keeps off.
	trustTags  bool          // answers without an error are good, whatever they say
	anyBytes   bool          // rows are not held against UTF-8
	guardEvery time.Duration // between two looks at the source; 0 is the default
	gateWindow time.Duration // how long the target is measured; 0 is the default
	anyTimeout bool          // timeouts that the target keeps are no error
}

// less applies what is taken away from a run's protections.
func (f *faults) less(c *copyRun) {
	if f == nil {
		return
	}
	if f.anyTimeout {
		const least = 1 // ms: whatever is read back is enough
		c.reader, c.writer = c.reader.WithLimits(least, least), c.writer.WithLimits(least, least)
		c.ledger.settings = c.ledger.settings.WithLimits(least, least)
	}
	c.checkUTF8 = c.checkUTF8 && !f.anyBytes
}

// hitBeforeParts tells that the parts are planned.
func (c *copyRun) hitBeforeParts() {
	if c.faults != nil && c.faults.beforeParts != nil {
		c.faults.beforeParts()
	}
}

func (f *faults) hit(ctx context.Context, p point, b *batch) error {
	if f == nil || f.at == nil {
		return nil
	}
	return f.at(ctx, p, b)
}

// believed are the counts of an answer that nobody looks at.
func (b *batch) believed(e *expected) []int64 {
	counts := make([]int64, len(e.tags))
	for i, tag := range e.tags {
		counts[i] = 1
		if tag == "COPY" {
			counts[i] = b.rows()
		}
	}
	return counts
}
