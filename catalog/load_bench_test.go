package catalog_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// BenchmarkLoad reads a schema of 300 tables, each with a key, an index and a check.
func BenchmarkLoad(b *testing.B) {
	const tables = 300
	db := pgtest.Server(b).Database(b)
	for i := range tables {
		db.Exec(b, fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, a int CHECK (a > 0), b text, c timestamptz DEFAULT now()); CREATE INDEX ON t%d (a, b)", i, i))
	}
	conn := db.Conn(b)
	_, err := conn.Exec(b.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	require.NoError(b, err)
	for b.Loop() {
		d, err := catalog.Load(b.Context(), conn, catalog.LoadOptions{})
		require.NoError(b, err)
		require.Len(b, d.Tables, tables)
	}
	b.ReportMetric(tables, "tables")
}
