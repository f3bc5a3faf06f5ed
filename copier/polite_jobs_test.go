package copier

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
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
func TestRefusedConnectionsLowerTheJobs(t *testing.T) {
	t.Parallel()
	for name, free := range map[string]struct{ source, target, want int }{
		"target": {source: -1, target: 4, want: 3}, // one of them is the ledger's
		"source": {source: 5, target: -1, want: 2}, // three of them are the snapshot's
		"both":   {source: 6, target: 2, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyBatching(t, func(t *testing.T, p *pair) {
				t.Helper()
				names, transfers := p.manyTables(t, 30, 2000)
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
		})
	}
}
