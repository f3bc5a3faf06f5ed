package copier

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// mending is a copied database whose source goes on, for reconciliations.
type mending struct {
	*pair
	plan *ddlgen.Plan
	to   *dial.Endpoint
	run  string
	part int64
}

// everyProfile runs a test against PostgreSQL, with batches of one row to many,
// and against a strict stand-in for DB9.
func everyProfile(t *testing.T, f func(t *testing.T, profile ddlgen.Profile)) {
	t.Helper()
	small := ddlgen.Postgres()
	small.Name, small.BatchRows, small.BatchBytes = "postgres, small batches", 20, 3000
	db9 := ddlgen.DB9()
	db9.BatchRows = 300
	for _, p := range []ddlgen.Profile{ddlgen.Postgres(), small, db9} {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			f(t, p)
		})
	}
}

// newMending makes a source by DDL, and a target that holds its rows.
func newMending(t *testing.T, profile ddlgen.Profile, ddl string) *mending {
	t.Helper()
	m := uncopied(t, profile, ddl, "")
	m.copy(t)
	return m
}

// uncopied makes a source by DDL, and the tables of its plan on a target, under a
// mapping file's text.
func uncopied(t *testing.T, profile ddlgen.Profile, ddl, mapping string) *mending {
	t.Helper()
	c := pgtest.Server(t)
	m := &mending{pair: &pair{source: c.Database(t), target: c.Database(t), profile: profile, events: &recorder{}}, run: NewRunID(), part: 1000}
	m.to = parse(t, dial.Target, m.target.URL)
	if profile.Map {
		m.to = parse(t, dial.Target, standIn(t, m.target, db9sim.Config{}).URL())
	}
	m.source.Exec(t, ddl)
	snapshot := m.open(t)
	defer snapshot.Close(t.Context()) // which keeps TRUNCATE away
	model, err := catalog.Load(t.Context(), snapshot.Conn(), catalog.LoadOptions{})
	require.NoError(t, err)
	spec, err := usermap.Parse("mapping.yaml", []byte(mapping))
	require.NoError(t, err)
	mapped, err := usermap.Resolve(spec, model, model)
	require.NoError(t, err)
	m.plan, err = ddlgen.Generate(model, profile, ddlgen.Options{Mapping: mapped})
	require.NoError(t, err)
	var statements []ddlgen.Statement
	for _, s := range m.plan.Statements {
		if s.Phase < ddlgen.PhaseData {
			statements = append(statements, s)
		}
	}
	applied, err := Apply(t.Context(), ApplyParams{
		Target: m.to, Settings: ControlSettings(profile), Statements: statements, Jobs: 1, StopAtFirst: true, Bus: event.NewBus(m.events),
	})
	require.NoError(t, err)
	require.Empty(t, applied.Failed)
	return m
}

func (m *mending) copy(t *testing.T) {
	t.Helper()
	p := m.params(t)
	p.Plan, p.Target, p.Run = m.plan, m.to, m.run
	defer p.Snapshot.Close(t.Context())
	res, err := Copy(soon(t), p)
	complete(t, res, err)
}

// transferOf is the plan's for a table of schema public.
func (m *mending) transferOf(t *testing.T, table string) *ddlgen.Transfer {
	t.Helper()
	for i := range m.plan.Transfers {
		if m.plan.Transfers[i].Target.Name == table {
			return &m.plan.Transfers[i]
		}
	}
	require.Fail(t, "no transfer of "+table)
	return nil
}

// reconcileParams are those of a reconciliation with the source as it is now.
func (m *mending) reconcileParams(t *testing.T, snapshot *Snapshot, table string) ReconcileParams {
	t.Helper()
	m.part++
	return ReconcileParams{
		Source: parse(t, dial.Source, m.source.URL), Target: m.to, Snapshot: snapshot, Transfer: m.transferOf(t, table),
		Profile: m.profile, Run: m.run, Part: m.part, Bus: event.NewBus(m.events),
	}
}

// mend reconciles a table with the source as it is now, and requires that the
// account is without a gap and the ledger says the same.
func (m *mending) mend(t *testing.T, table string) *Reconciled {
	t.Helper()
	snapshot := m.open(t)
	defer snapshot.Close(t.Context())
	return m.mendTo(t, snapshot, table)
}

func (m *mending) mendTo(t *testing.T, snapshot *Snapshot, table string) *Reconciled {
	t.Helper()
	p := m.reconcileParams(t, snapshot, table)
	got, err := Reconcile(soon(t), p)
	require.NoError(t, err)
	m.mended(t, p, got)
	return got
}

// mended requires that the table is the source's, by SQL, and that the ledger
// holds its account in the one part of the reconciliation.
func (m *mending) mended(t *testing.T, p ReconcileParams, got *Reconciled) {
	t.Helper()
	require.Equal(t, "0", m.difference(t, p.Transfer), "rows of %s that differ", p.Transfer.Target)
	require.Equal(t, got.Rows, got.Same+got.Inserted+got.Updated)
	require.EqualValues(t, got.Rows, got.Digest.Rows)
	l := newLedger(parse(t, dial.Target, m.target.URL), ControlSettings(m.profile), m.run)
	defer l.close(t.Context())
	spans, err := l.spans(t.Context(), p.Part)
	require.NoError(t, err)
	total, err := committed(spans)
	require.NoError(t, err)
	require.True(t, total.final)
	require.Equal(t, got.Digest, total.sum)
	require.Equal(t, []int64{got.Rows, got.Bytes}, []int64{total.next, total.bytes})
	require.Equal(t, fmt.Sprint(p.Part), m.target.QueryString(t, fmt.Sprintf(
		"SELECT string_agg(part::text, ' ') FROM _pg2db9.part WHERE run = '%s' AND target_name = %s", m.run, quote.Literal(p.Transfer.Target.Name))), "parts of before")
}

// difference counts the rows that one side has more than the other, by SQL on
// the target: EXCEPT both ways against what the source gives now.
func (m *mending) difference(t *testing.T, tr *ddlgen.Transfer) string {
	t.Helper()
	var exprs, columns, relations []string
	for _, c := range tr.Columns {
		exprs, columns = append(exprs, c.Select), append(columns, quote.Ident(c.Target))
	}
	for _, r := range tr.Relations {
		where := tr.WhereOf(r)
		if where == "" {
			where = "true"
		}
		relations = append(relations, fmt.Sprintf("SELECT %s FROM ONLY %s WHERE %s", strings.Join(exprs, ", "), quote.Name(r.Schema, r.Name), where))
	}
	var rows bytes.Buffer
	from := m.source.Conn(t)
	defer from.Close(t.Context())
	_, err := from.PgConn().CopyTo(t.Context(), &rows, fmt.Sprintf("COPY (%s) TO STDOUT", strings.Join(relations, " UNION ALL ")))
	require.NoError(t, err)
	conn := m.target.Conn(t)
	defer conn.Close(t.Context())
	list := strings.Join(columns, ", ")
	table := quote.Name(tr.Target.Schema, tr.Target.Name)
	mustExec(t, conn, fmt.Sprintf("CREATE TEMP TABLE want AS SELECT %s FROM %s LIMIT 0", list, table))
	_, err = conn.PgConn().CopyFrom(t.Context(), &rows, "COPY want FROM STDIN")
	require.NoError(t, err)
	var n string
	require.NoError(t, conn.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*)::text FROM (
		(SELECT %[1]s FROM want EXCEPT ALL SELECT %[1]s FROM %[2]s) UNION ALL (SELECT %[1]s FROM %[2]s EXCEPT ALL SELECT %[1]s FROM want)) d`, list, table)).Scan(&n))
	return n
}
