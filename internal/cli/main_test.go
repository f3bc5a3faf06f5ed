package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/sync/schedule"
)

// asProgram is set for the test's own file where it is to be pg2db9 itself: a
// process that can be killed.
const asProgram = "PG2DB9_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		streams, done := OS()
		code := Main(context.Background(), os.Args[1:], streams)
		done()
		os.Exit(code)
	}
	pgtest.Main(m)
}

// password is in no output and no report, whatever happens: every call of the
// program by these tests looks for it.
const password = "s3cr3t-hunter2"

// buffer may be written and read by several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// call is one call of the program.
type call struct {
	args    []string
	env     map[string]string
	signals chan os.Signal
	out     *buffer
	err     *buffer

	clock   schedule.Clock
	hangups chan os.Signal
}

// result is what a call gave.
type result struct {
	code Code
	out  string
	err  string
}

// last is the last line that the user sees.
func (r result) last() string {
	text := r.out
	if r.code != OK {
		text = r.err
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return lines[len(lines)-1]
}

func (c *call) run(t *testing.T) result {
	t.Helper()
	if c.out == nil {
		c.out, c.err = &buffer{}, &buffer{}
	}
	code := Main(t.Context(), c.args, c.streams())
	r := result{Code(code), c.out.String(), c.err.String()}
	noSecret(t, r.out, r.err)
	for i, arg := range c.args {
		if arg == "--report" && i+1 < len(c.args) {
			if data, err := os.ReadFile(c.args[i+1]); err == nil { // else it was not written, as some tests want it
				noSecret(t, string(data))
			}
		}
	}
	require.NotContains(t, r.err, "goroutine ", "no stack")
	return r
}

func (c *call) streams() Streams {
	return Streams{
		Out: c.out, Err: c.err, Signals: c.signals, Getenv: c.getenv, Clock: c.clock,
		Hangups: func() (<-chan os.Signal, func()) { return c.hangups, func() {} },
	}
}

// noSecret fails where a text holds the password.
func noSecret(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		require.NotContains(t, s, password)
		require.NotContains(t, s, "hunter2")
	}
}

// getenv is the environment of a call. A server that does not come back is not
// waited for as long as a user would want.
func (c *call) getenv(name string) string {
	if v, ok := c.env[name]; ok || name != "PG2DB9_RETRY_FOR" {
		return v
	}
	return "3"
}

// run calls the program without a signal and with an empty environment.
func run(t *testing.T, args ...string) result {
	t.Helper()
	return (&call{args: args}).run(t)
}

// objects parses JSON lines.
func jsonObjects(t *testing.T, out string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out) {
		var o map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &o), line)
		require.NotEmpty(t, o["type"], line)
		require.NotEmpty(t, o["time"], line)
		all = append(all, o)
	}
	return all
}
