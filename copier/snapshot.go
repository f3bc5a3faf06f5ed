package copier

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// Snapshot is an exported snapshot of the source with the connection that holds
// it and the connections that hold table locks.
type Snapshot struct {
	ID    string    // pg_export_snapshot's name
	Taken time.Time // by the source's clock
}

// SnapshotParams is what OpenSnapshot needs.
type SnapshotParams struct {
	Source   *dial.Endpoint
	Settings dial.Settings
	// Match picks the tables to lock from the first, cheap listing.
	Match func([]catalog.TableRef) ([]catalog.Name, error)
	Bus   *event.Bus
}

// OpenSnapshot exports a snapshot, locks the chosen tables against change
// (ACCESS SHARE) and proves that none was rewritten, dropped or altered between
// the two; where one was, a new snapshot is taken.
func OpenSnapshot(ctx context.Context, p SnapshotParams) (*Snapshot, error) {
	panic("unwritten")
}

// Conn is the connection inside the snapshot's transaction, for catalog.Load.
// It must not be used by two goroutines at once.
func (s *Snapshot) Conn() *pgx.Conn { panic("unwritten") }

// Close ends the snapshot and gives all locks back.
func (s *Snapshot) Close(ctx context.Context) { panic("unwritten") }
