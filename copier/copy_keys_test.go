package copier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Tables are cut by what their source can read apart: 13 by keys, where rows lie
// in the key's order or the target is far slower than any source; no heap by keys
// too; and by what was asked for (T10, T11).
func TestTablesAreCutByWhatTheSourceCanRead(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 0} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			server := pgtest.Server(t)
			if major > 0 {
				server = pgtest.Major(t, major)
			}
			db := server.Database(t)
			db.Exec(t, `CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
				CREATE TABLE public.sorted (id bigint PRIMARY KEY, filler text);
				CREATE TABLE public.scattered (id uuid PRIMARY KEY, filler text);
				CREATE TABLE public.keyless (id bigint, filler text);
				CREATE TABLE public.noheap (id integer, name text, filler text, PRIMARY KEY (id, name)) USING heap2;
				INSERT INTO public.sorted SELECT n, repeat('x', 100) FROM generate_series(1, 2000) n;
				INSERT INTO public.scattered SELECT md5(n::text)::uuid, repeat('x', 100) FROM generate_series(1, 2000) n;
				INSERT INTO public.keyless SELECT n, repeat('x', 100) FROM generate_series(1, 2000) n;
				INSERT INTO public.noheap SELECT n / 100, n, repeat('x', 100) FROM generate_series(1, 2000) n;
				ANALYZE`)
			conn := db.Conn(t)
			mustExec(t, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ")
			plan := &ddlgen.Plan{Transfers: []ddlgen.Transfer{
				transfer("sorted", "id", "filler"), transfer("scattered", "id", "filler"), transfer("keyless", "id", "filler"), transfer("noheap", "id", "name", "filler"),
			}}
			cut := func(by SplitBy, profile ddlgen.Profile) (how []string) {
				parts, err := PlanParts(t.Context(), conn, plan, profile, 2, Split{By: by, largest: 30_000, smallest: 1000})
				require.NoError(t, err)
				slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(a.Transfer, b.Transfer) })
				for _, tr := range plan.Transfers {
					of := slices.DeleteFunc(slices.Clone(parts), func(p Part) bool { return p.Target != tr.Target })
					requireOnce(t.Context(), t, conn, tr.Target.String(), slices.Clone(of))
					kind := map[bool]string{true: "blocks", false: "keys"}[of[0].Blocks]
					if len(of) == 1 {
						kind = "whole"
					}
					how = append(how, kind)
				}
				return how
			}
			near, far := ddlgen.Postgres(), ddlgen.DB9()
			w, b, k := "whole", "blocks", "keys"
			if major == 13 {
				require.Equal(t, []string{k, w, w, k}, cut(SplitAuto, near))
				require.Equal(t, []string{k, k, w, k}, cut(SplitAuto, far))
				require.Equal(t, []string{w, w, w, w}, cut(SplitBlocks, near))
			} else {
				require.Equal(t, []string{b, b, b, k}, cut(SplitAuto, near))
				require.Equal(t, []string{b, b, b, k}, cut(SplitAuto, far))
				require.Equal(t, []string{b, b, b, w}, cut(SplitBlocks, near))
			}
			require.Equal(t, []string{k, k, w, k}, cut(SplitKeys, near))
			require.Equal(t, []string{w, w, w, w}, cut(SplitNever, near))
		})
	}
}

// Copying by key ranges, end to end: keys of each kind, leaf by leaf, beside a
// condition of the user's that an index serves, with connections that break in
// the middle of a part: what is committed is read again in the same order, proved
// and skipped (invariants 4 and 5; T2, C1, C2).
func TestCopyByKeys(t *testing.T) {
	t.Parallel()
	everyBatching(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.both(t, `CREATE TABLE public.pairs (a integer, b text COLLATE "C", filler text, PRIMARY KEY (a, b));
			CREATE TABLE public.random (id uuid PRIMARY KEY, n integer, at timestamptz)`)
		p.source.Exec(t, `CREATE INDEX ON public.random (n);
			INSERT INTO public.pairs SELECT n % 5, 'Straße ' || n, repeat('x', 100) FROM generate_series(1, 1500) n;
			INSERT INTO public.random SELECT md5(n::text)::uuid, n % 50, now() FROM generate_series(1, 1500) n; ANALYZE;
			CREATE TABLE public.root (id bigint NOT NULL, filler text) PARTITION BY RANGE (id);
			CREATE TABLE public.leaf1 PARTITION OF public.root (PRIMARY KEY (id)) FOR VALUES FROM (MINVALUE) TO (0);
			CREATE TABLE public.leaf2 PARTITION OF public.root FOR VALUES FROM (0) TO (MAXVALUE);
			INSERT INTO public.root SELECT n, repeat('y', 50) FROM generate_series(-700, 700) n`)
		p.target.Exec(t, "CREATE TABLE public.root (id bigint, filler text)")
		root := transfer("root", "id", "filler")
		root.Relations = []catalog.Name{{Schema: "public", Name: "leaf1"}, {Schema: "public", Name: "leaf2"}}
		random := transfer("random", "id", "n", "at")
		random.Where = []string{"n = 7 OR n > 20"}
		pairs := transfer("pairs", "a", "b", "filler")
		pairs.Columns[0].Select = `("a")::numeric` // goes out by the name of the column, and as another value
		params := p.params(t, pairs, random, root)
		params.Split = Split{By: SplitKeys, largest: 30_000, smallest: 1000}
		again := 0
		params.Jobs = 1
		params.faults = &faults{at: func(_ context.Context, at point, b *batch) error {
			if at != pointCommitSent || again == 6 || b.span.first == 0 && p.profile.BatchRows > 0 {
				return nil
			}
			again++
			_, _ = b.to.answer(context.Background())
			return context.DeadlineExceeded
		}}
		res, err := Copy(soon(t), params)
		complete(t, res, err)
		require.Equal(t, 6, again)
		require.Greater(t, res.Tables[0].Parts, 3)
		require.Greater(t, res.Tables[1].Parts, 3)
		require.Greater(t, res.Tables[2].Parts, 3)
		recorded(t, p, params.Run)
		p.same(t, "pairs")
		p.source.Exec(t, "CREATE TABLE public.want AS SELECT * FROM public.random WHERE n = 7 OR n > 20; CREATE TABLE public.want2 AS SELECT * FROM public.root")
		for table, want := range map[string]string{"random": "want", "root": "want2"} {
			got, wanted := fingerprint(t, p.target, table), fingerprint(t, p.source, want)
			require.Equal(t, wanted, got, table)
		}
	})
}

// A run that stopped in the middle of parts by keys, some of them cut further,
// goes on by what the ledger tells of them alone: nothing twice, nothing left out
// (invariant 5).
func TestResumeByKeys(t *testing.T) {
	t.Parallel()
	everyBatching(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.both(t, "CREATE TABLE public.t (a integer, b text, filler text, PRIMARY KEY (a, b))")
		p.source.Exec(t, "INSERT INTO public.t SELECT n % 3, 'k\\' || n, repeat('x', 100) FROM generate_series(1, 3000) n")
		params := p.params(t, transfer("t", "a", "b", "filler"))
		params.Split, params.speeds, params.Jobs = Split{By: SplitKeys, largest: 100_000, smallest: 1000}, impatient(), 1
		stop := make(chan struct{})
		params.Stop = stop
		batches := 0
		params.faults = &faults{at: func(_ context.Context, at point, _ *batch) error {
			if at == pointCommitSent {
				if batches++; batches == 9 {
					close(stop)
				}
			}
			return nil
		}}
		res, err := Copy(soon(t), params)
		var partial *PartialError
		require.ErrorAs(t, err, &partial)
		stopped := recorded(t, p, params.Run)
		require.Greater(t, len(stopped), res.Tables[0].PartsDone)
		require.Positive(t, res.Tables[0].Ledger)

		params.Stop, params.faults, params.speeds, params.Resume = nil, nil, nil, &Resume{SameSnapshot: true}
		res, err = Copy(soon(t), params)
		complete(t, res, err)
		require.Equal(t, len(stopped), res.Tables[0].Parts)
		require.Equal(t, int64(3000), res.Tables[0].Ledger)
		p.same(t, "t")
	})
}
