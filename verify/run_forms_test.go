package verify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Tables that were there before may look otherwise, as long as they hold what
// was copied (T14).
func TestRunToleratesExistingTables(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (a integer NOT NULL, b text); INSERT INTO t VALUES (1, 'x');`)
	b.target.Exec(t, `DROP TABLE t; CREATE TABLE t (b varchar(10), extra integer DEFAULT 7, a bigint PRIMARY KEY); INSERT INTO t (a, b) VALUES (1, 'x')`)
	report, err := Run(t.Context(), b.params)
	require.NoError(t, err)
	require.Equal(t, Mismatch, report.Verdict())
	want := report.Tables[0].Shape.Differences
	require.Len(t, want, 3)
	want = append(want, report.Tables[0].Shape.Tolerated...) // the order of the columns
	require.Len(t, want, 4)

	p := b.params
	p.ExistingTables = true
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good(), report.Tables[0].Detail)
	require.Equal(t, want, report.Tables[0].Shape.Tolerated)

	// A plan of data alone describes no tables.
	p = b.params
	p.Plan = &ddlgen.Plan{Transfers: b.plan.Transfers}
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good(), report.Tables[0].Detail)

	b.target.Exec(t, "ALTER TABLE t DROP b")
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Mismatch, report.Verdict())
}

// Names of every kind reach the right tables (N1).
func TestRunQuotesNames(t *testing.T) {
	t.Parallel()
	var sql strings.Builder
	names := []string{
		"with space", "Capital", "a.b", "-dash", "semi;colon", "com,ma", "tab\there", "new\nline", `dou"ble`, `back\slash`,
		"per%cent", "$1:", "select", "ä", strings.Repeat("n", 63), strings.Repeat("ü", 31), "'", "--",
	}
	quoted := func(n string) string { return `"` + strings.ReplaceAll(n, `"`, `""`) + `"` }
	for i, n := range names {
		q := quoted(n)
		fmt.Fprintf(&sql, "CREATE SCHEMA %s; CREATE TABLE %s.%s (%s integer); INSERT INTO %s.%s VALUES (%d);", q, q, q, q, q, q, i)
	}
	b := setup(t, sql.String())
	for _, p := range []Params{b.params, b.alone(t)} {
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		require.True(t, report.Good())
		require.Equal(t, Counts{Match: len(names)}, report.TableCounts())
	}
	b.target.Exec(t, fmt.Sprintf("TRUNCATE %[1]s.%[1]s", quoted(names[8])))
	report, err := Run(t.Context(), b.params)
	require.NoError(t, err)
	require.Equal(t, Mismatch, table(t, report, names[8]).Verdict)
	require.Equal(t, Counts{Match: len(names) - 1, Mismatch: 1}, report.TableCounts())
}

// A parent's own rows are its own, a partition root's are its leaves'.
func TestRunReadsTreesApart(t *testing.T) {
	t.Parallel()
	b := setup(t, `
		CREATE TABLE parent (a integer); CREATE TABLE child () INHERITS (parent);
		INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2), (3);
		CREATE TABLE root (a integer) PARTITION BY RANGE (a);
		CREATE TABLE leaf1 PARTITION OF root FOR VALUES FROM (0) TO (10);
		CREATE TABLE leaf2 PARTITION OF root DEFAULT;
		INSERT INTO root SELECT generate_series(1, 20);`)
	for _, p := range []Params{b.params, b.alone(t)} {
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, Counts{Match: 5}, report.TableCounts())
		require.EqualValues(t, 1, table(t, report, "parent").Data.Counted)
		require.Nil(t, table(t, report, "root").Data)
		require.EqualValues(t, 11, table(t, report, "leaf2").Data.Counted)
	}

	// The leaves' rows in one table: on the target flattened, or a root itself.
	leaves := []catalog.Name{{Schema: "public", Name: "leaf1"}, {Schema: "public", Name: "leaf2"}}
	var root ddlgen.Transfer
	for _, tr := range b.plan.Transfers {
		if tr.Target == leaves[0] {
			root = tr
		}
	}
	root.Target, root.Source, root.Relations = catalog.Name{Schema: "public", Name: "root"}, catalog.Name{Schema: "public", Name: "root"}, leaves
	p := b.alone(t)
	p.Plan = &ddlgen.Plan{Transfers: []ddlgen.Transfer{root}}
	for _, change := range []string{"", "CREATE TABLE flat AS SELECT * FROM root; DROP TABLE root; ALTER TABLE flat RENAME TO root"} {
		if change != "" {
			b.target.Exec(t, change)
			p.Profile = ddlgen.DB9()
		}
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		require.True(t, report.Good(), report.Tables[0].Detail)
		require.EqualValues(t, 20, report.Tables[0].Data.Counted)
	}
}

// A column whose value changes in an announced way is equal in its canonical
// form, and no further.
func TestRunComparesCanonicalForms(t *testing.T) {
	t.Parallel()
	const rows = `INSERT INTO t VALUES (1, 0.1, '{1.5,NULL}'), (2, 'NaN', NULL), (3, '-Infinity', '{}'), (4, 3.4028235e38, '{1e-45}'), (5, '-0', '{-0}');`
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, `CREATE TABLE t (id integer, f real, fs real[]);`+rows)
	target.Exec(t, `CREATE TABLE t (id integer, f double precision, fs double precision[]);`+rows)
	plan := planOf(t, source)
	columns := plan.Transfers[0].Columns
	columns[1].Canon, columns[2].Canon = "float4", "float4[]"
	plan.Expect = nil
	p := Params{Source: endpoint(t, dial.Source, source), Target: endpoint(t, dial.Target, target), Plan: plan, Profile: ddlgen.Postgres()}
	target.Exec(t, "UPDATE t SET f = 0.1::real::double precision WHERE id = 1") // other digits, same value
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.True(t, report.Good(), report.Tables[0].Detail)

	target.Exec(t, "UPDATE t SET f = 0.1001 WHERE id = 1")
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Mismatch, report.Verdict())

	columns[1].Canon = "float5"
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Errored, report.Verdict())
	require.Contains(t, report.Tables[0].Detail, "float5")
}
