//go:build unix

package sync

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// killed is one mode of which processes are killed.
type killed struct {
	mode, table string
	held        int    // rows that differ and are held at once, in each second run
	write       string // what happens on the source before each run; %[1]d is the run's number, %[2]d a number that few runs share
}

const insertRows = "INSERT INTO t SELECT %[1]d * 1000 + i, (i::bigint * 7919 + %[1]d) %% 1009, %[1]d FROM generate_series(1, 600) i"

var killedModes = []killed{
	{mode: "full", table: "mode: full", write: insertRows + "; UPDATE t SET v = %[1]d WHERE id %% 7 = %[2]d %% 7; DELETE FROM t WHERE id %% 11 = %[2]d %% 11"},
	{mode: "append", table: "mode: append, cursor: c, verify: digest", write: insertRows},
	{mode: "upsert", table: "mode: upsert, cursor: c, deletes: digest, verify: digest", write: insertRows +
		"; UPDATE t SET v = %[1]d, c = (id::bigint * 104729 + %[1]d) %% 1013 WHERE id %% 7 = %[2]d %% 7; DELETE FROM t WHERE id %% 11 = %[2]d %% 11"},
	{mode: "mirror", table: "mode: mirror", held: 150, write: insertRows + "; UPDATE t SET v = %[1]d WHERE id %% 7 = %[2]d %% 7; DELETE FROM t WHERE id %% 11 = %[2]d %% 11"},
}

// killedRow is a row but for its key.
type killedRow struct{ cursor, v int }

// A process that is killed anywhere: what a reader sees then is, of a table that is
// swapped, the old rows or the new ones; of the others the changes up to a point, in
// the order of the key (mirror) or of the cursor and the key (append, upsert; rows go
// at the end, in the order of the key). The next run needs no help, and ends with a
// match.
func TestSyncKilledAnywhere(t *testing.T) {
	t.Parallel()
	for _, k := range killedModes {
		t.Run(k.mode, func(t *testing.T) {
			t.Parallel()
			k.test(t, long(t, "PG2DB9_SYNC_KILLS", 2))
		})
	}
}

func (k killed) test(t *testing.T, rounds int) {
	t.Helper()
	b := setup(t, "tables: [{table: public.t, "+k.table+"}]", "CREATE TABLE t (id int PRIMARY KEY, c int NOT NULL, v int)")
	b.source.Exec(t, fmt.Sprintf(k.write, 0, 0))
	b.run(t)
	dead, between := 0, 0
	for seed := 1; seed <= rounds; seed++ {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		b.source.Exec(t, fmt.Sprintf(k.write, seed, rng.IntN(77)))
		before, after := killedRows(t, connect(t, b.target)), killedRows(t, connect(t, b.source))
		c := childParams{Source: b.source.URL, Target: b.target.URL, File: b.file, BatchRows: 50, Held: k.held * (seed % 2)}
		if seed%4 == 1 {
			c.Point = 1 + rng.IntN(3)
		} else {
			c.After = time.Duration(rng.Int64N(int64(b.lasts(t))) + 1)
		}
		if b.kill(t, c) {
			dead++
		}
		part, wrong := k.judge(before, after, killedRows(t, connect(t, b.target)))
		require.Empty(t, wrong, "seed %d, killed at point %d or after %s", seed, c.Point, c.After)
		if part {
			between++
		}
		for _, e := range b.run(t).Tables {
			require.Equal(t, Match, e.Verdict, "seed %d", seed)
		}
		b.same(t, "t")
		const traces = `SELECT coalesce((SELECT string_agg(run || ' ' || state, ', ') FROM _pg2db9.run) || '; ', '') || coalesce((SELECT string_agg(p::text, ', ') FROM _pg2db9.part p) || '; ', '')
			|| coalesce((SELECT string_agg(relname, ', ') FROM pg_class WHERE relname LIKE '%_pg2db9_new' OR relname = 'sync_stage'), '')`
		require.Empty(t, b.target.QueryString(t, traces), "seed %d: traces stay (the last run is %s): %s", seed, b.target.QueryString(t, "SELECT max(run) FROM _pg2db9.sync_history"), b.notes.all())
	}
	t.Logf("%s: %d processes of %d were killed, %d of them with a part of the changes written", k.mode, dead, rounds, between)
	require.Positive(t, dead)
	if rounds >= 50 && k.mode != "full" {
		require.Positive(t, between, "no process was killed on the way")
	}
}

// lasts is how long runs of the table take, by the ledger.
func (b *bundle) lasts(t *testing.T) time.Duration {
	t.Helper()
	var seconds float64
	const sql = "SELECT extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY ended - began))::float8 FROM _pg2db9.sync_history WHERE ended IS NOT NULL"
	require.NoError(t, connect(t, b.target).QueryRow(t.Context(), sql).Scan(&seconds))
	return time.Duration(seconds * float64(time.Second))
}

// kill runs the file in a process that kills itself, and says whether it did.
func (b *bundle) kill(t *testing.T, c childParams) bool {
	t.Helper()
	text, err := json.Marshal(c)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.ErrorContains(t, err, "signal: killed", "%s", out)
	}
	return err != nil
}

// killedRows reads a table as one statement sees it.
func killedRows(t *testing.T, conn *pgx.Conn) map[int]killedRow {
	t.Helper()
	defer func() { _ = conn.Close(context.Background()) }()
	all := map[int]killedRow{}
	var id int
	var row killedRow
	rows, err := conn.Query(t.Context(), "SELECT id, c, v FROM t")
	require.NoError(t, err)
	_, err = pgx.ForEachRow(rows, []any{&id, &row.cursor, &row.v}, func() error {
		all[id] = row
		return nil
	})
	require.NoError(t, err)
	return all
}

// judge says what is wrong with what a reader sees, and whether it is a part of the
// changes.
func (k killed) judge(before, after, now map[int]killedRow) (part bool, wrong string) {
	ids := maps.Clone(before)
	maps.Copy(ids, after)
	var changed []int
	for id := range ids {
		old, was := before[id]
		fresh, is := after[id]
		switch row, there := now[id]; {
		case was == is && old == fresh:
			if there != was || row != old {
				return false, fmt.Sprintf("row %d is the same on both sides, and is not as it was", id)
			}
		case (there != was || row != old) && (there != is || row != fresh):
			return false, fmt.Sprintf("row %d is of neither moment", id)
		default:
			changed = append(changed, id)
		}
	}
	for id := range now {
		if _, known := ids[id]; !known {
			return false, fmt.Sprintf("row %d is of neither moment", id)
		}
	}
	slices.SortFunc(changed, func(a, b int) int {
		ra, comesA := after[a]
		rb, comesB := after[b]
		if (k.mode == "append" || k.mode == "upsert") && (comesA || comesB) {
			switch {
			case !comesB: // what goes does so at the end
				return -1
			case !comesA:
				return 1
			}
			return cmp.Or(cmp.Compare(ra.cursor, rb.cursor), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
	written := 0
	for i, id := range changed {
		row, there := now[id]
		if fresh, is := after[id]; there != is || row != fresh {
			continue
		}
		if written != i && k.mode != "full" {
			return true, fmt.Sprintf("the change of row %d was written, and not that of row %d, which comes before it", id, changed[written])
		}
		written++
	}
	if k.mode == "full" && written > 0 && written < len(changed) {
		return true, fmt.Sprintf("%d of %d changes are seen", written, len(changed))
	}
	return written > 0 && written < len(changed), ""
}
