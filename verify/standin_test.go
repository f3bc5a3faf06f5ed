package verify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// A target whose statements end after 0.6 s, on a link that carries 1 MB/s, is
// read to its end: pages that take too long are cut off by the server, and come
// again smaller, behind the key of the last whole one. Its OIDs are wider than 32
// bits, its catalogs poorer, its values printed in its own way (N14).
func TestPagesThroughStandInN14(t *testing.T) {
	t.Parallel()
	plan, target, _ := planned(t, `CREATE TABLE t (a text, b bigint, at timestamptz NOT NULL, v text, f double precision, ta text[], PRIMARY KEY (a, b));
		CREATE TABLE bag (v text);`)
	const fill = `INSERT INTO t SELECT 'a' || i % 3, i, '2020-01-01'::timestamptz + i * '1 s'::interval, repeat('x', 200), i * 1e14, '{a,b}' FROM generate_series(1, 6000) i;
		INSERT INTO bag SELECT 'v' || i FROM generate_series(1, 1000) i;`
	target.Exec(t, fill)
	rules := db9sim.Strict()
	require.NoError(t, rules.Deny("timeouts-settable"))
	sim, err := db9sim.Start(t.Context(), db9sim.Config{
		Backend: target.URL, Rules: rules, TimeScale: 0.01, Link: db9sim.LinkConfig{Rate: 1_000_000},
		Faults: []db9sim.Fault{
			{Point: "statement", Tag: "SELECT", Action: "57014", Nth: 12},
			{Point: "statement", Tag: "SELECT", Action: "reset", Nth: 16},
		},
	})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	endpoint, err := dial.Parse(dial.Target, sim.URL())
	require.NoError(t, err)

	told := &events{}
	p := Params{Target: endpoint, Plan: plan, Profile: ddlgen.DB9(), Jobs: 1, Bus: event.NewBus(told), Copied: accountOfRows(t, plan, fill)}
	p.Profile.StatementLimit, p.Profile.IdleLimit = 600, 600
	report := matches(t, p)
	require.EqualValues(t, 7000, report.Rows())
	require.NotEmpty(t, of[event.Note](told), "a page was read again")

	target.Exec(t, "UPDATE t SET v = v || '!' WHERE b = 5999")
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Mismatch, table(t, report, "t").Verdict)
	require.Equal(t, Match, table(t, report, "bag").Verdict)
}

// accountOfRows is the account of rows as the source would have sent them.
func accountOfRows(t *testing.T, plan *ddlgen.Plan, fill string) []SourceSide {
	t.Helper()
	_, source, _ := planned(t, `CREATE TABLE t (a text, b bigint, at timestamptz NOT NULL, v text, f double precision, ta text[], PRIMARY KEY (a, b));
		CREATE TABLE bag (v text);`)
	source.Exec(t, fill)
	out := []SourceSide{}
	for i := range plan.Transfers {
		tr := &plan.Transfers[i]
		tally, err := newTally(canonsOf(tr))
		require.NoError(t, err)
		var exprs []string
		for _, c := range tr.Columns {
			exprs = append(exprs, c.Select)
		}
		conn, err := endpoint(t, dial.Source, source).Connect(t.Context(), dial.Reader())
		require.NoError(t, err)
		tag, err := conn.PgConn().CopyTo(t.Context(), writeFunc(tally.take), copySQL(exprs, tr.Relations[0], true, ""))
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
		n := tag.RowsAffected()
		// The account says that rows are small: the first page is too large.
		out = append(out, SourceSide{Target: tr.Target, Read: n, Framed: n, Acked: n, Ledger: n, Bytes: n, Digest: tally.sum})
	}
	return out
}
