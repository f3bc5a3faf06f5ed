package copier

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// pair is a source and a target database with what a test needs to copy
// between them.
type pair struct {
	source, target *pgtest.DB
	profile        ddlgen.Profile
	events         *recorder
}

func newPair(t *testing.T) *pair {
	t.Helper()
	c := pgtest.Server(t)
	return &pair{source: c.Database(t), target: c.Database(t), profile: ddlgen.Postgres(), events: &recorder{}}
}

// both runs the same DDL on both sides.
func (p *pair) both(t *testing.T, sql string) {
	t.Helper()
	p.source.Exec(t, sql)
	p.target.Exec(t, sql)
}

// recorder keeps the events of a run.
type recorder struct {
	mu     sync.Mutex // notes are read while a run is under way
	events []event.Event
}

func (r *recorder) On(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// notes returns the texts of all notes.
func (r *recorder) notes() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.events {
		if n, ok := e.(event.Note); ok {
			out = append(out, n.Text)
		}
	}
	return out
}

func parse(t *testing.T, side dial.Side, url string) *dial.Endpoint {
	t.Helper()
	e, err := dial.Parse(side, url)
	require.NoError(t, err)
	return e
}

// transfer is a plain transfer of a table in schema public.
func transfer(table string, columns ...string) ddlgen.Transfer {
	n := catalog.Name{Schema: "public", Name: table}
	t := ddlgen.Transfer{Target: n, Source: n, Relations: []catalog.Name{n}}
	for _, c := range columns {
		q := quote.Ident(c)
		t.Columns = append(t.Columns, ddlgen.ColumnTransfer{Source: c, Target: c, Select: q, ReadBack: q})
	}
	return t
}

// open takes a snapshot of the source, all tables locked.
func (p *pair) open(t *testing.T) *Snapshot {
	t.Helper()
	return p.openAs(t, parse(t, dial.Source, p.source.URL))
}

// openAs is open by an endpoint of the test's own.
func (p *pair) openAs(t *testing.T, source *dial.Endpoint) *Snapshot {
	t.Helper()
	s, err := OpenSnapshot(t.Context(), SnapshotParams{
		Source: source, Settings: ReaderSettings(p.profile), Match: allTables,
	})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func allTables(refs []catalog.TableRef) ([]catalog.Name, error) {
	var names []catalog.Name
	for _, r := range refs {
		names = append(names, r.Name)
	}
	return names, nil
}

// params are those of a copy of the transfers, which tests change.
func (p *pair) params(t *testing.T, transfers ...ddlgen.Transfer) Params {
	t.Helper()
	return Params{
		Source: parse(t, dial.Source, p.source.URL), Target: parse(t, dial.Target, p.target.URL),
		Snapshot: p.open(t), Plan: &ddlgen.Plan{SourceHash: "test", Transfers: transfers}, Profile: p.profile,
		Run: NewRunID(), Jobs: 2, Tool: "test", Bus: event.NewBus(p.events), Progress: &event.Progress{},
	}
}

// fingerprint is an order-free fingerprint of a table's rows, by SQL: the second
// way to the same answer.
func fingerprint(t *testing.T, db *pgtest.DB, table string) string {
	t.Helper()
	return db.QueryString(t, fmt.Sprintf(
		"SELECT count(*) || ' ' || coalesce(sum(('x' || left(md5(r::text), 15))::bit(60)::bigint::numeric), 0) FROM ONLY public.%s AS r", quote.Ident(table),
	))
}

// same requires that a table holds the same rows on both sides.
func (p *pair) same(t *testing.T, tables ...string) {
	t.Helper()
	for _, table := range tables {
		require.Equal(t, fingerprint(t, p.source, table), fingerprint(t, p.target, table), "rows of %s", table)
	}
}

// complete requires that a copy's account is without a gap (U2).
func complete(t *testing.T, res *Result, err error) {
	t.Helper()
	require.NoError(t, err)
	for _, r := range res.Tables {
		require.NoError(t, r.Err, "%s", r.Target)
		require.Equal(t, r.Parts, r.PartsDone, "%s", r.Target)
		require.Equal(t, []int64{r.Read, r.Read, r.Read}, []int64{r.Framed, r.Acked, r.Ledger}, "%s", r.Target)
		require.Equal(t, uint64(r.Read), r.Digest.Rows)
	}
}

func soon(t *testing.T) context.Context {
	t.Helper()
	patience := time.Minute
	if os.Getenv("HUGE_ROW_MB") != "" {
		patience *= 10
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func mustExec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	_, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	require.NoError(t, err, sql)
}

// retries returns the SQLSTATEs of all retries, in order.
func (r *recorder) retries() []string {
	var out []string
	for _, e := range r.events {
		if n, ok := e.(event.PartRetry); ok {
			out = append(out, dial.SQLState(n.Err))
		}
	}
	return out
}
