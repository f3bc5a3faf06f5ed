package verify

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// bankSQL is pgbench's own schema, with a key on its history.
const bankSQL = `
	CREATE TABLE branches (bid integer PRIMARY KEY, balance bigint NOT NULL);
	CREATE TABLE tellers (tid integer PRIMARY KEY, bid integer, balance bigint NOT NULL);
	CREATE TABLE accounts (aid integer PRIMARY KEY, bid integer, balance bigint NOT NULL, filler character(84));
	CREATE TABLE history (hid bigserial PRIMARY KEY, tid integer, aid integer, delta integer, mtime timestamptz);`

const bankRows = `
	INSERT INTO branches SELECT i, 0 FROM generate_series(1, 5) i;
	INSERT INTO tellers SELECT i, 1 + i % 5, 0 FROM generate_series(1, 50) i;
	INSERT INTO accounts SELECT i, 1 + i % 5, 0, 'f' FROM generate_series(1, 20000) i;`

// bankScript is a pgbench script; written to are the first 15000 accounts alone.
const bankScript = `\set aid random(1, 15000)
\set tid random(1, 50)
\set bid random(1, 5)
\set delta random(-5000, 5000)
BEGIN;
UPDATE accounts SET balance = balance + :delta WHERE aid = :aid;
UPDATE tellers SET balance = balance + :delta WHERE tid = :tid;
UPDATE branches SET balance = balance + :delta WHERE bid = :bid;
INSERT INTO history (tid, aid, delta, mtime) VALUES (:tid, :aid, :delta, CURRENT_TIMESTAMP);
END;
`

// A copy that logical replication feeds from a source that is written all the time:
// once the writers have stopped, all settles, and is equal; 25 differences that
// nobody writes over are told, each once, and no other (Y10). pgbench writes where
// there is one, else sessions that do the same.
func TestY10BesideLogicalReplication(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"wal_level": "logical", "max_wal_senders": "4", "max_replication_slots": "4", "max_logical_replication_workers": "4"}
	from := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Settings: settings})
	to := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Settings: settings})
	b := setupOn(t, from.Database(t), to.Database(t), bankSQL)
	b.source.Exec(t, bankRows+"CREATE PUBLICATION all_of_it FOR ALL TABLES")
	subscriber := b.target.Conn(t)
	_, err := subscriber.Exec(t.Context(), "CREATE SUBSCRIPTION feed CONNECTION '"+b.source.URL+"' PUBLICATION all_of_it")
	require.NoError(t, err)
	t.Cleanup(func() { // else neither database can be dropped
		_, err := subscriber.Exec(context.WithoutCancel(t.Context()), "DROP SUBSCRIPTION feed")
		require.NoError(t, err)
	})
	require.Eventually(t, func() bool {
		return b.target.QueryString(t, "SELECT count(*) FILTER (WHERE srsubstate = 'r') FROM pg_subscription_rel") == "4"
	}, eventually, tick, "the tables are copied")

	p := b.withKeys(t, LevelRows)
	for _, planted := range []bool{false, true} {
		var want []string
		if planted {
			want = b.plant(t)
		}
		p.Live, p.Deadline = true, 10*time.Second
		if !planted {
			p.Deadline = time.Minute // it ends when all is equal
		}
		w := b.write(t)
		require.Eventually(t, func() bool { return w.written(t) > w.before }, eventually, tick, "it is written")
		p.Bus = event.NewBus(when(w.stop))
		report, lines := found(t, p)
		w.stop()
		require.NoError(t, w.wait())
		require.Equal(t, want, lines)
		if planted {
			require.Equal(t, Counts{Match: 2, Mismatch: 2}, report.TableCounts())
			continue
		}
		for _, x := range report.Tables {
			require.Equal(t, Match, x.Verdict, "%s: %s", x.Target, x.Detail)
		}
		require.True(t, report.Good())
		require.Less(t, report.Elapsed, p.Deadline)
	}
}

// plant makes 25 differences in rows that nobody writes, and returns them.
func (b *bundle) plant(t *testing.T) (want []string) {
	t.Helper()
	sql := "SET session_replication_role = replica;"
	for i := range 10 {
		id := 15001 + i*499
		sql += fmt.Sprintf("UPDATE accounts SET balance = 7 WHERE aid = %d;", id)
		want = append(want, fmt.Sprintf("accounts: changed aid=%d balance '0'->'7'", id))
	}
	for i := range 8 {
		id := 15002 + i*600
		sql += fmt.Sprintf("DELETE FROM accounts WHERE aid = %d;", id)
		want = append(want, fmt.Sprintf("accounts: missing aid=%d", id))
	}
	for i := range 5 {
		sql += fmt.Sprintf("INSERT INTO accounts VALUES (%d, 1, 0, 'f');", 30001+i)
		want = append(want, fmt.Sprintf("accounts: extra aid=%d", 30001+i))
	}
	sql += "INSERT INTO history VALUES (-1, 1, 1, 1, NULL), (-2, 1, 1, 1, NULL)"
	want = append(want, "history: extra hid=-1", "history: extra hid=-2")
	b.target.Exec(t, sql)
	slices.Sort(want)
	require.Len(t, want, 25)
	return want
}

// writers write to the source until they are told to stop.
type writers struct {
	b       *bundle
	before  string // rows of history
	stopped atomic.Bool
	cancel  context.CancelFunc
	ended   chan error
}

func (w *writers) stop() {
	if w.stopped.CompareAndSwap(false, true) {
		w.cancel()
	}
}

func (w *writers) wait() error { return <-w.ended }

func (w *writers) written(t *testing.T) string {
	t.Helper()
	return w.b.source.QueryString(t, "SELECT to_char(count(*), '0000000000') FROM history")
}

func (b *bundle) write(t *testing.T) *writers {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &writers{b: b, cancel: cancel, ended: make(chan error, 1)}
	w.before = w.written(t)
	t.Cleanup(w.stop)
	pgbench, err := exec.LookPath("pgbench")
	if err != nil {
		go func() { w.ended <- b.writeSQL(ctx) }()
		return w
	}
	script := filepath.Join(t.TempDir(), "bank.sql")
	require.NoError(t, os.WriteFile(script, []byte(bankScript), 0o600))
	cmd := exec.CommandContext(ctx, pgbench, "-n", "-c", "2", "-T", "600", "-f", script, b.source.URL)
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	require.NoError(t, cmd.Start())
	go func() {
		err := cmd.Wait()
		if ctx.Err() == nil {
			w.ended <- fmt.Errorf("pgbench ended by itself: %w\n%s", err, said.String())
			return
		}
		w.ended <- nil
	}()
	return w
}

// writeSQL does what the script says, in one session.
func (b *bundle) writeSQL(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, b.source.URL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	r := rand.New(rand.NewPCG(5, 0))
	for ctx.Err() == nil {
		aid, tid, bid, delta := 1+r.IntN(15000), 1+r.IntN(50), 1+r.IntN(5), r.IntN(10000)-5000
		_, err := conn.Exec(context.WithoutCancel(ctx), fmt.Sprintf(`BEGIN; UPDATE accounts SET balance = balance + %[4]d WHERE aid = %[1]d; UPDATE tellers SET balance = balance + %[4]d WHERE tid = %[2]d;
			UPDATE branches SET balance = balance + %[4]d WHERE bid = %[3]d; INSERT INTO history (tid, aid, delta, mtime) VALUES (%[2]d, %[1]d, %[4]d, now()); COMMIT`, aid, tid, bid, delta))
		if err != nil {
			return err
		}
	}
	return nil
}
