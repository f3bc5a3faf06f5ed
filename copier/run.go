package copier

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// The states of a run in the ledger.
const (
	StateCreating = "creating" // the tables are being made
	StateLoading  = "loading"  // rows are on their way
	StateLoaded   = "loaded"   // all rows are there
	StatePartial  = "partial"  // the rows of some tables are not all there
	StateDone     = "done"     // nothing is left to do
)

// Run is a run as the ledger on the target keeps it.
type Run struct {
	ID         string
	Command    string
	Tool       string
	Source     string // redacted
	Profile    string
	SchemaHash string
	PlanHash   string
	Options    string // what the user asked for, as JSON without secrets
	Snapshot   string
	Taken      time.Time // the moment that its rows show, by the source's clock
	Kept       Kept
	State      string
	Owner      string // who works on it, or did last
	Started    time.Time
	Changed    time.Time

	targetStarted string
}

// Kept is a snapshot that a process of its own holds open.
type Kept struct {
	Snapshot string // the name that it can be joined by; "" is none
	By       string // host and process
	PID      int64  // its backend on the source
	Start    string // when that backend began
}

var (
	runsSQL         = ledgerSQL("runs")
	claimSQL        = ledgerSQL("claim")
	renewSQL        = ledgerSQL("renew")
	leaseHolderSQL  = ledgerSQL("holder_of_lease")
	backendLivesSQL = ledgerSQL("backend_lives")
)

// Runs reads the runs that the target's ledger knows, the last begun first; none
// where there is no ledger.
func Runs(ctx context.Context, conn *pgx.Conn) ([]Run, error) {
	var version int
	err := conn.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM _pg2db9.version").Scan(&version)
	if noLedger(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's version on the target: %w", err)
	}
	if version != ledgerVersion {
		return nil, versionError(version)
	}
	rows, err := conn.Query(ctx, runsSQL)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's runs on the target: %w", err)
	}
	runs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Run, err error) {
		var taken string
		err = row.Scan(&r.ID, &r.Command, &r.Tool, &r.Source, &r.Profile, &r.SchemaHash, &r.PlanHash, &r.Options, &r.Snapshot, &taken,
			&r.Kept.Snapshot, &r.Kept.By, &r.Kept.PID, &r.Kept.Start, &r.targetStarted, &r.State, &r.Owner, &r.Started, &r.Changed)
		if err == nil && taken != "" {
			r.Taken, err = time.Parse(time.RFC3339Nano, taken)
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the ledger's runs on the target: %w", err)
	}
	return runs, nil
}

func noLedger(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName:
		return true
	}
	return false
}

func versionError(found int) error {
	return fmt.Errorf("the ledger has version %d, this program writes version %d: use the pg2db9 that wrote it, or drop schema _pg2db9 if its runs are of no more use", found, ledgerVersion)
}
