package copier

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
)

const (
	lockGroup     = 100              // tables that one connection locks, so that a group can be given back
	maxLockGroups = 10               // connections that hold locks; further tables are locked by the workers
	lockTimeout   = 60 * time.Second // a lock not had by then: somebody holds ACCESS EXCLUSIVE
	maxSnapshots  = 5                // snapshots tried before a schema that keeps changing is given up
)

//go:embed queries/lock_budget.sql
var lockBudgetSQL string

// Snapshot is an exported snapshot of the source with the connection that holds
// it and the connections that hold table locks.
type Snapshot struct {
	ID    string    // pg_export_snapshot's name
	Taken time.Time // by the source's clock

	source   *dial.Endpoint
	settings dial.Settings
	holder   *pgx.Conn
	lockers  []locker

	lockTimeout time.Duration
	standby     bool // it ends whoever holds a lock that is in the way of what it replays

	mu     sync.Mutex // guards holder and live while workers check tables of their own
	live   *pgx.Conn  // READ COMMITTED: sees the catalog as it is now
	locked map[catalog.Name]bool

	run    string // whose copier says that it is at work, see Sign
	unsign func()

	unyield func() // nil: locks are kept, whoever waits
}

// SnapshotParams is what OpenSnapshot needs.
type SnapshotParams struct {
	Source   *dial.Endpoint
	Settings dial.Settings
	// Match picks the tables to lock from the first, cheap listing.
	Match func([]catalog.TableRef) ([]catalog.Name, error)
	Bus   *event.Bus
	// Join is a snapshot that another session exported and still holds, and the
	// moment of it; "" takes a new one.
	Join  string
	Taken time.Time
	// Lockers is how many connections hold locks at most; 0 is the default.
	Lockers int
	// Yield is how long another session may wait for a table that is locked, before
	// the lock is given back; 0 is for ever.
	Yield time.Duration

	lockTimeout time.Duration // 0 is the default; tests shorten it
	faults      *snapshotFaults
}

// snapshotFaults are the test's hooks.
type snapshotFaults struct {
	beforeLock func() // after the export, before the locks
}

// SchemaChangedError is a table that is not what the snapshot says it is: it was
// rewritten, emptied, dropped or altered after the snapshot was taken, and would
// be read as empty, or with NULLs, without an error.
type SchemaChangedError struct {
	Table catalog.Name
	What  string
}

// Error implements error.
func (e *SchemaChangedError) Error() string {
	return fmt.Sprintf("schema changed: table %s %s after the snapshot was taken; run the command again when schema changes are over", e.Table, e.What)
}

// OpenSnapshot exports a snapshot, locks the chosen tables against change
// (ACCESS SHARE) and proves that none was rewritten, dropped or altered between
// the two; where one was, a new snapshot is taken.
func OpenSnapshot(ctx context.Context, p SnapshotParams) (*Snapshot, error) {
	for attempt := 1; ; attempt++ {
		s, err := openSnapshot(ctx, p)
		var changed *SchemaChangedError
		switch {
		case err == nil:
			return s, nil
		case p.Join != "" && (errors.As(err, &changed) || notThere(err)):
			return nil, &SnapshotGoneError{ID: p.Join, Err: err}
		case errors.As(err, &changed) && attempt < maxSnapshots:
			p.Bus.Emit(event.Note{Text: fmt.Sprintf("table %s %s between the snapshot and its lock: a new snapshot is taken", changed.Table, changed.What)})
		default:
			return nil, err
		}
	}
}

// SnapshotGoneError is a snapshot that cannot be joined any more, or that shows
// tables which are not there any more as it shows them.
type SnapshotGoneError struct {
	ID  string
	Err error
}

// Error implements error.
func (e *SnapshotGoneError) Error() string {
	return fmt.Sprintf("snapshot %s of the source is gone: %v", e.ID, e.Err)
}

// goneFrom is a *SnapshotGoneError where the error of a session that was to join
// a snapshot says that nobody holds it.
func goneFrom(id string, err error) error {
	if notThere(err) {
		return &SnapshotGoneError{ID: id, Err: err}
	}
	return err
}

// Unwrap returns the cause.
func (e *SnapshotGoneError) Unwrap() error { return e.Err }

// notThere is the answer to a snapshot that nobody holds: 22023, from 15 on
// 42704 (ImportSnapshot in snapmgr.c).
func notThere(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.InvalidParameterValue, pgerrcode.UndefinedObject, pgerrcode.ObjectNotInPrerequisiteState:
		return true
	}
	return false
}

func openSnapshot(ctx context.Context, p SnapshotParams) (s *Snapshot, err error) {
	s = &Snapshot{source: p.Source.Aside(), settings: p.Settings, locked: map[catalog.Name]bool{}, lockTimeout: lockTimeout}
	if p.lockTimeout > 0 {
		s.lockTimeout = p.lockTimeout
	}
	s.lockTimeout += p.Yield // behind somebody who waits for us
	defer func() {
		if err != nil {
			s.Close(ctx)
			s = nil
		}
	}()
	if s.holder, err = s.source.Connect(ctx, p.Settings); err != nil {
		return s, err
	}
	if p.Join != "" {
		err = dial.BeginSnapshot(ctx, s.holder, p.Join)
	} else {
		_, err = s.holder.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	}
	if err == nil { // even the size of a table is read under a lock
		_, err = s.holder.Exec(ctx, s.lockTimeoutSQL())
	}
	if err != nil {
		return s, fmt.Errorf("opening a snapshot on the source: %w", err)
	}
	if err = s.holder.QueryRow(ctx, "SELECT pg_catalog.pg_export_snapshot(), pg_catalog.clock_timestamp(), pg_catalog.pg_is_in_recovery()").Scan(&s.ID, &s.Taken, &s.standby); err != nil {
		return s, fmt.Errorf("exporting a snapshot on the source: %w", err)
	}
	if p.Join != "" {
		s.Taken = p.Taken
	}
	refs, err := catalog.ListTables(ctx, s.holder)
	if err != nil {
		return s, err
	}
	names, err := p.Match(refs)
	if err != nil {
		return s, err
	}
	if p.faults != nil && p.faults.beforeLock != nil {
		p.faults.beforeLock()
	}
	if err = s.lock(ctx, lockable(refs, names), p.Lockers); err != nil {
		return s, err
	}
	if p.Yield > 0 {
		s.yieldLocks(ctx, p.Yield, p.Bus)
	}
	return s, nil
}

// lockable leaves out what LOCK TABLE does not take.
func lockable(refs []catalog.TableRef, names []catalog.Name) []catalog.Name {
	foreign := map[catalog.Name]bool{}
	for _, r := range refs {
		foreign[r.Name] = r.Kind == catalog.TableForeign
	}
	var out []catalog.Name
	for _, n := range names {
		if !foreign[n] {
			out = append(out, n)
		}
	}
	return out
}

// lock takes ACCESS SHARE on as many tables as the server has room for, in
// groups, and checks them.
func (s *Snapshot) lock(ctx context.Context, names []catalog.Name, lockers int) error {
	var err error
	if s.live, err = s.source.Connect(ctx, s.settings); err != nil {
		return err
	}
	var budget int
	if err := s.live.QueryRow(ctx, lockBudgetSQL).Scan(&budget); err != nil {
		return fmt.Errorf("reading how many locks the source has free: %w", err)
	}
	names = names[:min(len(names), budget, lockGroup*maxLockGroups)]
	size := lockGroup
	if lockers > 0 { // fewer connections, larger groups
		size = max(size, (len(names)+lockers-1)/lockers)
	}
	for len(names) > 0 {
		group := names[:min(len(names), size)]
		names = names[len(group):]
		conn, err := s.source.Connect(ctx, s.settings)
		if err != nil {
			return err
		}
		s.lockers = append(s.lockers, locker{conn, group})
		if err := s.lockGroup(ctx, conn, group); err != nil {
			return err
		}
		if err := s.check(ctx, group); err != nil {
			return err
		}
		for _, n := range group {
			// A standby takes locks back: a table is then locked and checked once more by
			// whoever reads it, or what a TRUNCATE has left would read as an empty table.
			s.locked[n] = !s.standby
		}
	}
	return nil
}

func (s *Snapshot) lockGroup(ctx context.Context, conn *pgx.Conn, group []catalog.Name) error {
	if err := dial.BeginSnapshot(ctx, conn, s.ID); err != nil {
		return err
	}
	_, err := conn.PgConn().Exec(ctx, s.lockTimeoutSQL()+";"+lockSQL(group)).ReadAll()
	return s.lockError(group, err)
}

func lockSQL(tables []catalog.Name) string {
	list := make([]string, len(tables))
	for i, t := range tables {
		list[i] = "ONLY " + quote.Name(t.Schema, t.Name)
	}
	return "LOCK TABLE " + strings.Join(list, ", ") + " IN ACCESS SHARE MODE"
}

// lockTimeoutSQL bounds the wait for locks in a transaction.
func (s *Snapshot) lockTimeoutSQL() string {
	return fmt.Sprintf("SET LOCAL lock_timeout = %d", s.lockTimeout.Milliseconds())
}

// lockError says what a failed LOCK TABLE means.
func (s *Snapshot) lockError(group []catalog.Name, err error) error {
	switch dial.SQLState(err) {
	case "":
		return err
	case pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName:
		return &SchemaChangedError{Table: group[0], What: fmt.Sprintf("or one beside it was dropped or renamed (%v)", err)}
	case pgerrcode.LockNotAvailable:
		return fmt.Errorf("locking %d tables from %s in ACCESS SHARE mode: another session holds one of them exclusively for more than %s; "+
			"see pg_locks for who, and run the command again when it has ended: %w", len(group), group[0], s.lockTimeout, err)
	case pgerrcode.InsufficientPrivilege:
		return fmt.Errorf("locking %d tables from %s: the source's role may not read one of them; GRANT SELECT on it, or exclude it: %w", len(group), group[0], err)
	}
	return fmt.Errorf("locking %d tables from %s: %w", len(group), group[0], err)
}

// check compares tables that are locked now with what the snapshot says of them.
func (s *Snapshot) check(ctx context.Context, names []catalog.Name) error {
	then, err := catalog.Fingerprints(ctx, s.holder, names)
	if err != nil {
		return err
	}
	now, err := catalog.Fingerprints(ctx, s.live, names)
	if err != nil {
		return err
	}
	byName := make(map[catalog.Name]catalog.Fingerprint, len(now))
	for _, f := range now {
		byName[f.Name] = f
	}
	for _, f := range then {
		n, ok := byName[f.Name]
		if !ok {
			return &SchemaChangedError{Table: f.Name, What: "was dropped or renamed"}
		}
		if what := f.Diff(n); what != "" {
			return &SchemaChangedError{Table: f.Name, What: what}
		}
	}
	if len(then) != len(names) {
		return &SchemaChangedError{Table: names[0], What: "or one beside it was created"}
	}
	return nil
}

// ensure locks and checks a table on a worker's connection, when it was beyond
// the locks taken at the start. There is no going back to another snapshot then:
// other tables were copied from this one. Again says that the table was being
// read when something broke, which may have taken the lock's connection too.
func (s *Snapshot) ensure(ctx context.Context, conn *sourceConn, table catalog.Name, again bool) error {
	s.mu.Lock()
	locked := s.locked[table]
	s.mu.Unlock()
	if locked && !again && !s.yields() { // a lock that may be given back at any moment is no lock
		return nil
	}
	names := []catalog.Name{table}
	if err := s.lockError(names, conn.exec(lockSQL(names))); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.check(ctx, names)
}

// Conn is the connection inside the snapshot's transaction, for catalog.Load.
// It must not be used by two goroutines at once.
func (s *Snapshot) Conn() *pgx.Conn { return s.holder }

// Close ends the snapshot and gives all locks back.
func (s *Snapshot) Close(ctx context.Context) {
	if s.unsign != nil {
		s.unsign()
	}
	if s.unyield != nil {
		s.unyield()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, l := range append([]locker{{conn: s.holder}, {conn: s.live}}, s.lockers...) {
		if l.conn != nil {
			_ = l.conn.Close(ctx)
		}
	}
	s.lockers, s.holder, s.live = nil, nil, nil
}
