package pgtest

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

// outcome is a test that only remembers how it was ended.
type outcome struct {
	testing.TB
	how string
}

func (o *outcome) Helper() {}

func (o *outcome) Skip(...any) { o.end("skip") }

func (o *outcome) Fatal(...any) { o.end("fail") }

func (o *outcome) Skipf(string, ...any) { o.end("skip") }

func (o *outcome) Fatalf(string, ...any) { o.end("fail") }

func (o *outcome) end(how string) {
	o.how = how
	runtime.Goexit()
}

// A missing server skips, unless one is required. One that does not start
// always fails.
func TestUnavailable(t *testing.T) {
	missing := fmt.Errorf("PostgreSQL 15: %w", pgserver.ErrNotFound)
	broken := errors.New("the server ended")
	for _, c := range []struct {
		required, want string
		err            error
	}{
		{"", "skip", missing},
		{"1", "fail", missing},
		{"", "fail", broken},
		{"1", "fail", broken},
	} {
		t.Setenv("PGTEST_REQUIRED", c.required)
		o := &outcome{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			unavailable(o, c.err)
		}()
		<-done
		require.Equal(t, c.want, o.how, "%v, required=%q", c.err, c.required)
	}
}

// What the machine lacks is a skip, unless everything must run.
func TestLacks(t *testing.T) {
	for required, want := range map[string]string{"": "skip", "1": "fail"} {
		t.Setenv("PGTEST_REQUIRED", required)
		o := &outcome{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Lacks(o, "no %s", "terminal")
		}()
		<-done
		require.Equal(t, want, o.how, "required=%q", required)
	}
}
