package copier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// ReconcileParams is what Reconcile needs.
type ReconcileParams struct {
	Source   *dial.Endpoint
	Target   *dial.Endpoint
	Snapshot *Snapshot // what the table shall show
	Transfer *ddlgen.Transfer
	Profile  ddlgen.Profile

	// Run owns the ledger's rows; they must be there (the ledger prepared, the run
	// recorded), and writers before this one fenced off. Part is the number of the
	// part that records the reconciliation: a new one, or one whose epoch the
	// caller has raised to Epoch.
	Run   string
	Owner string // of the run's lease; "" is none
	Part  int64
	Epoch int64 // 0: the part is new

	// CheckUTF8 holds rows against UTF-8 before they are sent, where neither server
	// is known to.
	CheckUTF8 bool

	Stop     <-chan struct{} // closed: no batch is begun any more
	Patience time.Duration   // how long a server that is away is tried again; 0 is five minutes
	Bus      *event.Bus
	Meter    *event.Meter // counts rows and bytes read on the source

	huge         *semaphore.Weighted // shared with whoever else holds huge rows; nil is its own
	rein         *rein               // holds the reading of the source back; nil does not
	survivorWait time.Duration
	faults       *faults
}

// Reconciled is what a reconciliation did. Where a merge was begun again, rows
// that had been mended before count as same in the last one too.
type Reconciled struct {
	Rows     int64      // on the source, and now on the target
	Digest   digest.Sum // of these, in canonical form
	Bytes    int64      // of these, in COPY TEXT
	Same     int64      // stood on the target as they are
	Inserted int64
	Updated  int64
	Deleted  int64 // on the target
	Sent     int64 // bytes sent to the target to mend it: rows, deletions, ledger
}

func (r *Reconciled) add(o Reconciled) {
	r.Same += o.Same
	r.Inserted += o.Inserted
	r.Updated += o.Updated
	r.Deleted += o.Deleted
}

// reconciliation is one Reconcile under way.
type reconciliation struct {
	p             ReconcileParams
	key           *sortKey
	reader        dial.Settings // of the source
	asker         dial.Settings // of the target, to read it
	writer        dial.Settings
	checkUTF8     bool
	paged         bool // the target is read in pages
	placed        bool // rows of the target are named by their place
	answersWithin time.Duration
	claim         claim
	total         Reconciled
	furthest      int64 // rows of the source that a merge reached
	passes        int   // merges begun
}

// maxMoves is how often a merge is begun again since somebody else changes the
// target.
const maxMoves = 5

// Reconcile makes a table on the target show the snapshot: both sides are read in
// the order of the key, and only rows that differ are written, in batches under
// the ledger (see reconciler). The table's foreign keys must not stand yet, nor
// triggers that act on its rows. The error is a *NotByKeyError where the table
// cannot be reconciled by its key; then, as after any other error, it holds rows
// of two moments, or those of before.
//
// A crash needs no care: the next call begins the merge again, and finds what was
// mended to be the same.
func Reconcile(ctx context.Context, p ReconcileParams) (*Reconciled, error) {
	r, err := newReconciliation(p)
	if err != nil {
		return nil, err
	}
	l := r.ledger()
	defer l.close(ctx)
	if r.placed = !r.paged; r.placed {
		if r.placed, err = l.hasPlaces(ctx, p.Transfer.Target); err != nil {
			return nil, err
		}
	}
	part := Part{ID: p.Part, Target: p.Transfer.Target, Relation: wholeTable}
	if err := l.supersede(ctx, part, p.Snapshot.Taken.UTC().Format(time.RFC3339Nano)); err != nil {
		return nil, err
	}
	if err := r.converge(ctx); err != nil {
		return &r.total, fmt.Errorf("reconciling %s: %w", p.Transfer.Target, err)
	}
	return &r.total, nil
}

func newReconciliation(p ReconcileParams) (*reconciliation, error) {
	key, err := sortKeyOf(p.Transfer)
	if err != nil {
		return nil, err
	}
	if len(p.Transfer.Relations) == 0 {
		return nil, key.refuse("its rows are not copied")
	}
	if p.huge == nil {
		p.huge = semaphore.NewWeighted(1)
	}
	if p.Epoch == 0 {
		p.Epoch = firstEpoch
	}
	r := &reconciliation{
		p: p, key: key, reader: ReaderSettings(p.Profile), asker: ReaderSettings(p.Profile), writer: targetSettings(p.Profile),
		checkUTF8: p.CheckUTF8 || p.Profile.Map, paged: p.Profile.ReadByKey || !p.Profile.FullCatalog,
		claim: claim{run: p.Run, part: p.Part, epoch: p.Epoch},
	}
	if p.Profile.Map {
		r.asker = r.asker.Foreign().WithLimits(p.Profile.StatementLimit, p.Profile.IdleLimit)
	} else {
		r.writer = r.writer.RawMoney()
	}
	if p.Profile.AsyncCommit { // few batches: each is durable when it is acknowledged
		r.writer = r.writer.With("synchronous_commit", "on")
	}
	if p.Profile.BatchRows > 0 || p.Profile.BatchBytes > 0 {
		r.answersWithin = max(answerWait, 2*time.Duration(p.Profile.StatementLimit)*time.Millisecond)
	}
	return r, nil
}

func (r *reconciliation) patience() time.Duration {
	if r.p.Patience > 0 {
		return r.p.Patience
	}
	return defaultPatience
}

// ledger is a control connection of its own.
func (r *reconciliation) ledger() *ledger {
	l := newLedger(r.p.Target, ControlSettings(r.p.Profile), r.p.Run)
	l.owner = r.p.Owner
	l.patience = r.patience()
	if r.p.survivorWait > 0 {
		l.wait = r.p.survivorWait
	}
	return l
}

// converge merges until one merge came to its end.
func (r *reconciliation) converge(ctx context.Context) error {
	wait, trouble := newBackOff(), time.Now()
	onlyRemoves, removed, moves := false, false, 0
	for attempt := 1; ; attempt++ {
		before := r.furthest
		err := r.pass(ctx, onlyRemoves)
		if r.furthest > before {
			attempt, trouble = 0, time.Now()
			wait.Reset()
		}
		switch {
		case err == nil && !onlyRemoves:
			return nil
		case err == nil:
			onlyRemoves = false
			continue
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case inTheWay(err) && !removed:
			// Unique values that change hands: all that must go goes first.
			onlyRemoves, removed = true, true
			continue
		case errors.Is(err, errTargetMoved) && moves < maxMoves:
			moves++
		case !passes(err) || exhausted(err, attempt, time.Since(trouble), r.patience()):
			return err
		}
		pauseFor := wait.NextBackOff()
		r.p.Bus.Emit(event.Note{Text: fmt.Sprintf("the reconciliation of %s begins again in %s: %v", r.p.Transfer.Target, pauseFor.Round(time.Millisecond), err)})
		if err := pause(ctx, r.p.Stop, pauseFor); err != nil {
			return err
		}
	}
}

// pause waits, unless stop is closed.
func pause(ctx context.Context, stop <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-stop:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pass is one merge from begin to end.
func (r *reconciliation) pass(ctx context.Context, onlyRemoves bool) (err error) {
	l := r.ledger()
	defer l.close(ctx)
	if r.claim, err = l.anew(ctx, r.claim); err != nil {
		return err
	}
	r.passes++
	r.total.Same = 0
	r.p.Meter.Reset(0, 0)
	m := r.newReconciler(r.claim, onlyRemoves)
	defer m.close()
	defer func() {
		r.claim = m.claim
		if r.furthest < m.span.last {
			r.furthest = m.span.last
		}
	}()
	source, err := r.openSource(ctx)
	if err != nil {
		return err
	}
	defer source.close()
	defer source.from.wire.watch(ctx)()
	target, stop, err := r.openTarget(ctx)
	if err != nil {
		return err
	}
	defer target.close()
	defer stop()
	if err := merge(ctx, source, target, r.key, m); err != nil {
		m.drop()
		return err
	}
	if err := m.flush(ctx, true); err != nil {
		m.drop()
		return err
	}
	r.total.Rows, r.total.Bytes, r.total.Digest = m.span.last, m.bytes, m.sum
	return nil
}

// openSource begins to read the table on the source.
func (r *reconciliation) openSource(ctx context.Context) (*copiedRows, error) {
	t := r.p.Transfer
	from, err := openSource(ctx, r.p.Source, r.reader, r.p.Snapshot)
	if err != nil {
		return nil, err
	}
	from.meter = r.p.Meter
	rows := &copiedRows{from: from, side: dial.Source, keep: true, huge: r.p.huge, rein: r.p.rein}
	if rows.take, err = newRowTaker(r.key, canons(t), false); err == nil {
		err = r.begin(ctx, from, sortedSQL(t, r.key, t.Relations, from.codes), true)
	}
	if err != nil {
		from.wire.close(false)
		return nil, fmt.Errorf("reading %s on the source: %w", t.Source, err)
	}
	return rows, nil
}

// begin locks what is read, where it is the source, and starts a COPY.
func (r *reconciliation) begin(ctx context.Context, from *sourceConn, sql string, locks bool) error {
	defer from.wire.watch(ctx)()
	if locks {
		for _, relation := range r.p.Transfer.Relations {
			if err := r.p.Snapshot.ensure(ctx, from, relation, r.passes > 1); err != nil {
				return cause(ctx, err)
			}
		}
	}
	return cause(ctx, from.copyOut(sql))
}

// openTarget begins to read the table on the target. The returned function ends
// what watches the connection.
func (r *reconciliation) openTarget(ctx context.Context) (keyedRows, func() bool, error) {
	t := r.p.Transfer
	take, err := newRowTaker(r.key, canons(t), r.placed)
	if err != nil {
		return nil, nil, err
	}
	connect := func(ctx context.Context) (*sourceConn, error) {
		conn, err := r.p.Target.Connect(ctx, r.asker)
		if err != nil {
			return nil, err
		}
		return readFrom(ctx, conn)
	}
	if r.paged {
		pages := &pagedRows{
			connect: connect, take: take, pages: keyset.New(t, false), patience: r.patience(), unique: t.KeyInline,
			pace: keyset.NewPace(time.Duration(r.p.Profile.StatementLimit)*time.Millisecond, 0), seen: make([][]byte, len(t.Key)),
		}
		return pages, func() bool { return true }, nil
	}
	from, err := connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	stop := from.wire.watch(ctx)
	// A transaction whose snapshot outlives the COPY: until it ends, no row that it
	// saw gives its place to another.
	err = from.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	if err == nil {
		err = from.copyOut(placedSQL(t, r.key, r.placed, from.codes))
	}
	if err != nil {
		stop()
		from.wire.close(false)
		return nil, nil, cause(ctx, fmt.Errorf("reading %s on the target: %w", t.Target, err))
	}
	return &copiedRows{from: from, side: dial.Target, take: take, huge: r.p.huge}, stop, nil
}
