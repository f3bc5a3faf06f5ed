package copier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
)

// ddlLockTimeout is how long a statement waits in one go for a lock that another
// session holds. Whoever comes behind it waits too, for as long: then they get
// their turn, and the statement is tried again. What it does when it has its
// locks may last for hours.
const ddlLockTimeout = 10 * time.Second

// lockLimit is ddlLockTimeout, which tests shorten.
func (a *applier) lockLimit() time.Duration {
	if a.lockTimeout > 0 {
		return a.lockTimeout
	}
	return ddlLockTimeout
}

// boundLocks bounds the wait for locks in a session. A server that does not know
// the setting waits as it does.
func (a *applier) boundLocks(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", a.lockLimit().Milliseconds()))
	if dial.SQLState(err) != "" && !conn.IsClosed() {
		return nil
	}
	return err
}

// lockRefused says that a statement did not get a lock in time.
func lockRefused(err error) bool { return dial.SQLState(err) == pgerrcode.LockNotAvailable }

// lockWait is one statement's waiting for locks of others.
type lockWait struct {
	since time.Time
	told  bool
}

// again says whether a statement that did not get its lock is tried again, and
// tells once who is in its way. A server may refuse at once: then a little is
// waited for.
func (a *applier) again(ctx context.Context, w *lockWait, s ddlgen.Statement, conn *pgx.Conn, err error) bool {
	if w.since.IsZero() {
		w.since = time.Now().Add(-a.lockLimit())
	}
	if !lockRefused(err) || time.Since(w.since) >= a.Patience || ctx.Err() != nil || isClosed(a.Stop) {
		return false
	}
	if !w.told {
		w.told = true
		a.Bus.Emit(event.Note{Text: fmt.Sprintf("%s waits for a lock%s; it is tried again for %s", s.Object, a.holders(ctx, conn, s), a.Patience)})
	}
	t := time.NewTimer(min(time.Second, a.lockLimit()/10))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-a.Stop:
	case <-ctx.Done():
	}
	return false
}

// lockError is the error of a statement that never got its lock: errStopped where
// the user has ended the waiting.
func (a *applier) lockError(ctx context.Context, s ddlgen.Statement, conn *pgx.Conn, err error) error {
	if !lockRefused(err) {
		return err
	}
	if isClosed(a.Stop) {
		return errStopped
	}
	return fmt.Errorf("%w; another session holds a lock that it needs%s: end it (pg_locks names it), and run the command again", err, a.holders(ctx, conn, s))
}

// holdersSQL lists the sessions that hold a lock on some relations.
const holdersSQL = `SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('session %%s (%%s, %%s%%s)', a.pid, a.usename,
		coalesce(a.state, 'unknown'), coalesce(', in its transaction since ' || pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - a.xact_start), '')), '; ')
	FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
	WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()
	  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
	  AND l.relation IN (%s)`

// holders names the sessions that hold locks on a statement's tables, as far as
// the server tells.
func (a *applier) holders(ctx context.Context, conn *pgx.Conn, s ddlgen.Statement) string {
	var tables []string
	for _, t := range tablesOf(s) {
		tables = append(tables, "pg_catalog.to_regclass("+quote.Literal(quote.Name(t.Schema, t.Name))+")::oid")
	}
	if len(tables) == 0 || conn == nil || conn.IsClosed() {
		return ""
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 5*time.Second, errors.New("the target did not say who holds locks"))
	defer cancel()
	var who *string
	if err := conn.QueryRow(ctx, fmt.Sprintf(holdersSQL, strings.Join(tables, ", "))).Scan(&who); err != nil || who == nil {
		return ""
	}
	return " that is held by " + *who
}

// ownLocks keeps this run's statements on one table from waiting for each other on
// the server, where one that builds for an hour would seem to the other a session
// in its way. Indexes of a table are built at once; all else takes its tables alone.
type ownLocks struct {
	mu      sync.Mutex
	changed chan struct{}
	held    map[catalog.Name]int // how many share it; -1: one has it alone
}

// lasts says that a statement may hold its locks for long: it reads its table.
func lasts(s ddlgen.Statement) bool {
	switch s.Phase { //nolint:exhaustive // the others are over at once
	case ddlgen.PhaseKeys, ddlgen.PhaseChecks, ddlgen.PhaseForeignKeys, ddlgen.PhaseVectorIndexes:
		return true
	}
	return false
}

// tablesOf are the tables that a statement locks, each once.
func tablesOf(s ddlgen.Statement) (tables []catalog.Name) {
	for _, t := range []*catalog.Name{s.Table, s.RefTable} {
		if t != nil && !slices.Contains(tables, *t) {
			tables = append(tables, *t)
		}
	}
	return tables
}

// take waits for the tables of a statement; false when ctx ends before. The
// function gives them back.
func (l *ownLocks) take(ctx context.Context, s ddlgen.Statement) (release func(), ok bool) {
	shares := s.Object.Kind == "index" && strings.HasPrefix(s.SQL, "CREATE ")
	var tables []catalog.Name
	if lasts(s) {
		tables = tablesOf(s)
	}
	for {
		l.mu.Lock()
		free := !slices.ContainsFunc(tables, func(t catalog.Name) bool { return l.held[t] < 0 || !shares && l.held[t] > 0 })
		if free {
			for _, t := range tables {
				if l.held[t]++; !shares {
					l.held[t] = -1
				}
			}
			l.mu.Unlock()
			return func() { l.release(tables) }, true
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, false
		}
	}
}

func (l *ownLocks) release(tables []catalog.Name) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range tables {
		if l.held[t]--; l.held[t] <= 0 {
			delete(l.held, t)
		}
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// ExecDDL executes one statement on conn as Apply would: it waits for locks in
// bounded goes, and says who is in its way.
func ExecDDL(ctx context.Context, conn *pgx.Conn, p ApplyParams, s ddlgen.Statement) error {
	a := &applier{ApplyParams: p}
	if a.Patience == 0 {
		a.Patience = defaultPatience
	}
	if err := a.boundLocks(ctx, conn); err != nil {
		return err
	}
	var lock lockWait
	for {
		_, err := conn.Exec(ctx, s.SQL)
		if err == nil || !a.again(ctx, &lock, s, conn, err) {
			return a.lockError(ctx, s, conn, err)
		}
	}
}
