package copier

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// TOAST that lies in lumps is cut into parts of about equal weight: the heaviest
// is at most 1.5 times the median, where an even cut of the same blocks gives
// parts of many times that.
func TestPartsOfLumpyTOASTAreEqual(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	// 13 MB of heap; of 60 MB of TOAST most hangs on a twentieth of the rows, the
	// rest on rows here and there.
	db.Exec(t, `CREATE TABLE public.t (id bigint, filler text, payload bytea);
		ALTER TABLE public.t ALTER payload SET STORAGE EXTERNAL;
		INSERT INTO public.t SELECT n, repeat('x', 200), CASE
			WHEN n BETWEEN 20000 AND 22500 THEN decode(repeat(md5(n::text), 1250), 'hex')
			WHEN n % 100 = 7 THEN decode(repeat(md5(n::text), 800), 'hex') END
		FROM generate_series(1, 50000) n`)
	conn := db.Conn(t)
	mustExec(t, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ")
	plan := &ddlgen.Plan{Transfers: []ddlgen.Transfer{transfer("t", "id", "filler", "payload")}}
	_, err := PlanParts(t.Context(), conn, plan, ddlgen.Postgres(), 2, Split{largest: 4 << 20, smallest: 1 << 20})
	require.NoError(t, err)
	// The look leaves nothing behind: no lock on the snapshot's connection, no setting.
	var locks int
	var timeout string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*), current_setting('statement_timeout') FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid() AND c.relname = 't'").Scan(&locks, &timeout))
	require.Equal(t, "0 locks, 0", fmt.Sprintf("%d locks, %s", locks, timeout))
	weigh := func(split Split) (weights []int64) {
		split.largest, split.smallest = 4<<20, 1<<20
		parts, err := PlanParts(t.Context(), conn, plan, ddlgen.Postgres(), 2, split)
		require.NoError(t, err)
		requireOnce(t.Context(), t, conn, "public.t", parts)
		for _, p := range parts {
			p.cuts = nil
			var w int64
			require.NoError(t, conn.QueryRow(t.Context(), "SELECT sum(100 + coalesce(length(payload), 0) + length(filler)) FROM public.t WHERE ctid IN (SELECT place FROM "+rangesOf(p)+" AS r)").Scan(&w))
			weights = append(weights, w)
		}
		slices.Sort(weights)
		return weights
	}
	even := weigh(Split{Guess: true})
	require.Greater(t, even[len(even)-1], 5*even[len(even)/2], "the data are no test")
	got := weigh(Split{})
	require.Greater(t, len(got), 10)
	require.LessOrEqual(t, float64(got[len(got)-1]), 1.5*float64(got[len(got)/2]), "%v", got)
}

// Parts by blocks hold every row once: empty tables, tables of dead rows, bloat,
// filtered rows, and one row that weighs more than all others (T5).
func TestSampledBlocksHoldEveryRowOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	conn := db.Conn(t)
	for name, fill := range map[string]string{
		"empty":     "",
		"dead":      "INSERT INTO public.t SELECT n, repeat('x', 500) FROM generate_series(1, 2000) n; DELETE FROM public.t",
		"bloat":     "INSERT INTO public.t SELECT n, repeat('x', 500) FROM generate_series(1, 2000) n; DELETE FROM public.t WHERE id < 1900",
		"one":       "INSERT INTO public.t VALUES (1, 'x')",
		"huge row":  "INSERT INTO public.t SELECT n, CASE WHEN n = 700 THEN (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 50000) i) ELSE repeat('x', 500) END FROM generate_series(1, 1000) n",
		"two lumps": "INSERT INTO public.t SELECT n, CASE WHEN n IN (1, 1000) THEN (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 20000) i) ELSE '' END FROM generate_series(1, 1000) n",
	} {
		mustExec(t, conn, "DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (id integer PRIMARY KEY, body text);"+fill)
		mustExec(t, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ")
		for _, by := range []SplitBy{SplitAuto, SplitBlocks, SplitKeys, SplitNever} {
			for _, where := range []string{"", "id > 5", "id < 0"} {
				tr := transfer("t", "id", "body")
				tr.Where = []string{where}
				split := Split{By: by, largest: 20_000, smallest: 1}
				parts, err := PlanParts(t.Context(), conn, &ddlgen.Plan{Transfers: []ddlgen.Transfer{tr}}, ddlgen.Postgres(), 2, split)
				require.NoError(t, err)
				requireOnce(t.Context(), t, conn, "public.t", parts)
				if name == "bloat" || name == "huge row" {
					require.Equal(t, by != SplitNever && where != "id < 0" || by == SplitAuto || by == SplitBlocks, len(parts) > 1, "%s by %s: %v", name, by, ranges(parts))
				}
			}
		}
		mustExec(t, conn, "COMMIT")
	}
}

// However weight lies in blocks, positions are in order and within the relation.
func TestSampledScaleIsInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.Int64Range(1, 50).Draw(t, "step")
		weights := rapid.SliceOfN(rapid.Float64Range(0, 1e9), 1, 60).Draw(t, "weights")
		weights[0]++
		s := &sampledBlocks{}
		var total float64
		for i, w := range weights {
			total += w
			s.blocks, s.upto = append(s.blocks, int64(i)*step), append(s.upto, total)
		}
		s.evenBlocks = evenBlocks{end: int64(len(weights)) * step, open: true}
		n := catalog.Name{Schema: "s", Name: "t"}
		p := Part{Relation: n, Bytes: 1 << 30, cuts: &cuts{scale: s, to: s.last(), high: 1}}
		parts := p.pieces(rapid.Int64Range(1, 40).Draw(t, "pieces"))
		if i := rapid.IntRange(0, len(parts)-1).Draw(t, "cut further"); len(parts) > 1 {
			parts = slices.Concat(parts[:i], parts[i].pieces(3), parts[i+1:])
		}
		var bytes, at int64
		for i, p := range parts {
			bytes += p.Bytes
			if len(parts) == 1 {
				require.Equal(t, "whole", p.Range())
				continue
			}
			require.Equal(t, at, p.First, fmt.Sprint(ranges(parts)))
			require.Equal(t, i == len(parts)-1, p.End == 0)
			require.True(t, p.End == 0 || p.End > p.First && p.End < s.end)
			at = p.End
		}
		require.Equal(t, int64(1<<30), bytes)
	})
}
