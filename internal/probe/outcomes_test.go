package probe

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// outcomeCase is a target on which a probe has an outcome.
type outcomeCase struct {
	name     string
	server   *altered
	password string

	outcome Outcome
	finding string
	values  map[string]string // some of them
}

func with(rules ...alteration) *altered { return &altered{tls: 'N', rules: rules} }

func token(claims string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"HS256"}`) + "." + part(claims) + ".c2ln"
}

// bad makes a value that COPY sends one that is refused.
func bad(value string) alteration { return alteration{old: value, to: "bad", data: true} }

// mibs refuses rows of these sizes.
func mibs(sizes ...int) []alteration {
	var out []alteration
	for _, n := range sizes {
		out = append(out, alteration{old: fmt.Sprintf("repeat('x', %d)", n<<20), to: raise("54000", "value too large")})
	}
	return out
}

// p25 is a server with a vector type, as far as the probe sees.
func p25(more ...alteration) *altered {
	return with(append(more,
		alteration{old: "v vector(3)", to: "v text"},
		say("table_name = 'p25'", "SELECT 'vector'"),
		say("::vector FROM", "SELECT 1"),
		alteration{old: "USING hnsw (v vector_l2_ops)", to: "(v)"},
		say("ORDER BY v <->", "SELECT 42"),
	)...)
}

// The outcomes that db9.md gives each probe.
var outcomeCases = map[int][]outcomeCase{
	1: {
		{name: "yes", server: &altered{tls: 'S'}, outcome: Proved, finding: "tls"},
		{name: "no", server: with(), outcome: Refuted, finding: "plaintext"},
		{name: "error", server: &altered{tls: 'E'}, outcome: Assumed},
	},
	2: {
		{name: "db9", server: with(say("SELECT version()", "SELECT 'PostgreSQL 16.0 (db9 abc)'")), outcome: Proved, finding: "db9"},
		{name: "stand-in", server: with(say("SELECT version()", "SELECT 'PostgreSQL 16.0 (db9) db9sim'")), outcome: Proved, finding: "db9sim"},
		{name: "postgres", server: with(), outcome: Refuted, finding: "postgresql"},
		{name: "other", server: with(say("SELECT version()", "SELECT 'Something 1.0'")), outcome: Refuted, finding: "other"},
		{name: "refused", server: with(refuse("SELECT version()")), outcome: Assumed},
	},
	3: {
		{name: "token", server: with(), password: token(`{"exp":1790000000}`), outcome: Refuted, finding: "expires", values: map[string]string{"expires": "2026-09-21T14:13:20Z"}},
		{name: "token without end", server: with(), password: token(`{"sub":"x"}`), outcome: Assumed, finding: "unknown"},
		{name: "password", server: with(), password: "plain", outcome: Assumed, finding: "unknown"},
	},
	4: {
		{name: "kept", server: with(), outcome: Proved, finding: "serializable"},
		{name: "error", server: with(refuse("SERIALIZABLE")), outcome: Refuted, finding: "error"},
		{name: "downgraded", server: with(alteration{old: "SERIALIZABLE", to: "REPEATABLE READ"}), outcome: Refuted, finding: "downgraded"},
	},
	5: {
		{name: "lifted", server: with(), outcome: Proved, finding: "lifted", values: map[string]string{"statement_ms": "0", "idle_ms": "0"}},
		{
			name: "capped", server: with(alteration{old: "SET statement_timeout = 0", to: "SET statement_timeout = '1min'"}, alteration{old: "SET idle_in_transaction_session_timeout = 0", to: "SET idle_in_transaction_session_timeout = 600000"}),
			outcome: Refuted, finding: "capped", values: map[string]string{"statement_ms": "60000", "idle_ms": "600000"},
		},
		{name: "no time", server: with(say("SHOW statement_timeout", "SELECT 'soon'")), outcome: Assumed},
		{name: "no SHOW", server: with(refuse("SHOW idle_in_transaction_session_timeout")), outcome: Assumed},
	},
	6: {
		{name: "failed state", server: with(), outcome: Proved, finding: "failed-state"},
		{name: "silent rollback", server: with(alteration{old: "SELECT 1", to: whole + "ROLLBACK; SELECT 1"}), outcome: Refuted, finding: "silent-rollback"},
		{name: "never fires", server: with(alteration{old: "SET LOCAL statement_timeout = 50", to: "SET LOCAL statement_timeout = 0"}, alteration{old: "pg_sleep(1)", to: "pg_sleep(0)"}), outcome: Assumed, finding: "not-fired"},
		{name: "no pg_sleep", server: with(refuse("pg_sleep")), outcome: Assumed},
	},
	7: {
		{name: "kept", server: with(), outcome: Proved, finding: "kept"},
		{
			name: "aliased", server: with(alteration{old: "v smallint", to: "v integer"}, alteration{old: "v real", to: "v double precision"}, alteration{old: "v char(3)", to: "v varchar(3)"}),
			outcome: Refuted, finding: "aliased", values: map[string]string{"smallint": "as int4", "real": "as float8", "char": "as varchar"},
		},
		{name: "refused", server: with(refuse("v smallint"), refuse("v real"), refuse("v char(3)")), outcome: Refuted, finding: "refused"},
		{name: "mixed", server: with(refuse("v real")), outcome: Refuted, finding: "mixed"},
	},
	8: {
		{name: "honest", server: with(), outcome: Proved, finding: "honest"},
		{name: "refused", server: with(refuse("v inet"), refuse("CREATE DOMAIN")), outcome: Proved, finding: "honest", values: map[string]string{"inet": "refused", "domain": "refused"}},
		{name: "text", server: with(alteration{old: "no_such_type", to: "text"}, alteration{old: "v inet", to: "v text"}), outcome: Refuted, finding: "silent", values: map[string]string{"inet": "as text", "unknown": "as text"}},
	},
	9: {
		{name: "microseconds", server: with(), outcome: Proved, finding: "microseconds", values: map[string]string{"infinity": "kept", "bc": "kept"}},
		{name: "rounded", server: with(alteration{old: "t timestamp)", to: "t timestamp(3))"}), outcome: Refuted, finding: "milliseconds-rounded"},
		{name: "cut", server: with(alteration{old: ".123456", to: ".123", data: true}, alteration{old: ".9996", to: ".999", data: true}), outcome: Refuted, finding: "milliseconds-cut"},
		{name: "specials", server: with(alteration{old: "infinity", to: "never", data: true}, alteration{old: "0044-03-15 00:00:00 BC", to: "0044-03-15", data: true}), outcome: Proved, finding: "microseconds", values: map[string]string{"infinity": "refused", "bc": "as 0044-03-15 00:00:00"}},
		{name: "zoned", server: with(alteration{old: "t timestamptz)", to: "t timestamptz(3))"}), outcome: Refuted, finding: "other"},
		{name: "seconds", server: with(alteration{old: "t timestamp)", to: "t timestamp(0))"}), outcome: Refuted, finding: "other"},
	},
	10: {
		{name: "unbounded", server: with(), outcome: Proved, finding: "unbounded"},
		{name: "28", server: with(bad(strings.Repeat("9", 29)), bad("0."+strings.Repeat("0", 28)), bad("NaN"), bad("Infinity")), outcome: Refuted, finding: "28-digits"},
		{name: "29", server: with(bad(strings.Repeat("9", 30))), outcome: Refuted, finding: "29-digits"},
		{name: "no NaN", server: with(bad("NaN")), outcome: Refuted, finding: "30-digits"},
		{name: "rounded", server: with(alteration{old: "v numeric)", to: "v double precision)"}), outcome: Refuted, finding: "less"},
	},
	11: {
		{name: "kept", server: with(), outcome: Proved, finding: "kept"},
		{name: "milliseconds", server: with(alteration{old: "1 day", to: "24:00:00", data: true}, alteration{old: "1.000001 s", to: "1.000 s", data: true}), outcome: Refuted, finding: "reduced", values: map[string]string{"day": "as 24:00:00", "micro": "as 00:00:01"}},
		{name: "no timetz", server: with(refuse("v timetz")), outcome: Refuted, finding: "interval-kept"},
		{name: "time", server: with(alteration{old: "v timetz", to: "v time"}), outcome: Refuted, finding: "interval-kept", values: map[string]string{"timetz": "as 12:00:00"}},
	},
	12: {
		{name: "lossless", server: with(), outcome: Proved, finding: "lossless"},
		{name: "guessed elements", server: with(alteration{old: `"007"`, to: `7`, data: true}), outcome: Refuted, finding: "lossy", values: map[string]string{"array-numbers": "changed", "json-digits": "kept"}},
		{name: "refused", server: with(alteration{old: `{{1,2},{3,4}}`, to: `{{1`, data: true}), outcome: Refuted, finding: "lossy", values: map[string]string{"array-nested": "refused"}},
	},
	13: {
		{name: "both", server: with(), outcome: Proved, finding: "text-and-csv"},
		{name: "no CSV", server: with(refuse("FORMAT csv")), outcome: Refuted, finding: "text-only", values: map[string]string{"csv": "refused"}},
		{name: "fragile CSV", server: with(alteration{old: `"a\nb"`, to: "\"a\nb\"", data: true}), outcome: Refuted, finding: "text-only", values: map[string]string{"csv": "changed"}},
		{name: "none", server: with(refuse("COPY")), outcome: Refuted, finding: "none"},
	},
	14: {
		{name: "atomic", server: with(), outcome: Proved, finding: "atomic"},
		{name: "rotated", server: with(say("SELECT count(*) FROM _pg2db9_probe.p14", "SELECT 5000")), outcome: Refuted, finding: "every-5000"},
		{name: "rotated outside of a transaction", server: with(alteration{old: "SELECT count(*) FROM _pg2db9_probe.p14", to: whole + "SELECT 5000", nth: 1}), outcome: Refuted, finding: "every-5000", values: map[string]string{"transaction": "atomic"}},
		{name: "by row", server: with(say("SELECT count(*) FROM _pg2db9_probe.p14", "SELECT 5499")), outcome: Refuted, finding: "by-row"},
		{name: "no key", server: with(alteration{old: "(n integer PRIMARY KEY)", to: "(n integer)"}), outcome: Assumed},
	},
	15: {
		{name: "as PostgreSQL", server: with(), outcome: Proved, finding: "as-postgresql"},
		{name: "refused", server: with(refuse("COPY (SELECT"), refuse(`"P q" TO STDOUT`)), outcome: Refuted, finding: "refused"},
		{name: "quoted refused", server: with(alteration{old: `"P q" TO STDOUT`, to: raise("42602", "invalid name")}), outcome: Refuted, finding: "refused", values: map[string]string{"query": "kept"}},
		{name: "another printer", server: with(alteration{old: "COPY (SELECT * FROM _pg2db9_probe.p15)", to: "COPY (SELECT '100.0')"}), outcome: Refuted, finding: "text-differs"},
	},
	16: {
		{name: "used", server: with(), outcome: Proved, finding: "used"},
		{name: "scan", server: with(alteration{old: "ANALYZE _pg2db9_probe.p16", to: whole + "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off"}), outcome: Refuted, finding: "scan"},
		{name: "refused", server: with(refuse("USING gin"), refuse("USING brin")), outcome: Refuted, finding: "mixed", values: map[string]string{"gin": "refused", "brin": "refused", "hash": "used"}},
		{name: "another", server: with(alteration{old: "USING hash", to: "USING btree"}), outcome: Refuted, finding: "mixed", values: map[string]string{"hash": "other"}},
		{name: "ivfflat", server: with(alteration{old: "v vector(3)", to: "v text"}, say("table_name = 'p16_vector'", "SELECT 'vector'"), alteration{old: "USING ivfflat (v vector_l2_ops)", to: "(v)"}), outcome: Proved, finding: "used", values: map[string]string{"ivfflat": "accepted"}},
	},
	17: {
		{name: "enforced", server: with(), outcome: Proved, finding: "enforced"},
		{name: "ignored", server: with(say("ENABLE ROW LEVEL SECURITY", "SELECT 1")), outcome: Refuted, finding: "ignored"},
		{name: "refused", server: with(refuse("ENABLE ROW LEVEL SECURITY")), outcome: Refuted, finding: "refused"},
		{name: "no policy", server: with(refuse("CREATE POLICY")), outcome: Refuted, finding: "refused"},
		{name: "no role", server: with(refuse("CREATE ROLE")), outcome: Assumed},
	},
	18: {
		{name: "node-local", server: with(say("pg_try_advisory_lock", "SELECT true")), outcome: Refuted, finding: "node-local"},
		{name: "none", server: with(refuse("pg_try_advisory_lock")), outcome: Refuted, finding: "none"},
		{name: "kept out", server: with(), outcome: Assumed, finding: "kept-out"},
		{name: "held", server: with(say("pg_try_advisory_lock", "SELECT false")), outcome: Assumed, finding: "held"},
	},
	19: {
		{name: "supported", server: with(), outcome: Proved, finding: "supported"},
		{name: "unsupported", server: with(refuse("CREATE FUNCTION")), outcome: Refuted, finding: "unsupported"},
		{name: "fails when called", server: with(refuse("SELECT _pg2db9_probe.p19_loop")), outcome: Refuted, finding: "partial", values: map[string]string{"loop": "fails when called", "while": "works"}},
	},
	20: {
		{name: "synchronous", server: with(), outcome: Proved, finding: "synchronous"},
		{name: "row level", server: with(refuse("FOR EACH statement")), outcome: Refuted, finding: "row-level"},
		{name: "asynchronous", server: with(
			alteration{old: "p20_log WHERE what", to: "p20_log WHERE false AND what", nth: 1}, alteration{old: "p20_log WHERE what", to: "p20_log WHERE false AND what", nth: 1},
		), outcome: Refuted, finding: "asynchronous", values: map[string]string{"row": "later"}},
		{name: "never", server: with(say("CREATE TRIGGER", "SELECT 1")), outcome: Refuted, finding: "asynchronous", values: map[string]string{"row": "not seen"}},
		{name: "none", server: with(refuse("CREATE FUNCTION")), outcome: Refuted, finding: "none"},
	},
	21: {
		{name: "full", server: with(), outcome: Proved, finding: "full"},
		{name: "plain sequences", server: with(
			alteration{old: " (START WITH 100)", to: ""}, alteration{old: "GENERATED ALWAYS", to: "GENERATED BY DEFAULT"}, refuse("ADD GENERATED"), refuse("RESTART"),
		), outcome: Refuted, finding: "partial", values: map[string]string{"start": "lost", "always": "lost", "copy-into-always": "kept", "alter": "refused", "restart": "refused", "setval": "kept"}},
		{name: "none", server: with(refuse("AS IDENTITY")), outcome: Refuted, finding: "none"},
		{name: "restart ignored", server: with(say("RESTART", "SELECT 1")), outcome: Refuted, finding: "partial", values: map[string]string{"restart": "ignored"}},
	},
	22: {
		{name: "works", server: with(), outcome: Proved, finding: "works"},
		{name: "dropped", server: with(alteration{old: " GENERATED ALWAYS AS (a * 2) STORED", to: ""}), outcome: Refuted, finding: "dropped"},
		{name: "refused", server: with(refuse("STORED")), outcome: Refuted, finding: "refused"},
	},
	23: {
		{
			name: "no constraint at all", server: with(alteration{old: "UNIQUE DEFERRABLE INITIALLY DEFERRED", to: ""}), outcome: Refuted, finding: "partial",
			values: map[string]string{"deferrable": "lost", "match-full": "enforced"},
		},
		{name: "enforced", server: with(), outcome: Proved, finding: "enforced"},
		{name: "lost", server: with(
			alteration{old: " DEFERRABLE INITIALLY DEFERRED", to: ""}, alteration{old: " NULLS NOT DISTINCT", to: ""}, alteration{old: " MATCH FULL", to: ""},
			alteration{old: "SET NULL (b)", to: "SET NULL"}, alteration{old: ", EXCLUDE USING btree (n WITH =)", to: ""}, say("NOT VALID", "SELECT 1"),
		), outcome: Refuted, finding: "partial", values: map[string]string{
			"deferrable": "lost", "nulls-not-distinct": "lost", "match-full": "lost", "set-columns": "lost", "exclude": "lost", "not-valid": "lost", "cascade": "enforced",
		}},
		{name: "refused", server: with(refuse("EXCLUDE"), refuse("NOT VALID"), refuse("DEFERRABLE"), refuse("ON DELETE SET DEFAULT")), outcome: Refuted, finding: "partial", values: map[string]string{
			"exclude": "refused", "not-valid": "refused", "deferrable": "refused", "set-default": "refused", "set-null": "enforced",
		}},
		{name: "no actions", server: with(alteration{old: "ON DELETE CASCADE", to: ""}, alteration{old: "ON DELETE SET NULL)", to: ")"}), outcome: Refuted, finding: "partial", values: map[string]string{"cascade": "lost", "set-null": "lost"}},
	},
	24: {
		{name: "works", server: with(), outcome: Proved, finding: "works"},
		{name: "refused", server: with(refuse("session_replication_role"), refuse("DISABLE TRIGGER")), outcome: Refuted, finding: "refused", values: map[string]string{"disable": "refused"}},
		{name: "ignored", server: with(say("SET session_replication_role = replica", "SELECT 1")), outcome: Refuted, finding: "ignored", values: map[string]string{"disable": "works"}},
		{name: "no right", server: with(alteration{old: "SET session_replication_role = replica", to: raise("42501", "permission denied")}), outcome: Assumed},
	},
	25: {
		{name: "no vector", server: with(), outcome: Assumed, finding: "no-vector"},
		{name: "text", server: with(alteration{old: "v vector(3)", to: "v text"}), outcome: Assumed, finding: "no-vector"},
		{name: "works", server: p25(), outcome: Proved, finding: "works"},
		{name: "refused", server: p25(refuse("USING hnsw")), outcome: Refuted, finding: "hnsw-refused"},
		{name: "wrong", server: p25(say("ORDER BY v <->", "SELECT 41")), outcome: Refuted, finding: "hnsw-wrong"},
		{name: "asynchronous", server: p25(say("INDEX CONCURRENTLY", "SELECT 1")), outcome: Refuted, finding: "asynchronous", values: map[string]string{"unique": "refused", "concurrently": "accepted"}},
	},
	26: {
		{name: "complete", server: with(), outcome: Proved, finding: "complete"},
		{name: "columns missing", server: with(alteration{old: "typnotnull", to: "no_such_column"}), outcome: Refuted, finding: "partial", values: map[string]string{"missing": "pg_type"}},
		{name: "described otherwise", server: with(alteration{old: "v.atttypmod::text", to: "'-1'"}), outcome: Refuted, finding: "partial", values: map[string]string{"described": "no"}},
		{name: "wide OIDs", server: with(alteration{old: "max(oid::text::bigint)", to: "10000000002"}), outcome: Refuted, finding: "wide-oids"},
	},
	27: {
		{name: "9 MiB", server: with(), outcome: Proved, finding: "9-mib", values: map[string]string{"row_bytes": "9437184", "key_5000": "refused"}},
		{name: "8 MiB bound", server: with(mibs(9)...), outcome: Refuted, finding: "7-mib", values: map[string]string{"row_bytes": "7340032"}},
		{name: "7 MiB by COPY alone", server: with(alteration{old: "9\txxx", to: "bad", data: true}), outcome: Refuted, finding: "7-mib"},
		{name: "less", server: with(mibs(9, 7, 4)...), outcome: Refuted, finding: "less", values: map[string]string{"row_bytes": "2097152"}},
	},
	28: {
		{name: "binary", server: with(), outcome: Proved, finding: "binary"},
		{name: "text", server: &altered{tls: 'N', textOnly: true}, outcome: Refuted, finding: "text"},
	},
	29: {
		{name: "as PostgreSQL", server: with(), outcome: Proved, finding: "as-postgresql"},
		{name: "skips rows", server: with(alteration{old: "2\tb\tx\n", to: "", data: true}), outcome: Refuted, finding: "skips-rows", values: map[string]string{"wrong-count": "skipped"}},
		{name: "empty line dropped", server: with(say("SELECT v FROM _pg2db9_probe.p29_empty", "SELECT 1 WHERE false")), outcome: Refuted, finding: "differs", values: map[string]string{"empty-line": "lost"}},
		{name: "default", server: with(alteration{old: "1\t\\N\n", to: "1\t7\n", data: true}), outcome: Refuted, finding: "differs", values: map[string]string{"null": "default"}},
	},
	30: {
		{name: "refused", server: with(), outcome: Proved, finding: "refused"},
		{name: "replaced", server: with(alteration{old: "\xff", to: "\uFFFD", data: true}), outcome: Refuted, finding: "replaced"},
		{name: "stored", server: with(alteration{old: "\xff", to: "ÿ", data: true}), outcome: Refuted, finding: "stored"},
	},
	31: {
		{name: "in order", server: with(), outcome: Proved, finding: "in-order"},
		{name: "differs", server: with(say("p31_ledger VALUES (1)", "SELECT 1")), outcome: Refuted, finding: "differs"},
		{name: "goes on", server: with(alteration{old: "INSERT INTO _pg2db9_probe.p31_ledger VALUES (0)", to: whole + "ROLLBACK; BEGIN; INSERT INTO _pg2db9_probe.p31_ledger VALUES (0)", nth: 2}), outcome: Refuted, finding: "goes-on-after-failure"},
	},
	32: {
		{name: "deadlock", server: with(), outcome: Proved, finding: "40P01"},
		{name: "serialization", server: with(alteration{old: "WHERE n = 2", to: raise("40001", "write conflict"), nth: 2}), outcome: Proved, finding: "40001"},
		{name: "opaque", server: with(alteration{old: "WHERE n = 2", to: raise("XX000", "tikv: write conflict"), nth: 2}), outcome: Refuted, finding: "XX000"},
		{name: "none", server: with(say("UPDATE _pg2db9_probe.p32", "SELECT 1")), outcome: Refuted, finding: "none"},
		{name: "timeout", server: with(alteration{old: "WHERE n = 2", to: raise("57014", "canceling statement"), nth: 2}), outcome: Assumed, finding: "57014"},
	},
}

// Each probe is seen in every outcome that it has a name for.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	for _, p := range probes {
		if p.ask == nil {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, outcomeCases[p.number], "no case for a probe")
			db := server.Database(t)
			for _, c := range outcomeCases[p.number] {
				t.Run(c.name, func(t *testing.T) { // one after the other: they share the scratch schema
					address := c.server.start(t, db)
					if c.password != "" {
						u, err := url.Parse(address)
						require.NoError(t, err)
						u.User = url.UserPassword(u.User.Username(), c.password)
						address = u.String()
					}
					r, err := Run(t.Context(), Params{Target: endpoint(t, address), Chosen: Selection{only: []int{p.number}}, Timeout: 2 * time.Minute})
					require.NoError(t, err)
					require.Empty(t, r.Left)
					f := r.Fact(p.number)
					require.Equal(t, c.outcome, f.Outcome, f.Evidence)
					require.Equal(t, c.finding, f.Finding, f.Evidence)
					for k, v := range c.values {
						require.Equal(t, v, f.Values[k], "%s: %s", k, f.Evidence)
					}
					require.NotEmpty(t, f.Evidence)
					require.NotContains(t, fmt.Sprint(r), "hunter2")
					require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '"+Schema+"'"))
				})
			}
		})
	}
}

// A probe that was left out keeps its assumption, and makes nothing.
func TestSelection(t *testing.T) {
	t.Parallel()
	chosen, err := Select([]string{"5, tls"}, []string{"1"})
	require.NoError(t, err)
	db := pgtest.Server(t).Database(t)
	r, err := Run(t.Context(), Params{Target: endpoint(t, with(refuse("SCHEMA")).start(t, db)), Chosen: chosen})
	require.NoError(t, err)
	require.Empty(t, r.Left)
	require.Equal(t, Proved, r.Fact(5).Outcome)
	require.Equal(t, Skipped, r.Fact(1).Outcome)
	require.Equal(t, len(probes)-1, r.Count(Skipped))

	_, err = Select(nil, []string{"5,nonsense"})
	require.ErrorContains(t, err, `"nonsense"`)
	_, err = Select([]string{"34"}, nil)
	require.ErrorContains(t, err, "1 to 33")
}
