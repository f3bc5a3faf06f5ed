package copier

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// limited is a database as a role sees it that may have so many connections.
func limited(t *testing.T, db *pgtest.DB, connections int) string {
	t.Helper()
	role := "few_" + db.Name[len(db.Name)-10:]
	db.Exec(t, fmt.Sprintf(`CREATE ROLE %[1]s LOGIN CONNECTION LIMIT %[2]d;
		GRANT ALL ON DATABASE %[3]s TO %[1]s; GRANT ALL ON SCHEMA public TO %[1]s; GRANT ALL ON ALL TABLES IN SCHEMA public TO %[1]s`, role, connections, db.Name))
	t.Cleanup(func() {
		db.Exec(t, fmt.Sprintf("DROP OWNED BY %[1]s CASCADE; DROP ROLE %[1]s", role))
	})
	u, err := url.Parse(db.URL)
	require.NoError(t, err)
	u.User = url.User(role)
	return u.String()
}

// manyTables fills tables on both sides, and gives their transfers.
func (p *pair) manyTables(t *testing.T, tables, rows int) (names []string, transfers []ddlgen.Transfer) {
	t.Helper()
	var sql strings.Builder
	for i := range tables {
		name := fmt.Sprintf("t%d", i)
		names = append(names, name)
		transfers = append(transfers, transfer(name, "n", "v"))
		fmt.Fprintf(&sql, "CREATE TABLE public.%s (n integer, v text);", name)
	}
	p.both(t, sql.String())
	sql.Reset()
	for _, n := range names {
		fmt.Fprintf(&sql, "INSERT INTO public.%s SELECT n, repeat('x', 50) FROM generate_series(1, %d) n;", n, rows)
	}
	p.source.Exec(t, sql.String())
	return names, transfers
}

// notes closes told when so many notes have been seen that contain a text.
type notes struct {
	text string
	left atomic.Int32
	told chan struct{}
}

func newNotes(text string, n int) *notes {
	l := &notes{text: text, told: make(chan struct{})}
	l.left.Store(int32(n))
	return l
}

// On implements event.Listener.
func (l *notes) On(e event.Event) {
	if n, ok := e.(event.Note); ok && strings.Contains(n.Text, l.text) && l.left.Add(-1) == 0 {
		close(l.told)
	}
}

// wait is a fault that makes batches wait for the notes.
func (l *notes) wait(ctx context.Context, _ point, _ *batch) error {
	select {
	case <-l.told:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A server that has no connection for another job (53300) is no failure: those
// that have theirs go on, and do the others' work (C3).
func TestC26RefusedConnectionsLowerTheJobs(t *testing.T) {
	t.Parallel()
	for name, free := range map[string]struct {
		source, target, want int
		rows                 int64 // of a batch
		window               int
	}{
		"target":               {source: -1, target: 4, want: 3, rows: 500, window: 5}, // one of them is the ledger's
		"target, whole tables": {source: -1, target: 3, want: 2},
		"source":               {source: 5, target: -1, want: 2, rows: 500}, // three of them are the snapshot's
		"both":                 {source: 6, target: 2, want: 1, rows: 500, window: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.profile.BatchRows, p.profile.Window, p.profile.Await = free.rows, free.window, free.window == 0 && free.rows > 0
			names, transfers := p.manyTables(t, 12, 2000)
			params := p.params(t, transfers...)
			params.Snapshot.Close(t.Context())
			params.Source, params.Target = parse(t, dial.Source, limited(t, p.source, free.source)), parse(t, dial.Target, limited(t, p.target, free.target))
			params.Snapshot = p.openAs(t, params.Source)
			params.Jobs = 6
			// Who has connections waits until the others have been told that there is none.
			told := newNotes("a server has no connection for another job", params.Jobs-free.want)
			params.Bus = event.NewBus(p.events, told)
			params.faults = &faults{at: told.wait}
			res, err := Copy(soon(t), params)
			complete(t, res, err)
			require.Equal(t, free.want, res.Jobs)
			p.same(t, names...)
		})
	}
}

// atWork counts the parts that are under way at once.
type atWork struct{ now, most int }

// On implements event.Listener.
func (a *atWork) On(e event.Event) {
	switch e.(type) {
	case event.PartStarted:
		a.now++
		a.most = max(a.most, a.now)
	case event.PartDone:
		a.now--
	default:
	}
}

// Each connection to a far target is slow, and more of them are faster: the number
// of jobs grows from one to its bound.
func TestJobsGrowWhileThatIsFaster(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.profile = ddlgen.DB9()
	p.profile.BatchRows = 50
	names, transfers := p.manyTables(t, 16, 1500)
	params := p.params(t, transfers...)
	sim := standIn(t, p.target, db9sim.Config{Rules: db9sim.None(), Link: db9sim.LinkConfig{Rate: 80_000, Delay: 2 * time.Millisecond}})
	params.Target = parse(t, dial.Target, sim.URL())
	params.Jobs, params.MaxJobs = 1, 5
	params.faults = &faults{gateWindow: 300 * time.Millisecond}
	a := &atWork{}
	params.Bus = event.NewBus(p.events, a)
	res, err := Copy(soon(t), params)
	complete(t, res, err)
	require.GreaterOrEqual(t, a.most, 2, "it began with one")
	require.LessOrEqual(t, a.most, 5)
	require.Zero(t, res.Jobs, "no connection was refused")
	p.same(t, names...)
}

// At an error that may pass the number of jobs falls, though every one has a part
// under way: one waits between two batches, with nothing open on the target.
func TestJobsFallOnErrors(t *testing.T) {
	t.Parallel()
	for name, window := range map[string]int{"awaited": 0, "window": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.profile.Await, p.profile.Window, p.profile.BatchRows = window == 0, window, 50
			names, transfers := p.manyTables(t, 4, 2000)
			params := p.params(t, transfers...)
			params.Jobs, params.MinJobs, params.MaxJobs = 4, 1, 4
			var log syncBuffer
			params.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			var batches atomic.Int32
			params.faults = &faults{gateWindow: time.Hour, at: func(_ context.Context, at point, b *batch) error {
				if at == pointCopied && b.span.first > 0 && batches.Add(1) == 4 {
					return &pgconn.PgError{Severity: "ERROR", Code: "40001", Message: "write conflict"}
				}
				return nil
			}}
			res, err := Copy(soon(t), params)
			complete(t, res, err)
			require.Contains(t, log.String(), `limit=3 why="1 errors that may pass"`)
			require.Contains(t, log.String(), "a job waits between two batches")
			p.same(t, names...)
		})
	}
}

// syncBuffer takes the log of several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements io.Writer.
func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
