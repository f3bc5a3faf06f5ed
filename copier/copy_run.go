package copier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
	filtered  bool // some rows are left behind by the user's conditions
	huge      *semaphore.Weighted

	ledgerMu sync.Mutex // the ledger has one connection
	ledger   *ledger

	keys     *KeysBeside
	gate     *gate
	brake    *brake
	ahead    *ahead
	parts    []*partState
	speeds   *speeds
	unproved error // why what was acknowledged could not be made durable and checked

	refusedMu sync.Mutex
	refused   *refusals // nil: nothing was refused yet
	choosy    sync.Map  // target tables of which rows were refused
	toldOf    sync.Map  // the same, once the user was told
	userStop  <-chan struct{}
	halt      func() // stops the run as an interrupt does, for a row that is refused

	away atomic.Bool // a part was given up since a server was away, and nothing was committed since

	mu     sync.Mutex
	gone   *SnapshotGoneError     // nobody holds the snapshot any more
	broken map[catalog.Name]error // target tables that will not be complete, and why
	open   []int                  // parts of each transfer that are not done
	totals []event.TableDone      // of each transfer's parts that are
}

// patience is how long a server that is away is tried again. Once it was away
// for that long, the other parts do not wait as long each: one try says whether
// it is back.
func (c *copyRun) patience() time.Duration {
	if c.away.Load() {
		return 1
	}
	if c.Patience > 0 {
		return c.Patience
	}
	return defaultPatience
}

// maxRounds is how often lost commits are looked for and sent again: each round
// after the first follows a restart of the target in the middle of the load.
const maxRounds = 4

// Copy copies the rows of every transfer of the plan and returns the account.
// The error is a *PartialError when some tables are complete and others not.
func Copy(ctx context.Context, p Params) (*Result, error) {
	started := time.Now()
	if p.Made != nil {
		p.Snapshot = &Snapshot{Taken: started}
	}
	c := &copyRun{
		Params: p, huge: semaphore.NewWeighted(1), broken: map[catalog.Name]error{},
		ledger: newLedger(p.Target, ControlSettings(p.Profile), p.Run),
		brake:  newBrake(p.MaxRate),
	}
	defer c.ledger.close(ctx)
	defer func() { c.ahead.close(ctx) }()
	if c.survivorWait > 0 {
		c.ledger.wait, c.ledger.telling = c.survivorWait, c.survivorWait
	}
	defer c.stopForRows()()
	c.keys = newKeysBeside(&c.Params)
	c.keys.stops[1] = c.userStop
	c.ledger.owner, c.ledger.whole = p.Owner, !p.Profile.Map
	c.ledger.patience, c.ledger.inherits = c.patience(), p.Profile.Inheritance
	c.speeds = p.speeds
	if c.speeds == nil {
		c.speeds = newSpeeds()
	}
	c.reader, c.writer = ReaderSettings(p.Profile), WriterSettings(p.Profile)
	c.filtered = slices.ContainsFunc(p.Plan.Transfers, func(t ddlgen.Transfer) bool { return t.Filtered() })
	if c.filtered {
		// An index that serves the condition may find the rows, by a bitmap: but a part
		// that is read again must come in the same order, which is that of its blocks
		// (or that of its key, see sourceConn.arrange).
		c.reader = c.reader.With("enable_indexscan", "off").With("enable_indexonlyscan", "off")
	}
	defer c.watchSource(ctx)()
	if err := c.prepare(ctx); err != nil {
		return &Result{Run: p.Run}, err
	}
	pending := c.pending()
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
		c.keys.cease()
		if !c.settleAnyway(ctx) {
			c.unproved = err
		}
	}
	res := c.result(ctx, err)
	res.Elapsed, res.Keys = time.Since(started), c.keys
	if c.gate != nil && c.gate.tight() {
		res.Jobs = c.gate.limit()
	}
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
	s := targetSettings(p)
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
	s := targetSettings(p)
	if p.AsyncCommit {
		s = s.With("synchronous_commit", "on")
	}
	return s
}

// MenderSettings are the session settings under which mended rows are sent: as
// rows are written, and on disk when they are acknowledged.
func MenderSettings(p ddlgen.Profile) dial.Settings {
	s := ControlSettings(p)
	if !p.Map {
		s = s.RawMoney()
	}
	return s
}

// KeeperSettings are the session settings of the process that keeps a snapshot.
func KeeperSettings() dial.Settings { return dial.Reader() }

// targetSettings are those of every session on the target. The profile's limits
// are what its statements are cut to.
func targetSettings(p ddlgen.Profile) dial.Settings {
	s := dial.Writer().WithLimits(p.StatementLimit, p.IdleLimit)
	if p.Map {
		s = s.Foreign()
	}
	return s
}

// prepare plans the parts, opens the ledger and empties tables that are to be
// loaded anew.
func (c *copyRun) prepare(ctx context.Context) error {
	encoding, err := c.encoding(ctx)
	if err != nil {
		return err
	}
	// Only SQL_ASCII passes bytes on unconverted; and DB9 may put U+FFFD for
	// what is not UTF-8 without a word.
	c.checkUTF8 = encoding == "SQL_ASCII" || c.Profile.Map
	c.faults.less(c)
	if c.Resume != nil {
		err := c.takeUp(ctx)
		c.hitBeforeParts()
		return err
	}
	if err := c.ledger.prepare(ctx); err != nil {
		return err
	}
	err = c.planAll(ctx)
	c.hitBeforeParts()
	return err
}

// planAll plans the parts of all tables, records them and empties the tables
// that are to be loaded anew.
func (c *copyRun) planAll(ctx context.Context) error {
	parts, err := c.cut(ctx)
	if err != nil {
		return err
	}
	for _, p := range parts {
		c.parts = append(c.parts, &partState{
			part: p, claim: claim{run: c.Run, part: p.ID, epoch: firstEpoch},
		})
	}
	c.count()
	c.ahead = dialAhead(ctx, c.Target, c.writer, min(c.Jobs, len(parts)))
	if err := c.emptied(ctx); err != nil { // remembers when the target was started
		return err
	}
	if err := c.ledger.begin(ctx, c.info(), parts, c.Truncate, c.ledger.started); err != nil {
		return err
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
	q := newQueue(c, parts)
	if c.gate == nil {
		c.gate = c.newGate()
	}
	next := func() *partState { return q.next(ctx) }
	n := max(c.Jobs, c.MaxJobs)
	if len(c.Keys) == 0 {
		n = min(n, len(parts))
	}
	r := &round{working: n, workers: n, over: make(chan struct{}), idle: func() bool { return q.idle(ctx) }}
	for range n {
		c.keys.workers.Go(func() {
			defer r.end()
			(&worker{copyRun: c, link: link{place: c.gate}, back: q.back, share: q.share, round: r}).work(ctx, next)
		})
	}
	if n > 0 {
		<-r.over
	}
	if len(c.Keys) == 0 || ctx.Err() != nil {
		c.keys.workers.Wait()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return q.err
}

// tableDone adds a part to its table's totals, and tells the listeners when it
// was the last.
func (c *copyRun) tableDone(s *partState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.totals[s.part.Transfer]
	t.Table = s.part.Target.String()
	t.Parts, t.Rows, t.Bytes, t.Elapsed = t.Parts+1, t.Rows+s.loaded(), t.Bytes+s.bytes, t.Elapsed+s.elapsed
	if c.open[s.part.Transfer]--; c.open[s.part.Transfer] == 0 {
		c.Bus.Emit(*t)
		if c.broken[s.part.Target] == nil {
			c.keys.complete(s.part.Target, t.Bytes)
		}
	}
}

// fail records why a table will not be complete.
func (c *copyRun) fail(s *partState, err error) {
	s.failed = err
	c.haltFor(err)
	c.forget(s)
	if !errors.Is(err, errStopped) {
		c.Bus.Emit(event.PartFailed{Part: s.part.event(), Err: err})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken[s.part.Target] == nil {
		c.broken[s.part.Target] = err
	}
	var gone *SnapshotGoneError
	if errors.As(err, &gone) {
		c.gone = gone
	}
}

// snapshotGone is the error of a part that could not be read since nobody holds
// the snapshot any more; nil while somebody does.
func (c *copyRun) snapshotGone() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == nil {
		return nil
	}
	return c.gone
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
	if err := c.emptied(ctx); err != nil {
		return nil, err
	}
	if err := c.recordFailures(ctx, c.givenUp()); err != nil {
		return nil, err
	}
	found, err := c.ledger.totals(ctx)
	if err != nil {
		return nil, err
	}
	var lost []*partState
	for _, s := range c.parts {
		if !s.done || c.faults != nil && c.faults.believeAcks {
			continue
		}
		if t := found[s.part.ID]; !t.final || t.next != s.next || int64(len(t.rejected)) != s.rejected || t.sum != s.sum {
			s.done, s.doubt = false, true
			c.keys.incomplete(s.part.Target)
			c.open[s.part.Transfer]++
			t := &c.totals[s.part.Transfer]
			t.Parts, t.Rows, t.Bytes, t.Elapsed = t.Parts-1, t.Rows-s.loaded(), t.Bytes-s.bytes, t.Elapsed-s.elapsed
			lost = append(lost, s)
		}
	}
	return lost, nil
}

// emptied fails the tables that a restart of the target has emptied.
func (c *copyRun) emptied(ctx context.Context) error {
	if !c.Profile.AsyncCommit { // only PostgreSQL is asked
		return nil
	}
	names, err := c.ledger.restarted(ctx)
	if err != nil || len(names) == 0 {
		return err
	}
	for _, s := range c.parts {
		if slices.Contains(names, s.part.Target.String()) && s.next > 0 {
			s.done = false
			c.fail(s, errors.New("the target was restarted, which empties tables that are not logged: copy the table again"))
		}
	}
	return nil
}

// settleAnyway makes what was committed durable when the run ends early, so
// that a later run can build on it. What cannot be done is not: the run is
// partial either way, and the tables are not called done.
func (c *copyRun) settleAnyway(ctx context.Context) bool {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), 10*time.Second,
		errors.New("the target did not answer while the run was ending"))
	defer cancel()
	_, err := c.settle(ctx)
	if err != nil && c.Log != nil {
		c.Log.WarnContext(ctx, "what was copied could not be made durable", "error", err)
	}
	return err == nil
}

// result adds the parts up by table. The ledger's counts are read from the
// target once more: settle has put every part's own count in step with it.
func (c *copyRun) result(ctx context.Context, err error) *Result {
	res := &Result{Run: c.Run, Tables: make([]TableResult, len(c.Plan.Transfers))}
	for i, t := range c.Plan.Transfers {
		res.Tables[i] = TableResult{Target: t.Target, Source: t.Source, Binary: t.Binary, Err: c.broken[t.Target]}
	}
	for _, s := range c.parts {
		t := &res.Tables[s.part.Transfer]
		t.Parts++
		t.Read += s.read
		t.Framed += s.framed
		t.Acked += s.acked
		t.Ledger += s.loaded()
		t.Rejected += s.rejected
		t.Bytes += s.bytes
		t.Digest.Merge(s.sum)
		t.Elapsed += s.elapsed
		switch {
		case s.done && c.unproved != nil && t.Err == nil:
			t.Err = fmt.Errorf("its rows were acknowledged, but could not be made durable and checked: %w", c.unproved)
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
		c.recount(ctx, &res.Tables[i])
		res.Tables[i].check()
	}
	return res
}

// recount counts a table on the target, where a batch of it was committed in a
// window and the target's own count of its rows was lost with the connection.
// The table was empty before.
func (c *copyRun) recount(ctx context.Context, t *TableResult) {
	if t.Err != nil || !slices.ContainsFunc(c.parts, func(s *partState) bool { return s.uncounted && s.part.Target == t.Target }) {
		return
	}
	all, own, err := c.ledger.count(ctx, t.Target)
	switch {
	case err != nil:
		t.Err = fmt.Errorf("its rows are committed, but a connection was lost before the target had counted them, and they could not be counted since: %w", err)
	case all != t.Ledger && own != t.Ledger && c.Resume != nil:
		t.Err = fmt.Errorf("the ledger holds %d rows of it, but the target has %d: somebody changed it since they were loaded; load it anew: --resume --redo %s", t.Ledger, all, t.Source)
	case all != t.Ledger && own != t.Ledger:
		t.Err = &countError{Sent: t.Ledger, Acked: all}
	}
}

// check holds the four counts of a complete table against each other.
func (t *TableResult) check() {
	if t.Err == nil && (t.Read != t.Framed || t.Framed != t.Acked+t.Rejected || t.Acked != t.Ledger || uint64(t.Ledger) != t.Digest.Rows) { //nolint:gosec // never negative
		t.Err = fmt.Errorf("the counts do not agree: %d rows read, %d framed, %d acknowledged, %d refused, %d in the ledger, %d in the digest", t.Read, t.Framed, t.Acked, t.Rejected, t.Ledger, t.Digest.Rows)
	}
}

// outcome turns tables that are not complete into a *PartialError.
func (c *copyRun) outcome(res *Result, err error) error {
	partial := &PartialError{Interrupted: isClosed(c.userStop) || errors.Is(err, context.Canceled), Err: err}
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
