//go:build unix

package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

const childVariable = "PG2DB9_SYNC_CHILD"

// childParams are what a process that is killed is told.
type childParams struct {
	Source, Target, File string
	Point                int           // it kills itself when it has come to so many points; 0 is none
	After                time.Duration // or so long after it began
}

// child runs a job file, and kills itself on the way.
func child(text string) {
	var c childParams
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(err)
	}
	die := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	file, err := jobfile.Parse("sync.yaml", []byte(c.File))
	if err != nil {
		panic(err)
	}
	source, err := dial.Parse(dial.Source, c.Source)
	if err != nil {
		panic(err)
	}
	target, err := dial.Parse(dial.Target, c.Target)
	if err != nil {
		panic(err)
	}
	profile := ddlgen.Postgres()
	profile.BatchRows = 200 // several transactions a table
	points := 0
	if c.After > 0 {
		time.AfterFunc(c.After, die)
	}
	_, err = New(Params{Source: source, Target: target, File: file, Profile: profile, Jobs: 2, Tool: "test", faults: &faults{at: func(string) error {
		if points++; points == c.Point {
			die()
		}
		return nil
	}}}).Run(context.Background(), Selection{})
	if err != nil {
		panic(err)
	}
}

// A process that is killed anywhere: what readers see then is, of a table that is
// swapped, the old rows or the new ones; of the others rows of the two moments, none
// that both have is missing, and none is of neither. The next run needs no help, and
// ends with a match.
func TestSyncKilledAnywhere(t *testing.T) {
	t.Parallel()
	b := setup(t, `groups: [{name: g}]
tables:
- {table: public.m, group: g, mode: mirror}
- {table: public.a, group: g, mode: append, cursor: id, verify: digest}
- {table: public.u, group: g, mode: upsert, cursor: v, deletes: digest, verify: digest}
- {table: public.f, group: g, mode: full}
`, `CREATE TABLE m (id int PRIMARY KEY, v int); CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE u (id int PRIMARY KEY, v int); CREATE TABLE f (id int PRIMARY KEY, v int)`)
	tables := []string{"m", "a", "u", "f"}
	killed := 0
	for seed := range long(t, "PG2DB9_SYNC_KILLS", 5) {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		for _, table := range tables {
			b.source.Exec(t, fmt.Sprintf("INSERT INTO %s SELECT i, %d FROM generate_series(%d, %d) i", table, seed, seed*600, seed*600+599))
			if table != "a" {
				b.source.Exec(t, fmt.Sprintf("UPDATE %[1]s SET v = %[2]d WHERE id %% 7 = %[2]d %% 7; DELETE FROM %[1]s WHERE id %% 11 = %[2]d %% 11", table, seed))
			}
			b.target.Exec(t, fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS old; DROP TABLE IF EXISTS old.%[1]s; CREATE TABLE old.%[1]s AS SELECT * FROM public.%[1]s", table))
		}
		c := childParams{Source: b.source.URL, Target: b.target.URL, File: b.file}
		if seed%2 == 0 {
			c.Point = 1 + rng.IntN(14)
		} else {
			c.After = time.Duration(100+rng.IntN(2500)) * time.Millisecond
		}
		text, err := json.Marshal(c)
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+string(text))
		out, err := cmd.CombinedOutput()
		if err != nil {
			require.ErrorContains(t, err, "signal: killed", "seed %d: %s", seed, out)
			killed++
		}
		for _, table := range tables {
			b.target.Exec(t, fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS new; DROP TABLE IF EXISTS new.%[1]s; CREATE TABLE new.%[1]s (id int, v int)", table))
			b.copyRows(t, table)
			wrong := b.target.QueryString(t, fmt.Sprintf(`SELECT string_agg(what || ' ' || id, ', ') FROM (
				(SELECT 'of neither moment' AS what, x.id FROM (SELECT * FROM public.%[1]s EXCEPT SELECT * FROM old.%[1]s EXCEPT SELECT * FROM new.%[1]s) x LIMIT 5)
				UNION ALL (SELECT 'missing', o.id FROM old.%[1]s o JOIN new.%[1]s n USING (id) WHERE o.id NOT IN (SELECT id FROM public.%[1]s) LIMIT 5)) x`, table))
			require.Empty(t, wrong, "seed %d, table %s", seed, table)
		}
		const whole = `SELECT (SELECT count(*) FROM (TABLE %[1]s EXCEPT TABLE %[2]s) x) + (SELECT count(*) FROM (TABLE %[2]s EXCEPT TABLE %[1]s) x)`
		old, fresh := b.target.QueryString(t, fmt.Sprintf(whole, "public.f", "old.f")), b.target.QueryString(t, fmt.Sprintf(whole, "public.f", "new.f"))
		require.True(t, old == "0" || fresh == "0", "seed %d: a reader of f sees neither the old rows (%s differ) nor the new ones (%s)", seed, old, fresh)
		for _, e := range b.run(t).Tables {
			require.Equal(t, Match, e.Verdict, "seed %d: %s", seed, e.Table)
		}
		b.same(t, tables...)
		require.Equal(t, "0 0 0", b.target.QueryString(t, `SELECT (SELECT count(*) FROM _pg2db9.run) || ' ' || (SELECT count(*) FROM _pg2db9.part) || ' ' || (SELECT count(*) FROM pg_class WHERE relname LIKE '%_pg2db9_new')`), "seed %d: traces stay", seed)
	}
	require.Positive(t, killed)
	t.Logf("%d processes were killed", killed)
}

// copyRows brings the source's rows beside, for a look at what they are.
func (b *bundle) copyRows(t *testing.T, table string) {
	t.Helper()
	text := b.source.QueryString(t, fmt.Sprintf("SELECT coalesce(json_agg(x), '[]')::text FROM public.%s x", table))
	conn := connect(t, b.target)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err := conn.Exec(t.Context(), fmt.Sprintf("INSERT INTO new.%s SELECT * FROM json_to_recordset($1::json) AS x (id int, v int)", table), text)
	require.NoError(t, err)
}
