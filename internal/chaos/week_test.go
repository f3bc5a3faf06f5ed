package chaos

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A week over a link of 0.6 MB/s a connection, an hour and all other times as
// short as a few seconds make it: a password lives for ten minutes of it, the target is restarted every
// hour, fast and as a crash by turns, and the one clone comes to its end (M9, C11).
// CHAOS_HOURS is how many hours it has, CHAOS_HOUR_SECONDS how long one lasts.
func TestWeek(t *testing.T) {
	t.Parallel()
	hours, seconds := number(t, "CHAOS_HOURS", 3), number(t, "CHAOS_HOUR_SECONDS", 5)
	hour := time.Duration(seconds) * time.Second
	const jobs = 4
	far := db9sim.WAN() // its times are shorter as the hours are; its rate stays, and so there are fewer bytes
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) * hour.Hours()) }
	far.Delay, far.Setup = scaled(far.Delay), scaled(far.Setup)
	volume := int64(hours*seconds*jobs) * far.Rate / 2 // and as much is read back
	one := table{name: "log", columns: []column{idColumn, textColumn}, key: true, rows: int(volume / 2 / 215)}
	two := one
	two.name = "events"
	p := plan{
		shape: shape{name: "week", tables: []table{one, two}}, db9: true, jobs: jobs, batch: 1000, keep: -1, onChanged: "reconcile", link: far,
		accidents: []*accident{{kind: newPassword, process: -1}}, // it asks for passwords; when they change is said here
	}
	r := &run{world: newWorld(t, newLane(t), p, t.TempDir()), t: t}
	r.bytes = volume

	over, end := context.WithCancel(t.Context())
	told := make(chan hardships, 1)
	// The default is five minutes, which several restarts in a row of so short hours pass;
	// a busy machine may not get a batch through between two of them.
	command := r.command("--retry-for", fmt.Sprint(max(60, 3*seconds)))
	proc, err := start(command, startOptions{bin: r.bin, dir: t.TempDir(), logs: filepath.Join(r.dir, "process-1"), env: r.env()})
	require.NoError(t, err)
	r.processes = append(r.processes, proc)
	go func() {
		select {
		case <-proc.phase("data"): // what comes before is short, and is begun again by hand
		case <-over.Done():
		}
		told <- r.hardships(over, hour)
	}()
	proc.wait(20*time.Minute + time.Duration(hours)*hour*4)
	end()
	h := <-told
	require.NoError(t, h.err)
	require.False(t, proc.hung, "HUNG: %s", logTail(t, filepath.Join(r.dir, "process-1.stderr")))
	require.Zero(t, proc.code(), "%s\n%s", proc.told(), logTail(t, filepath.Join(r.dir, "process-1.stderr")))
	r.prove(t.Context())
	require.Empty(t, r.wrong, r.describe())
	took := proc.ended.Sub(proc.started)
	t.Logf("%.0f MB in %s, which stands for %.0f hours: %d restarts, %d passwords, exit 0", float64(volume)/1e6, took.Round(time.Second), took.Seconds()/float64(seconds), h.restarts, h.passwords)
	require.GreaterOrEqual(t, h.restarts, hours-1)
	require.GreaterOrEqual(t, h.passwords, 5*(hours-1))
}

// hardships is what happened to a long run.
type hardships struct {
	restarts, passwords int
	err                 error
}

// hardships change the password and restart the target until ctx ends.
func (r *run) hardships(ctx context.Context, hour time.Duration) (h hardships) {
	token, restart := time.NewTicker(hour/6), time.NewTicker(hour)
	defer token.Stop()
	defer restart.Stop()
	for h.err == nil {
		select {
		case <-ctx.Done():
			return h
		case <-token.C:
			h.passwords++
			h.err = r.rotate(fmt.Sprint("secret-", h.passwords))
		case <-restart.C:
			h.restarts++
			mode := pgtest.Fast
			if h.restarts%2 == 0 {
				mode = pgtest.Immediate
			}
			h.err = r.lane.target.Restart(context.WithoutCancel(ctx), mode)
		}
	}
	return h
}
