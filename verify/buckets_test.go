package verify

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/verify/digest"
)

func rangesOf(borders ...uint64) *bucketing {
	b := &bucketing{keys: []int{0}}
	b.setRanges(&integerForm, 0, borders)
	return b
}

// A position's bucket is found as by looking through all borders.
func TestBucketOfPosition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 2, 3, 100, 3000} {
		for _, width := range []uint64{1, 40, 1 << 40, math.MaxUint64} {
			var borders []uint64
			for range n {
				borders = append(borders, r.Uint64N(width)|1)
			}
			slices.Sort(borders)
			borders = slices.Compact(borders)
			b := rangesOf(borders...)
			for _, at := range append([]uint64{0, 1, width, math.MaxUint64}, borders...) {
				for _, at := range []uint64{at - 1, at, at + 1, r.Uint64N(width)} {
					i, found := slices.BinarySearch(borders, at)
					if found {
						i++
					}
					require.Equal(t, i, b.bucketOf(at), "%d among %d of %d", at, n, width)
				}
			}
		}
	}
}

// A row is in the same bucket whole and in pieces, and a page that is undone
// leaves nothing behind, whatever the key is.
func TestBucketsOfPieces(t *testing.T) {
	t.Parallel()
	canons := []digest.Canon{digest.Text, digest.Numeric, digest.Text}
	for name, b := range map[string]*bucketing{
		"ranges":   rangesOf(signBit-50, signBit+90, signBit+400),
		"hash":     {keys: []int{0}, count: 7},
		"apart":    {keys: []int{0, 2}, count: 7},
		"together": {keys: []int{0, 1}, count: 7},
		"last":     {keys: []int{2}, count: 7},
		"rows":     {count: 7},
		"one":      {keys: []int{1}, count: 1},
	} {
		whole, pieces := newBucketTally(b), newBucketTally(b)
		pieces.logged = true
		for i := range 1000 {
			row := fmt.Appendf(nil, "%d\t%d.50\t%x", i-100, i, i*i)
			line := append(row, '\n')
			a, err := newTally(canons)
			require.NoError(t, err)
			a.into(whole)
			a.take(line)
			c, err := newTally(canons)
			require.NoError(t, err)
			c.into(pieces)
			for at := 0; at < len(line); at += 3 {
				c.take(line[at:min(at+3, len(line))])
			}
			require.Equal(t, a.sum, c.sum)
			if i%3 == 0 {
				before := pieces.rows[0]
				pieces.undo()
				require.LessOrEqual(t, pieces.rows[0], before)
				c.take(line)
			}
			require.NoError(t, pieces.keep())
		}
		require.Equal(t, whole.sums, pieces.sums, name)
		require.Equal(t, whole.rows, pieces.rows, name)
		for i, rows := range whole.rows {
			require.Positive(t, rows, "%s: bucket %d", name, i)
		}
	}
}

// Differences that are scattered over a table are found by reading little of it
// again, also where the key has gaps and dense stretches, and where rows do not
// lie in its order: rows are counted, not time. PG2DB9_LARGE=1 does it with ten
// million rows and a thousand differences.
func TestScatteredDifferencesReadLittle(t *testing.T) {
	t.Parallel()
	rows, differences, most := 60_000, 12, 0.06
	if os.Getenv("PG2DB9_LARGE") != "" {
		rows, differences, most = 10_000_000, 1000, 0.03
	}
	server := pgtest.Server(t)
	source, target := server.Database(t), server.Database(t)
	b := setupOn(t, source, target, `CREATE TABLE t (id bigint PRIMARY KEY, a text, n numeric)`)
	fill := fmt.Sprintf(`INSERT INTO t SELECT CASE WHEN i %% 2 = 0 THEN i ELSE i::bigint * 1000000 + 5000000000000 END, 'row ' || i, i / 8.0 FROM generate_series(1, %d) i`, rows)
	source.Exec(t, fill+" ORDER BY (i * 7919::bigint) % 100003")
	target.Exec(t, fill)
	source.Exec(t, "ANALYZE")
	target.Exec(t, "ANALYZE")
	p := b.withKeys(t, LevelRows)
	p.Jobs = 8
	matches(t, p)
	r := rand.New(rand.NewPCG(1, 2))
	for range differences / 4 {
		n := strconv.Itoa(r.IntN(rows/2) * 2)
		target.Exec(t, "UPDATE t SET a = upper(a) WHERE id = "+n+"; DELETE FROM t WHERE id = "+n+" + 2; UPDATE t SET n = n + 1 WHERE id = ("+n+" + 1)::bigint * 1000000 + 5000000000000; "+
			"INSERT INTO t VALUES (("+n+" + 1)::bigint * 1000000 + 5000000000000 + 17, 'new', 0)")
	}
	want := target.QueryString(t, `SELECT count(*) FROM t WHERE a = 'new'`)
	started := time.Now()
	peak := heapPeak(t)
	report, lines := found(t, p)
	if heap := peak(); os.Getenv("PG2DB9_LARGE") != "" { // nothing else runs beside it
		t.Logf("heap at most %d MiB with 8 jobs", heap>>20)
		require.Less(t, heap, uint64(64<<20))
	}
	d := table(t, report, "t").Data
	share := float64(d.ReadAgain) / float64(2*rows)
	t.Logf("%d rows, %d differences: %.2f %% of both sides read again, %s", rows, len(lines), 100*share, time.Since(started).Round(time.Millisecond))
	require.Len(t, lines, int(d.Found.Missing+d.Found.Extra+d.Found.Changed))
	require.Equal(t, want, strconv.FormatInt(d.Found.Extra, 10))
	require.GreaterOrEqual(t, len(lines), differences/4*3)
	require.Zero(t, d.Found.Unlocalised)
	require.Less(t, share, most)
}

// heapPeak watches the heap until it is asked how large it was at most, in bytes.
func heapPeak(t *testing.T) func() uint64 {
	t.Helper()
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		look := time.NewTicker(tick)
		defer look.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-stop:
				peak <- most
				return
			case <-look.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-peak
	}
}

// BenchmarkLevels is a verification that finds all equal, with buckets and
// without, of a key of ranges and one of hashes.
func BenchmarkLevels(b *testing.B) {
	server := pgtest.Server(b)
	db := server.Database(b)
	db.Exec(b, `CREATE TABLE ints (id bigint PRIMARY KEY, b integer, c timestamp, d text);
		INSERT INTO ints SELECT i, i % 10, timestamp '2020-01-01' + i * interval '1 second', repeat('x', 60) FROM generate_series(1, 1000000) i;
		CREATE TABLE texts (id text PRIMARY KEY, b integer, c timestamp, d text);
		INSERT INTO texts SELECT 'key ' || id, b, c, d FROM ints; ANALYZE;`)
	db.Exec(b, "VACUUM")
	for _, name := range []string{"ints", "texts"} {
		t := ddlgen.Transfer{Target: catalog.Name{Schema: "public", Name: name}, Source: catalog.Name{Schema: "public", Name: name}, Relations: []catalog.Name{{Schema: "public", Name: name}}, Key: []string{"id"}}
		for i, c := range []string{"id", "b", "c", "d"} {
			typ := []string{map[string]string{"ints": "bigint", "texts": "text"}[name], "integer", "timestamp without time zone", "text"}[i]
			id := quote.Ident(c)
			t.Columns = append(t.Columns, ddlgen.ColumnTransfer{Source: c, Target: c, Select: id, ReadBack: id, TargetType: typ, SourceType: &catalog.Type{Text: typ, Kind: catalog.KindBase}})
		}
		for _, level := range []Level{LevelDigest, LevelRows} {
			b.Run(name+"/"+string(level), func(b *testing.B) {
				p := Params{
					Source: endpoint(b, dial.Source, db), Target: endpoint(b, dial.Target, db), Plan: &ddlgen.Plan{Transfers: []ddlgen.Transfer{t}},
					Profile: ddlgen.Postgres(), Jobs: 2, Level: level,
				}
				before, n := processCPU(b), 0
				for b.Loop() {
					report, err := Run(b.Context(), p)
					require.NoError(b, err)
					require.Equal(b, Match, report.Tables[0].Data.Verdict, report.Tables[0].Detail)
					n++
				}
				b.ReportMetric(float64((processCPU(b)-before).Nanoseconds())/float64(n)/2e6, "cpu-ns/row")
			})
		}
	}
}

// BenchmarkTally is what buckets cost beside the sum alone.
func BenchmarkTally(b *testing.B) {
	borders := make([]uint64, 40_000)
	for i := range borders {
		borders[i] = signBit + uint64(i)*200
	}
	for _, shape := range []struct{ name, rest string }{{"narrow", "\t17\t2020-01-01 00:00:00"}, {"accounts", "\t7\t0\t" + fmt.Sprintf("%84s", "")}} {
		var stream []byte
		for i := range 4000 {
			stream = append(strconv.AppendInt(stream, int64((i/80*7919+i)%8_000_000), 10), shape.rest+"\n"...)
		}
		for _, way := range []struct {
			name string
			b    *bucketing
		}{
			{"sum", nil},
			{"ranges", rangesOf(borders...)},
			{"hash", &bucketing{keys: []int{0}, count: 40_000}},
			{"rows", &bucketing{count: 40_000}},
		} {
			b.Run(shape.name+"/"+way.name, func(b *testing.B) {
				t, err := newTally(nil)
				require.NoError(b, err)
				t.into(newBucketTally(way.b))
				b.SetBytes(int64(len(stream)))
				b.ReportAllocs()
				before := processCPU(b)
				for b.Loop() {
					t.take(stream)
				}
				b.ReportMetric(float64((processCPU(b)-before).Nanoseconds())/float64(b.N)/4000, "cpu-ns/row")
			})
		}
	}
}
