package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// begin runs a call beside the test.
func (c *call) begin(t *testing.T) <-chan result {
	t.Helper()
	c.out, c.err = &buffer{}, &buffer{}
	ended := make(chan result, 1)
	go func() {
		code := Main(t.Context(), c.args, c.streams())
		ended <- result{Code(code), c.out.String(), c.err.String()}
	}()
	return ended
}

// await takes the result of a call that was started.
func await(t *testing.T, ended <-chan result) result {
	t.Helper()
	select {
	case r := <-ended:
		noSecret(t, r.out, r.err)
		return r
	case <-time.After(waitFor):
		require.Fail(t, "the program does not end")
		return result{}
	}
}

// statusOf is the one status object of a call.
func statusOf(t *testing.T, args ...string) map[string]any {
	t.Helper()
	r := run(t, append([]string{"status", "--json"}, args...)...)
	require.Equal(t, OK, r.code, r.err)
	all := jsonObjects(t, r.out)
	require.Equal(t, "status", all[0]["type"])
	require.Equal(t, "exit", all[len(all)-1]["type"])
	return all[0]["status"].(map[string]any)
}

// newestOf is the newest run of a status object.
func newestOf(t *testing.T, status map[string]any) map[string]any {
	t.Helper()
	all, _ := status["runs"].([]any)
	require.NotEmpty(t, all)
	return all[0].(map[string]any)
}

// holdTarget is a proxy that holds the first connection that carries more than
// the bytes, until the test releases it.
func holdTarget(t *testing.T, b *bundle, after int64) (p *proxy, held *atomic.Bool, release func()) {
	t.Helper()
	hold := make(chan struct{})
	held = &atomic.Bool{}
	var sent, who atomic.Int64
	p = newProxy(t, b.target, func(conn int64, toServer bool, data []byte) bool {
		if toServer && sent.Add(int64(len(data))) > after && who.CompareAndSwap(0, conn) {
			held.Store(true)
		}
		if toServer && who.Load() == conn {
			<-hold
		}
		return true
	})
	done := false
	release = func() {
		if !done {
			done = true
			close(hold)
		}
	}
	t.Cleanup(release)
	return p, held, release
}

// A target on which nothing was done says so, and it is no failure to ask.
func TestStatusWithoutALedger(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := run(t, "status", "--target", withPassword(b.target.URL))
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "there is no ledger on the target (schema _pg2db9)")
	require.Equal(t, false, statusOf(t, "--target", withPassword(b.target.URL))["ledger"])
	b.untouched(t)

	r = run(t, "status", "--target", "postgres://u:"+password+"@127.0.0.1:1/d?sslmode=disable")
	require.Equal(t, Failed, r.code, r.err)
	b.target.Exec(t, "CREATE SCHEMA _pg2db9; CREATE TABLE _pg2db9.version (version int); INSERT INTO _pg2db9.version VALUES (1)")
	r = run(t, "status", "--target", withPassword(b.target.URL))
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.last(), "the ledger on the target has version 1, this program reads version 2")
}

// R12: from another machine, with nothing but the target's URL: the run's parts,
// rows and bytes while it is at work, what failed when it is over, and the
// command that continues, which holds no secret.
func TestStatusR12(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	p, held, release := holdTarget(t, b, 3<<20)
	c := &call{args: []string{"clone", "--jobs", "1", "--profile", "db9", "--source", withPassword(b.source.URL), "--target", p.url()}}
	ended := c.begin(t)
	require.Eventually(t, held.Load, waitFor, pollEvery)

	run1 := newestOf(t, statusOf(t, "--target", withPassword(b.target.URL)))
	require.Equal(t, []any{"clone", "loading", "db9"}, []any{run1["command"], run1["state"], run1["profile"]})
	parts := run1["parts"].(map[string]any)
	require.Equal(t, b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.part"), fmt.Sprint(parts["all"]))
	require.Greater(t, run1["rows"], 2000.0)
	require.Greater(t, run1["bytes"], 1.9e6)
	require.Greater(t, run1["bytes_per_second"], 0.0)
	require.Less(t, run1["last_batch_seconds"], 60.0)
	require.Less(t, run1["snapshot_seconds"], 60.0)
	committed := b.target.QueryString(t, "SELECT count(*) FROM big")
	require.Equal(t, committed, fmt.Sprint(int64(run1["rows"].(float64))))

	release()
	require.Equal(t, OK, await(t, ended).code)
	id := run1["run"].(string)
	b.target.Exec(t, "UPDATE _pg2db9.run SET state = 'partial', owner = 'elsewhere:42', lease = NULL; "+
		"UPDATE _pg2db9.part SET failed = 'value too long: password="+password+"' WHERE target_name = 'small'; "+
		"INSERT INTO _pg2db9.step (run, step, state, error) VALUES ('"+id+"', 'keys/public.big/x', 'failed', 'could not create it'), ('"+id+"', 'keys/public.big/y', 'done', '')")
	r := run(t, "status", "--target", withPassword(b.target.URL), "--run", id)
	require.Equal(t, OK, r.code, r.err)
	for _, want := range []string{
		"run " + id + ": clone, partial, profile db9, from postgres://", "nobody; it was elsewhere:42", " parts done, 1 failed",
		"20,002 rows", "public.small (part ", "value too long", "keys/public.big/x: could not create it", "3 done, 0 under way, 1 failed",
		`pg2db9 clone --target "$PG2DB9_TARGET" --source "$PG2DB9_SOURCE" --profile db9 --resume` + "\n",
	} {
		require.Contains(t, r.out, want)
	}
	r = run(t, "status", "--target", withPassword(b.target.URL), "--run", "another")
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.last(), "run another is not in the ledger")
}

// U5: a stalled run names who is in its way on both sides, and the age of the
// last byte.
func TestStatusU5(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	b.target.Exec(t, "CREATE TABLE big (id int PRIMARY KEY, v text); CREATE TABLE small (id int)")
	named := func(db *pgtest.DB, name string) *pgx.Conn {
		conn := db.Conn(t)
		_, err := conn.Exec(t.Context(), "SET application_name = '"+name+"'; BEGIN; LOCK TABLE big IN SHARE MODE")
		require.NoError(t, err)
		return conn
	}
	inTheWay := named(b.target, "nightly report")
	ended := b.call("copy", "--jobs", "1").begin(t)
	blockedOn := func(side, app string) func() bool {
		return func() bool {
			text := run(t, append([]string{"status"}, b.urls()...)...).out
			return strings.Contains(text, "  stalled    on the "+side+" session ") && strings.Contains(text, " on public.big, held by session ") &&
				strings.Contains(text, "("+app+", ") && strings.Contains(text, "idle in transaction, since ")
		}
	}
	require.Eventually(t, blockedOn("target", "nightly report"), waitFor, 50*time.Millisecond)

	// On the source somebody holds what a session of pg2db9 waits for.
	_ = named(b.source, "vacuum by hand")
	waiting, err := pgx.Connect(t.Context(), b.source.URL)
	require.NoError(t, err)
	_, err = waiting.Exec(t.Context(), "SET application_name = 'pg2db9'")
	require.NoError(t, err)
	over := make(chan error, 1)
	go func() {
		_, err := waiting.Exec(t.Context(), "BEGIN; LOCK TABLE big IN ACCESS EXCLUSIVE MODE")
		over <- err
	}()
	require.Eventually(t, blockedOn("source", "vacuum by hand"), waitFor, 50*time.Millisecond)
	pid := waiting.PgConn().PID()
	b.source.Exec(t, fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
	<-over
	_ = waiting.Close(t.Context())

	_, err = inTheWay.Exec(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.Equal(t, OK, await(t, ended).code)
	b.same(t, "big", "small")

	// Nobody is in its way, and nothing moves: what its sessions wait for is named.
	b.target.Exec(t, "UPDATE _pg2db9.run SET state = 'loading', owner = 'elsewhere:42', lease = now() + interval '1 hour', started = now() - interval '2 hours'; "+
		"UPDATE _pg2db9.span SET committed = now() - interval '1 hour', final = false")
	text := run(t, append([]string{"status"}, b.urls()...)...).out
	require.Regexp(t, `last batch +1h00m ago`, text)
	require.Regexp(t, `stalled +no batch was committed for a while`, text)
	require.Contains(t, text, "elsewhere:42, at work")
	require.NotContains(t, text, "--resume", "somebody is at it")
	b.target.Exec(t, "UPDATE _pg2db9.run SET lease = now() - interval '90 seconds'")
	text = run(t, append([]string{"status"}, b.urls()...)...).out
	require.Regexp(t, `stalled +its owner elsewhere:42 gave no sign since 1m[3-5][0-9]s ago`, text)
	require.Contains(t, text, `pg2db9 copy --source "$PG2DB9_SOURCE" --target "$PG2DB9_TARGET" --resume`)
}

// The snapshot's holder is asked for on the source: it lives, or it is gone.
func TestStatusSnapshotHolder(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--skip-verify")
	keeper := b.source.Conn(t)
	var pid int64
	var started string
	_, err := keeper.Exec(t.Context(), "SET TimeZone = 'UTC'; BEGIN ISOLATION LEVEL REPEATABLE READ")
	require.NoError(t, err)
	require.NoError(t, keeper.QueryRow(t.Context(), "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()").Scan(&pid, &started))
	b.target.Exec(t, fmt.Sprintf("UPDATE _pg2db9.run SET state = 'partial', kept_by = 'host:7', kept_pid = %d, kept_start = '%s'", pid, started))
	both := append([]string{"status"}, b.urls()...)
	require.Contains(t, run(t, both...).out, fmt.Sprintf("kept by host:7 (backend %d on the source, which lives;", pid))
	require.Contains(t, run(t, "status", "--target", withPassword(b.target.URL)).out, "with --source it is asked whether it lives")
	b.target.Exec(t, "UPDATE _pg2db9.run SET kept_start = '2020-01-01 00:00:00+00'")
	require.Contains(t, run(t, both...).out, "which is gone", "another backend has its number")
}

// U11: a source whose clock is an hour ahead of the target's: no age is below
// zero, no lease is judged by another clock than the target's.
func TestU11StatusOfSkewedClocks(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--skip-verify")
	ahead := time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano)
	b.target.Exec(t, "UPDATE _pg2db9.run SET state = 'loading', taken = '"+ahead+"', lease = now() + interval '10 seconds', owner = 'x', started = now() + interval '1 minute'")
	run1 := newestOf(t, statusOf(t, "--target", withPassword(b.target.URL)))
	require.InDelta(t, 0, run1["snapshot_seconds"], 0)
	require.InDelta(t, 0, run1["bytes_per_second"], 0)
	require.Equal(t, true, run1["owner"].(map[string]any)["alive"])
}

// --watch looks until the run has come to its end.
func TestStatusWatch(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--skip-verify")
	b.target.Exec(t, "UPDATE _pg2db9.run SET state = 'loading', owner = 'x', lease = now() + interval '1 hour'")
	c := &call{args: []string{"status", "--watch", "--target", withPassword(b.target.URL)}}
	ended := c.begin(t)
	require.Eventually(t, func() bool { return strings.Contains(c.out.String(), "x, at work") }, waitFor, pollEvery)
	b.target.Exec(t, "UPDATE _pg2db9.run SET state = 'done', lease = NULL")
	r := await(t, ended)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, ": clone, done, profile postgres")

	// And until an interrupt, which is no failure.
	b.target.Exec(t, "UPDATE _pg2db9.run SET state = 'loading', lease = now() + interval '1 hour'")
	c = &call{args: []string{"status", "--watch", "--json", "--target", withPassword(b.target.URL)}, signals: make(chan os.Signal, 1)}
	ended = c.begin(t)
	require.Eventually(t, func() bool { return strings.Contains(c.out.String(), `"status"`) }, waitFor, pollEvery)
	c.signals <- syscall.SIGTERM
	r = await(t, ended)
	require.Equal(t, OK, r.code, r.err)
	all := jsonObjects(t, r.out)
	require.Equal(t, "exit", all[len(all)-1]["type"])
}

// A target that vanishes without a word ends the watch within a bounded time
// when an interrupt comes.
func TestStatusWatchOfATargetThatIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--skip-verify")
	hold := make(chan struct{})
	var asked atomic.Bool
	p := newProxy(t, b.target, func(_ int64, toServer bool, data []byte) bool {
		if toServer && bytes.Contains(data, []byte("_pg2db9.version")) {
			asked.Store(true)
			<-hold
		}
		return true
	})
	t.Cleanup(func() { close(hold) })
	c := &call{args: []string{"status", "--watch", "--target", p.url()}, signals: make(chan os.Signal, 1)}
	ended := c.begin(t)
	require.Eventually(t, asked.Load, waitFor, pollEvery)
	c.signals <- syscall.SIGINT
	require.Equal(t, OK, await(t, ended).code)
}

// Through a stand-in with DB9's catalogs the ledger is read, and what such a
// target does not tell is said.
func TestStatusThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	sim, _ := standIn(t)
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", sim.URL(), "--probe", "never", "--skip-verify")
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	r = run(t, "status", "--target", sim.URL())
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out, "clone, done, profile db9")
	require.Contains(t, r.out, "3,703 rows")
	require.Contains(t, r.out, "sessions on the target: the server does not tell what its sessions do")
}
