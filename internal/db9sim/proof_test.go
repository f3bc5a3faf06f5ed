package db9sim_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// proving shows a rule in both positions, and fails the test where the stand-in
// does otherwise.
type proving func(t *testing.T)

// both makes one of what shows a rule denied, alone among all rules, and
// allowed, with no rule on.
func both(p func(t *testing.T, denied bool)) proving {
	return func(t *testing.T) {
		for name, denied := range map[string]bool{"allowed": false, "denied": true} {
			t.Run(name, func(t *testing.T) { t.Parallel(); p(t, denied) })
		}
	}
}

func TestEveryRuleHasAProof(t *testing.T) {
	t.Parallel()
	all := map[string][]proving{}
	for _, part := range []map[string][]proving{coreProofs(), wireProofs(), copyProofs()} {
		for name, list := range part {
			all[name] = append(all[name], list...)
		}
	}
	seen := map[string]bool{}
	for _, r := range db9sim.Rules() {
		assert.False(t, seen[r.Name], "rule %s is in the list twice", r.Name)
		assert.NotEmpty(t, all[r.Name], "rule %s has no proof", r.Name)
		seen[r.Name] = true
	}
	for name, list := range all {
		assert.True(t, seen[name], "a proof of no rule: %s", name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, p := range list {
				t.Run(strconv.Itoa(i), p)
			}
		})
	}
}

// only is the configuration of a proof: the rule alone, or none, with the
// stand-in judging statements all the same.
func only(t *testing.T, rule string, denied bool) db9sim.Config {
	t.Helper()
	set := db9sim.None()
	if denied {
		require.NoError(t, set.Deny(rule))
	}
	return db9sim.Config{Rules: set, Faults: forced}
}

// script proves a rule by SQL: what its last statement gives.
type script struct {
	setup   string   // run on the backend itself
	run     []string // through the stand-in, each a query; errors are looked at in the last only, or where it begins with "?"
	allowed string   // rows as psql -At shows them, a tag where there are none, or an SQLSTATE after "!"
	denied  string
	simple  bool     // the extended protocol has nothing to do with it
	also    []string // rules that stay on in both positions
}

// prove runs a script by both protocols.
func (s script) prove(rule string) func(*testing.T, bool) {
	return func(t *testing.T, denied bool) {
		cfg := only(t, rule, denied)
		require.NoError(t, cfg.Rules.Deny(s.also...))
		sim, db := start(t, cfg)
		want := s.allowed
		if denied {
			want = s.denied
		}
		modes := []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec}
		if s.simple {
			modes = modes[:1]
		}
		for _, mode := range modes {
			db.Exec(t, "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"+s.setup)
			conn := connect(t, sim)
			var got string
			for i, sql := range s.run {
				forgiven := strings.HasPrefix(sql, "?")
				got = result(t, conn, mode, strings.TrimPrefix(sql, "?"))
				if i < len(s.run)-1 && !forgiven {
					require.NotRegexp(t, "^!", got, "%s: %s", mode, sql)
				}
			}
			require.Equal(t, want, got, "by %s", mode)
			require.NoError(t, conn.Close(t.Context()))
		}
	}
}

// result is what one statement gives, as script has it.
func result(t *testing.T, conn *pgx.Conn, mode pgx.QueryExecMode, sql string) string {
	t.Helper()
	var results []*pgconn.Result
	var err error
	if mode == pgx.QueryExecModeSimpleProtocol {
		results, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
	} else {
		r := conn.PgConn().ExecParams(t.Context(), sql, nil, nil, nil, nil).Read()
		results, err = []*pgconn.Result{r}, r.Err
	}
	if code := sqlState(err); code != "" {
		return "!" + code
	}
	require.NoError(t, err, sql)
	var lines []string
	for _, r := range results {
		if len(r.Rows) == 0 {
			lines = append(lines, r.CommandTag.String())
		}
		for _, row := range r.Rows {
			cells := make([]string, len(row))
			for i, v := range row {
				cells[i] = string(v)
			}
			lines = append(lines, strings.Join(cells, "|"))
		}
	}
	return strings.Join(lines, "\n")
}
