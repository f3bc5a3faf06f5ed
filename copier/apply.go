package copier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// ApplyParams is what Apply needs.
type ApplyParams struct {
	Target     *dial.Endpoint
	Settings   dial.Settings      // as ControlSettings gives them
	Statements []ddlgen.Statement // of one phase or of several, in plan order
	Jobs       int                // statements at once, within a phase

	// Skip says why a statement must not be run, "" to run it: keys of a table
	// whose data are not complete.
	Skip func(ddlgen.Statement) string
	// Weight orders the statements of a phase by their tables, heaviest first
	// (bytes); nil keeps the plan's order.
	Weight map[catalog.Name]int64
	// StopAtFirst ends the whole at the first failure: later phases would only
	// fail after it.
	StopAtFirst bool
	// Atomic runs all statements in one transaction, one after the other: a
	// failure leaves nothing behind. For targets whose DDL is transactional.
	Atomic bool
	// Window is how many light statements share one flight on a connection,
	// before the first one's answer is read; up to 1 waits for each. A server
	// must execute what it is sent in order, each in its own transaction.
	Window int

	// Again says that an earlier process may have executed some of the statements:
	// what exists already is done.
	Again bool

	// Doubtful are the IDs of statements of which nobody knows whether they were
	// executed: as Again, for them alone.
	Doubtful map[string]bool

	// Patience is how long a server that is away, or a lock that another session
	// holds, is tried again; 0 is five minutes.
	Patience time.Duration
	Stop     <-chan struct{} // closed: no statement is begun any more
	Bus      *event.Bus

	lockTimeout time.Duration // 0 is the default; tests shorten it
}

// Applied is what became of the statements.
type Applied struct {
	Done       []string // IDs
	Failed     []StatementError
	Skipped    []SkippedStatement
	RolledBack bool // Atomic, and one failed: nothing of it stands on the target
	Unknown    bool // Atomic, and the answer to COMMIT was lost: all of it stands on the target, or nothing
	Elapsed    time.Duration
}

// StatementError is a statement that failed.
type StatementError struct {
	Statement ddlgen.Statement
	Err       error
}

// Error implements error.
func (e *StatementError) Error() string {
	return fmt.Sprintf("%s (%s): %v", e.Statement.Object, e.Statement.ID, e.Err)
}

// Unwrap returns the cause.
func (e *StatementError) Unwrap() error { return e.Err }

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
	if p.Patience == 0 {
		p.Patience = defaultPatience
	}
	a := &applier{ApplyParams: p, outcome: map[string]chan struct{}{}, failed: map[string]bool{}, locks: ownLocks{held: map[catalog.Name]int{}}}
	started := time.Now()
	var err error
	if p.Atomic {
		err = a.atomicInTime(ctx)
	} else {
		err = a.phases(ctx)
	}
	a.result.Elapsed = time.Since(started)
	return &a.result, err
}

// applier is one Apply under way.
type applier struct {
	ApplyParams

	mu      sync.Mutex
	result  Applied
	outcome map[string]chan struct{} // closed when the statement has ended
	failed  map[string]bool          // failed or skipped

	locks   ownLocks
	retries bool // a transaction that does not get a lock is begun again

	away atomic.Bool // the last statement was given up since the server was away
}

// phases runs the statements phase by phase.
func (a *applier) phases(ctx context.Context) error {
	links := &links{most: max(a.Jobs, 1)}
	defer links.end(ctx)
	for from := 0; from < len(a.Statements); {
		to := from + 1
		for to < len(a.Statements) && a.Statements[to].Phase == a.Statements[from].Phase {
			to++
		}
		if err := a.phase(ctx, a.order(a.Statements[from:to]), links); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// order puts the statements of heavy tables first, each after those that it
// needs.
func (a *applier) order(statements []ddlgen.Statement) []ddlgen.Statement {
	weight := func(s ddlgen.Statement) int64 {
		if s.Table == nil {
			return 0
		}
		return a.Weight[*s.Table]
	}
	byWeight := slices.Clone(statements)
	slices.SortStableFunc(byWeight, func(x, y ddlgen.Statement) int { return cmp.Compare(weight(y), weight(x)) })
	byID := make(map[string]ddlgen.Statement, len(statements))
	for _, s := range statements {
		byID[s.ID] = s
	}
	out := make([]ddlgen.Statement, 0, len(statements))
	seen := map[string]bool{}
	var visit func(s ddlgen.Statement)
	visit = func(s ddlgen.Statement) {
		if seen[s.ID] {
			return
		}
		seen[s.ID] = true
		for _, id := range s.After {
			if before, ok := byID[id]; ok {
				visit(before)
			}
		}
		out = append(out, s)
	}
	for _, s := range byWeight {
		visit(s)
	}
	return out
}

func (a *applier) phase(ctx context.Context, statements []ddlgen.Statement, links *links) error {
	for _, s := range statements {
		a.outcome[s.ID] = make(chan struct{})
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(links.most)
	for _, flight := range a.flights(statements, links.most) {
		// Statements are begun in an order in which what one needs was begun
		// before it, so the wait inside cannot block all workers.
		g.Go(func() error {
			if len(flight) > 1 {
				return a.fly(gctx, flight, links)
			}
			return a.single(gctx, flight[0], links)
		})
	}
	return g.Wait()
}

// single runs one statement when what it needs is done.
func (a *applier) single(ctx context.Context, s ddlgen.Statement, links *links) error {
	defer close(a.outcome[s.ID])
	if err := a.wait(ctx, s); err != nil {
		return err
	}
	if ctx.Err() != nil { // not begun, and so not failed
		return context.Cause(ctx)
	}
	if reason := a.reason(s); reason != "" {
		a.skip(s, reason)
		return nil
	}
	release, ok := a.locks.take(ctx, s)
	if !ok {
		return context.Cause(ctx)
	}
	defer release()
	if reason := a.reason(s); reason != "" { // the user may have stopped the run meanwhile
		a.skip(s, reason)
		return nil
	}
	conn := links.take()
	defer func() { links.give(conn) }()
	err := a.one(ctx, s, func() (err error) { conn, err = a.exec(ctx, conn, s, a.Again || a.Doubtful[s.ID]); return err })
	return a.fatal(ctx, s, err)
}

// fatal says whether a statement's error ends the whole.
func (a *applier) fatal(ctx context.Context, s ddlgen.Statement, err error) error {
	if err != nil && (a.StopAtFirst && !s.Optional || ctx.Err() != nil) {
		return err
	}
	return nil
}

// wait waits for the statements that s needs.
func (a *applier) wait(ctx context.Context, s ddlgen.Statement) error {
	for _, id := range s.After {
		done, ok := a.outcome[id]
		if !ok {
			continue // an earlier phase's, or filtered out
		}
		select {
		case <-done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// reason says why s cannot be run, "" if it can.
func (a *applier) reason(s ddlgen.Statement) string {
	if isClosed(a.Stop) {
		return stoppedReason
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range s.After {
		if a.failed[id] && !s.Anyway {
			return "it needs " + id + ", which failed"
		}
	}
	if a.Skip != nil {
		return a.Skip(s)
	}
	return ""
}

// stoppedReason is why statements are skipped that a user's stop came before.
const stoppedReason = "stopped by the user"

func (a *applier) skip(s ddlgen.Statement, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed[s.ID] = true
	a.result.Skipped = append(a.result.Skipped, SkippedStatement{Statement: s, Reason: reason})
}

// one runs one statement and records its outcome. One that the user's stop found
// waiting for a lock is skipped.
func (a *applier) one(ctx context.Context, s ddlgen.Statement, run func() error) error {
	started := time.Now()
	err := run()
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if errors.Is(err, errStopped) && isClosed(a.Stop) {
		a.skip(s, stoppedReason)
		return nil
	}
	a.mu.Lock()
	if err == nil {
		a.result.Done = append(a.result.Done, s.ID)
	} else {
		err = &StatementError{Statement: s, Err: err}
		a.failed[s.ID] = true
		a.result.Failed = append(a.result.Failed, StatementError{Statement: s, Err: err.(*StatementError).Err}) //nolint:errorlint,forcetypeassert // made above
	}
	a.mu.Unlock()
	switch {
	case err == nil:
		a.Bus.Emit(event.StatementDone{ID: s.ID, Phase: s.Phase.String(), Object: s.Object, Elapsed: time.Since(started)})
	case a.retries && !s.Optional && lockRefused(err): // all of it is tried again
	default:
		a.Bus.Emit(event.StatementFailed{ID: s.ID, Phase: s.Phase.String(), Object: s.Object, SQL: s.SQL, Err: err, Optional: s.Optional})
	}
	return err
}

// exec runs a statement on conn, or on a new connection where there is none or
// it broke, again where the error passes: deadlocks between foreign keys that
// lock two tables each, lost connections. After a lost connection "exists
// already" is success: the statement had been done. lost says that it was sent
// before, on a connection that broke.
func (a *applier) exec(ctx context.Context, conn *pgx.Conn, s ddlgen.Statement, lost bool) (*pgx.Conn, error) {
	patience := a.Patience
	if a.away.Load() { // one try says whether it is back
		patience = 1
	}
	var lock lockWait
	err := retry(ctx, s.ID, patience, func() (err error) {
		if conn, err = a.connected(ctx, conn); err != nil {
			return err
		}
		for {
			_, err = conn.Exec(ctx, s.SQL)
			if err == nil || lost && doneAlready(s, err) {
				return nil
			}
			if !a.again(ctx, &lock, s, conn, err) {
				break
			}
		}
		lost = lost || dial.Classify(err) == dial.Lost // sent, and its outcome unknown: for good
		return err
	})
	a.away.Store(dial.Classify(err) == dial.Lost)
	return conn, a.lockError(ctx, s, conn, err)
}

// connected is conn, or a new connection where there is none or it broke.
func (a *applier) connected(ctx context.Context, conn *pgx.Conn) (*pgx.Conn, error) {
	if conn != nil && !conn.IsClosed() {
		return conn, nil
	}
	fresh, err := a.Target.Connect(ctx, a.Settings)
	if err != nil {
		return conn, err
	}
	return fresh, a.boundLocks(ctx, fresh)
}

// doneAlready says that a statement failed because it had been done before.
func doneAlready(s ddlgen.Statement, err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.DuplicateTable, pgerrcode.DuplicateObject, pgerrcode.DuplicateSchema, pgerrcode.DuplicateFunction,
		pgerrcode.DuplicateColumn, pgerrcode.InvalidTableDefinition /* a second primary key */ :
		return true
	case pgerrcode.UndefinedTable, pgerrcode.UndefinedObject:
		return strings.HasPrefix(s.SQL, "DROP ")
	}
	return false
}
