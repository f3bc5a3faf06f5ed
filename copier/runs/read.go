package runs

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// Schema is where the ledger is.
const Schema = "_pg2db9"

// Version is the version of the ledger that this package reads.
const Version = 2

//go:embed queries/*.sql
var queryFiles embed.FS

func query(name string) string {
	b, err := queryFiles.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(err) // embedded at build time
	}
	return string(b)
}

// ErrNoLedger is a target on which no run has ever written.
var ErrNoLedger = errors.New("there is no ledger on the target (schema " + Schema + "): no run of pg2db9 has written to it, or its ledger was removed")

// Read reads the ledger: the runs, or the one with the id. ErrNoLedger where
// there is none; a run that is not in it is an error too.
func Read(ctx context.Context, conn *pgx.Conn, run string) (*Ledger, error) {
	if err := known(ctx, conn); err != nil {
		return nil, err
	}
	l := &Ledger{Runs: []Run{}}
	at := map[string]*Run{}
	for _, step := range []struct {
		query string
		read  func(pgx.Rows) error
	}{
		{"runs", func(rows pgx.Rows) error { return l.addRun(rows) }},
		{"parts", func(rows pgx.Rows) error { return addParts(rows, at) }},
		{"failed_parts", func(rows pgx.Rows) error { return addFailed(rows, at) }},
		{"steps", func(rows pgx.Rows) error { return addSteps(rows, at) }},
		{"rejects", func(rows pgx.Rows) error { return addRejects(rows, at) }},
	} {
		if err := each(ctx, conn, query(step.query), step.read, run); err != nil {
			return nil, fmt.Errorf("reading the ledger on the target (%s): %w", step.query, err)
		}
		if step.query == "runs" {
			for i := range l.Runs {
				at[l.Runs[i].ID] = &l.Runs[i]
			}
		}
	}
	if run != "" && len(l.Runs) == 0 {
		return nil, fmt.Errorf("run %s is not in the ledger on the target: status without --run lists those that are", run)
	}
	return l, nil
}

// known says whether there is a ledger that this program reads.
func known(ctx context.Context, conn *pgx.Conn) error {
	var version *int
	err := conn.QueryRow(ctx, "SELECT max(version) FROM _pg2db9.version").Scan(&version)
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName:
		return ErrNoLedger
	}
	switch {
	case err != nil:
		return fmt.Errorf("reading the ledger on the target: %w", err)
	case version == nil:
		return ErrNoLedger
	case *version != Version:
		return fmt.Errorf("the ledger on the target has version %d, this program reads version %d: use the pg2db9 that wrote it", *version, Version)
	}
	return nil
}

// each reads the rows of a query.
func each(ctx context.Context, conn *pgx.Conn, sql string, read func(pgx.Rows) error, args ...any) error {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (l *Ledger) addRun(rows pgx.Rows) error {
	r := Run{Failures: []Failure{}, Rejects: []Rejects{}}
	var taken string
	var lease *float64
	var started, changed, asked float64
	err := rows.Scan(&r.ID, &r.Command, &r.Tool, &r.Source, &r.Profile, &r.Options, &r.State,
		&r.Snapshot.ID, &taken, &r.Snapshot.Kept, &r.Snapshot.KeptBy, &r.Snapshot.KeptPID, &r.Snapshot.Start,
		&r.Owner.Name, &r.Owner.PID, &r.Owner.Start, &lease, &started, &changed, &asked)
	if err != nil {
		return err
	}
	l.At = seconds(asked)
	r.Started, r.Changed, r.Owner.Lease = seconds(started), seconds(changed), moment(lease)
	r.Owner.Alive = r.Owner.Lease != nil && r.Owner.Lease.After(l.At)
	if t, err := time.Parse(time.RFC3339Nano, taken); err == nil { // a run that died early has none
		r.Snapshot.Taken = t
	}
	l.Runs = append(l.Runs, r)
	return nil
}

func addParts(rows pgx.Rows, at map[string]*Run) error {
	var run string
	var r Run
	var committed *float64
	if err := rows.Scan(&run, &r.Parts.All, &r.Parts.Done, &r.Parts.Begun, &r.Parts.Failed, &r.Rows, &r.Bytes, &r.Estimated, &r.EstimatedDone, &committed); err != nil {
		return err
	}
	if to := at[run]; to != nil {
		to.Parts, to.Rows, to.Bytes, to.Estimated, to.EstimatedDone, to.LastBatch = r.Parts, r.Rows, r.Bytes, r.Estimated, r.EstimatedDone, moment(committed)
	}
	return nil
}

func addFailed(rows pgx.Rows, at map[string]*Run) error {
	var run string
	var table catalog.Name
	var f Failure
	if err := rows.Scan(&run, &f.Part, &table.Schema, &table.Name, &f.Error); err != nil {
		return err
	}
	f.Table = table.String()
	if to := at[run]; to != nil {
		to.Failures = append(to.Failures, f)
	}
	return nil
}

func addSteps(rows pgx.Rows, at map[string]*Run) error {
	var run, state string
	var f Failure
	var n int64
	if err := rows.Scan(&run, &state, &f.Step, &f.Error, &n); err != nil {
		return err
	}
	to := at[run]
	if to == nil {
		return nil
	}
	switch state {
	case "done":
		to.Steps.Done += n
	case "failed":
		to.Steps.Failed += n
		to.Failures = append(to.Failures, f)
	default:
		to.Steps.Begun += n
	}
	return nil
}

func addRejects(rows pgx.Rows, at map[string]*Run) error {
	var run string
	var table catalog.Name
	var n int64
	if err := rows.Scan(&run, &table.Schema, &table.Name, &n); err != nil {
		return err
	}
	if to := at[run]; to != nil {
		to.Rejects = append(to.Rejects, Rejects{Table: table.String(), Rows: n})
		to.Rows -= n // spans cover them
	}
	return nil
}

// seconds is a moment given in seconds since 1970.
func seconds(s float64) time.Time {
	whole, part := math.Modf(s)
	return time.Unix(int64(whole), int64(part*1e6)*1000).UTC()
}

func moment(s *float64) *time.Time {
	if s == nil {
		return nil
	}
	t := seconds(*s)
	return &t
}
