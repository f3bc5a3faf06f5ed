package verify

import (
	"testing"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// BenchmarkCopyOut is the client's cost of reading a table for its digest,
// beside pgconn's own way.
func BenchmarkCopyOut(b *testing.B) {
	db := pgtest.Server(b).Database(b)
	db.Exec(b, `
		CREATE TABLE accounts AS SELECT i AS aid, i % 10 AS bid, 0 AS abalance, repeat(' ', 84) AS filler FROM generate_series(1, 1000000) i;
		CREATE TABLE narrow AS SELECT i AS a, i * 7 AS b, timestamp '2020-01-01' + i * interval '1 second' AS c FROM generate_series(1, 2000000) i;
		CREATE TABLE wide AS SELECT i, repeat(md5(i::text), 500) AS t FROM generate_series(1, 5000) i;`)
	target := endpoint(b, dial.Target, db)
	for _, table := range []string{"accounts", "narrow", "wide"} {
		sql := copySQL([]string{"*"}, catalog.Name{Schema: "public", Name: table}, true, "")
		for _, way := range []string{"raw", "pgconn"} {
			b.Run(table+"/"+way, func(b *testing.B) {
				s, err := newPool(target, dial.Reader(), 1).open(b.Context())
				require.NoError(b, err)
				defer s.close()
				var bytes int64
				before := processCPU(b)
				for b.Loop() {
					t, err := newTally(nil)
					require.NoError(b, err)
					if way == "raw" {
						_, err = s.copyOut(b.Context(), sql, t.take)
					} else {
						_, err = s.conn.PgConn().CopyTo(b.Context(), writeFunc(t.take), sql)
					}
					require.NoError(b, err)
					require.NoError(b, t.close())
					bytes += t.bytes
				}
				b.SetBytes(bytes / int64(b.N))
				b.ReportMetric((processCPU(b)-before).Seconds()/(float64(bytes)/1e9), "cpu-s/GB")
			})
		}
	}
}

// processCPU is the processor time that this process has used.
func processCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u unix.Rusage
	require.NoError(tb, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
