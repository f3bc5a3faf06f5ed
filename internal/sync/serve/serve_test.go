package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/sync"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/internal/sync/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func in(name string) catalog.Name { return catalog.Name{Schema: "public", Name: name} }

// What a run says decides what is tried again: never what a stop kept from being run.
func TestOutcome(t *testing.T) {
	t.Parallel()
	run := schedule.Run{Tables: []catalog.Name{in("a"), in("b"), in("c")}}
	report := func(stopped bool, verdicts ...sync.Verdict) *sync.Report {
		r := &sync.Report{Stopped: stopped}
		for i, v := range verdicts {
			r.Tables = append(r.Tables, sync.Entry{Table: run.Tables[i], Verdict: v})
		}
		return r
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		over bool
		rep  *sync.Report
		err  error
		want schedule.Outcome
	}{
		{"all good", false, report(false, sync.Match, sync.Unverified, sync.Match), nil, schedule.Outcome{}},
		{"one failed, one differs", false, report(false, sync.Match, sync.Failed, sync.Mismatch), nil, schedule.Outcome{Failed: []catalog.Name{in("b"), in("c")}}},
		{"verdict not known", false, report(false, sync.Match, "", sync.Match), nil, schedule.Outcome{Failed: []catalog.Name{in("b")}}},
		{"the server went away", false, report(false, sync.Match), errors.New("gone"), schedule.Outcome{Failed: []catalog.Name{in("b"), in("c")}}},
		{"it could not begin", false, nil, errors.New("gone"), schedule.Outcome{Failed: run.Tables}},
		{"stopped", false, report(true, sync.Match, sync.Skipped), nil, schedule.Outcome{}},
		{"ended at once", true, report(false, sync.Match), context.Canceled, schedule.Outcome{}},
		{"the lease is another's", false, report(false), fmt.Errorf("beginning: %w", &copier.LeaseHeldError{Run: "r", Owner: "o"}), schedule.Outcome{Busy: true}},
	} {
		ctx := t.Context()
		if c.over {
			ctx = ended
		}
		require.Equal(t, c.want, outcome(ctx, run, c.rep, c.err), c.name)
	}
}

func TestLastBegan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	known := []sync.Status{
		{Table: in("a"), Last: &sync.Entry{Began: now}},
		{Table: in("b"), Last: &sync.Entry{Began: now.Add(-time.Hour)}},
		{Table: in("c"), Last: &sync.Entry{Began: now.Add(-time.Minute)}},
		{Table: in("d")},
	}
	require.Equal(t, now.Add(-time.Minute), lastBegan(schedule.Unit{Tables: []catalog.Name{in("a"), in("c"), in("d"), in("new")}}, known))
	require.Zero(t, lastBegan(schedule.Unit{Tables: []catalog.Name{in("d"), in("new")}}, known))
}

func TestHealth(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	h := &health{now: func() time.Time { return now }, version: "1", file: "jobs.yaml", loaded: now}
	ask := func() (int, state) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		var s state
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &s))
		return w.Code, s
	}
	h.turn(now, []schedule.UnitStatus{{Name: "group g", Next: now.Add(time.Hour), Failing: []schedule.Again{{Table: in("t"), At: now.Add(time.Minute)}}}}, false)
	code, s := ask()
	require.Equal(t, 200, code, "a table that fails is no ill health")
	require.Equal(t, "public.t", s.Units[0].Failing[0].Table)
	h.reloaded(now, errors.New("jobs.yaml:1: bad, of postgres://me:hunter2@host/db"))
	code, s = ask()
	require.Equal(t, 200, code)
	require.Contains(t, s.Reload, "jobs.yaml:1: bad")
	require.NotContains(t, s.Reload, "hunter2")
	h.reloaded(now, nil)
	now = now.Add(4 * time.Minute)
	code, s = ask()
	require.Equal(t, []any{200, ""}, []any{code, s.Reload})
	now = now.Add(2 * time.Minute)
	code, s = ask()
	require.Equal(t, []any{503, "stuck"}, []any{code, s.Status})
	h.turn(now, nil, true)
	code, s = ask()
	require.Equal(t, []any{503, "stopping"}, []any{code, s.Status})
}

// An address that another process has is told before anything runs.
func TestAddressInUse(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	f, err := jobfile.Parse("jobs.yaml", []byte("tables: [{table: public.t, mode: mirror, schedule: '* * * * *'}]"))
	require.NoError(t, err)
	err = Serve(t.Context(), Params{
		File: f, Clock: schedule.Wall{}, Listen: l.Addr().String(),
		Known: func(context.Context) ([]sync.Status, error) { return nil, nil },
		Run: func(context.Context, *jobfile.File, sync.Selection) (*sync.Report, error) {
			t.Error("something runs")
			return nil, nil
		},
	})
	var listen *ListenError
	require.ErrorAs(t, err, &listen)
	require.ErrorContains(t, err, l.Addr().String())
	require.ErrorContains(t, err, "--listen names another address")
}
