package catalog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// N13, small: far more tables and sequences than a transaction has locks for
// are read in seconds, and no lock is kept.
func TestManyTables(t *testing.T) {
	t.Parallel()
	const tables = 1000
	db := pgtest.New(t, pgtest.ClusterOptions{Settings: map[string]string{
		"max_locks_per_transaction": "16", "max_connections": "20", "max_wal_senders": "0", "wal_level": "minimal", "max_prepared_transactions": "0",
	}}).Database(t)
	for from := 0; from < tables; from += 50 {
		var sql strings.Builder
		for i := from; i < from+50; i++ {
			fmt.Fprintf(&sql, "CREATE TABLE t%04d (id serial PRIMARY KEY, n numeric(%d) CHECK (n > %[1]d), v varchar(%[2]d) DEFAULT 'v%[1]d'); CREATE INDEX ON t%04[1]d (v) WHERE n > %[1]d;", i, i%38+1)
		}
		db.Exec(t, sql.String())
	}
	conn := db.Conn(t)
	require.NoError(t, within(t, conn, func(tx pgx.Tx) error {
		began := time.Now()
		got, err := Load(t.Context(), tx, LoadOptions{})
		if err != nil {
			return err
		}
		took := time.Since(began)
		t.Logf("%d tables, %d sequences, %d indexes, %d constraints: %v", len(got.Tables), len(got.Sequences), len(got.Indexes), len(got.Constraints), took.Round(time.Millisecond))
		require.Len(t, got.Tables, tables)
		require.Len(t, got.Sequences, tables)
		require.Len(t, got.Indexes, 2*tables)
		require.Less(t, took, 30*time.Second) // a second on an idle machine
		var kept []string
		rows, err := tx.Query(t.Context(), "SELECT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384")
		require.NoError(t, err)
		kept, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Empty(t, kept, "locks of the user's relations")

		names := make([]Name, len(got.Sequences))
		for i, s := range got.Sequences {
			names[i] = s.Name
		}
		positions, err := SequencePositions(t.Context(), db.Conn(t), names) // outside of a transaction
		require.NoError(t, err)
		require.Len(t, positions, tables)
		require.Equal(t, SequencePosition{LastValue: 1}, positions[tables-1])
		return nil
	}))
}
