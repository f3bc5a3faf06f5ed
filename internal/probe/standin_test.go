package probe

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// standIn is the URL of a stand-in before a database of its own.
func standIn(t *testing.T, cfg db9sim.Config) (string, *pgtest.DB) {
	t.Helper()
	db := pgtest.Server(t).Database(t)
	cfg.Backend = db.URL
	sim, err := db9sim.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	return sim.URL(), db
}

// What is found out of three targets, and what becomes of the profile by it.
// Without evidence and times: servers of different majors word it in their way.
// It runs before the parallel tests: what is asked for here is an answer to all
// 33 probes, and a machine that does a hundred other things leaves some in doubt.
func TestGolden(t *testing.T) {
	for name, rules := range map[string]*db9sim.RuleSet{"strict": db9sim.Strict(), "documented": db9sim.Documented(), "postgresql": nil} {
		t.Run(name, func(t *testing.T) {
			var address string
			var db *pgtest.DB
			if rules == nil {
				db = pgtest.Server(t).Database(t)
				address = db.URL
			} else {
				address, db = standIn(t, db9sim.Config{Rules: rules})
			}
			r, err := Run(t.Context(), Params{Target: endpoint(t, address), Timeout: 2 * time.Minute})
			require.NoError(t, err)
			require.Empty(t, r.Left)
			gone(t, db)
			for _, f := range r.Facts {
				require.False(t, f.Trouble, "%s: %s", f.Name, f.Evidence)
			}
			golden(t, filepath.Join("testdata", name+".txtar"), r)
		})
	}
}

func golden(t *testing.T, path string, r *Result) {
	t.Helper()
	var facts, changes strings.Builder
	for _, f := range r.Facts {
		fmt.Fprintf(&facts, "%d %s: %s %s\n", f.Number, f.Name, f.Outcome, f.Finding)
		for _, k := range slices.Sorted(maps.Keys(f.Values)) {
			if k != "server_version" {
				fmt.Fprintf(&facts, "  %s: %s\n", k, f.Values[k])
			}
		}
	}
	for _, c := range Changes(ddlgen.DB9(), r.Apply(ddlgen.DB9())) {
		fmt.Fprintln(&changes, c)
	}
	got := "Made by UPDATE=1 go test ./internal/probe -run Golden\n-- facts --\n" + facts.String() + "-- profile --\n" + changes.String()
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// ruleCase is one rule of the stand-in, or several, and what a probe sees of it
// when no other is on.
type ruleCase struct {
	probe   int
	rules   string
	outcome Outcome
	finding string
	key     string // of the values, with what it must be
	value   string
}

var ruleCases = []ruleCase{
	{probe: 2, rules: "version", outcome: Proved, finding: "db9sim"},
	{probe: 4, rules: "serializable", outcome: Refuted, finding: "error"},
	{probe: 4, rules: "serializable-downgrade repeatable-read", outcome: Refuted, finding: "downgraded"},
	{probe: 5, rules: "timeouts-settable statement-timeout idle-timeout", outcome: Refuted, finding: "capped", key: "statement_ms", value: "60000"},
	{probe: 6, rules: "timeout-rollback", outcome: Refuted, finding: "silent-rollback"},
	{probe: 7, rules: "smallint real char", outcome: Refuted, finding: "aliased", key: "real", value: "as float8"},
	{probe: 8, rules: "unknown-types", outcome: Refuted, finding: "silent", key: "unknown", value: "as text"},
	{probe: 9, rules: "timestamp-ms", outcome: Refuted, finding: "milliseconds-rounded"},
	{probe: 9, rules: "timestamp-specials", outcome: Proved, finding: "microseconds", key: "infinity", value: refused},
	{probe: 10, rules: "numeric-28", outcome: Refuted, finding: "28-digits"},
	{probe: 11, rules: "interval-ms", outcome: Refuted, finding: "reduced"},
	{probe: 11, rules: "timetz", outcome: Refuted, finding: "interval-kept"},
	{probe: 12, rules: "array-guess", outcome: Refuted, finding: "lossy", key: "array-numbers", value: "changed"},
	{probe: 12, rules: "jsonb-numbers", outcome: Refuted, finding: "lossy", key: "json-digits", value: "changed"},
	{probe: 13, rules: "copy-csv-lines", outcome: Refuted, finding: "text-only"},
	{probe: 13, rules: "copy-csv-unescape", outcome: Refuted, finding: "text-only", key: "csv", value: "changed"},
	{probe: 14, rules: "copy-rotation", outcome: Refuted, finding: "every-5000", key: "transaction", value: "atomic"},
	{probe: 14, rules: "copy-by-row", outcome: Refuted, finding: "by-row", key: "transaction", value: "atomic"},
	{probe: 15, rules: "copy-query", outcome: Refuted, finding: "refused", key: "quoted", value: kept},
	{probe: 15, rules: "copy-to-quoted", outcome: Refuted, finding: "refused", key: "query", value: kept},
	{probe: 15, rules: "float-output", outcome: Refuted, finding: "text-differs"},
	{probe: 15, rules: "array-output", outcome: Refuted, finding: "text-differs"},
	{probe: 16, rules: "gin-scan", outcome: Refuted, finding: "mixed", key: "gin", value: "scan"},
	{probe: 16, rules: "gin-scan hash-scan", outcome: Refuted, finding: "scan"},
	{probe: 16, rules: "index-methods", outcome: Proved, finding: "used", key: "brin", value: refused},
	{probe: 17, rules: "policies", outcome: Refuted, finding: "refused"},
	{probe: 18, rules: "advisory-locks", outcome: Refuted, finding: "node-local"},
	{probe: 19, rules: "plpgsql-exception plpgsql-while plpgsql-loop plpgsql-execute plpgsql-cursor plpgsql-diagnostics overloads", outcome: Refuted, finding: "unsupported"},
	{probe: 19, rules: "plpgsql-while", outcome: Refuted, finding: "partial", key: "while", value: "fails when called"},
	{probe: 20, rules: "statement-triggers", outcome: Refuted, finding: "row-level"},
	{probe: 20, rules: "after-triggers", outcome: Refuted, finding: "asynchronous"},
	{probe: 21, rules: "identity-always identity-options add-generated alter-sequence", outcome: Refuted, finding: "partial", key: "restart", value: refused},
	{probe: 22, rules: "generated-stored", outcome: Refuted, finding: "dropped"},
	{probe: 23, rules: "deferrable", outcome: Refuted, finding: "partial", key: "deferrable", value: lost},
	{probe: 23, rules: "nulls-not-distinct", outcome: Refuted, finding: "partial", key: "nulls-not-distinct", value: lost},
	{probe: 23, rules: "match-full", outcome: Refuted, finding: "partial", key: "match-full", value: lost},
	{probe: 23, rules: "set-null-columns", outcome: Refuted, finding: "partial", key: "set-columns", value: lost},
	{probe: 23, rules: "exclusion-constraints", outcome: Refuted, finding: "partial", key: "exclude", value: refused},
	{probe: 23, rules: "not-valid", outcome: Refuted, finding: "partial", key: "not-valid", value: refused},
	{probe: 24, rules: "session-replication-role", outcome: Refuted, finding: "refused"},
	{probe: 25, rules: "concurrently-async", outcome: Refuted, finding: "asynchronous"},
	{probe: 26, rules: "catalog-relations", outcome: Refuted, finding: "partial", key: "missing", value: "pg_rewrite pg_available_extensions pg_stat_database pg_stat_activity"},
	{probe: 26, rules: "catalog-columns", outcome: Refuted, finding: "partial", key: "missing", value: "pg_type"},
	{probe: 26, rules: "catalog-flags", outcome: Refuted, finding: "partial", key: "described", value: "no"},
	{probe: 26, rules: "wide-oids", outcome: Refuted, finding: "wide-oids", key: "oids", value: "64-bit"},
	{probe: 27, rules: "row-limit", outcome: Refuted, finding: "7-mib"},
	{probe: 28, rules: "binary-arrays", outcome: Refuted, finding: "text"},
	{probe: 29, rules: "copy-field-count", outcome: Refuted, finding: "skips-rows"},
	{probe: 29, rules: "copy-empty-line", outcome: Refuted, finding: "differs", key: "empty-line", value: lost},
	{probe: 29, rules: "copy-null-default", outcome: Refuted, finding: "differs", key: "null", value: "default"},
	{probe: 30, rules: "copy-invalid-utf8", outcome: Refuted, finding: "replaced"},
}

// Each rule of the stand-in alone turns its probe over.
func TestStandInRules(t *testing.T) {
	t.Parallel()
	for _, c := range ruleCases {
		t.Run(fmt.Sprintf("%d %s", c.probe, c.rules), func(t *testing.T) {
			t.Parallel()
			rules := db9sim.None()
			require.NoError(t, rules.Deny(strings.Fields(c.rules)...))
			address, db := standIn(t, db9sim.Config{Rules: rules})
			r, err := Run(t.Context(), Params{Target: endpoint(t, address), Chosen: Selection{only: []int{c.probe}}, Timeout: 2 * time.Minute})
			require.NoError(t, err)
			f := r.Fact(c.probe)
			require.Equal(t, c.outcome, f.Outcome, f.Evidence)
			require.Equal(t, c.finding, f.Finding, f.Evidence)
			if c.key != "" {
				require.Equal(t, c.value, f.Values[c.key], f.Evidence)
			}
			gone(t, db)
		})
	}
}
