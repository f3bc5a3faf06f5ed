package copier

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Parts cover every block of every relation once, whatever the sizes, largest
// first, so that a very large table does not finish last alone (C30); and the
// last one of a relation is open-ended.
func TestPartsCoverEveryBlockOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const block = 8192
		plan := &ddlgen.Plan{}
		var sizes []relationSize
		for i := range rapid.IntRange(0, 12).Draw(t, "relations") {
			n := catalog.Name{Schema: "s", Name: fmt.Sprint(i)}
			plan.Transfers = append(plan.Transfers, ddlgen.Transfer{Target: n, Relations: []catalog.Name{n}})
			sizes = append(sizes, relationSize{
				Kind: "r", Method: rapid.SampledFrom([]string{"heap", "heap", "heap", "columnar", ""}).Draw(t, "method"),
				Heap:  rapid.Int64Range(0, 4<<20).Draw(t, "blocks") * block,
				Toast: rapid.SampledFrom([]int64{0, 0, 1 << 20, 900 << 30}).Draw(t, "toast"), Block: block,
			})
		}
		major := rapid.SampledFrom([]int{13, 14, 18}).Draw(t, "major")
		jobs := rapid.IntRange(1, 64).Draw(t, "jobs")
		batchBytes := rapid.SampledFrom([]int64{0, 20_000, 2_000_000}).Draw(t, "batch bytes")
		parts := cutParts(plan, sizes, newCut(sizes, batchBytes, jobs, major, Split{}), nil)
		byRelation := map[catalog.Name][]Part{}
		seen := map[int64]bool{}
		for i, p := range parts {
			require.False(t, seen[p.ID], "part numbers repeat")
			seen[p.ID] = true
			if i > 0 {
				require.GreaterOrEqual(t, parts[i-1].Bytes, p.Bytes, "largest first")
			}
			byRelation[p.Relation] = append(byRelation[p.Relation], p)
		}
		for i, s := range sizes {
			own := byRelation[plan.Transfers[i].Relations[0]]
			if len(own) == 1 && !own[0].Blocks {
				continue // the whole
			}
			require.NotEqual(t, 13, major, "no TID range scan before 14 (T11)")
			require.Equal(t, "heap", s.Method, "no ranges of what is no heap (T10)")
			covered := make(map[int64]int64, len(own)) // first -> end
			for _, p := range own {
				require.True(t, p.Blocks)
				covered[p.First] = p.End
			}
			require.Len(t, covered, len(own), "two parts begin at the same block")
			at := int64(0)
			for range own {
				end, ok := covered[at]
				require.True(t, ok, "no part begins at block %d", at)
				if end == 0 {
					at = -1
					break
				}
				require.Greater(t, end, at)
				at = end
			}
			require.Equal(t, int64(-1), at, "the last range is open-ended")
		}
	})
}

// A heap of 200 MB with 3 GB of TOAST is cut by what it weighs, not by its heap.
func TestT7PartsAreWeighedWithTOAST(t *testing.T) {
	t.Parallel()
	n := catalog.Name{Schema: "s", Name: "t"}
	plan := &ddlgen.Plan{Transfers: []ddlgen.Transfer{{Target: n, Relations: []catalog.Name{n}}}}
	sizes := []relationSize{{Kind: "r", Method: "heap", Heap: 200 << 20, Toast: 3 << 30, Block: 8192}}
	parts := cutParts(plan, sizes, newCut(sizes, 0, 4, 15, Split{}), nil)
	require.Len(t, parts, 32)
	for _, p := range parts {
		require.InDelta(t, 200<<20/8192/32, max(p.End, 200<<20/8192)-p.First, 200<<20/8192)
	}
}

// Over a long link the parts shrink towards the end, so that jobs that do not
// share their rate end within about a batch of each other (C27).
func TestPartsShrinkOverALongLink(t *testing.T) {
	t.Parallel()
	plan := &ddlgen.Plan{}
	var sizes []relationSize
	for i := range 4 {
		n := catalog.Name{Schema: "s", Name: fmt.Sprint(i)}
		plan.Transfers = append(plan.Transfers, ddlgen.Transfer{Target: n, Relations: []catalog.Name{n}})
		sizes = append(sizes, relationSize{Kind: "r", Method: "heap", Heap: 50 << 20, Block: 8192})
	}
	const jobs = 8
	var ends [jobs]int64
	for _, p := range cutParts(plan, sizes, newCut(sizes, 2_000_000, jobs, 15, Split{}), nil) {
		next := 0
		for j := range ends {
			if ends[j] < ends[next] {
				next = j
			}
		}
		ends[next] += p.Bytes
	}
	require.InDelta(t, 25<<20, slices.Max(ends[:]), 2_100_000)
}

// A source of 13 is read whole, one of 14 by ranges of blocks; both give every
// row once (T5, T11).
func TestPartsOnOldAndNewServers(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 14} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.source = pgtest.Major(t, major).Database(t)
			p.both(t, "CREATE TABLE public.t (n integer, filler text)")
			p.source.Exec(t, `INSERT INTO public.t SELECT n, repeat('x', 1500) FROM generate_series(1, 60000) n;
				DELETE FROM public.t WHERE n % 10 <> 0; INSERT INTO public.t VALUES (-1, NULL)`)
			params := p.params(t, transfer("t", "n", "filler"))
			params.Jobs = 3
			res, err := Copy(soon(t), params)
			complete(t, res, err)
			if major == 13 {
				require.Equal(t, 1, res.Tables[0].Parts)
			} else {
				require.Greater(t, res.Tables[0].Parts, 2)
			}
			p.same(t, "t")
			require.Equal(t, "6001", p.target.QueryString(t, "SELECT count(*) FROM public.t"))
		})
	}
}

// The SQL that reads and writes parts quotes every name (N1, N2, N4).
func TestCopySQLQuotes(t *testing.T) {
	t.Parallel()
	n := catalog.Name{Schema: `a"b`, Name: "select\n;"}
	tr := ddlgen.Transfer{Target: n, Relations: []catalog.Name{n}, Columns: []ddlgen.ColumnTransfer{
		{Source: `"x"`, Target: `"x"`, Select: `"""x"""`}, {Source: "y", Target: "Y", Select: `("y")::timestamp(3)`},
	}}
	require.Equal(t, `COPY (SELECT """x""", ("y")::timestamp(3) FROM ONLY "a""b"."select`+"\n"+`;" WHERE ctid >= '(5,0)'::pg_catalog.tid) TO STDOUT`,
		copyOutSQL(&tr, Part{Relation: n, Blocks: true, First: 5}))
	require.Equal(t, `COPY "a""b"."select`+"\n"+`;" ("""x""", "Y") FROM STDIN`, copyInSQL(&tr))
	plain := ddlgen.Transfer{Target: n, Columns: []ddlgen.ColumnTransfer{{Source: "x", Target: "x", Select: `"x"`}}}
	require.Equal(t, `COPY "s"."t" ("x") TO STDOUT`, copyOutSQL(&plain, Part{Relation: catalog.Name{Schema: "s", Name: "t"}}))
	plain.Columns[0].Computed = true
	require.Equal(t, `COPY (SELECT "x" FROM ONLY "s"."t") TO STDOUT`, copyOutSQL(&plain, Part{Relation: catalog.Name{Schema: "s", Name: "t"}}), "COPY of a table cannot name generated columns")
	require.Equal(t, dial.Source, parse(t, dial.Source, "postgres://h/d").Side())
}
