package sync

import (
	"fmt"
	"strings"
	gosync "sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// bundle is a source, a target and runs of a job file between them.
type bundle struct {
	source, target *pgtest.DB
	profile        ddlgen.Profile
	notes          *notes
	faults         *faults
	targetURL      string
	file           string
	held           int
}

// setup makes both databases, with the same SQL.
func setup(t *testing.T, file string, sql ...string) *bundle {
	t.Helper()
	server := pgtest.Server(t)
	b := &bundle{source: server.Database(t), target: server.Database(t), profile: ddlgen.Postgres(), notes: &notes{}, file: file}
	b.targetURL = b.target.URL
	for _, s := range sql {
		b.source.Exec(t, s)
		b.target.Exec(t, s)
	}
	return b
}

// notes keeps what runs say.
type notes struct {
	mu    gosync.Mutex
	texts []string
}

func (n *notes) On(e event.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if x, ok := e.(event.Note); ok {
		n.texts = append(n.texts, x.Text)
	}
}

func (n *notes) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.texts, "\n")
}

func (b *bundle) runner(t *testing.T) *Runner {
	t.Helper()
	file, err := jobfile.Parse("sync.yaml", []byte(b.file))
	require.NoError(t, err)
	source, err := dial.Parse(dial.Source, b.source.URL)
	require.NoError(t, err)
	target, err := dial.Parse(dial.Target, b.targetURL)
	require.NoError(t, err)
	return New(Params{
		Source: source, Target: target, File: file, Profile: b.profile, Jobs: 2, Patience: 20 * time.Second, Tool: "test",
		Bus: event.NewBus(b.notes), faults: b.faults, held: b.held,
	})
}

// run runs the whole file, and requires that every table is as the file asks.
func (b *bundle) run(t *testing.T) *Report {
	t.Helper()
	rep, err := b.runner(t).Run(t.Context(), Selection{})
	require.NoError(t, err, "%s", b.notes.all())
	for _, e := range rep.Tables {
		require.True(t, e.Good(), "%s: %s: %s", e.Table, e.Verdict, e.Err)
	}
	return rep
}

// one runs the whole file, which has one table, whatever becomes of it.
func (b *bundle) one(t *testing.T) Entry {
	t.Helper()
	rep, err := b.runner(t).Run(t.Context(), Selection{})
	require.NoError(t, err, "%s", b.notes.all())
	require.Len(t, rep.Tables, 1)
	return rep.Tables[0]
}

// settled waits until no transaction of the source's server is older than what was
// written until now. Other tests' transactions count: a snapshot's horizon is the
// server's, and what lies beyond it is read once more by the next run.
func (b *bundle) settled(t *testing.T) {
	t.Helper()
	now := b.source.QueryString(t, "SELECT txid_current()")
	require.Eventually(t, func() bool {
		return b.source.QueryString(t, "SELECT txid_snapshot_xmin(txid_current_snapshot()) > "+now) == "t"
	}, time.Minute, 20*time.Millisecond, "transactions of other tests")
}

// same requires that tables hold the same rows on both sides.
func (b *bundle) same(t *testing.T, tables ...string) {
	t.Helper()
	for _, table := range tables {
		sql := fmt.Sprintf("SELECT count(*) || ' ' || coalesce(md5(string_agg(x::text, '|' ORDER BY x::text COLLATE \"C\")), '-') FROM %s x", table)
		require.Equal(t, b.source.QueryString(t, sql), b.target.QueryString(t, sql), table)
	}
}

// entry is the entry of a table.
func entry(t *testing.T, rep *Report, name string) Entry {
	t.Helper()
	for _, e := range rep.Tables {
		if e.Table == (catalog.Name{Schema: "public", Name: name}) {
			return e
		}
	}
	require.Fail(t, "no entry", name)
	return Entry{}
}
