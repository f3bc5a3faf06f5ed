package cli

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Bounds that cannot be meant are refused before anything is done.
func TestPoliteOptionsUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no rate":          {[]string{"--max-rate", "fast"}, `--max-rate: "fast" is neither bytes`},
		"rate of rows":     {[]string{"--max-rate", "5rows"}, `--max-rate: "5rows" is rows, not bytes a second`},
		"no size":          {[]string{"--max-lag-bytes", "0"}, `--max-lag-bytes: "0" is no number of bytes`},
		"too few":          {[]string{"--source-max-connections", "5"}, "--source-max-connections: 5 connections to the source are too few: 6 are needed"},
		"too few, no kept": {[]string{"--source-max-connections", "4", "--keep-snapshot", "0"}, "--source-max-connections: 4 connections to the source are too few: 5 are needed"},
		"jobs above":       {[]string{"--jobs", "5", "--max-jobs", "4"}, "--jobs: 5 jobs are more than --max-jobs allows, 4"},
		"min above max":    {[]string{"--min-jobs", "5", "--max-jobs", "4"}, "--min-jobs: 5 is more than --max-jobs allows, 4"},
		"min above jobs":   {[]string{"--min-jobs", "5", "--jobs", "4"}, "--min-jobs: 5 is more than --jobs begins with, 4"},
		"no patience":      {[]string{"--yield-locks", "0"}, "--yield-locks: must be 1 to 86400, not 0"},
		"nobody":           {[]string{"--max-active", "0"}, "--max-active: must be 1 to"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, append([]string{"clone", "--source", "postgres://u@h/a?sslmode=disable", "--target", someTarget}, c.args...)...)
			require.Equal(t, Usage, r.code, r.err)
			require.Contains(t, r.err, c.want)
		})
	}
}

// sampleMost counts a role's connections until done is closed, and gives the most
// there were at a moment.
func sampleMost(t *testing.T, db *pgtest.DB, role string, done <-chan struct{}) func() int64 {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.URL)
	require.NoError(t, err)
	var most atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = conn.Close(context.Background()) }()
		for {
			select {
			case <-done:
				return
			default:
			}
			var n int64
			if conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", role).Scan(&n) != nil {
				return
			}
			most.Store(max(most.Load(), n))
		}
	})
	return func() int64 { wg.Wait(); return most.Load() }
}

// --source-max-connections is never exceeded, as the server counts them, by a
// limit of its own too: hundreds of tables are locked by few connections, and
// there are fewer jobs than were asked for.
func TestSourceMaxConnections(t *testing.T) {
	t.Parallel()
	for _, most := range []int{6, 9} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			t.Parallel()
			var ddl strings.Builder
			for i := range 120 {
				fmt.Fprintf(&ddl, "CREATE TABLE t%d AS SELECT n, md5(n::text) v FROM generate_series(1, 20) n;", i)
			}
			b := setup(t, ddl.String()+"CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM t1; CREATE SEQUENCE s;")
			role := "reader_" + b.source.Name[len(b.source.Name)-10:]
			b.source.Exec(t, fmt.Sprintf(`CREATE ROLE %[1]s LOGIN CONNECTION LIMIT %[2]d; GRANT USAGE ON SCHEMA public TO %[1]s;
				GRANT SELECT ON ALL TABLES IN SCHEMA public TO %[1]s; GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO %[1]s`, role, most))
			t.Cleanup(func() { b.source.Exec(t, fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", role)) })
			u, err := url.Parse(b.source.URL)
			require.NoError(t, err)
			u.User = url.User(role)
			done := make(chan struct{})
			seen := sampleMost(t, b.source, role, done)
			r := run(t, "clone", "--source", u.String(), "--target", b.target.URL, "--jobs", "8", "--source-max-connections", strconv.Itoa(most))
			close(done)
			require.Equal(t, OK, r.code, r.last())
			require.LessOrEqual(t, seen(), int64(most))
			require.Contains(t, strings.Join(strings.Split(r.err, "\n")[:20], "\n"), fmt.Sprintf("--source-max-connections %d leaves %d to read by", most, most-5))
			for line := range strings.Lines(r.err) { // none was asked for that was refused
				require.NotContains(t, line, "no connection for another job")
				require.NotContains(t, line, "53300")
			}
			for _, table := range []string{"t0", "t100", "t119"} {
				b.same(t, table)
			}
		})
	}
}

// What the user allows reaches the copy: the data phase takes as long as the rate
// says, and a pause says why.
func TestPoliteOptionsReachTheCopy(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{})
	b := &bundle{source: server.Database(t), target: pgtest.Server(t).Database(t)}
	b.source.Exec(t, "CREATE TABLE t AS SELECT n, repeat('x', 90) v FROM generate_series(1, 5000) n")
	r := b.ok(t, "clone", "--profile", "postgres", "--max-rate", "250kB", "--yield-locks", "5", "--max-jobs", "6", "--min-jobs", "2")
	require.NotContains(t, r.err, "reading pauses")
	b.same(t, "t")

	long := b.source.Conn(t)
	_, err := long.Exec(t.Context(), "BEGIN")
	require.NoError(t, err)
	b.target.Exec(t, "DROP TABLE t")
	eventually(t, "a transaction that is too old", func() bool {
		return b.source.QueryString(t, "SELECT bool_or(clock_timestamp() - xact_start > '2 s') FROM pg_stat_activity WHERE state = 'idle in transaction'") == "t"
	})
	c := call{args: []string{"clone", "--source", b.source.URL, "--target", b.target.URL, "--accept", "target.unfinished-run", "--max-transaction", "1"}, out: &buffer{}, err: &buffer{}}
	ended, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for !isOver(over) && !strings.Contains(c.err.String(), "reading pauses: a transaction on the source is") && t.Context().Err() == nil {
			continue
		}
		_, _ = long.Exec(context.Background(), "ROLLBACK")
	}()
	r = c.run(t)
	close(over)
	<-ended
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.err, "reading goes on as before: it was paused for")
	b.same(t, "t")
}

func isOver(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-time.After(time.Millisecond): // so that others have the processor
		return false
	}
}
