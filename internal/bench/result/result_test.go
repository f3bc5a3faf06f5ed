package result

import (
	"bytes"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/bench/stats"
	"github.com/pg2db9/pg2db9/internal/ui/htmlpage/pagetest"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// measured is a result of n runs of each setting, at the rates around a mean.
func measured(r *rand.Rand, n int, offset time.Duration, rates map[Settings]float64) *Result {
	out := &Result{
		Version: Version, Program: "pg2db9 test", Kind: KindTarget, Started: start, Seconds: 12, Profile: "postgres", Notes: []string{},
		Machine: Machine{OS: "linux", Arch: "amd64", CPUs: 2, GOMAXPROCS: 2}, Ceilings: []Ceiling{{Shape: "narrow", Jobs: 2, Rate: 1500}},
		Target: &Server{URL: "postgres://u@h/db", Version: "PostgreSQL 17", Transport: "TLS", RoundTrip: 0.1, Connect: 4},
	}
	for s, rate := range rates {
		c := Cell{Settings: s}
		for i := range n {
			x := Run{
				Started: start.Add(time.Duration(i)*2*time.Second + offset), Seconds: 1, Rate: rate * (1 + 0.03*r.NormFloat64()), RowRate: 1000, Bytes: 1e8, CPU: 0.06, Batches: 5, Steady: true,
				Latency: Latency{P50: 10, P95: 20, P99: 30, Of: []Bucket{{UpTo: 8, Count: 1}, {UpTo: 11.3, Count: 3}, {UpTo: 32, Count: 1}}},
				Waits:   Waits{Target: 0.7, Client: 0.2, Network: 0.1, Busy: 0.9, Told: true}, Series: []Point{{0.05, 50}, {0.1, 100}, {0.15, 99}},
			}
			c.Runs = append(c.Runs, x)
		}
		out.Cells = append(out.Cells, c)
	}
	out.Best = out.Recommend()
	return out
}

func settings(jobs int) Settings {
	return Settings{Jobs: jobs, Pipeline: 64, PrimaryKey: "after", Order: "key", Shape: "narrow"}
}

// A slowdown of ten percent is found in at least 18 of 20 comparisons, and of
// equal ones at most 1 is called different, at a noise of 3 %.
func TestComparePlantedSlowdown(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	found, wrong := 0, 0
	for range 20 {
		a := measured(r, 9, 0, map[Settings]float64{settings(4): 100})
		same := measured(r, 9, time.Second, map[Settings]float64{settings(4): 100})
		slow := measured(r, 9, time.Second, map[Settings]float64{settings(4): 90})
		if c := Compare(a, slow); c.Rows[0].Verdict == Slower && len(c.Regressed(0.05)) == 1 {
			found++
			require.Equal(t, Faster, Compare(slow, a).Rows[0].Verdict)
			require.Empty(t, c.Regressed(0.2), "below the threshold")
		}
		if v := Compare(a, same).Rows[0].Verdict; v != Same {
			wrong++
		}
	}
	require.GreaterOrEqual(t, found, 18)
	require.LessOrEqual(t, wrong, 1)
}

// Where the noise is the round's rather than the run's, as that of a machine with
// other users, a slowdown is found by the rounds; and whatever the noise, of equal
// ones about one in a hundred is called different.
func TestCompareRoundByRound(t *testing.T) {
	t.Parallel()
	const repeats = 12
	r := rand.New(rand.NewPCG(21, 22))
	rates := map[Settings]float64{settings(4): 100}
	shaken := func(a, b *Result, by float64) *Comparison {
		for i := range repeats {
			f := math.Exp(by * r.NormFloat64())
			a.Cells[0].Runs[i].Rate *= f
			b.Cells[0].Runs[i].Rate *= f
		}
		return Compare(a, b)
	}
	found, apart := 0, 0
	for range 20 {
		a, slow := measured(r, repeats, 0, rates), measured(r, repeats, time.Second, map[Settings]float64{settings(4): 90})
		if shaken(a, slow, 0.15).Rows[0].Verdict == Slower {
			found++
		}
		if stats.MannWhitney(a.Cells[0].Rates(), slow.Cells[0].Rates()) < level {
			apart++
		}
	}
	require.GreaterOrEqual(t, found, 18)
	require.Less(t, apart, 12, "without the rounds it is not found")
	for _, by := range []float64{0, 0.15} {
		wrong := 0
		for range 300 {
			a, same := measured(r, repeats, 0, rates), measured(r, repeats, time.Second, rates)
			if shaken(a, same, by).Rows[0].Verdict != Same {
				wrong++
			}
		}
		require.LessOrEqual(t, wrong, 6, "of 300, at a noise of rounds of %.2f", by)
	}
	// Runs that alternate but are no couples are not held against each other so.
	a, b := measured(r, repeats, 0, rates), measured(r, repeats, time.Second, rates)
	require.True(t, rounds(&a.Cells[0], &b.Cells[0]))
	b.Cells[0].Runs[3].Started = a.Cells[0].Runs[5].Started.Add(time.Millisecond)
	require.False(t, rounds(&a.Cells[0], &b.Cells[0]))
}

// What cannot be told is never called the same.
func TestCompareThatCannotTell(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	rates := map[Settings]float64{settings(4): 100}
	a := measured(r, 7, 0, rates)
	for name, b := range map[string]*Result{
		"too few":          measured(r, 6, time.Second, rates),
		"do not alternate": measured(r, 7, time.Hour, rates),
		"only the first":   measured(r, 7, time.Second, map[Settings]float64{settings(8): 100}),
	} {
		c := Compare(a, b)
		require.Equal(t, Unknown, c.Rows[0].Verdict, name)
		require.Contains(t, c.Text(), name)
		require.NotEmpty(t, c.Unknown())
		require.Empty(t, c.Regressed(0))
	}
	other := measured(r, 7, time.Second, rates)
	other.Kind, other.Machine.CPUs = KindSource, 8
	c := Compare(a, other)
	require.Equal(t, Unknown, c.Rows[0].Verdict)
	require.Contains(t, c.Text(), "the machine differs")
}

// U13: a result file is read back as it was written, takes further runs of the
// same measurement in and none of another, and compares.
func TestU13ResultFiles(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	dir := t.TempDir()
	a := measured(r, 4, 0, map[Settings]float64{settings(1): 50, settings(4): 100, settings(16): 95})
	require.Equal(t, 4, a.Best.Settings.Jobs, "16 jobs are no faster")
	require.Equal(t, LimitTarget, a.Best.Limit)
	path := filepath.Join(dir, "a.json")
	require.NoError(t, a.WriteFile(path))
	back, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, a, back)
	require.NoError(t, back.Add(measured(r, 3, 20*time.Second, map[Settings]float64{settings(1): 50, settings(2): 80})))
	require.Len(t, back.Cells, 4)
	for _, c := range back.Cells {
		require.Len(t, c.Runs, map[int]int{1: 7, 2: 3, 4: 4, 16: 4}[c.Settings.Jobs])
	}
	other := measured(r, 1, 0, map[Settings]float64{settings(1): 50})
	other.Profile = "db9"
	require.ErrorContains(t, back.Add(other), "another measurement")

	require.NoError(t, a.WriteFile(filepath.Join(dir, "a.csv")))
	data, err := os.ReadFile(filepath.Join(dir, "a.csv"))
	require.NoError(t, err)
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 1+3*4)
	text := a.Text()
	for _, word := range []string{"ceiling: narrow rows", "recommended: jobs 4", "limit: target", "MB/s", "PostgreSQL 17"} {
		require.Contains(t, text, word)
	}

	for content, want := range map[string]string{"{": "none of bench's JSON", "{}": "has version 0"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := Read(path)
		require.ErrorContains(t, err, want)
	}
	_, err = Read(filepath.Join(dir, "gone.json"))
	require.ErrorContains(t, err, "no such file")
	require.ErrorContains(t, CheckPath("a.txt"), ".json, .csv or .html")
	require.NoError(t, CheckPath(filepath.Join(dir, "b.html")))
}

// sample is a result for pages; hostile texts stand in its names.
func sample() *Result {
	r := measured(rand.New(rand.NewPCG(2, 3)), 3, 0, map[Settings]float64{})
	for i, jobs := range []int{1, 2, 4, 8} {
		for _, key := range []string{"after", "inline"} {
			s := settings(jobs)
			s.PrimaryKey = key
			rate := []float64{52, 91, 122, 124}[i]
			if key == "inline" {
				rate *= 0.8
			}
			r.Cells = append(r.Cells, measured(rand.New(rand.NewPCG(2, uint64(jobs))), 3, 0, map[Settings]float64{s: rate}).Cells...)
		}
	}
	r.Best = r.Recommend()
	return r
}

func TestPageFetchesNothing(t *testing.T) {
	t.Parallel()
	hostile := sample()
	hostile.Target.URL = `"><script>alert(1)</script><img src="http://x/">`
	hostile.Cells[0].Settings.Shape = hostile.Target.URL
	hostile.Notes = []string{hostile.Target.URL}
	for name, r := range map[string]*Result{"sample": sample(), "hostile": hostile, "empty": {Kind: KindNone}} {
		var b bytes.Buffer
		require.NoError(t, r.HTML(&b), name)
		text := b.String()
		pagetest.FetchesNothing(t, text)
		if name == "sample" {
			require.Equal(t, 8*2+1, strings.Count(text, `role="img" aria-label="Throughput`)+strings.Count(text, `role="img" aria-label="Latency`))
			require.Contains(t, text, "Recommended: jobs 4")
		}
	}
}

// The page opens in a browser without an error and without a request to
// anywhere. UPDATE=1 takes the picture of docs/bench.png.
func TestPageInABrowser(t *testing.T) {
	ctx := pagetest.Browser(t)
	path := filepath.Join(t.TempDir(), "bench.html")
	require.NoError(t, sample().WriteFile(path))
	picture := ""
	if os.Getenv("UPDATE") != "" {
		picture = filepath.Join("..", "..", "..", "docs", "bench.png")
	}
	pagetest.Opens(ctx, t, path, picture)
}
