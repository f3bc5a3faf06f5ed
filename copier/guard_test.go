package copier

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// What holds readers back, and by how much.
func TestGuardWeighs(t *testing.T) {
	t.Parallel()
	all := GuardLimits{Lag: 1000, Active: 4, Transaction: time.Minute}
	for name, c := range map[string]struct {
		limits GuardLimits
		load   load
		want   hold
		why    string
	}{
		"quiet":            {all, load{Active: 4, Oldest: 60, Lag: 750}, holdNot, ""},
		"sessions":         {all, load{Active: 5}, holdPause, "5 sessions are active on the source, --max-active is 4"},
		"lag":              {all, load{Lag: 1001}, holdPause, "--max-lag-bytes is 1.0 kB"},
		"nearly too much":  {all, load{Lag: 751}, holdSlow, "close to --max-lag-bytes"},
		"transaction":      {all, load{Oldest: 61}, holdPause, "a transaction on the source is 1m1s old, --max-transaction is 1m0s"},
		"limits not given": {GuardLimits{Active: 4}, load{Oldest: 1e6, Lag: 1 << 40}, holdNot, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, why := c.limits.weigh(c.load)
			require.Equal(t, c.want, got)
			require.Contains(t, why, c.why)
		})
	}
}

// trouble is what a test does to the source in mid-run, and takes back when the
// run has told that it pauses.
type trouble struct {
	t        *testing.T
	p        *pair
	progress *event.Progress
	begin    func()
	end      func()
	why      string

	once, paused sync.Once
	told         chan struct{} // closed when the pause was told
	saw          chan struct{} // closed when it was looked at
}

// at begins the trouble with the first batch, and lets none go on before the run
// has told of it.
func (x *trouble) at(ctx context.Context, _ point, _ *batch) error {
	x.once.Do(x.begin)
	select {
	case <-x.told:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// On implements event.Listener.
func (x *trouble) On(e event.Event) {
	n, ok := e.(event.Note)
	if !ok || !strings.Contains(n.Text, x.why) {
		return
	}
	x.paused.Do(func() {
		close(x.told)
		go x.look()
	})
}

// look sees that the readers stand still and say why, and ends the trouble.
func (x *trouble) look() {
	defer close(x.saw)
	defer x.end()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		s := x.progress.Snapshot()
		waiting := len(s.Running) > 0 && s.Held != ""
		for _, r := range s.Running {
			waiting = waiting && r.Waits == event.WaitGuard
		}
		if !waiting {
			continue
		}
		open := x.p.target.QueryString(x.t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pg2db9' AND state LIKE 'idle in transaction%'")
		if open != "0" {
			x.t.Errorf("%s transactions are open on the target in a pause", open)
		}
		again := x.progress.Snapshot()
		if again.Rows != s.Rows {
			x.t.Errorf("rows were read in a pause: %d, then %d", s.Rows, again.Rows)
		}
		return
	}
	x.t.Errorf("the readers did not wait for the source: %+v", x.progress.Snapshot())
}

// guarded copies while a trouble comes and goes.
func guarded(t *testing.T, p *pair, limits GuardLimits, why string, begin, end func(), change func(*Params)) {
	t.Helper()
	names, transfers := p.manyTables(t, 12, 4000)
	params := p.params(t, transfers...)
	if change != nil {
		change(&params)
	}
	params.Jobs, params.Guard = 2, limits
	x := &trouble{t: t, p: p, progress: params.Progress, begin: begin, end: end, why: why, told: make(chan struct{}), saw: make(chan struct{})}
	params.Bus = event.NewBus(p.events, x)
	params.faults = &faults{guardEvery: 20 * time.Millisecond, at: x.at}
	res, err := Copy(soon(t), params)
	complete(t, res, err)
	<-x.saw
	notes := strings.Join(p.events.notes(), "\n")
	require.Contains(t, notes, "reading pauses: ")
	require.Contains(t, notes, "reading goes on as before: it was paused for")
	require.Empty(t, params.Progress.Snapshot().Held)
	p.same(t, names...)
}

// --max-active and --max-transaction: readers stand still between batches (under
// a target that takes a part as one batch, between parts) while others are busy
// on the source, and go on when they are not.
func TestGuardPausesForOthers(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{}) // the guard looks at all of it
	for name, rows := range map[string]int64{"one batch": 0, "small batches": 500} {
		t.Run("active sessions, "+name, func(t *testing.T) {
			p := newPair(t)
			p.source, p.profile.Await, p.profile.BatchRows = server.Database(t), rows > 0, rows
			holder := p.source.Conn(t)
			mustExec(t, holder, "SELECT pg_advisory_lock(1)")
			conns := []*pgx.Conn{p.source.Conn(t), p.source.Conn(t)}
			var busy sync.WaitGroup
			begin := func() {
				for _, conn := range conns {
					busy.Go(func() { _, _ = conn.Exec(context.Background(), "SELECT pg_advisory_lock(1), pg_advisory_unlock(1)") })
				}
			}
			end := func() { _, _ = holder.Exec(context.Background(), "SELECT pg_advisory_unlock(1)") }
			guarded(t, p, GuardLimits{Active: 1}, "2 sessions are active on the source, --max-active is 1", begin, end, nil)
			busy.Wait()
		})
		t.Run("a long transaction, "+name, func(t *testing.T) {
			p := newPair(t)
			p.source, p.profile.Window, p.profile.BatchRows = server.Database(t), 5, rows
			long := p.source.Conn(t)
			begin := func() { _, _ = long.Exec(context.Background(), "BEGIN") }
			end := func() { _, _ = long.Exec(context.Background(), "ROLLBACK") }
			guarded(t, p, GuardLimits{Transaction: time.Second}, "--max-transaction is 1s", begin, end, nil)
		})
	}
}

// --max-lag-bytes: a replica that falls behind holds the readers back, whether
// they read from its primary or from itself.
func TestGuardPausesForALaggingReplica(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{})
	follower := pgtest.NewStandby(t, server, nil)
	for _, from := range []string{"primary", "standby"} {
		t.Run(from, func(t *testing.T) {
			p := newPair(t)
			p.profile.Await, p.profile.BatchRows = true, 500
			p.source = server.Database(t)
			standby := &pgtest.DB{Name: p.source.Name, URL: follower.URL(p.source.Name)}
			begin := func() {
				standby.Exec(t, "SELECT pg_wal_replay_pause()")
				p.source.Exec(t, "CREATE TABLE public.busy AS SELECT repeat(md5(n::text), 10) FROM generate_series(1, 3000) n")
			}
			end := func() { standby.Exec(t, "SELECT pg_wal_replay_resume()") }
			guarded(t, p, GuardLimits{Lag: 200_000}, "--max-lag-bytes is", begin, end, func(params *Params) {
				if from == "primary" {
					return
				}
				require.Eventually(t, func() bool { return follows(t, server, follower, p.source.Name) }, 30*time.Second, 50*time.Millisecond, "it follows")
				params.Snapshot.Close(t.Context())
				params.Source = parse(t, dial.Source, standby.URL)
				params.Snapshot = p.openAs(t, params.Source)
			})
		})
	}
}

// follows says that a standby has a primary's last table of a database.
func follows(t *testing.T, server, follower *pgtest.Cluster, database string) bool {
	t.Helper()
	admin := &pgtest.DB{URL: follower.URL("postgres")}
	lsn := (&pgtest.DB{URL: server.URL("postgres")}).QueryString(t, "SELECT pg_current_wal_flush_lsn()")
	if admin.QueryString(t, fmt.Sprintf("SELECT pg_last_wal_replay_lsn() >= '%s'", lsn)) != "t" {
		return false
	}
	return (&pgtest.DB{URL: follower.URL(database)}).QueryString(t, "SELECT to_regclass('public.t11') IS NOT NULL") == "t"
}

// A role that may not look into others' sessions is told once, and the run ends
// as without the guard.
func TestGuardSaysWhatItCannotSee(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	other := p.source.Conn(t)
	mustExec(t, other, "BEGIN")
	names, transfers := p.manyTables(t, 4, 100)
	params := p.params(t, transfers...)
	params.Snapshot.Close(t.Context())
	params.Source = parse(t, dial.Source, limited(t, p.source, -1))
	params.Snapshot = p.openAs(t, params.Source)
	params.Guard = GuardLimits{Active: 1, Transaction: time.Millisecond, Lag: 1}
	looks := make(chan struct{})
	var once sync.Once
	params.faults = &faults{guardEvery: time.Millisecond, at: func(ctx context.Context, _ point, _ *batch) error {
		once.Do(func() { // a few looks more
			time.AfterFunc(50*time.Millisecond, func() { close(looks) })
		})
		<-looks
		return nil
	}}
	res, err := Copy(soon(t), params)
	complete(t, res, err)
	require.Len(t, p.events.notes(), 1, fmt.Sprint(p.events.notes()))
	require.Contains(t, p.events.notes()[0], "sessions of others: they count as idle")
	require.Contains(t, p.events.notes()[0], "GRANT pg_read_all_stats")
	p.same(t, names...)
}

// The first interrupt ends a pause too: what is sent is committed, and the rest
// is left for another run.
func TestGuardPauseEndsWithStop(t *testing.T) {
	t.Parallel()
	everyBatching(t, func(t *testing.T, p *pair) {
		t.Helper()
		long := p.source.Conn(t)
		mustExec(t, long, "BEGIN")
		_, transfers := p.manyTables(t, 4, 100)
		params := p.params(t, transfers...)
		stop := make(chan struct{})
		params.Stop, params.Guard = stop, GuardLimits{Transaction: time.Nanosecond}
		x := &stopper{stop: stop}
		params.Bus = event.NewBus(p.events, x)
		res, err := Copy(soon(t), params)
		var partial *PartialError
		require.ErrorAs(t, err, &partial)
		require.True(t, partial.Interrupted)
		require.Len(t, res.Tables, 4)
	})
}

// stopper stops a run when it pauses.
type stopper struct {
	stop chan struct{}
	once sync.Once
}

// On implements event.Listener.
func (s *stopper) On(e event.Event) {
	if n, ok := e.(event.Note); ok && strings.Contains(n.Text, "reading pauses") {
		s.once.Do(func() { close(s.stop) })
	}
}
