package simtest_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/corpora"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/sample"
)

// own is the project's own sample.
const own = "sample"

// databases are those that are cloned: a few in every test run.
func databases() []string {
	if all() {
		return []string{own, "pagila", "dvdrental", "chinook", "northwind", "employees", "neon-small"}
	}
	return []string{own, "pagila", "chinook"}
}

// sets are the sets of rules that they are cloned under.
func sets() map[string]func() *db9sim.RuleSet {
	out := map[string]func() *db9sim.RuleSet{"strict": db9sim.Strict}
	if all() {
		out["documented"] = db9sim.Documented
	}
	return out
}

// TestDatabases clones databases of real projects, and the project's own
// sample, through the stand-in.
func TestDatabases(t *testing.T) {
	t.Parallel()
	for _, name := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := pgtest.Server(t).Database(t)
			load(t, name, source)
			for set, rules := range sets() {
				t.Run(set, func(t *testing.T) {
					c, target := run(t, source, rules())
					require.Contains(t, c.stdout, "simulated")
					rows := requireContents(t, c, source, target)
					require.Positive(t, rows)
					t.Logf("%s, %s: %d tables, %d rows, %.1f s", name, set, len(c.rep.Tables), rows, c.rep.Seconds)
				})
			}
		})
	}
}

// load fills an empty database. Without the corpora only the project's own
// sample is there.
func load(t *testing.T, name string, db *pgtest.DB) {
	t.Helper()
	if name == own {
		require.NoError(t, sample.Load(t.Context(), db.Conn(t), sample.Options{Scale: 0.05}))
		return
	}
	root, err := corpora.Root()
	if errors.Is(err, corpora.ErrMissing) && !all() {
		t.Skip(err)
	}
	require.NoError(t, err)
	_, err = corpora.Load(t.Context(), root, name, db.URL, filepath.Join(t.TempDir(), "errors"))
	require.NoError(t, err)
}
