package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// mixed is a source of about so many megabytes: one large table, one in TOAST,
// one without a key (no larger than what a far target may give back in one
// statement), a partitioned one, and small ones.
func mixed(mb int) shape {
	return shape{name: "mixed", tables: append([]table{
		{name: "log", columns: []column{idColumn, textColumn}, rows: mb * 2000, key: true, after: "CREATE INDEX ON public.log (v)"},
		{name: "letters", key: true, rows: mb * 10, columns: []column{idColumn, {name: "v", kind: "text", value: "'letter ' || n || (SELECT string_agg(repeat(md5(n::text || i), 8), '') FROM generate_series(1, 75) i)"}}},
		{name: "events", columns: []column{{name: "id", kind: "bigint", value: "n % 97"}, textColumn}, rows: min(mb*500, 20_000)},
		{name: "measures", columns: []column{idColumn, textColumn}, rows: mb * 900, key: true, partitions: 4},
	}, many(20, mb*2)...)}
}

// A clone is killed three times among its rows, and continued each time from
// another folder with nothing but the target's ledger. While the snapshot is
// kept, hardly anything is sent twice; when it is not, and the source was
// changed meanwhile, every table shows the moment that the ledger names (R1, R4).
// CHAOS_MB is how large the source is.
func TestR1KilledThreeTimes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, onChanged string
		db9, holder     bool
		always          bool
	}{
		{"db9, snapshot kept", "reconcile", true, true, true},
		{"postgres, snapshot kept", "reconcile", false, true, false},
		{"db9, snapshot lost, reconcile", "reconcile", true, false, false},
		{"postgres, snapshot lost, reload", "reload", false, false, true},
		{"postgres, snapshot lost, stop", "stop", false, false, false},
	} {
		if os.Getenv("CHAOS_MB") == "" && !c.always {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			mb := number(t, "CHAOS_MB", 12)
			p := plan{shape: mixed(mb), db9: c.db9, jobs: 4, keep: -1, onChanged: c.onChanged}
			if mb < 1000 { // else most of it is in flight
				t.Parallel()
				p.batch = 400
			}
			r := &run{world: newWorld(t, newLane(t), p, t.TempDir()), t: t}
			whole := r.unbroken()
			sent := r.killedThreeTimes(whole, c.holder)
			r.prove(t.Context())
			require.Empty(t, r.wrong, r.describe())
			t.Logf("%d MB of rows, sent %.1f MB in all: %.3f times an unbroken run's", r.bytes>>20, float64(sent)/1e6, float64(sent)/float64(whole))
			if c.holder {
				require.LessOrEqual(t, float64(sent), 1.05*float64(whole)+float64(r.inFlight()))
			}
		})
	}
}

// unbroken is how many bytes go to the target where nothing happens.
func (r *run) unbroken() int64 {
	p, err := r.life(r.t.Context(), 0, r.command())
	require.NoError(r.t, err)
	require.Zero(r.t, p.code(), p.told())
	sent := r.toTarget.Moved(pgtest.ToServer)
	r.processes = nil
	r.target.Drop(r.t)
	r.aim(r.t)
	return sent
}

// killedThreeTimes returns how many bytes went to the target in all. Where the
// snapshot is lost too little may be left to kill it a third time at.
func (r *run) killedThreeTimes(whole int64, holder bool) int64 {
	t, ctx := r.t, r.t.Context()
	command := r.command()
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 3 {
		share := float64(whole) / float64(r.bytes) / 4
		writes := 5
		switch stop := r.plan.onChanged == "stop"; {
		case stop && n == 0: // some tables are there, and changed: else nothing is asked, and all is done
			share, writes = 3*share, 40
		case !holder && n > 0: // tables that were proved are not sent again: less is left to kill it at
			share /= 8
		}
		a := &accident{kind: killCopier, process: n + 10, moment: moment{share: share}}
		r.plan.accidents = []*accident{a}
		p, err := r.life(ctx, n+10, command)
		require.NoError(t, err)
		if !holder && n > 1 && p.code() == 0 { // too little was left to kill it at a third time
			return r.toTarget.Moved(pgtest.ToServer)
		}
		require.True(t, p.wasKilled(), p.told())
		command = r.command("--resume", "--on-changed", r.plan.onChanged)
		if holder {
			continue
		}
		_, err = r.killHolder(ctx)
		require.NoError(t, err)
		changes, cancel := context.WithTimeout(ctx, 5*time.Minute)
		require.NoError(t, r.moments.write(changes, random, writes))
		cancel()
		if r.plan.onChanged == "stop" { // tables differ from the source of now, and the user wants to be asked
			p, err := r.life(ctx, n+20, command)
			require.NoError(t, err)
			if n > 0 && p.code() == 0 { // none of the tables that were there had been changed
				return r.toTarget.Moved(pgtest.ToServer)
			}
			require.Equal(t, 5, p.code(), p.told())
			require.Len(t, p.next(), 1, p.told())
			command = p.next()[0]
		}
	}
	r.plan.accidents = nil
	p, err := r.life(ctx, 30, command)
	require.NoError(t, err)
	require.Zero(t, p.code(), p.told())
	return r.toTarget.Moved(pgtest.ToServer)
}

// inFlight is what may have to be sent again after three kills: under profile
// db9 the batches of each job, else its parts.
func (r *run) inFlight() int64 {
	if r.plan.db9 && r.plan.batch == 0 {
		return 0 // it is within what is allowed
	}
	if r.plan.db9 {
		const batch = 200_000
		return 3 * int64(r.plan.jobs) * batch
	}
	conn, err := open(r.t.Context(), r.target.URL)
	require.NoError(r.t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(r.t.Context())) }()
	var largest int64
	require.NoError(r.t, conn.QueryRow(r.t.Context(), fmt.Sprintf(
		"SELECT sum(bytes)::bigint FROM (SELECT bytes FROM _pg2db9.part ORDER BY bytes DESC LIMIT %d) x", r.plan.jobs)).Scan(&largest))
	return 3 * largest
}
