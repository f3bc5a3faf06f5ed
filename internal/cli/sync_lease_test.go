package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// processOf is a sync of the bundle's as a process of its own.
func (b *bundle) processOf(t *testing.T, file string) *process {
	t.Helper()
	return start(t, append(append([]string{"sync", "run"}, b.urls()...), "--profile", "postgres", "--config", file)...)
}

// code waits for the end of a process.
func (p *process) code(t *testing.T) Code {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		return Code(p.cmd.ProcessState.ExitCode())
	case <-time.After(60 * time.Second):
		require.Fail(t, "the process did not end", p.err.String())
		return Failed
	}
}

// R5, R6: while a process is at work another sync of the same target, sync serve and
// sync reset are refused and name it; when it is killed the next run takes over, at
// once where its process is known to be gone, else when its lease has run out by the
// target's clock.
func TestR5R6SyncProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)`)
	const table = "tables: [{table: public.t, mode: upsert, cursor: id"
	file := jobs(t, table+"}]")
	b.ok(t, "sync run", "--profile", "postgres", "--config", file)
	for _, elsewhere := range []bool{false, true} {
		b.source.Exec(t, "INSERT INTO t SELECT max(id) + 1 FROM t")
		lock := b.target.Conn(t)
		_, err := lock.Exec(t.Context(), "BEGIN; LOCK TABLE t IN SHARE MODE")
		require.NoError(t, err)
		owner := b.processOf(t, file)
		eventually(t, "the first waits for the table", func() bool {
			return b.target.QueryString(t, "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") != "0"
		})
		name := fmt.Sprintf("process %d ", owner.cmd.Process.Pid)
		if !elsewhere {
			s := serving(t, b, "2026-06-10T11:59:00Z", table+", schedule: '0 * * * *'}]")
			s.advance(time.Minute)
			second := b.processOf(t, file)
			require.Equal(t, Failed, second.code(t), second.err.String())
			require.Contains(t, second.err.String(), "is being worked on by ")
			require.Contains(t, second.err.String(), name)
			served := s.next("served")
			require.Contains(t, served["error"], name)
			require.Equal(t, "busy", s.next("schedule")["what"])
			s.signals <- syscall.SIGINT
			require.Equal(t, OK, await(t, s.ended).code)
			r := (&call{args: []string{"sync", "reset", "--target", withPassword(b.target.URL), "public.t"}}).run(t)
			require.Equal(t, Failed, r.code)
			require.Contains(t, r.err, name)
		}
		owner.kill(t)
		_, err = lock.Exec(t.Context(), "COMMIT")
		require.NoError(t, err)
		if elsewhere { // as if it had died on a machine that nobody can ask
			b.target.Exec(t, "UPDATE _pg2db9.run SET owner = 'elsewhere, process 1 (0)', owner_pid = 0, owner_start = '', lease = now() + interval '2 seconds'")
		}
		until := b.target.QueryString(t, "SELECT max(lease) FROM _pg2db9.run")
		b.ok(t, "sync run", "--profile", "postgres", "--config", file)
		b.same(t, "t")
		waited := b.target.QueryString(t, "SELECT max(began) > '"+until+"' FROM _pg2db9.sync_history")
		require.Equal(t, map[bool]string{false: "f", true: "t"}[elsewhere], waited, "until the lease had run out")
	}
}

// A cycle of sync serve against a target with DB9's documented limits, as far away as
// DB9 is (simulated): at its time, once more for what was changed, and to its end.
func TestSyncServeThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i`)
	config := db9sim.Config{Backend: b.target.URL, Rules: db9sim.Strict()}
	if os.Getenv("PG2DB9_SYNC_WAN") != "" {
		config.Link = db9sim.WAN()
	} else {
		config.Link = db9sim.LinkConfig{Delay: 2 * time.Millisecond}
	}
	sim, err := db9sim.Start(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	s := &served{t: t, clock: newHandClock(t, "2026-06-10T11:59:00Z"), seen: map[string]int{}}
	s.file = jobs(t, "groups: [{name: g, schedule: '*/15 * * * *'}]\ntables: [{table: public.t, group: g, mode: upsert, cursor: id, deletes: digest, verify: digest}]")
	s.call = &call{
		args:  []string{"sync", "serve", "--source", withPassword(b.source.URL), "--target", sim.URL(), "--config", s.file, "--listen", "127.0.0.1:0", "--json", "--probe-cache", filepath.Join(t.TempDir(), "probes")},
		clock: s.clock, signals: make(chan os.Signal, 2), hangups: make(chan os.Signal),
	}
	s.ended = s.begin(t)
	s.addr = s.next("listening")["address"].(string)
	s.advance(time.Minute)
	require.InDelta(t, 1, s.next("served")["good"], 0, "%s%s", s.out, s.err)
	b.same(t, "t")
	b.source.Exec(t, "INSERT INTO t VALUES (101, 'new'); UPDATE t SET v = 'changed' WHERE id = 7; DELETE FROM t WHERE id = 9")
	s.advance(15 * time.Minute)
	require.InDelta(t, 1, s.next("served")["good"], 0, "%s%s", s.out, s.err)
	b.same(t, "t")
	last := s.lastSynced()
	require.Equal(t, []any{"match", 1.0, 1.0, 1.0}, []any{last["verdict"], last["inserted"], last["updated"], last["deleted"]})
	s.signals <- syscall.SIGINT
	require.Equal(t, OK, await(t, s.ended).code)
}

// lastSynced is the last line that tells of a table.
func (s *served) lastSynced() map[string]any {
	s.t.Helper()
	var last map[string]any
	for _, o := range jsonObjects(s.t, s.out.String()[:strings.LastIndexByte(s.out.String(), '\n')+1]) {
		if o["type"] == "synced" {
			last = o
		}
	}
	return last
}
