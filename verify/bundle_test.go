package verify

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/verify/digest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is a source and a target with the same tables, and what a copier would
// say of them.
type bundle struct {
	source, target *pgtest.DB
	plan           *ddlgen.Plan
	copied         []SourceSide
	params         Params // a run with an account
	events         *events
}

// events keeps what was told.
type events struct {
	mu   sync.Mutex
	list []event.Event
}

func (e *events) On(ev event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

func of[T event.Event](e *events) (found []T) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.list {
		if t, ok := ev.(T); ok {
			found = append(found, t)
		}
	}
	return found
}

// setup executes the SQL on a source and a target and plans their tables.
func setup(t *testing.T, sql string) *bundle {
	t.Helper()
	server := pgtest.Server(t)
	return setupOn(t, server.Database(t), server.Database(t), sql)
}

func setupOn(t *testing.T, source, target *pgtest.DB, sql string) *bundle {
	t.Helper()
	source.Exec(t, sql)
	target.Exec(t, sql)
	b := &bundle{source: source, target: target, events: &events{}}
	b.plan = planOf(t, source)
	b.copied = account(t, source, b.plan)
	b.params = Params{
		Target: endpoint(t, dial.Target, target), Plan: b.plan, Profile: ddlgen.Postgres(),
		Copied: b.copied, Jobs: 2, Bus: event.NewBus(b.events), Progress: &event.Progress{},
	}
	return b
}

// alone is a run without an account: it reads the source itself.
func (b *bundle) alone(t *testing.T) Params {
	t.Helper()
	p := b.params
	p.Source, p.Copied = endpoint(t, dial.Source, b.source), nil
	return p
}

// inBinary is a run with an account of rows that were copied in the binary format:
// it has counts, and a digest of something else.
func (b *bundle) inBinary(t *testing.T) Params {
	t.Helper()
	p := b.params
	plan := *b.plan
	plan.Transfers, p.Copied = slices.Clone(plan.Transfers), slices.Clone(p.Copied)
	for i := range plan.Transfers {
		plan.Transfers[i].Binary = true
	}
	for i := range p.Copied {
		p.Copied[i].Digest.Merge(digest.Sum{Lo: 1})
	}
	p.Source, p.Plan = endpoint(t, dial.Source, b.source), &plan
	return p
}

func endpoint(tb testing.TB, side dial.Side, db *pgtest.DB) *dial.Endpoint {
	tb.Helper()
	e, err := dial.Parse(side, db.URL)
	require.NoError(tb, err)
	return e
}

// planOf plans the copy of all tables of a database as they are.
func planOf(t *testing.T, db *pgtest.DB) *ddlgen.Plan {
	t.Helper()
	conn := db.Conn(t)
	_, err := conn.Exec(t.Context(), "SET search_path = ''")
	require.NoError(t, err)
	rows, err := conn.Query(t.Context(), "SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'")
	require.NoError(t, err)
	var schemas []string
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		schemas = append(schemas, s)
	}
	require.NoError(t, rows.Err())
	tables, err := readTables(t.Context(), conn, schemas)
	require.NoError(t, err)
	plan := &ddlgen.Plan{}
	for name, table := range tables {
		plan.Expect = append(plan.Expect, ddlgen.ExpectedTable{Name: name, Columns: table.columns})
		if table.partitioned() {
			continue
		}
		tr := ddlgen.Transfer{Target: name, Source: name, Relations: []catalog.Name{name}}
		for _, c := range table.columns {
			if c.Generated == 0 {
				id := quote.Ident(c.Name)
				tr.Columns = append(tr.Columns, ddlgen.ColumnTransfer{Source: c.Name, Target: c.Name, TargetType: c.Type, Select: id, ReadBack: id})
			}
		}
		plan.Transfers = append(plan.Transfers, tr)
	}
	slices.SortFunc(plan.Transfers, func(a, b ddlgen.Transfer) int { return a.Target.Compare(b.Target) })
	slices.SortFunc(plan.Expect, func(a, b ddlgen.ExpectedTable) int { return a.Name.Compare(b.Name) })
	return plan
}

// account says what a copier would, by another way than Run's: pgconn's COPY,
// one row a message.
func account(t *testing.T, db *pgtest.DB, plan *ddlgen.Plan) []SourceSide {
	t.Helper()
	conn, err := endpoint(t, dial.Source, db).Connect(t.Context(), readerSettings(ddlgen.Postgres()))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.WithoutCancel(t.Context()))) }()
	copied := []SourceSide{}
	for i := range plan.Transfers {
		tr := &plan.Transfers[i]
		side := SourceSide{Target: tr.Target}
		var exprs []string
		for _, c := range tr.Columns {
			exprs = append(exprs, c.Select)
		}
		for _, relation := range tr.Relations {
			tag, err := conn.PgConn().CopyTo(t.Context(), writeFunc(func(row []byte) {
				side.Digest.Add(bytes.TrimSuffix(row, []byte("\n")))
				side.Bytes += int64(len(row))
			}), copySQL(exprs, relation, true, ""))
			require.NoError(t, err)
			side.Read += tag.RowsAffected()
		}
		side.Framed, side.Acked, side.Ledger = side.Read, side.Read, side.Read
		copied = append(copied, side)
	}
	return copied
}

type writeFunc func([]byte)

func (f writeFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

// table returns a table's part of a report.
func table(t *testing.T, r *Report, name string) *Table {
	t.Helper()
	for i := range r.Tables {
		if r.Tables[i].Target.Name == name {
			return &r.Tables[i]
		}
	}
	require.Failf(t, "no such table", "%s is not in the report", name)
	return nil
}

// faultyConn hands every read to a hook first, with the bytes read before.
type faultyConn struct {
	net.Conn
	before func(read int64) error
	read   int64
}

func (c *faultyConn) Read(p []byte) (int, error) {
	if err := c.before(c.read); err != nil {
		_ = c.Close()
		return 0, err
	}
	n, err := c.Conn.Read(p)
	c.read += int64(n)
	return n, err
}

// faulty returns the endpoint with a hook before each read of the connection of
// that number, from 0, and one before each dial.
func faulty(e *dial.Endpoint, dialing func(number int) error, reading func(number int, read int64) error) *dial.Endpoint {
	var mu sync.Mutex
	next := 0
	return e.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		number := next
		next++
		mu.Unlock()
		if dialing != nil {
			if err := dialing(number); err != nil {
				return nil, err
			}
		}
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil || reading == nil {
			return c, err
		}
		return &faultyConn{Conn: c, before: func(read int64) error { return reading(number, read) }}, nil
	})
}

var errCut = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
