package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// runChild runs the bundle's file in a process of its own, and says how long it took
// and how much memory (bytes) it had at most.
func (b *bundle) runChild(t *testing.T, file string) (wall time.Duration, memory int64) {
	t.Helper()
	text, err := json.Marshal(childParams{Source: b.source.URL, Target: b.target.URL, File: file})
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	started := time.Now()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(t, ok)
	return time.Since(started), usage.Maxrss << 10
}

// countingReader counts what passes.
type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// copyAll empties the table on the target, and copies all of it by one COPY.
func (b *bundle) copyAll(t *testing.T, table string) (wall time.Duration, bytes int64) {
	t.Helper()
	source, target := connect(t, b.source), connect(t, b.target)
	started := time.Now()
	b.target.Exec(t, "TRUNCATE "+table)
	r, w := io.Pipe()
	go func() {
		_, err := source.PgConn().CopyTo(context.Background(), w, "COPY "+table+" TO STDOUT")
		_ = w.CloseWithError(err)
	}()
	counted := &countingReader{r: r}
	_, err := target.PgConn().CopyFrom(t.Context(), counted, "COPY "+table+" FROM STDIN")
	require.NoError(t, err)
	return time.Since(started), counted.n.Load()
}

// Of a large table of which 1,000 rows differ a mirror sends those alone, in little
// memory; PG2DB9_SYNC_ROWS=10000000 is what docs/sync.md tells of.
func TestS19MirrorOfALargeTable(t *testing.T) {
	t.Parallel()
	rows := long(t, "PG2DB9_SYNC_ROWS", 40_000)
	const file = "tables: [{table: public.t, mode: mirror}]"
	b := setup(t, file, "CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL, v text, at timestamptz)",
		fmt.Sprintf("INSERT INTO t SELECT i, i %% 1000, md5(i::text) || md5((i + 1)::text), '2020-01-01'::timestamptz + i * '1 s'::interval FROM generate_series(1, %d) i", rows))
	differ := min(1000, rows/10)
	step := rows / (differ * 4 / 10)
	b.source.Exec(t, fmt.Sprintf(`UPDATE t SET v = 'changed' WHERE id %% %[1]d = 1; DELETE FROM t WHERE id %% %[2]d = 2;
		INSERT INTO t SELECT %[3]d + i, 1, 'new', now() FROM generate_series(1, %[4]d) i`, step, step*2, rows, differ*4/10))
	first, memory := b.runChild(t, file)
	sum := "SELECT count(*) || ' ' || sum(hashtextextended(t::text, 0)) FROM t"
	require.Equal(t, b.source.QueryString(t, sum), b.target.QueryString(t, sum))
	sent := b.target.QueryString(t, "SELECT rows_sent || ' rows, ' || bytes_sent || ' bytes' FROM _pg2db9.sync_history WHERE verdict = 'match'")
	second, memoryOfSecond := b.runChild(t, file)
	require.Equal(t, "2 0", b.target.QueryString(t, "SELECT count(*) || ' ' || min(rows_sent + bytes_sent) FROM _pg2db9.sync_history WHERE verdict = 'match'"))
	reload, memoryOfReload := b.runChild(t, "tables: [{table: public.t, mode: full}]")
	whole, bytes := b.copyAll(t, "t")
	t.Logf("%d rows: mirror %.1f s, %s of %d, %d MiB; again %.1f s, %d MiB; full with swap %.1f s, %d MiB; TRUNCATE and one COPY of everything %.1f s",
		rows, first.Seconds(), sent, bytes, memory>>20, second.Seconds(), memoryOfSecond>>20, reload.Seconds(), memoryOfReload>>20, whole.Seconds())
	share := b.target.QueryString(t, fmt.Sprintf("SELECT max(bytes_sent) * 100 <= %d FROM _pg2db9.sync_history WHERE mode = 'mirror'", bytes))
	if rows >= 1_000_000 {
		require.Equal(t, "t", share, "more than 1 % of the table's bytes was sent")
		for _, m := range []int64{memory, memoryOfSecond} {
			require.LessOrEqual(t, m>>20, int64(64), "MiB")
		}
	}
}

// However many rows a run reads or sends, its memory is bounded, and it takes about as
// long as to copy these rows into a table with a key. PG2DB9_SYNC_ROWS=10000000 is
// what docs/sync.md tells of; each case can be run alone.
func TestS19ManyRowsOfALargeTable(t *testing.T) {
	t.Parallel()
	rows := long(t, "PG2DB9_SYNC_ROWS", 8_000)
	const (
		upsert = "tables: [{table: public.t, mode: upsert, cursor: at, key: [id]}]"
		mirror = "tables: [{table: public.t, mode: mirror}]"
		anew   = "; DROP SCHEMA IF EXISTS _pg2db9 CASCADE" // all rows are read
		one    = "DELETE FROM t WHERE id > 1; VACUUM t"
	)
	b := setup(t, upsert, "CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL, v text, at timestamptz)")
	b.source.Exec(t, fmt.Sprintf("INSERT INTO t SELECT i, i %% 1000, md5(i::text) || md5((i + 1)::text), '2020-01-01'::timestamptz + i * '1 s'::interval FROM generate_series(1, %d) i", rows))
	b.source.Exec(t, "VACUUM ANALYZE t")
	whole, _ := b.copyAll(t, "t")
	t.Logf("%d rows: one COPY into the table with its key %.1f s", rows, whole.Seconds())
	const sum = "SELECT count(*) || ' ' || sum(hashtextextended(t::text, 0)) FROM t"
	for _, x := range []struct {
		name, file, source, target string
		short                      bool // in the short form, too
	}{
		{name: "upsert, all rows new", file: upsert, target: one + anew, short: true},
		{name: "upsert, all rows there", file: upsert, target: "VACUUM t" + anew},
		{name: "upsert, all rows changed", file: upsert, target: "UPDATE t SET a = -1; VACUUM t" + anew},
		{name: "upsert, a tenth written", file: upsert, source: "UPDATE t SET a = -1, at = at + '1 ms'::interval WHERE id % 10 = 3"},
		{name: "append, all rows new", file: "tables: [{table: public.t, mode: append, cursor: id}]", target: one + anew, short: true},
		{name: "mirror, a tenth differs", file: mirror, target: "UPDATE t SET v = 'x' WHERE id % 10 = 7; VACUUM t"},
		{name: "mirror, all rows changed", file: mirror, target: "UPDATE t SET a = -1; VACUUM t", short: true},
		{name: "mirror, all rows new", file: mirror, target: one},
	} {
		if rows < 100_000 && !x.short {
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			for sql := range strings.SplitSeq(x.source+";"+x.target, ";") {
				db := b.target
				if sql == x.source {
					db = b.source
				}
				db.Exec(t, sql)
			}
			wall, memory := b.runChild(t, x.file)
			require.Equal(t, b.source.QueryString(t, sum), b.target.QueryString(t, sum))
			t.Logf("%d rows: %.1f s, %.2f of one COPY, %d MiB", rows, wall.Seconds(), wall.Seconds()/whole.Seconds(), memory>>20)
			if rows >= 1_000_000 {
				require.LessOrEqual(t, memory>>20, int64(64), "MiB")
			}
		})
	}
}
