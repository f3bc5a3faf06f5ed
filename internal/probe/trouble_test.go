package probe

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// marks are what only one probe's messages hold, for those that make nothing
// in the scratch schema. Skip is how many connections are let through first.
var marks = map[int]struct {
	text string
	skip int
}{
	1:  {text: "\x04\xd2\x16\x2f"},              // SSLRequest
	2:  {text: "SELECT version()\x00", skip: 1}, // the greeting asks it too
	4:  {text: "SERIALIZABLE"},
	5:  {text: "SHOW statement_timeout"},
	6:  {text: "pg_sleep"},
	18: {text: "pg_try_advisory_lock"},
	28: {text: "ARRAY[1,2]"},
}

// place is a text that the probe sends.
func place(p probe) (text string, skip int) {
	if m, ok := marks[p.number]; ok {
		return m.text, m.skip
	}
	if p.number == 15 {
		return quotedTable, 0
	}
	return in(fmt.Sprintf("p%d", p.number)), 0
}

// gone fails while the scratch schema is there.
func gone(t *testing.T, db *pgtest.DB) {
	t.Helper()
	require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '"+Schema+"'"))
	require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_roles WHERE rolname LIKE '\\_pg2db9\\_probe%'"))
}

// A target that drops the connection during a probe leaves that one in doubt,
// and nothing on the target.
func TestConnectionLost(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	for _, p := range probes {
		if p.ask == nil || p.number == 3 { // no question, no connection
			continue
		}
		action := []pgtest.Action{pgtest.Cut, pgtest.Reset}[p.number%2]
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			db := server.Database(t)
			proxy := pgtest.NewProxy(t, server)
			text, skip := place(p)
			hit := proxy.Add(pgtest.Rule{Action: action, Dir: pgtest.ToServer, Match: pgtest.Contains(text), Skip: skip, Times: 100})
			r, err := Run(t.Context(), Params{Target: endpoint(t, proxy.URL(db.Name)), Chosen: Selection{only: []int{p.number}}})
			require.NoError(t, err)
			select {
			case <-hit.Fired():
			default:
				t.Fatalf("%q was never sent", text)
			}
			f := r.Fact(p.number)
			require.Equal(t, Assumed, f.Outcome, f.Evidence)
			require.True(t, f.Trouble)
			require.NotEmpty(t, f.Evidence)
			require.Empty(t, r.Left)
			gone(t, db)
			require.False(t, r.complete(), "a result with trouble is asked anew")
		})
	}
}

// All probes at once, and the connections of half of them cut: the others have
// their answers.
func TestSomeConnectionsLost(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	db := server.Database(t)
	proxy := pgtest.NewProxy(t, server)
	cut := map[int]bool{}
	for _, p := range probes {
		if p.scratch && p.number%2 == 0 {
			text, _ := place(p)
			proxy.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToServer, Match: pgtest.Contains(text), Times: 100})
			cut[p.number] = true
		}
	}
	r, err := Run(t.Context(), Params{Target: endpoint(t, proxy.URL(db.Name))})
	require.NoError(t, err)
	require.Empty(t, r.Left)
	gone(t, db)
	for _, f := range r.Facts {
		require.Equal(t, cut[f.Number], f.Trouble, "%s: %s", f.Name, f.Evidence)
	}
	require.Greater(t, r.Count(Proved), 10)
}

// Where the schema cannot be dropped it is named, with the reason.
func TestSchemaNamed(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	t.Run("connections lost", func(t *testing.T) {
		t.Parallel()
		db := server.Database(t)
		proxy := pgtest.NewProxy(t, server)
		proxy.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToServer, Match: pgtest.Contains("DROP SCHEMA"), Times: 100})
		r, err := Run(t.Context(), Params{Target: endpoint(t, proxy.URL(db.Name)), Chosen: Selection{only: []int{22}}})
		require.NoError(t, err)
		require.Equal(t, Proved, r.Fact(22).Outcome)
		require.Len(t, r.Left, 1)
		require.Contains(t, r.Left[0], "schema "+Schema)
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		db := server.Database(t)
		r, err := Run(t.Context(), Params{Target: endpoint(t, with(refuse("DROP SCHEMA")).start(t, db)), Chosen: Selection{only: []int{22}}})
		require.NoError(t, err)
		require.Len(t, r.Left, 1)
		require.Contains(t, r.Left[0], "0A000")
	})
	t.Run("dropped, the server says", func(t *testing.T) {
		t.Parallel()
		db := server.Database(t)
		r, err := Run(t.Context(), Params{Target: endpoint(t, with(say("DROP SCHEMA", "SELECT 1")).start(t, db)), Chosen: Selection{only: []int{22}}})
		require.NoError(t, err)
		require.Len(t, r.Left, 1)
		require.Contains(t, r.Left[0], "stands there still")

		// The next run takes it away.
		r, err = Run(t.Context(), Params{Target: endpoint(t, db.URL), Chosen: Selection{only: []int{22}}})
		require.NoError(t, err)
		require.Empty(t, r.Left)
		require.Equal(t, Proved, r.Fact(22).Outcome)
		gone(t, db)
	})
}

// A schema by our name that is somebody else's is left alone.
func TestForeignSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE SCHEMA "+Schema+"; CREATE TABLE "+Schema+".orders (n int)")
	r, err := Run(t.Context(), Params{Target: endpoint(t, db.URL), Chosen: Selection{only: []int{4, 22}}})
	require.NoError(t, err)
	require.Equal(t, Proved, r.Fact(4).Outcome)
	require.Equal(t, Assumed, r.Fact(22).Outcome)
	require.Contains(t, r.Fact(22).Evidence, "no probe made")
	require.Empty(t, r.Left)
	require.Equal(t, "1", db.QueryString(t, "SELECT count(*) FROM pg_tables WHERE schemaname = '"+Schema+"'"))
}

// A schema by our name that could not be looked into is left alone too: nobody
// knows whose it is.
func TestUnknownSchema(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	for _, table := range []string{"orders", "p2024_orders"} {
		db := server.Database(t)
		db.Exec(t, "CREATE SCHEMA "+Schema+"; CREATE TABLE "+Schema+"."+table+" (n int)")
		proxy := pgtest.NewProxy(t, server)
		if table == "orders" {
			proxy.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToServer, Match: pgtest.Contains("SELECT table_name"), Times: 100})
		}
		r, err := Run(t.Context(), Params{Target: endpoint(t, proxy.URL(db.Name)), Chosen: Selection{only: []int{22}}})
		require.NoError(t, err)
		require.Equal(t, Assumed, r.Fact(22).Outcome)
		require.Empty(t, r.Left)
		require.Equal(t, "1", db.QueryString(t, "SELECT count(*) FROM pg_tables WHERE schemaname = '"+Schema+"'"))
	}
}

// Without the right to make a schema, what needs none is answered.
func TestNoSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	r, err := Run(t.Context(), Params{Target: endpoint(t, with(alteration{old: "CREATE SCHEMA", to: raise("42501", "permission denied")}).start(t, db))})
	require.NoError(t, err)
	require.Empty(t, r.Left)
	require.Equal(t, Proved, r.Fact(5).Outcome)
	require.Equal(t, Assumed, r.Fact(14).Outcome)
	require.Contains(t, r.Fact(14).Evidence, "permission denied")
	require.False(t, r.complete())
}

// A probe whose answer does not come ends by its timeout, in doubt.
func TestTimeout(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	db := server.Database(t)
	proxy := pgtest.NewProxy(t, server)
	text, _ := place(probes[22-1])
	proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, Match: pgtest.Contains(text)})
	r, err := Run(t.Context(), Params{Target: endpoint(t, proxy.URL(db.Name)), Chosen: Selection{only: []int{22, 5}}, Timeout: 2 * time.Second})
	require.NoError(t, err)
	require.Equal(t, Assumed, r.Fact(22).Outcome)
	require.True(t, r.Fact(22).Trouble)
	require.Contains(t, r.Fact(22).Evidence, "no answer from the target within 2s")
	require.Empty(t, r.Left)
	gone(t, db)
}

// A run that is cancelled takes its schema away.
func TestCancelled(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	db := server.Database(t)
	proxy := pgtest.NewProxy(t, server)
	text, _ := place(probes[22-1])
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, Match: pgtest.Contains(text)})
	stop := errors.New("the user's wish")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-hit.Fired()
		cancel(stop)
	}()
	r, err := Run(ctx, Params{Target: endpoint(t, proxy.URL(db.Name)), Chosen: Selection{only: []int{22}}})
	require.ErrorIs(t, err, stop)
	require.Empty(t, r.Left)
	gone(t, db)
}

// A target that is not there is an error, the only one.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	proxy := pgtest.NewProxy(t, server)
	proxy.Refuse(true)
	r, err := Run(t.Context(), Params{Target: endpoint(t, proxy.URL("postgres"))})
	require.ErrorContains(t, err, "connecting to the target")
	require.Empty(t, r.Facts)
}
