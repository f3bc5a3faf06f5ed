package copier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// copyRun is one Copy under way.
type copyRun struct {
	Params
	reader    dial.Settings
	writer    dial.Settings
	checkUTF8 bool
	huge      *semaphore.Weighted

	ledgerMu sync.Mutex // the ledger has one connection
	ledger   *ledger

	parts []*partState

	mu     sync.Mutex
	broken map[catalog.Name]error // target tables that will not be complete, and why
	open   map[catalog.Name]int   // parts of each target table that are not done
}

// maxRounds is how often lost commits are looked for and sent again: each round
// after the first follows a restart of the target in the middle of the load.
const maxRounds = 4

// Copy copies the rows of every transfer of the plan and returns the account.
// The error is a *PartialError when some tables are complete and others not.
func Copy(ctx context.Context, p Params) (*Result, error) {
	started := time.Now()
	c := &copyRun{
		Params: p, huge: semaphore.NewWeighted(1), broken: map[catalog.Name]error{}, open: map[catalog.Name]int{},
		ledger: newLedger(p.Target, ControlSettings(p.Profile), p.Run),
	}
	defer c.ledger.close(ctx)
	if c.survivorWait > 0 {
		c.ledger.wait = c.survivorWait
	}
	c.reader, c.writer = ReaderSettings(p.Profile), WriterSettings(p.Profile)
	if err := c.prepare(ctx); err != nil {
		return &Result{Run: p.Run}, err
	}
	pending := c.parts
	var err error
	for round := 1; ; round++ {
		if err = c.copyAll(ctx, pending); err != nil {
			break
		}
		if pending, err = c.settle(ctx); err != nil || len(pending) == 0 {
			break
		}
		if round == maxRounds {
			err = fmt.Errorf("after %d rounds the target still does not hold %d parts that it had acknowledged: it loses commits", round, len(pending))
			break
		}
		c.Bus.Emit(event.Note{Text: fmt.Sprintf("the target lost acknowledged commits (it was restarted): %d parts are sent again", len(pending))})
	}
	if err != nil {
		c.settleAnyway(ctx)
	}
	res := c.result(ctx, err)
	res.Elapsed = time.Since(started)
	return res, c.outcome(res, err)
}

// ReaderSettings are the session settings under which a profile's source rows
// are read.
func ReaderSettings(p ddlgen.Profile) dial.Settings {
	if p.Map { // money is cast to numeric there, by the database's own lc_monetary
		return dial.Reader()
	}
	return dial.Reader().RawMoney()
}

// WriterSettings are the session settings under which rows are written.
func WriterSettings(p ddlgen.Profile) dial.Settings {
	s := dial.Writer()
	if !p.Map {
		s = s.RawMoney()
	}
	if p.AsyncCommit {
		s = s.With("synchronous_commit", "off")
	}
	return s
}

// ControlSettings are the session settings under which everything but rows is
// written: the ledger's own statements, DDL, sequences. What they acknowledge
// is on disk, whatever the server, database or role has as a default.
func ControlSettings(p ddlgen.Profile) dial.Settings {
	s := dial.Writer()
	if p.AsyncCommit {
		s = s.With("synchronous_commit", "on")
	}
	return s
}

// prepare plans the parts, opens the ledger and empties tables that are to be
// loaded anew.
func (c *copyRun) prepare(ctx context.Context) error {
	var encoding string
	conn := c.Snapshot.Conn()
	if err := conn.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return fmt.Errorf("reading the source's encoding: %w", err)
	}
	// Only SQL_ASCII passes bytes on unconverted; and DB9 may put U+FFFD for
	// what is not UTF-8 without a word.
	c.checkUTF8 = encoding == "SQL_ASCII" || c.Profile.Map
	parts, err := PlanParts(ctx, conn, c.Plan, c.Jobs)
	if err != nil {
		return err
	}
	var bytes int64
	for _, p := range parts {
		bytes += p.Bytes
		c.open[p.Target]++
		c.parts = append(c.parts, &partState{
			part: p, claim: claim{run: c.Run, part: p.ID, epoch: firstEpoch}, acks: map[int64]int64{},
		})
	}
	c.Progress.Plan(len(parts), bytes)
	if err := c.ledger.prepare(ctx); err != nil {
		return err
	}
	info := runInfo{
		tool: c.Tool, source: c.Source.String(), profile: c.Profile.Name, schemaHash: c.Plan.SourceHash,
		snapshot: c.Snapshot.ID, taken: c.Snapshot.Taken.UTC().Format(time.RFC3339Nano),
	}
	if err := c.ledger.begin(ctx, info, parts); err != nil {
		return err
	}
	if c.faults != nil && c.faults.beforeParts != nil {
		c.faults.beforeParts()
	}
	for _, t := range c.Truncate {
		if err := c.ledger.empty(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// copyAll copies parts, as many at once as there are jobs. It returns an error
// only when the run itself cannot go on; a part's error is its table's.
func (c *copyRun) copyAll(ctx context.Context, parts []*partState) error {
	links := make(chan *link, c.Jobs)
	for range c.Jobs {
		links <- &link{}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.Jobs)
	for _, s := range parts {
		if gctx.Err() != nil || isClosed(c.Stop) {
			break
		}
		if c.isBroken(s.part.Target) {
			continue
		}
		g.Go(func() error {
			l := <-links
			defer func() { links <- l }()
			if isClosed(c.Stop) || c.isBroken(s.part.Target) {
				return nil
			}
			if err := c.copyPart(gctx, l, s); err != nil {
				c.fail(s, err)
			} else {
				c.tableDone(s)
			}
			return context.Cause(gctx)
		})
	}
	err := g.Wait()
	close(links)
	for l := range links {
		l.close()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// tableDone tells the listeners when a part was the last of its table.
func (c *copyRun) tableDone(last *partState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[last.part.Target]--
	if c.open[last.part.Target] > 0 {
		return
	}
	done := event.TableDone{Table: last.part.Target.String()}
	for _, s := range c.parts {
		if s.part.Transfer == last.part.Transfer {
			done.Parts++
			done.Rows += s.next
			done.Bytes += s.bytes
			done.Elapsed += s.elapsed
		}
	}
	c.Bus.Emit(done)
}

// fail records why a table will not be complete.
func (c *copyRun) fail(s *partState, err error) {
	s.failed = err
	if !errors.Is(err, errStopped) {
		c.Bus.Emit(event.PartFailed{Part: s.part.event(), Err: err})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken[s.part.Target] == nil {
		c.broken[s.part.Target] = err
	}
}

func (c *copyRun) isBroken(table catalog.Name) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken[table] != nil
}

// settle makes the load durable, reads the whole ledger and returns the parts
// that it does not hold as acknowledged.
func (c *copyRun) settle(ctx context.Context) ([]*partState, error) {
	c.ledgerMu.Lock()
	defer c.ledgerMu.Unlock()
	state := "loaded"
	if isClosed(c.Stop) || len(c.broken) > 0 {
		state = "partial"
	}
	if err := c.ledger.settle(ctx, state); err != nil {
		return nil, err
	}
	spans, err := c.ledger.spans(ctx, -1)
	if err != nil {
		return nil, err
	}
	byPart := map[int64][]span{}
	for _, s := range spans {
		byPart[s.part] = append(byPart[s.part], s)
	}
	var lost []*partState
	for _, s := range c.parts {
		if !s.done || c.faults != nil && c.faults.believeAcks {
			continue
		}
		next, _, sum, final, err := committed(byPart[s.part.ID])
		if err != nil {
			return nil, err
		}
		if !final || next != s.next || sum != s.sum {
			s.done, s.doubt = false, true
			c.open[s.part.Target]++
			lost = append(lost, s)
		}
	}
	return lost, nil
}

// settleAnyway makes what was committed durable when the run ends early, so
// that a later run can build on it. What cannot be done is not: the run is
// partial either way.
func (c *copyRun) settleAnyway(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), 10*time.Second,
		errors.New("the target did not answer while the run was ending"))
	defer cancel()
	if _, err := c.settle(ctx); err != nil && c.Log != nil {
		c.Log.WarnContext(ctx, "what was copied could not be made durable", "error", err)
	}
}

// result adds the parts up by table. The ledger's counts are read from the
// target once more: settle has put every part's own count in step with it.
func (c *copyRun) result(ctx context.Context, err error) *Result {
	res := &Result{Run: c.Run, Tables: make([]TableResult, len(c.Plan.Transfers))}
	for i, t := range c.Plan.Transfers {
		res.Tables[i] = TableResult{Target: t.Target, Source: t.Source, Err: c.broken[t.Target]}
	}
	for _, s := range c.parts {
		t := &res.Tables[s.part.Transfer]
		t.Parts++
		t.Read += s.read
		t.Framed += s.framed
		t.Acked += s.acked()
		t.Ledger += s.next
		t.Bytes += s.bytes
		t.Digest.Merge(s.sum)
		t.Elapsed += s.elapsed
		switch {
		case s.done:
			t.PartsDone++
		case t.Err == nil && err != nil:
			t.Err = err
		case t.Err == nil && ctx.Err() != nil:
			t.Err = context.Cause(ctx)
		case t.Err == nil:
			t.Err = errStopped
		}
	}
	for i := range res.Tables {
		res.Tables[i].check()
	}
	return res
}

// check holds the four counts of a complete table against each other.
func (t *TableResult) check() {
	if t.Err == nil && (t.Read != t.Framed || t.Framed != t.Acked || t.Acked != t.Ledger || uint64(t.Ledger) != t.Digest.Rows) { //nolint:gosec // never negative
		t.Err = fmt.Errorf("the counts do not agree: %d rows read, %d framed, %d acknowledged, %d in the ledger, %d in the digest", t.Read, t.Framed, t.Acked, t.Ledger, t.Digest.Rows)
	}
}

// outcome turns tables that are not complete into a *PartialError.
func (c *copyRun) outcome(res *Result, err error) error {
	partial := &PartialError{Interrupted: isClosed(c.Stop) || errors.Is(err, context.Canceled), Err: err}
	for _, t := range res.Tables {
		if t.Err == nil {
			partial.Done = append(partial.Done, t.Target)
			continue
		}
		partial.Failed = append(partial.Failed, TableError{Table: t.Target, Err: t.Err})
		if partial.Err == nil {
			partial.Err = t.Err
		}
	}
	if partial.Err == nil {
		return nil
	}
	return partial
}

// canons lists the canonical forms of a transfer's columns.
func canons(t *ddlgen.Transfer) []digest.Canon {
	list := make([]digest.Canon, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = c.Canon
	}
	return list
}
