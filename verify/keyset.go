package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgerrcode"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/keyset"
)

const (
	// pageTries is how often one page is read in a row before it is given up:
	// each time it is smaller, so that at last it is one row.
	pageTries = 10
	// defaultPatience is how long a server that is away is tried again.
	defaultPatience = 30 * time.Second
	// transactionTimeout is the SQLSTATE that PostgreSQL 17 ends a transaction with.
	transactionTimeout = "25P04"
)

// errStuck is a target whose order is not the one it compares by.
var errStuck = errors.New("a page ends where the one before it did: the target does not compare the key as it orders it, so its rows cannot be read in pages")

// errTwice is a key that the target holds more than once: a page's LIMIT can cut
// off the second row, and the next page begins behind both.
var errTwice = errors.New("the last key of a page stands in several rows of the target: its rows cannot be read in pages of a key that is not unique there")

// readPages reads a table of the target page by page. A page counts when all of
// it arrived. One that did not is read again on another connection, smaller,
// from the last key on; what was digested before stays.
func (v *run) readPages(ctx context.Context, r *read, meter *event.Meter) (seen, error) {
	buckets := newBucketTally(r.table.buckets)
	if buckets != nil {
		buckets.logged = true
	}
	s, err := v.readPagesInto(ctx, r, buckets, meter)
	if buckets != nil {
		s.buckets = buckets.bucketSums
	}
	return s, err
}

// pageTaker takes the rows of pages beside their sum: those of a page that
// arrived are kept, those of one that did not are undone.
type pageTaker interface {
	attach(t *tally)
	keep() error
	undo()
	most() int64 // rows that a page may have
}

func (v *run) readPagesInto(ctx context.Context, r *read, taker pageTaker, meter *event.Meter) (s seen, err error) {
	limit := time.Duration(v.p.Profile.StatementLimit) * time.Millisecond
	pace := keyset.NewPace(limit, r.pages.RowLen)
	var at keyset.Position
	var trouble time.Time // since when no page arrived
	tries := 0
	wait := newBackOff(v.patience())
	for {
		started := time.Now()
		limit := min(pace.Rows, taker.most())
		page, asked, err := v.readPage(ctx, r, at, limit, taker)
		if err == nil {
			if err := taker.keep(); err != nil {
				return s, err
			}
			tries, trouble = 0, time.Time{}
			v.gone.Store(false)
			wait.Reset()
			rows := int64(page.tally.sum.Rows) //nolint:gosec // rows of a page
			s.sum.Merge(page.tally.sum)
			s.bytes += page.tally.bytes
			meter.Add(rows, page.tally.bytes)
			last := page.lastKey()
			if rows > 0 && at.Level > 0 && slices.Equal(last, at.Key) {
				return s, errStuck
			}
			var done bool
			if at, done = r.pages.Next(at, rows, limit, last); done {
				return s, nil
			}
			pace.Measured(rows, page.tally.bytes, time.Since(started))
			if err := v.slow(ctx, true, page.tally.bytes, meter); err != nil {
				return s, err
			}
			continue
		}
		taker.undo()
		if trouble.IsZero() { // not when the page began: it may have been long under way
			trouble = time.Now()
		}
		if tries++; ctx.Err() != nil || !v.again(r, err, tries, time.Since(trouble)) {
			return s, err
		}
		v.p.Log.DebugContext(ctx, "a page is read again", "table", r.relation, "rows", pace.Rows, "error", err)
		if tries == 1 {
			v.p.Bus.Emit(event.Note{Text: fmt.Sprintf("%s is read on from where it was on the target (%s): %v", r.relation, r.part.label, err)})
		}
		if asked { // a server that is away says nothing of what it can do
			pace.Failed()
		}
		if len(r.pages.Key) == 0 {
			meter.Reset(0, 0)
		}
		pause := time.NewTimer(wait.NextBackOff())
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return s, context.Cause(ctx)
		}
		v.target.forgive()
	}
}

// readPage reads one page on a session of the pool. The session of a page that
// failed is closed, whatever the failure: after a timeout a target may have
// left its transaction in silence. Asked says whether the target was asked for it.
func (v *run) readPage(ctx context.Context, r *read, at keyset.Position, limit int64, taker pageTaker) (p *page, asked bool, err error) {
	page, err := newPage(r.pages, r.table.canons)
	if err != nil {
		return nil, false, err
	}
	taker.attach(page.tally)
	s, err := v.target.get(ctx)
	if err != nil {
		return nil, false, err
	}
	if err := s.checkBorder(ctx, r.pages.BorderSQL(at)); err != nil {
		v.target.drop(s)
		return nil, false, err
	}
	if err := s.selectPage(ctx, r.pages.SQL(at, limit), page); err != nil {
		v.target.drop(s)
		return nil, true, err
	}
	v.target.put(s)
	return page, true, nil
}

// checkBorder executes a statement of borderSQL, if there is one.
func (s *session) checkBorder(ctx context.Context, sql string) error {
	if sql == "" {
		return nil
	}
	timed, cancel := context.WithTimeoutCause(ctx, silence, fmt.Errorf("looking for a key that stands twice: no answer within %s: %w", silence, dial.ErrLost))
	defer cancel()
	results, err := s.conn.PgConn().Exec(timed, sql).ReadAll()
	switch {
	case err != nil && timed.Err() != nil:
		return context.Cause(timed)
	case err != nil:
		return fmt.Errorf("looking for a key that stands twice: %w", err)
	case len(results) != 1:
		return fmt.Errorf("%w: rows of one key", errProtocol)
	case len(results[0].Rows) > 1:
		return errTwice
	}
	return nil
}

// again says whether a page that failed may be read once more.
func (v *run) again(r *read, err error, tries int, trouble time.Duration) bool {
	switch dial.SQLState(err) {
	case pgerrcode.QueryCanceled: // the statement timeout: a smaller page may be done in time
		return len(r.pages.Key) > 0 && tries < pageTries
	case pgerrcode.IdleInTransactionSessionTimeout, transactionTimeout:
		return tries < pageTries
	}
	switch dial.Classify(err) {
	case dial.Retry:
		return tries < pageTries
	case dial.Lost:
		if trouble < v.patience() && !v.gone.Load() {
			return len(r.pages.Key) > 0 || tries < attempts
		}
		v.gone.Store(true) // the next table does not wait as long again
	case dial.Final, dial.Refused, dial.Cancelled:
	}
	return false
}

// newBackOff waits 0.2 s, 0.4 s, 0.8 s, ... with jitter, at most 5 s; shorter
// where there is little patience.
func newBackOff(patience time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = max(min(200*time.Millisecond, patience/10), time.Microsecond)
	b.Multiplier = 2
	b.MaxInterval = max(min(5*time.Second, patience), time.Microsecond)
	b.Reset()
	return b
}

// patience is how long a target that is away is tried again.
func (v *run) patience() time.Duration {
	if v.p.Patience == 0 {
		return defaultPatience
	}
	return v.p.Patience
}

const (
	leastRange    = 4 << 20 // bytes below which a table is read in one chain of pages
	rangesPerJob  = 4       // so that jobs end together
	borderTimeout = 30 * time.Second
)

// splitPages plans the pages of the target's tables. A large one whose key
// begins with an integer is cut into ranges that are read at once; of others
// several tables are read at once, each in its own chain.
func (v *run) splitPages(ctx context.Context, whole []*read, total int64) []*read {
	limit := max(total/int64(v.p.Jobs*rangesPerJob), leastRange)
	reads := make([]*read, 0, len(whole))
	for _, w := range whole {
		t := w.table.transfer
		p := keyset.New(t, v.only(t))
		if a := v.accounts[t.Target]; a.Read > 0 {
			p.RowLen = max(1, a.Bytes/a.Read)
		}
		parts := []*keyset.Pages{p}
		if n := int(w.part.bytes / limit); v.p.Jobs > 1 && n > 1 && p.Splittable() {
			least, greatest, err := v.borders(ctx, p)
			if err != nil {
				v.p.Log.DebugContext(ctx, "the table is read in one chain of pages", "table", t.Target, "error", err)
			} else {
				parts = p.Ranges(least, greatest, n)
			}
		}
		w.table.pending += len(parts) - 1
		for _, p := range parts {
			reads = append(reads, &read{
				table: w.table, target: true, relation: w.relation, pages: p,
				part: part{label: p.Label(), bytes: w.part.bytes / int64(len(parts))},
			})
		}
	}
	return reads
}

// borders asks for the least and the greatest value of the first key column. It
// only decides where the ranges are cut: whatever it says, they hold every row.
func (v *run) borders(ctx context.Context, p *keyset.Pages) (least, greatest int64, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, borderTimeout, errors.New("asking for the bounds of the key took too long"))
	defer cancel()
	s, err := v.target.get(ctx)
	if err != nil {
		return 0, 0, err
	}
	results, err := s.conn.PgConn().Exec(ctx, p.BordersSQL()).ReadAll()
	if err != nil {
		v.target.drop(s)
		return 0, 0, err
	}
	v.target.put(s)
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != 2 {
		return 0, 0, fmt.Errorf("%w: bounds of the key", errProtocol)
	}
	row := results[0].Rows[0]
	if least, err = strconv.ParseInt(string(row[0]), 10, 64); err != nil { // no rows
		return 0, 0, err
	}
	greatest, err = strconv.ParseInt(string(row[1]), 10, 64)
	return least, greatest, err
}
