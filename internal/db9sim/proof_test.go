package db9sim_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// proof shows one rule in one position: denied, alone among all rules, or
// allowed, with no rule on. It fails the test where the stand-in does otherwise.
type proof func(t *testing.T, denied bool)

// proofs are those of all parts of the stand-in.
func proofs() map[string]proof {
	all := map[string]proof{}
	for _, part := range []map[string]proof{coreProofs(), wireProofs(), copyProofs()} {
		maps.Copy(all, part)
	}
	return all
}

func TestEveryRuleHasAProof(t *testing.T) {
	t.Parallel()
	all := proofs()
	for _, r := range db9sim.Rules() {
		p, ok := all[r.Name]
		if !assert.True(t, ok, "rule %s has no proof", r.Name) {
			continue
		}
		delete(all, r.Name)
		t.Run(r.Name+"/allowed", func(t *testing.T) { t.Parallel(); p(t, false) })
		t.Run(r.Name+"/denied", func(t *testing.T) { t.Parallel(); p(t, true) })
	}
	assert.Empty(t, slices.Sorted(maps.Keys(all)), "proofs of no rule")
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
func (s script) prove(rule string) proof {
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
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return "!" + refused.Code
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
