package run

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/copier/runs"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Schema is where a measurement makes its tables. It is made at the beginning and
// dropped at the end, and nothing else of the target is touched but pg2db9's own
// ledger.
const Schema = "pg2db9_bench"

// Command is what the ledger calls the runs of a measurement.
const Command = "bench"

// marker is the table that says whose the schema is.
const marker = "made_by_pg2db9_bench"

// What the marker keeps.
const (
	markPID    = "pid"    // of the session that made it
	markStart  = "start"  // of that session
	markLedger = "ledger" // "ours" where there was none
	ours       = "ours"
)

//go:embed queries/alive.sql
var aliveSQL string

// cleanTimeout is how long leaving the target as it was may take.
const cleanTimeout = 2 * time.Minute

// lockWait is how long a table is waited for that a session of ours which was cut
// off may still be writing (ms).
const lockWait = 30_000

// sandbox is the measurement's own place on a target.
type sandbox struct {
	conn   *pgx.Conn
	ledger bool // it came with us
}

// exists says whether a schema is there.
func exists(ctx context.Context, conn *pgx.Conn, schema string) (there bool, err error) {
	err = conn.QueryRow(ctx, "SELECT count(*) > 0 FROM information_schema.schemata WHERE schema_name = $1", schema).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("asking the target for its schemas: %w", err)
	}
	return there, nil
}

// openSandbox makes the schema. A target that has it already is not touched.
func openSandbox(ctx context.Context, target *dial.Endpoint, profile ddlgen.Profile) (*sandbox, error) {
	conn, err := target.Connect(ctx, copier.ControlSettings(profile))
	if err != nil {
		return nil, err
	}
	s := &sandbox{conn: conn}
	if err := s.make(ctx); err != nil {
		closeConn(ctx, conn)
		return nil, err
	}
	return s, nil
}

func (s *sandbox) make(ctx context.Context) error {
	there, err := exists(ctx, s.conn, Schema)
	if err != nil {
		return err
	}
	if there {
		return fmt.Errorf("schema %s is on the target already: a measurement is at work, or was killed; pg2db9 bench clean removes what is left of one, and touches no schema of others", Schema)
	}
	before, err := exists(ctx, s.conn, runs.Schema)
	if err != nil {
		return err
	}
	s.ledger = !before
	pid, start := "0", ""
	_ = s.conn.QueryRow(ctx, "SELECT pid::text, backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()").Scan(&pid, &start) // a target without it tells nothing
	for _, sql := range []string{
		"CREATE SCHEMA " + quote.Ident(Schema),
		"CREATE TABLE " + quote.Name(Schema, marker) + " (what text PRIMARY KEY, value text NOT NULL)",
	} {
		if err := s.exec(ctx, sql); err != nil {
			return errors.Join(err, s.drop(ctx))
		}
	}
	ledger := "there"
	if s.ledger {
		ledger = ours
	}
	for what, value := range map[string]string{markPID: pid, markStart: start, markLedger: ledger} {
		if _, err := s.conn.Exec(ctx, "INSERT INTO "+quote.Name(Schema, marker)+" (what, value) VALUES ($1, $2)", what, value); err != nil {
			return errors.Join(fmt.Errorf("making schema %s on the target: %w", Schema, err), s.drop(ctx))
		}
	}
	return nil
}

func (s *sandbox) exec(ctx context.Context, sql string) error {
	if _, err := s.conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("in schema %s on the target: %w (%s)", Schema, err, sql)
	}
	return nil
}

// empty drops the tables of the last run, none with CASCADE: what others have made
// upon them is not ours.
func (s *sandbox) empty(ctx context.Context) error {
	_, _ = s.conn.Exec(ctx, "SET lock_timeout = "+strconv.Itoa(lockWait)) // a target without it waits for as long as it takes
	rows, err := s.conn.Query(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = $1 ORDER BY 1", Schema)
	var tables []string
	if err == nil {
		tables, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		return fmt.Errorf("reading what stands in schema %s on the target: %w; run pg2db9 bench clean", Schema, err)
	}
	for _, t := range tables {
		if t == marker {
			continue
		}
		if err := s.exec(ctx, "DROP TABLE IF EXISTS "+quote.Name(Schema, t)); err != nil {
			return err
		}
	}
	return nil
}

// drop drops the schema and all in it that is ours. The marker goes last: it says
// that the rest is.
func (s *sandbox) drop(ctx context.Context) error {
	if err := s.empty(ctx); err != nil {
		return err
	}
	if err := s.exec(ctx, "DROP TABLE IF EXISTS "+quote.Name(Schema, marker)); err != nil {
		return err
	}
	return s.exec(ctx, "DROP SCHEMA IF EXISTS "+quote.Ident(Schema))
}

// forget takes a run out of the ledger; where the ledger came with the
// measurement and holds nothing else, an empty id takes all of it.
func (s *sandbox) forget(ctx context.Context, id string) error {
	r, err := runs.Find(ctx, s.conn, id, copier.LedgerTables())
	switch {
	case errors.Is(err, runs.ErrNoLedger):
		return nil
	case err != nil:
		return fmt.Errorf("looking for what the ledger keeps of the measurement: %w", err)
	case id == "" && slices.ContainsFunc(r.Runs, func(x runs.Run) bool { return x.Command != Command }):
		return nil
	}
	return r.Remove(ctx, s.conn)
}

// close leaves the target as it was.
func (s *sandbox) close(ctx context.Context) error {
	ctx, cancel := wait(ctx, cleanTimeout, errors.New("cleaning up on the target takes too long: run pg2db9 bench clean"))
	defer cancel()
	defer func() { closeConn(ctx, s.conn) }()
	var err error
	if s.ledger {
		err = s.forget(ctx, "")
	}
	return errors.Join(err, s.drop(ctx))
}

func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := wait(ctx, 5*time.Second, errors.New("the server does not say good-bye"))
	defer cancel()
	_ = conn.Close(ctx)
}
