package copier

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/secret"
)

// ErrNotFailed is a table that is not complete, and that a run which takes up
// only failures leaves as it is.
var ErrNotFailed = errors.New("it was broken off and did not fail: --retry-failed leaves it")

// failedText is how much of a reason the ledger keeps, in bytes.
const failedText = 2000

// passes says whether an error may pass when the part is tried again. A batch
// that the ledger refused is one: what it holds is read again first.
func passes(err error) bool {
	var answer *answerError
	if c := dial.Classify(err); c == dial.Lost || c == dial.Retry {
		return true
	}
	// Not errLostOwnership: whoever raised the epoch owns the part, and taking it
	// back would double what that one writes.
	return errors.Is(err, errLedgerRefused) || errors.As(err, &answer)
}

// MayGoOn says whether a table that was not copied for this reason may be gone
// on with as it is: it was stopped, or a server was away. Else something has to
// be mended first.
func MayGoOn(err error) bool {
	return errors.Is(err, errStopped) || errors.Is(err, context.Canceled) || passes(err)
}

// failure is a part that was given up, and why.
type failure struct {
	part int64
	why  string
}

// failureOf is what the ledger is to keep of a part, without a password that a
// server quotes; "" where it was stopped, or is another process's: that is no failure.
func failureOf(err error) string {
	if err == nil || errors.Is(err, errStopped) || errors.Is(err, context.Canceled) || errors.Is(err, errLostOwnership) {
		return ""
	}
	text := secret.Redact(strings.ReplaceAll(err.Error(), "\x00", ""))
	if len(text) > failedText {
		text = text[:failedText]
	}
	return strings.ToValidUTF8(text, "")
}

// givenUp are the parts that this process gave up.
func (c *copyRun) givenUp() (out []failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.parts {
		if why := failureOf(s.failed); why != "" && !s.done {
			out = append(out, failure{s.part.ID, why})
		}
	}
	return out
}

// tellLedger records a failure while the run goes on, for whoever asks how it is.
// The end records all once more, so one that cannot be recorded now is none less.
func (c *copyRun) tellLedger(ctx context.Context, s *partState) {
	why := failureOf(s.failed)
	if why == "" || ctx.Err() != nil || dial.Classify(s.failed) == dial.Lost {
		return
	}
	c.ledgerMu.Lock()
	defer c.ledgerMu.Unlock()
	_ = c.recordFailures(ctx, []failure{{s.part.ID, why}}) // the end records it once more
}

// recordFailures puts into the ledger why parts failed, within a bound: a session
// that outlived its client may hold a part's row for as long as it likes, and the
// run must come to its end, whatever it then says.
func (c *copyRun) recordFailures(ctx context.Context, failures []failure) error {
	bounded, cancel := context.WithTimeoutCause(ctx, c.ledger.telling, errors.New("the target did not answer while a failure was recorded"))
	defer cancel()
	err := c.ledger.giveUp(bounded, failures)
	if err != nil && c.Log != nil {
		c.Log.WarnContext(ctx, "a failure is not in the ledger yet", "part", failures[0].part, "failures", len(failures), "error", err)
	}
	if bounded.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// giveUp records why parts were given up.
func (l *ledger) giveUp(ctx context.Context, failures []failure) error {
	if len(failures) == 0 {
		return nil
	}
	parts := map[string][]int64{}
	for _, f := range failures {
		parts[f.why] = append(parts[f.why], f.part)
	}
	var steps []string
	for _, why := range slices.Sorted(maps.Keys(parts)) {
		for some := range slices.Chunk(parts[why], fenceStep) {
			steps = append(steps, fmt.Sprintf("UPDATE _pg2db9.part SET failed = %s WHERE run = %s AND part IN (%s)", quote.Literal(why), quote.Literal(l.run), numbers(some)))
		}
	}
	return l.do(ctx, "recording what failed", func(conn *pgx.Conn) error {
		return l.transaction(ctx, conn, l.owning(steps...))
	})
}

// failedBefore says that a process before this one gave the table up.
func (t *taking) failedBefore(table catalog.Name) bool {
	return slices.ContainsFunc(t.byTarget[table], func(r recordedPart) bool { return r.failed != "" })
}

// leftOut says why a table is not gone on with; nil where it is. One whose rows
// went, or which was to be emptied, is not complete, whatever its parts say.
func (t *taking) leftOut(table catalog.Name, gone bool) error {
	switch {
	case slices.Contains(t.Resume.Skip, table):
		return ErrSkipped
	case t.Resume.OnlyFailed && (gone || !t.complete(table)) && !t.failedBefore(table) && !slices.Contains(t.Resume.Redo, table):
		return ErrNotFailed
	}
	return nil
}

// givenUpBefore are the parts of the tables that are gone on with which the
// ledger has as failures: they are none while they are tried again.
func (t *taking) givenUpBefore() (out []int64) {
	for _, i := range t.keep {
		for _, r := range t.byTarget[t.Plan.Transfers[i].Target] {
			if r.failed != "" {
				out = append(out, r.part.ID)
			}
		}
	}
	return out
}
