package copier

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// One side empty, or both; rows on the target below, above and between all of
// the source's; more rows to take away than fit into a batch.
func TestReconcileEmptyAndBeyond(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		tables := []string{"none", "gone", "came", "beyond"}
		ddl := ""
		for _, name := range tables {
			ddl += fmt.Sprintf("CREATE TABLE public.%s (a integer, b text, v text, PRIMARY KEY (b, a));", name)
		}
		m := newMending(t, profile, ddl+`INSERT INTO public.gone SELECT n, n % 3, 'v' FROM generate_series(1, 700) n;
			INSERT INTO public.beyond SELECT n, 'k' || n / 100, 'v' FROM generate_series(1, 700) n`)
		m.source.Exec(t, "TRUNCATE public.gone; INSERT INTO public.came SELECT n, n % 3, 'v' FROM generate_series(1, 700) n")
		m.target.Exec(t, `INSERT INTO public.beyond SELECT n, 'a' || n / 10, 'below' FROM generate_series(1, 400) n;
			INSERT INTO public.beyond SELECT n, 'z', 'above' FROM generate_series(1, 400) n; INSERT INTO public.beyond VALUES (-1, 'k3', 'between')`)
		snapshot := m.open(t)
		counts := func(r *Reconciled) []int64 { return []int64{r.Rows, r.Same, r.Inserted, r.Updated, r.Deleted} }
		require.Equal(t, []int64{0, 0, 0, 0, 0}, counts(m.mendTo(t, snapshot, "none")))
		require.Equal(t, []int64{0, 0, 0, 0, 700}, counts(m.mendTo(t, snapshot, "gone")))
		require.Equal(t, []int64{700, 0, 700, 0, 0}, counts(m.mendTo(t, snapshot, "came")))
		require.Equal(t, []int64{700, 700, 0, 0, 801}, counts(m.mendTo(t, snapshot, "beyond")))
	})
}

// A source in partitions, some of them empty, columns with other names, types
// and order, generated ones, and rows chosen by a condition.
func TestReconcilePartitionsMappedAndFiltered(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		profile.Partitions = false
		m := uncopied(t, profile, `
			CREATE TABLE public.events (v text, at timestamptz(3), id bigint, twice bigint GENERATED ALWAYS AS (id * 2) STORED, n integer, f real, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
			CREATE TABLE public.e1 PARTITION OF public.events FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z');
			CREATE TABLE public.e2 (n integer, id bigint NOT NULL, dropped text, f real, v text, at timestamptz(3) NOT NULL, twice bigint GENERATED ALWAYS AS (id * 2) STORED);
			ALTER TABLE public.e2 DROP COLUMN dropped; ALTER TABLE public.events ATTACH PARTITION public.e2 FOR VALUES FROM ('2020-02-01Z') TO ('2020-03-01Z');
			CREATE TABLE public.e3 PARTITION OF public.events DEFAULT;
			INSERT INTO public.events (v, at, id, n, f) SELECT 'v' || n, '2020-01-10Z'::timestamptz + n * interval '1 hour', n % 50, n, n / 7.0 FROM generate_series(1, 600) n;
			CREATE TABLE public.chosen (n integer PRIMARY KEY, part integer, v text);
			INSERT INTO public.chosen SELECT n, n % 4, 'v' || n FROM generate_series(1, 300) n`, `
tables:
  public.events:
    name: occurrences
    columns:
      id: {name: '"the Key"', type: "text"}
      v: {name: word}
  public.chosen: {where: part <> 3}
`)
		m.copy(t)
		m.source.Exec(t, `UPDATE public.events SET at = at + interval '20 days' WHERE n % 9 = 0; UPDATE public.events SET v = NULL WHERE n % 10 = 1;
			DELETE FROM public.events WHERE n % 11 = 0; INSERT INTO public.events (v, at, id, n) VALUES ('new', '2019-01-01Z', 7, -1), ('new', '2020-02-02Z', -7, -2);
			UPDATE public.chosen SET part = 3 - part WHERE n % 5 = 0; UPDATE public.chosen SET v = v || '!' WHERE n % 7 = 0`)
		snapshot := m.open(t)
		got := m.mendTo(t, snapshot, "occurrences")
		require.Positive(t, got.Updated)
		require.Equal(t, fmt.Sprint(got.Rows), m.source.QueryString(t, "SELECT count(*) FROM public.events"))
		require.Equal(t, "0", m.target.QueryString(t, `SELECT count(*) FROM public.occurrences WHERE twice IS DISTINCT FROM "the Key"::bigint * 2`))
		require.Positive(t, m.mendTo(t, snapshot, "chosen").Deleted)
		require.Equal(t, "0", m.target.QueryString(t, "SELECT count(*) FROM public.chosen WHERE part = 3"))
	})
}

// A target whose table is in partitions of its own.
func TestReconcileTargetInPartitions(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	m := &mending{pair: p, plan: &ddlgen.Plan{Transfers: []ddlgen.Transfer{*keyTransfer("integer", "text")}}, run: NewRunID(), part: 1000}
	m.to = m.params(t).Target
	p.source.Exec(t, "CREATE TABLE public.t (k0 integer, k1 text, PRIMARY KEY (k0, k1)); INSERT INTO public.t SELECT n, 'v' FROM generate_series(1, 300) n")
	p.target.Exec(t, `CREATE TABLE public.t (k0 integer, k1 text) PARTITION BY LIST (k1); CREATE TABLE public.v PARTITION OF public.t FOR VALUES IN ('v');
		CREATE TABLE public.o PARTITION OF public.t DEFAULT`)
	m.copy(t)
	p.source.Exec(t, "UPDATE public.t SET k1 = 'w' WHERE k0 % 7 = 0; DELETE FROM public.t WHERE k0 % 5 = 0")
	require.Positive(t, m.mend(t, "t").Deleted)
	p.target.Exec(t, "INSERT INTO public.t SELECT * FROM public.t WHERE k0 = 11") // a pair that one key names
	_, err := Reconcile(soon(t), m.reconcileParams(t, m.open(t), "t"))
	var refused *NotByKeyError
	require.ErrorAs(t, err, &refused)
}

// Rows that the target holds twice, since no key keeps them apart yet.
func TestReconcileDoubledRows(t *testing.T) {
	t.Parallel()
	m := newMending(t, ddlgen.Postgres(), "CREATE TABLE public.t (id integer PRIMARY KEY, v text); INSERT INTO public.t SELECT n, 'v' || n FROM generate_series(1, 100) n")
	m.target.Exec(t, "INSERT INTO public.t SELECT * FROM public.t WHERE id % 9 = 0; INSERT INTO public.t SELECT id, 'other' FROM public.t WHERE id % 7 = 0")
	got := m.mend(t, "t")
	require.Equal(t, int64(11+14+1), got.Deleted)
}

// Unique values that change hands between rows of different batches, in both
// directions, under a unique index that stands already.
func TestReconcileUniqueValuesChangeHands(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		m := newMending(t, profile, "CREATE TABLE public.t (id integer PRIMARY KEY, u integer); INSERT INTO public.t SELECT n, n FROM generate_series(1, 300) n")
		m.target.Exec(t, "CREATE UNIQUE INDEX ON public.t (u)")
		m.source.Exec(t, "UPDATE public.t SET u = 301 - u; UPDATE public.t SET id = -id WHERE id = 300")
		m.mend(t, "t")
		// Not what no order of writing can mend.
		m.target.Exec(t, "CREATE UNIQUE INDEX ON public.t ((least(u, 1100)))")
		m.source.Exec(t, "UPDATE public.t SET u = u + 1000")
		_, err := Reconcile(soon(t), m.reconcileParams(t, m.open(t), "t"))
		require.ErrorContains(t, err, "23505")
	})
}

// Rows longer than every buffer and than a batch's bounds, whose keys stand
// behind them.
func TestReconcileLongRows(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		long := 12 << 20
		if profile.RowBytes > 0 {
			long = 5 << 20
		}
		m := newMending(t, profile, fmt.Sprintf(`CREATE TABLE public.t (v text, f real, id integer PRIMARY KEY, w text);
			INSERT INTO public.t SELECT repeat(E'x\\y\t', %d / 4 / (n %% 5 + 1)), n, n, repeat('w', 300000) FROM generate_series(1, 12) n`, long/2))
		m.source.Exec(t, fmt.Sprintf(`UPDATE public.t SET v = v || 'changed' WHERE id %% 2 = 0; UPDATE public.t SET w = NULL WHERE id = 5; DELETE FROM public.t WHERE id = 10;
			INSERT INTO public.t SELECT repeat('n', %d), 1.5, -1; INSERT INTO public.t VALUES ('short', 0, 13), ('short', 0, -3)`, long))
		got := m.mend(t, "t")
		require.Equal(t, []int64{14, 5, 3, 6, 1}, []int64{got.Rows, got.Same, got.Inserted, got.Updated, got.Deleted})
	})
}
