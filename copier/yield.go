package copier

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/event"
)

// A lock of ACCESS SHARE that is held for days keeps ALTER TABLE waiting for
// days, and behind it everybody else. With --yield-locks a group of locks is
// given back when somebody has waited for long enough. What was not read by then
// is locked and checked again by whoever reads it; what was altered in a way that
// the snapshot does not show fails as "schema changed".

//go:embed queries/lock_waiters.sql
var lockWaitersSQL string

// yieldLook bounds how often the source is asked who waits.
const (
	yieldLookLeast = 50 * time.Millisecond
	yieldLookMost  = 2 * time.Second
)

// locker is a connection that holds the locks of a group of tables.
type locker struct {
	conn   *pgx.Conn
	tables []catalog.Name
}

// waiter is a session that waits for a lock that one of ours is in the way of.
type waiter struct {
	pid      int64
	relation int64
}

// yielder looks for waiters until the snapshot is closed.
type yielder struct {
	s     *Snapshot
	after time.Duration // how long somebody has to wait
	look  time.Duration
	bus   *event.Bus
	seen  map[waiter]time.Time
	deaf  bool // the source did not answer, and that was told
}

// yieldLocks begins to watch for waiters.
func (s *Snapshot) yieldLocks(ctx context.Context, after time.Duration, bus *event.Bus) {
	y := &yielder{s: s, after: after, look: min(max(after/5, yieldLookLeast), yieldLookMost), bus: bus, seen: map[waiter]time.Time{}}
	s.unyield = every(ctx, y.look, func(ctx context.Context) bool {
		y.ask(ctx)
		return false
	})
}

// ask looks who waits, and gives back the groups that somebody has waited for.
func (y *yielder) ask(ctx context.Context) {
	timed, cancel := context.WithTimeout(ctx, guardTimeout)
	defer cancel()
	type found struct {
		Ours     int64 // backend of a locker
		Waiter   int64
		Relation int64
		Name     string
	}
	var all []found
	pids := make([]int64, 0, len(y.s.lockers))
	for _, l := range y.s.lockers {
		pids = append(pids, int64(l.conn.PgConn().PID()))
	}
	if len(pids) == 0 {
		return
	}
	err := y.s.ask(timed, func(conn *pgx.Conn) error {
		rows, err := conn.Query(timed, lockWaitersSQL, pids)
		if err == nil {
			all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[found])
		}
		return err
	})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if !y.deaf {
			y.deaf = true
			y.bus.Emit(event.Note{Text: fmt.Sprintf("the source cannot be asked who waits for our locks, so that none is given back until it can: %v", err)})
		}
		return
	}
	y.deaf = false
	now, still := time.Now(), map[waiter]time.Time{}
	for _, f := range all {
		w := waiter{f.Waiter, f.Relation}
		since, known := y.seen[w]
		if !known {
			since = now
		}
		still[w] = since
		if waited := now.Sub(since) + y.look; waited >= y.after { // it may have begun right after the last look
			y.giveBack(timed, f.Ours, fmt.Sprintf("session %d has waited for %s for ACCESS EXCLUSIVE on %s", f.Waiter, y.after, f.Name))
		}
	}
	y.seen = still
}

// giveBack ends the transaction that holds a group of locks.
func (y *yielder) giveBack(ctx context.Context, pid int64, why string) {
	i := slices.IndexFunc(y.s.lockers, func(l locker) bool { return int64(l.conn.PgConn().PID()) == pid })
	if i < 0 {
		return
	}
	l := y.s.lockers[i]
	y.s.mu.Lock()
	for _, t := range l.tables {
		y.s.locked[t] = false
	}
	y.s.mu.Unlock()
	_ = l.conn.Close(ctx) // which ends its transaction
	y.s.lockers = slices.Delete(y.s.lockers, i, i+1)
	y.bus.Emit(event.Note{Text: fmt.Sprintf("%s: the locks on %s are given back; tables not read yet are locked and checked again before they are", why, tablesText(l.tables))})
}

func tablesText(names []catalog.Name) string {
	if len(names) == 1 {
		return names[0].String()
	}
	return fmt.Sprintf("%s and %d other tables", names[0], len(names)-1)
}

// ask runs f on the connection that sees the source as it is now, which is made
// anew where it broke.
func (s *Snapshot) ask(ctx context.Context, f func(*pgx.Conn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live.IsClosed() {
		conn, err := s.source.Connect(ctx, s.settings)
		if err != nil {
			return err
		}
		s.live = conn
		if s.run != "" {
			if err := s.sign(ctx); err != nil {
				return err
			}
		}
	}
	return f(s.live)
}

// yields says that locks are given back to who waits for them.
func (s *Snapshot) yields() bool { return s.unyield != nil }
