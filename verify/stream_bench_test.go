package verify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// BenchmarkCopyOut is the client's cost of reading a table for its digest,
// beside pgconn's own way.
func BenchmarkCopyOut(b *testing.B) {
	db := pgtest.New(b, pgtest.ClusterOptions{TCP: true}).Database(b) // as most servers are reached
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
						_, err = s.copyOut(b.Context(), sql, func(piece []byte) error { t.take(piece); return nil })
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

// BenchmarkRun is a whole verification with an account, two jobs, beside only
// reading the target's tables, two at a time, to nowhere.
func BenchmarkRun(b *testing.B) {
	db := pgtest.Server(b).Database(b)
	db.Exec(b, `
		CREATE TABLE large AS SELECT i, i * 7 AS b, timestamp '2020-01-01' + i * interval '1 second' AS c, repeat('x', 60) AS d FROM generate_series(1, 1500000) i;
		CREATE TABLE small AS SELECT * FROM large LIMIT 200000;`)
	tables := []catalog.Name{{Schema: "public", Name: "large"}, {Schema: "public", Name: "small"}}
	target := endpoint(b, dial.Target, db)
	p := Params{Target: target, Plan: &ddlgen.Plan{}, Profile: ddlgen.Postgres(), Copied: []SourceSide{}, Jobs: 2}
	for _, name := range tables {
		t := ddlgen.Transfer{Target: name}
		for _, c := range []string{"i", "b", "c", "d"} {
			t.Columns = append(t.Columns, ddlgen.ColumnTransfer{Source: c, Target: c, Select: c, ReadBack: c})
		}
		p.Plan.Transfers = append(p.Plan.Transfers, t)
		p.Copied = append(p.Copied, SourceSide{Target: name})
	}
	var size int64
	b.Run("verify", func(b *testing.B) {
		before := processCPU(b)
		n := 0
		for b.Loop() {
			report, err := Run(b.Context(), p)
			require.NoError(b, err)
			require.EqualValues(b, 1_700_000, report.Rows())
			size = report.Tables[0].Data.Bytes + report.Tables[1].Data.Bytes
			n++
		}
		b.SetBytes(size)
		b.ReportMetric((processCPU(b)-before).Seconds()/(float64(size)*float64(n)/1e9), "cpu-s/GB")
	})
	b.Run("read", func(b *testing.B) {
		pool := newPool(target, dial.Reader(), 2)
		defer pool.close()
		for b.Loop() {
			var g errgroup.Group
			for _, name := range tables {
				g.Go(func() error {
					s, err := pool.get(b.Context())
					if err != nil {
						return err
					}
					defer pool.put(s)
					_, err = s.copyOut(b.Context(), copySQL([]string{"*"}, name, true, ""), func([]byte) error { return nil })
					return err
				})
			}
			require.NoError(b, g.Wait())
		}
		b.SetBytes(size)
	})
}
