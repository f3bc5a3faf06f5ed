package simtest_test

import (
	_ "embed" // everything.sql
	"hash/fnv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

//go:embed everything.sql
var everythingSQL string

// everything is a database with one of everything.
func everything(t *testing.T) *pgtest.DB {
	t.Helper()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, everythingSQL)
	return db
}

// share is how many of the cases stand for all in every test run: one in so many.
const share = 32

// chosen picks the cases of every test run by their names alone.
func chosen(name string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return all() || h.Sum32()%share == 0
}

// TestEachRule clones one of everything with each rule by itself, and with all
// but one: whatever DB9 turns out to be like in one thing, a clone ends with 0,
// or with 4 before anything is written, and what it says was copied is there.
func TestEachRule(t *testing.T) {
	t.Parallel()
	source := everything(t)
	cases := map[string]*db9sim.RuleSet{"strict": db9sim.Strict(), "documented": db9sim.Documented()}
	for _, r := range db9sim.Rules() {
		denied := db9sim.None()
		require.NoError(t, denied.Deny(r.Name))
		allowed := db9sim.Strict()
		require.NoError(t, allowed.Allow(r.Name))
		for name, set := range map[string]*db9sim.RuleSet{"denied " + r.Name: denied, "allowed " + r.Name: allowed} {
			if chosen(name) {
				cases[name] = set
			}
		}
	}
	for name, rules := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, target := run(t, source, rules)
			require.Positive(t, requireContents(t, c, source, target))
		})
	}
}
