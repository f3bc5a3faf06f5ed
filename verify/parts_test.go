package verify

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/verify/digest"
)

func TestCut(t *testing.T) {
	t.Parallel()
	const block = 8192
	whole := []part{{label: "whole", bytes: 100 * block}}
	require.Equal(t, whole, cut(size{100 * block, 0, block}, 13, block), "13 reads the whole table for each range")
	require.Equal(t, whole, cut(size{100 * block, 0, block}, 14, 100*block))
	require.Equal(t, []part{{label: "whole"}}, cut(size{}, 18, leastPart), "no heap")
	require.Equal(t, []part{
		{where: "ctid >= '(0,0)'::pg_catalog.tid AND ctid < '(50,0)'::pg_catalog.tid", label: "blocks 0-49", bytes: 50 * block},
		{where: "ctid >= '(50,0)'::pg_catalog.tid", label: "blocks from 50", bytes: 50 * block},
	}, cut(size{100 * block, 0, block}, 14, 99*block))
	require.Len(t, cut(size{2 * block, 1000 * block, block}, 14, block), 2, "no more parts than blocks")
}

func TestPartBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := partBytes(rapid.Int64Range(0, math.MaxInt64).Draw(t, "total"), rapid.IntRange(1, 64).Draw(t, "jobs"))
		require.GreaterOrEqual(t, n, int64(leastPart))
		require.LessOrEqual(t, n, int64(mostPart))
	})
}

// The parts of a table hold each of its rows once: first and last block, blocks
// without rows, and rows that came after the size was read (Y5).
func TestPartsCoverRowsOnceY5(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	if server.Major() < tidScanSince {
		pgtest.Lacks(t, "no ranges of blocks")
	}
	db := server.Database(t)
	db.Exec(t, `CREATE TABLE t (a integer, b text); INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 5000) i;
		DELETE FROM t WHERE a BETWEEN 1000 AND 2000;`)
	name := catalog.Name{Schema: "public", Name: "t"}
	p := newPool(endpoint(t, dial.Target, db), dial.Reader(), 1)
	defer p.close()
	s, err := p.get(t.Context())
	require.NoError(t, err)
	sizes, err := readSizes(t.Context(), s.conn, []string{"public"})
	require.NoError(t, err)
	p.put(s)
	db.Exec(t, `INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(5001, 6000) i`)
	db.Exec(t, "VACUUM t")

	sum := func(where string) digest.Sum {
		got, err := (&run{target: p}).readOnce(t.Context(), &read{table: &comparison{}, target: true, sql: copySQL([]string{"a", "b"}, name, true, where)}, nil)
		require.NoError(t, err)
		return got.sum
	}
	for _, limit := range []int64{1, 8192, 100_000, 500_000} {
		parts := cut(sizes[name], server.Major(), limit)
		require.Greater(t, len(parts), 1)
		var merged digest.Sum
		for _, part := range parts {
			merged.Merge(sum(part.where))
		}
		require.Equal(t, sum(""), merged, "%d parts", len(parts))
	}
}

// Large tables are cut, on both sides, and compared as ever.
func TestRunSplitsLargeTables(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	if server.Major() < tidScanSince {
		pgtest.Lacks(t, "no ranges of blocks")
	}
	b := setup(t, `CREATE TABLE t (a integer, b text); ALTER TABLE t ALTER b SET STORAGE plain;
		INSERT INTO t SELECT i, repeat(md5(i::text), 200) FROM generate_series(1, 8000) i;`)
	for name, p := range map[string]Params{"account": b.params, "alone": b.alone(t)} {
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		require.True(t, report.Good(), report.Tables[0].Detail)
		require.Greater(t, p.Progress.Snapshot().TotalParts, 2, name)
	}
	b.target.Exec(t, "UPDATE t SET a = -a WHERE a = 8000")
	report, err := Run(t.Context(), b.params)
	require.NoError(t, err)
	require.Equal(t, Mismatch, report.Verdict())
}

// A target that is no PostgreSQL is asked for no blocks, no file sizes and no ONLY.
func TestReadsOfPlainTarget(t *testing.T) {
	t.Parallel()
	name := catalog.Name{Schema: "s", Name: "t"}
	tr := &ddlgen.Transfer{Target: name, Relations: []catalog.Name{{Schema: "s", Name: "leaf"}}, Columns: []ddlgen.ColumnTransfer{{Select: "a::text", ReadBack: "b"}}}
	v := &run{
		p:           Params{Profile: ddlgen.DB9(), Jobs: 4},
		found:       map[catalog.Name]*foundTable{name: {kind: "r"}},
		sourceSizes: map[catalog.Name]size{{Schema: "s", Name: "leaf"}: {heap: 8 << 30, block: 8192}},
		sourceMajor: 17, targetMajor: 17,
	}
	reads := v.planReads(t.Context(), []*comparison{{transfer: tr}})
	require.Greater(t, len(reads), 8)
	require.Equal(t, len(reads), reads[0].table.pending)
	for i, r := range reads {
		if r.target {
			require.Equal(t, `SELECT b FROM "s"."t"`, r.pages.SQL(keyset.Position{}, 1))
		} else {
			require.Contains(t, r.sql, `COPY (SELECT a::text FROM ONLY "s"."leaf" WHERE ctid >= '(`)
		}
		if i > 0 {
			require.LessOrEqual(t, r.part.bytes, reads[i-1].part.bytes, "largest first")
		}
	}
}
