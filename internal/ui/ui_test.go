package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// safeBuffer may be written and read by several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var errServer = fmt.Errorf("copy: %w", &pgconn.PgError{
	Severity: "ERROR", Code: "22P02", Message: "invalid input", Detail: "the detail", Where: "COPY t, line 3",
})

// everyEvent is one event of each kind, in the order of a run.
func everyEvent() []event.Event {
	part := event.Part{ID: 3, Table: "public.orders", Relation: "public.orders_2024", Range: "blocks 0-8191", Bytes: 1000}
	obj := finding.Object{Kind: "index", Schema: "public", Name: "orders_idx"}
	block := finding.Finding{Code: "type.refused", Severity: finding.Block, Object: obj, Message: "cannot be carried", Remedy: "leave it out"}
	left := block
	left.Severity = finding.Left
	return []event.Event{
		event.RunStarted{Run: "r1", Command: "clone", Source: "postgres://a@s/d", Target: "postgres://b@t/d"},
		event.Found{Finding: block},
		event.Found{Finding: left},
		event.PhaseStarted{Phase: "data", Items: 2},
		event.PartStarted{Part: part},
		event.PartRetry{Part: part, Err: errors.New("connection lost"), Attempt: 1, After: 1500 * time.Millisecond},
		event.PartDone{Part: part, Rows: 1234567, Bytes: 98765432, Elapsed: 3 * time.Second},
		event.PartFailed{Part: part, Err: errServer},
		event.TableDone{Table: "public.orders", Parts: 2, Rows: 1234567, Bytes: 98765432, Elapsed: 4 * time.Second},
		event.PhaseDone{Phase: "data", Elapsed: 5 * time.Second, Failed: 1},
		event.PhaseStarted{Phase: "keys", Items: 2},
		event.StatementDone{ID: "k1", Phase: "keys", Object: obj, Elapsed: time.Second},
		event.StatementFailed{ID: "k2", Phase: "keys", Object: obj, SQL: "CREATE INDEX", Err: errServer},
		event.StatementFailed{ID: "c1", Phase: "comments", Object: obj, SQL: "COMMENT", Err: errors.New("no"), Optional: true},
		event.PhaseDone{Phase: "keys", Elapsed: 61 * time.Second},
		event.Note{Text: "a new snapshot is taken"},
		event.TableVerified{Table: "public.orders", Verdict: "match", Rows: 5},
		event.TableVerified{Table: "public.lines", Verdict: "mismatch", Rows: 5, Detail: "5 rows here, 6 there"},
		event.RunDone{Run: "r1", ExitCode: 5, Message: "x"},
	}
}

func progressOfOne() *event.Progress {
	p := &event.Progress{}
	p.Plan(2, 4000)
	m := p.Start(event.Part{ID: 1, Table: "public.done", Bytes: 1000})
	m.Add(10, 500)
	p.Finish(m, true)
	m = p.Start(event.Part{ID: 3, Table: "public.orders", Range: "blocks 0-8191", Bytes: 3000})
	m.Add(20, 1000)
	m.Wait(event.WaitTarget)
	return p
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// U6: without a terminal there are plain lines, one a phase, one a finished
// table, and all that went wrong.
func TestPlainLines(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	u := New(Options{Mode: Plain, Err: &out, Tick: make(chan time.Time)})
	for _, e := range everyEvent() {
		u.On(e)
	}
	u.Close()
	golden(t, "plain.txt", out.String())
}

func TestQuietTellsOnlyWhatWentWrong(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	u := New(Options{Mode: Bars, Quiet: true, Err: &out, Progress: progressOfOne(), Interval: time.Nanosecond, Tick: make(chan time.Time)})
	for _, e := range everyEvent() {
		u.On(e)
		u.sample(time.Now(), false)
	}
	u.Close()
	golden(t, "quiet.txt", out.String())
}

func TestPlainProgressLine(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	u := New(Options{Mode: Plain, Err: &out, Progress: progressOfOne(), Interval: 10 * time.Second, Tick: make(chan time.Time), Now: func() time.Time { return t0 }})
	u.sample(at(11), false)
	require.Empty(t, out.String(), "no phase runs")
	u.On(event.PhaseStarted{Phase: "data", Items: 2})
	u.sample(at(12), false)
	u.sample(at(22), false)
	u.Kick() // SIGUSR1
	u.On(event.PhaseDone{Phase: "data", Elapsed: time.Second})
	u.On(event.PhaseStarted{Phase: "keys", Items: 8})
	u.On(event.StatementDone{})
	u.On(event.StatementFailed{Phase: "keys", Err: errors.New("x")})
	u.Kick()
	u.Close()
	lines := strings.Split(out.String(), "\n")
	require.Equal(t, "data: started, 2 to do", lines[0])
	require.Equal(t, "data 50%: 30 rows, 1.5 kB, 1 of 2 parts, time left unknown, limited by target", lines[1])
	require.Equal(t, lines[1], lines[2])
	require.Equal(t, "keys 25%: 2 of 8", lines[6])
}

// The progress line says why reading is held back, and so do JSON lines and bars.
func TestProgressSaysWhatHoldsItBack(t *testing.T) {
	t.Parallel()
	p := progressOfOne()
	p.Hold("reading pauses: 12 sessions are active on the source, --max-active is 10")
	s := newSampler().next(p.Snapshot(), stage{phase: "data"})
	require.Contains(t, progressLine(s), "left unknown, limited by target; reading pauses: 12 sessions are active on the source, --max-active is 10")
	require.Contains(t, overallTail(s), "reading pauses: 12 sessions")
	p.Hold("")
	require.NotContains(t, progressLine(newSampler().next(p.Snapshot(), stage{phase: "data"})), "reading pauses")
	for w, want := range map[event.Waits]string{event.WaitGuard: "guard", event.WaitRate: "rate"} {
		require.Equal(t, want, waitWord(w))
		require.NotEqual(t, partTail(event.Running{}), partTail(event.Running{Waits: w}))
	}
}

func TestSampleIsPrintedOnlyWhenDue(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	u := New(Options{Mode: Plain, Err: &out, Interval: 10 * time.Second, Tick: make(chan time.Time), Now: func() time.Time { return t0 }})
	u.On(event.PhaseStarted{Phase: "data"})
	for i := range 40 {
		u.sample(at(float64(i)/2), false)
	}
	u.Close()
	require.Equal(t, 1, strings.Count(out.String(), "data:")-1, out.String())
}

var volatile = regexp.MustCompile(`"(time|seconds)":("[^"]*"|[0-9.]+)`)

// U6: JSON lines keep their names (docs/json-output.md).
func TestJSONLines(t *testing.T) {
	t.Parallel()
	var out, errs safeBuffer
	u := New(Options{
		Mode: JSON, Out: &out, Err: &errs, Progress: progressOfOne(), Interval: time.Hour, Tick: make(chan time.Time),
		Now: func() time.Time { return t0 },
	})
	for _, e := range everyEvent() {
		u.On(e)
		if _, ok := e.(event.PartStarted); ok {
			u.Kick()
		}
	}
	u.Close()
	require.Empty(t, errs.String())
	for line := range strings.Lines(out.String()) {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		require.NotEmpty(t, o["type"])
	}
	golden(t, "events.jsonl", volatile.ReplaceAllString(out.String(), `"$1":0`))
}

func TestJSONKeepsNamesAsTheyAre(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	NewLines(&out).Write("note", Object{{"text", `<a> & "b"` + "\n\u2028ü"}})
	require.Contains(t, out.String(), `<a> & \"b\"\n`)
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
}

// A name may hold what a terminal obeys.
func TestPrintable(t *testing.T) {
	t.Parallel()
	require.Equal(t, "plain ünïcode 表", Printable("plain ünïcode 表"))
	require.Equal(t, `a\nb\tc\x1b[31m\x9b\x202e`, Printable("a\nb\tc\x1b[31m\u009b\u202e"))
}

func TestBars(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	p := progressOfOne()
	tick := make(chan time.Time)
	u := New(Options{Mode: Bars, Err: &out, Progress: p, Interval: time.Nanosecond, Tick: tick})
	u.On(event.RunStarted{Run: "r1", Command: "clone"})
	u.On(event.PhaseStarted{Phase: "data"})
	tick <- time.Now().Add(time.Second)
	tick <- time.Now().Add(2 * time.Second)
	_, err := u.Writer().Write([]byte("a log line\n"))
	require.NoError(t, err)
	u.On(event.PartFailed{Part: event.Part{Table: "public.bad\x1b[2J"}, Err: errors.New("boom")})
	require.Eventually(t, func() bool {
		s := out.String()
		return strings.Contains(s, "public.orders blocks 0-8191") && strings.Contains(s, "waits for target") &&
			strings.Contains(s, "a log line") && strings.Contains(s, `public.bad\x1b[2J: FAILED: boom`)
	}, 10*time.Second, 20*time.Millisecond, "%s", out.String())
	u.Close()
	u.Close()
	u.On(event.Note{Text: "after"})
	_, err = u.Writer().Write([]byte("the last line\n"))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(out.String(), "the last line\n"))
}

func TestErrorTextSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	require.Empty(t, ErrorText(nil))
	require.Equal(t, "copy: ERROR: invalid input (SQLSTATE 22P02); detail: the detail; context: COPY t, line 3", ErrorText(errServer))
	long := &pgconn.PgError{Message: "m", Detail: strings.Repeat("ü", 1000)}
	require.Less(t, len(ErrorText(long)), 400)
}

func TestFormats(t *testing.T) {
	t.Parallel()
	require.Equal(t, "3.2s", span(3200*time.Millisecond))
	require.Equal(t, "1m01s", span(61*time.Second))
	require.Equal(t, "2h03m", span(2*time.Hour+3*time.Minute+5*time.Second))
	require.Equal(t, "a few seconds", about(3*time.Second))
	require.Equal(t, "about 40s", about(42*time.Second))
	require.Equal(t, "about 7m", about(7*time.Minute+10*time.Second))
	require.Equal(t, "about 1h30m", about(90*time.Minute))
}

// docs/json-output.md names every type and every field.
func TestJSONDocument(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/json-output.md")
	require.NoError(t, err)
	var out safeBuffer
	u := New(Options{Mode: JSON, Out: &out, Progress: progressOfOne(), Interval: time.Hour, Tick: make(chan time.Time)})
	for _, e := range everyEvent() {
		u.On(e)
		u.Kick()
	}
	u.Close()
	headings := regexp.MustCompile(`(?m)^## .*$`).FindAllString(string(doc), -1)
	types := map[string]bool{}
	var names func(v any)
	names = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				require.Regexp(t, "[`\"]"+k+"[`\"]", string(doc), "field %s", k)
				names(x)
			}
		case []any:
			for _, x := range v {
				names(x)
			}
		}
	}
	for line := range strings.Lines(out.String()) {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		kind := fmt.Sprint(o["type"])
		if !types[kind] {
			types[kind] = true
			require.Regexp(t, `\b`+kind+`\b`, strings.Join(headings, "\n"))
		}
		names(o)
	}
	require.GreaterOrEqual(t, len(types), 13)
}
