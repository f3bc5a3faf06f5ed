package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// handClock shows what a test sets, and nobody waits for it.
type handClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[chan time.Time]time.Time
}

func newHandClock(t *testing.T, at string) *handClock {
	t.Helper()
	now, err := time.Parse(time.RFC3339, at)
	require.NoError(t, err)
	return &handClock{now: now, timers: map[chan time.Time]time.Time{}}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) Timer(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sign := make(chan time.Time, 1)
	if d <= 0 {
		sign <- c.now
		return sign, func() {}
	}
	c.timers[sign] = c.now.Add(d)
	return sign, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.timers, sign)
	}
}

// advance sets the clock forward, and fires what was waited for.
func (c *handClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for sign, at := range c.timers {
		if !at.After(c.now) {
			sign <- c.now
			delete(c.timers, sign)
		}
	}
}

// awaited says whether somebody waits for the clock.
func (c *handClock) awaited() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers) > 0
}

// served is one sync serve at work.
type served struct {
	*call
	t     *testing.T
	clock *handClock
	file  string
	ended <-chan result
	seen  map[string]int // lines by type that were waited for
	addr  string
}

func serving(t *testing.T, b *bundle, at, text string) *served {
	t.Helper()
	s := &served{t: t, clock: newHandClock(t, at), file: jobs(t, text), seen: map[string]int{}}
	s.call = b.call("sync serve", "--profile", "postgres", "--config", s.file, "--listen", "127.0.0.1:0", "--metrics", "--json")
	s.call.clock, s.signals, s.hangups = s.clock, make(chan os.Signal, 2), make(chan os.Signal)
	s.ended = s.begin(t)
	s.addr = s.next("listening")["address"].(string)
	return s
}

// next waits for the next line of a type.
func (s *served) next(kind string) map[string]any {
	s.t.Helper()
	var found map[string]any
	eventually(s.t, "a line "+kind, func() bool {
		n := 0
		for line := range strings.Lines(s.out.String()) {
			if !strings.HasSuffix(line, "\n") || !strings.HasPrefix(line, `{"type":"`+kind+`"`) {
				continue
			}
			if n++; n > s.seen[kind] {
				require.NoError(s.t, json.Unmarshal([]byte(line), &found))
				return true
			}
		}
		return false
	})
	s.seen[kind]++
	return found
}

// advance sets the clock forward when nothing runs and the loop waits for it.
func (s *served) advance(d time.Duration) {
	s.t.Helper()
	eventually(s.t, "nothing runs", func() bool {
		_, body := s.get("/healthz")
		return !strings.Contains(body, `"running":true`) && s.clock.awaited()
	})
	s.clock.advance(d)
}

func (s *served) get(path string) (int, string) {
	s.t.Helper()
	r, err := http.Get("http://" + s.addr + path)
	require.NoError(s.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(s.t, err)
	noSecret(s.t, string(body))
	return r.StatusCode, string(body)
}

const servedJobs = `
groups: [{name: shop, schedule: "*/15 * * * *"}]
tables:
  - {table: public.t, group: shop, mode: mirror}
  - {table: public.bad, group: shop, mode: mirror}
  - {table: public.u, schedule: "0 * * * *", mode: mirror}
`

// A process that serves: at its times, beside a table that fails, over a file that
// changes; what it tells at its address and of its history; and its end.
func TestSyncServe(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100); CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1)`)
	s := serving(t, b, "2026-06-10T11:59:00Z", servedJobs)
	code, body := s.get("/healthz")
	require.Equal(t, 200, code, body)
	require.Contains(t, body, `{"unit":"group shop","running":false,"next":"2026-06-10T12:00:00Z","failing":[]}`)

	// The hour: the group, without the table that the source has not, then the other unit.
	s.advance(time.Minute)
	line := s.next("served")
	require.Equal(t, []any{"group shop", "schedule", "2026-06-10T12:00:00Z", 2.0, 1.0}, []any{line["unit"], line["reason"], line["due"], line["tables"], line["good"]}, s.out)
	require.Equal(t, "table public.u", s.next("served")["unit"])
	b.same(t, "t", "u")
	failing := s.next("schedule")
	require.Equal(t, []any{"failing", "public.bad"}, []any{failing["what"], failing["table"]})
	require.Contains(t, s.out.String(), "jobs.yaml:5: tables.public.bad: the source has no table public.bad")
	_, body = s.get("/metrics")
	for _, want := range []string{
		`pg2db9_sync_runs_total{table="public.t",verdict="match"} 1`, `pg2db9_sync_rows_total{table="public.t",what="inserted"} 100`,
		`pg2db9_sync_runs_total{table="public.bad",verdict="failed"} 1`, `pg2db9_sync_unit_failing_tables{unit="group shop"} 1`, `pg2db9_sync_differences{table="public.t"} 100`,
	} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, `last_success_timestamp_seconds{table="public.bad"}`)

	target := []string{"--target", withPassword(b.target.URL)}
	file := jobs(t, servedJobs+"  - {table: public.never, mode: mirror}\n")
	r := (&call{args: append([]string{"sync", "status", "--config", file}, target...)}).run(t)
	require.Equal(t, OK, r.code, r.err)
	require.Regexp(t, `public\.bad +mirror +shop +nothing yet +\S+ ago +failed +0 +never +in `, r.out)
	require.Regexp(t, `public\.never +mirror +nothing yet +never +never`, r.out)

	// The table that failed is tried again alone, before its group's next time.
	b.source.Exec(t, `CREATE TABLE bad (id int PRIMARY KEY); INSERT INTO bad VALUES (7); INSERT INTO t VALUES (101)`)
	s.advance(time.Minute)
	line = s.next("served")
	require.Equal(t, []any{"retry", 1.0, 1.0}, []any{line["reason"], line["tables"], line["good"]}, s.out)
	require.Equal(t, "recovered", s.next("schedule")["what"])
	require.Equal(t, "100", b.target.QueryString(t, "SELECT count(*) FROM t"))
	s.advance(14 * time.Minute)
	require.Equal(t, []any{2.0, 2.0}, func() []any { l := s.next("served"); return []any{l["tables"], l["good"]} }())
	b.same(t, "t", "bad")

	// A file that is wrong changes nothing; one that is right does, from then on.
	require.NoError(t, os.WriteFile(s.file, []byte("tables: [{table: public.t, mode: mirrors, schedule: '* * * * *'}]"), 0o600))
	s.hangups <- syscall.SIGHUP
	line = s.next("reloaded")
	require.Equal(t, false, line["good"])
	require.Contains(t, line["error"], "jobs.yaml:1:34: tables.public.t.mode: must be one of")
	code, body = s.get("/healthz")
	require.Equal(t, 200, code)
	require.Contains(t, body, `"reload_error":`)
	require.NoError(t, os.WriteFile(s.file, []byte("tables: [{table: public.u, mode: mirror, schedule: '20 * * * *'}]"), 0o600))
	s.hangups <- syscall.SIGHUP
	require.Equal(t, true, s.next("reloaded")["good"])
	b.source.Exec(t, `INSERT INTO u VALUES (2); INSERT INTO t VALUES (102)`)
	s.advance(5 * time.Minute) // 12:20
	require.Equal(t, "table public.u", s.next("served")["unit"])
	b.same(t, "u")
	require.Equal(t, "101", b.target.QueryString(t, "SELECT count(*) FROM t"))
	_, body = s.get("/metrics")
	require.NotContains(t, body, `table="public.t"`)
	require.Contains(t, body, `pg2db9_sync_job_file_reloads_total{outcome="bad"} 1`)

	s.signals <- syscall.SIGINT
	r = await(t, s.ended)
	require.Equal(t, OK, r.code, r.err)
	all := jsonObjects(t, r.out)
	require.Equal(t, "stopped, as asked; what was begun has come to its end", all[len(all)-1]["message"])

	// What the ledger tells afterwards, by a clock of a day later.
	// Five minutes over the hour: what took place a moment ago is not a minute short of it.
	later := newHandClock(t, time.Now().UTC().Add(25*time.Hour+5*time.Minute).Format(time.RFC3339))
	r = (&call{args: append([]string{"sync", "status", "--config", file}, target...), clock: later}).run(t)
	require.Equal(t, OK, r.code, r.err)
	require.Regexp(t, `public\.t +mirror +shop +25h\S* ago +25h\S* ago +match +1 +25h\S* ago +in `, r.out)
	r = (&call{args: append([]string{"sync", "status", "--json"}, target...), clock: later}).run(t)
	require.Equal(t, OK, r.code, r.err)
	status := jsonObjects(t, r.out)
	require.Len(t, status, 4)
	require.NotContains(t, r.out, "0001-01-01", "a time that is none")
	require.Equal(t, "public.bad", status[0]["table"])
	require.InDelta(t, 25*3600, status[0]["status"].(map[string]any)["age_seconds"], 600)
	r = (&call{args: append([]string{"sync", "history"}, append(target, "public.bad")...)}).run(t)
	require.Equal(t, OK, r.code, r.err)
	require.Regexp(t, `(?s)public\.bad +mirror +match .*public\.bad +mirror +match .*public\.bad +mirror +failed .*: the source has no table public.bad`, r.out)
	r = (&call{args: append([]string{"sync", "history", "--limit", "2", "--json"}, target...)}).run(t)
	require.Len(t, jsonObjects(t, r.out), 3)
	r = (&call{args: append([]string{"sync", "history", "--json"}, append(target, "public.bad")...)}).run(t)
	require.Contains(t, r.out, `"verdict":"failed"`) // which reached no moment
	require.NotContains(t, r.out, "0001-01-01")
	r = (&call{args: append([]string{"sync", "status", "--json", "--config", file}, target...), clock: later}).run(t)
	require.Contains(t, r.out, `"name":"never"`)
	require.NotContains(t, r.out, "0001-01-01")
}

// The first interrupt lets a batch in flight come to its end, the second ends it at
// once; the next run goes on from there.
func TestSyncServeStops(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)`)
	table := "tables: [{table: public.t, mode: upsert, cursor: id"
	once := func() { b.ok(t, "sync run", "--profile", "postgres", "--config", jobs(t, table+"}]")) }
	once()
	for _, hard := range []bool{false, true} {
		b.source.Exec(t, "INSERT INTO t SELECT max(id) + 1 FROM t")
		s := serving(t, b, "2026-06-10T11:59:00Z", table+", schedule: '0 * * * *'}]")
		lock := b.target.Conn(t)
		_, err := lock.Exec(t.Context(), "BEGIN; LOCK TABLE t IN SHARE MODE")
		require.NoError(t, err)
		s.advance(time.Minute)
		eventually(t, "the run waits for the table", func() bool {
			return b.target.QueryString(t, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") != "0"
		})
		s.signals <- syscall.SIGTERM
		eventually(t, "the interrupt is heard", func() bool { return strings.Contains(s.out.String(), "a second interrupt stops at once") })
		_, body := s.get("/healthz")
		require.Contains(t, body, `"running":true`)
		want := OK
		if hard {
			want = Interrupted
			s.signals <- syscall.SIGTERM
			require.Equal(t, want, await(t, s.ended).code)
		}
		_, err = lock.Exec(t.Context(), "COMMIT")
		require.NoError(t, err)
		if !hard {
			r := await(t, s.ended)
			require.Equal(t, want, r.code, r.err)
		}
		once()
		b.same(t, "t")
	}
}

// What cannot be served is told before any server is asked.
func TestU12SyncServe(t *testing.T) {
	t.Parallel()
	good := jobs(t, "tables: [{table: public.t, mode: mirror, schedule: '0 * * * *'}]")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sync", "serve"}, "no job file: give --config FILE"},
		{[]string{"sync", "serve", "--config", jobs(t, "tables: [{table: public.t, mode: mirror}]")}, "no group and no table has a schedule"},
		{[]string{"sync", "serve", "--config", jobs(t, "tables: [{table: public.t, mode: mirror, schedule: '0 24 * * *'}]")}, `jobs.yaml:1:52: tables.public.t.schedule: "0 24 * * *" is no schedule`},
		{[]string{"sync", "serve", "--config", good, "--listen", "none", "--metrics"}, "--metrics: there is no address to answer at: --listen is none"},
		{[]string{"sync", "serve", "--config", good, "--listen", "8080"}, "--listen: must be host:port or none"},
		{[]string{"sync", "init", "--schedule", "often"}, `--schedule: "often" is no schedule`},
		{[]string{"sync", "init", "--timezone", "Mars"}, `--timezone: "Mars" is no time zone`},
		{[]string{"sync", "history", "--limit", "-1"}, "--limit: must be 0 or more"},
		{[]string{"sync", "history", "a.b.c"}, `"a.b.c": a table is named schema.table`},
		{[]string{"sync"}, "sync is followed by what to do: sync init, sync run, sync plan, sync serve, sync status, sync history, sync reset"},
	} {
		r := run(t, c.args...)
		require.Equal(t, Usage, r.code, "%v: %s", c.args, r.err)
		require.Contains(t, r.err, c.want)
	}
}

// sync init writes a file that sync plan takes as it is, and never over another.
func TestSyncInit(t *testing.T) {
	t.Parallel()
	b := setup(t, shop, `ALTER TABLE customers ADD updated_at timestamptz NOT NULL DEFAULT now()`)
	source := []string{"--source", withPassword(b.source.URL)}
	path := filepath.Join(t.TempDir(), "sync.yaml")
	r := run(t, append([]string{"sync", "init", "--config", path, "--schedule", "@hourly", "--timezone", "Europe/Berlin"}, source...)...)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.last(), "4 tables written to "+path)
	f, err := jobfile.Load(path)
	require.NoError(t, err)
	require.Equal(t, "Europe/Berlin", f.Timezone.String())
	require.Len(t, f.Of("customers"), 2)
	require.Equal(t, "@hourly", f.Groups[0].Schedule)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	noSecret(t, string(text))
	require.Contains(t, string(text), "Best mode upsert: primary key (id); updated_at looks like the time of a row's last change.")
	require.Contains(t, b.ok(t, "sync plan", "--profile", "postgres", "--config", path).last(), "4 tables: ")

	r = run(t, append([]string{"sync", "init", "--config", path}, source...)...)
	require.Equal(t, Usage, r.code)
	require.Contains(t, r.err, "is there already, and a job file is never overwritten")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(text), string(after))

	r = run(t, append([]string{"sync", "init", "--include-table", "log"}, source...)...)
	require.Equal(t, OK, r.code, r.err)
	f, err = jobfile.Parse("stdout", []byte(r.out[:strings.LastIndex(strings.TrimSuffix(r.out, "\n"), "\n")]))
	require.NoError(t, err, r.out)
	require.Len(t, f.Tables, 1)
}
