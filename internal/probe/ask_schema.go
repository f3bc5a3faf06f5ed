package probe

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
)

// indexCases are the access methods that are asked for: a column of p16, and a
// question that the index answers. Those after the third do not decide.
var indexCases = []struct{ method, column, where string }{
	{"gin", "a", "a @> ARRAY[777]"},
	{"gist", "t", "t @@ 'w777'::tsquery"},
	{"hash", "n", "n = 777"},
	{"brin", "m", "m = 777"},
	{"spgist", "s", "s = 's777'"},
}

// askIndexMethods: an index that EXPLAIN names is used.
func askIndexMethods(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx,
		"CREATE TABLE "+in("p16")+" (n integer, m integer, s text, a integer[], t tsvector)",
		"INSERT INTO "+in("p16")+" SELECT i, i, 's' || i, ARRAY[i], ('w' || i)::tsvector FROM generate_series(1, 2000) AS i")
	values := map[string]string{}
	for _, c := range indexCases {
		index := "p16_" + c.method
		if r := s.try(ctx, fmt.Sprintf("CREATE INDEX %s ON %s USING %s (%s)", index, in("p16"), c.method, c.column)); !r.ok() {
			values[c.method] = refused
			continue
		}
		def := s.must(ctx, fmt.Sprintf("SELECT indexdef FROM pg_indexes WHERE schemaname = '%s' AND indexname = '%s'", Schema, index)).value()
		values[c.method] = "accepted"
		if !strings.Contains(strings.ToLower(def), "using "+c.method) {
			values[c.method] = "other"
		}
	}
	s.any(ctx, "ANALYZE "+in("p16"))
	for _, c := range indexCases {
		if values[c.method] != "accepted" {
			continue
		}
		plan := s.try(ctx, fmt.Sprintf("EXPLAIN SELECT n FROM %s WHERE %s", in("p16"), c.where))
		values[c.method] = "scan"
		for i := range plan.rows {
			if strings.Contains(plan.row(i), "p16_"+c.method) {
				values[c.method] = "used"
			}
		}
	}
	values["ivfflat"] = "no vector type"
	if r := s.try(ctx, "CREATE TABLE "+in("p16_vector")+" (v vector(3))"); r.ok() && columnType(ctx, s, "p16_vector") == "vector" {
		values["ivfflat"] = refused
		if s.try(ctx, "CREATE INDEX p16_ivfflat ON "+in("p16_vector")+" USING ivfflat (v vector_l2_ops)").ok() {
			values["ivfflat"] = "accepted"
		}
	}
	evidence := listed(values, "gin", "gist", "hash", "brin", "spgist", "ivfflat")
	switch {
	case all(values, "used", "gin", "gist", "hash"):
		return verdict(true, "used", evidence).with(values)
	case all(values, "scan", "gin", "gist", "hash"):
		return verdict(false, "scan", evidence).with(values)
	}
	return verdict(false, "mixed", evidence).with(values)
}

// askRowSecurity: a second role that sees one of two rows proves. The role is
// made in a transaction that is rolled back, and looked for afterwards.
func askRowSecurity(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	table := in("p17")
	s.must(ctx, "CREATE TABLE "+table+" (n integer)", "INSERT INTO "+table+" VALUES (1), (2)")
	for _, sql := range []string{
		"ALTER TABLE " + table + " ENABLE ROW LEVEL SECURITY",
		"CREATE POLICY p17_one ON " + table + " FOR SELECT USING (n = 1)",
	} {
		if r := s.try(ctx, sql); !r.ok() {
			return verdict(false, refused, statement(sql)+": "+r.said())
		}
	}
	l.made = l.role
	s.must(ctx, "BEGIN", "CREATE ROLE "+l.role,
		"GRANT USAGE ON SCHEMA "+Schema+" TO "+l.role, "GRANT SELECT ON "+table+" TO "+l.role, "SET LOCAL ROLE "+l.role)
	seen := s.must(ctx, "SELECT count(*) FROM "+table).value()
	s.any(ctx, "ROLLBACK")
	s.any(ctx, "RESET ROLE") // where SET is not undone by ROLLBACK
	if r := s.any(ctx, "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = '"+l.role+"'"); r.ok() && s.doubt == nil && len(r.rows) == 0 {
		l.made = ""
	}
	switch seen {
	case "1":
		return verdict(true, enforced, "a second role saw 1 of 2 rows")
	case "2":
		return verdict(false, ignored, "a second role saw 2 of 2 rows")
	}
	return verdict(false, "other", "a second role saw "+seen+" of 2 rows")
}

// askTriggers: what a trigger wrote is looked for in the same transaction and
// in the next.
func askTriggers(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx,
		"CREATE TABLE "+in("p20")+" (n integer)",
		"CREATE TABLE "+in("p20_log")+" (what text)")
	if r := s.try(ctx, "CREATE FUNCTION "+in("p20_write()")+" RETURNS trigger LANGUAGE plpgsql AS "+
		"'BEGIN INSERT INTO "+in("p20_log")+" VALUES (TG_ARGV[0]); RETURN NULL; END'"); !r.ok() {
		return verdict(false, "none", r.said())
	}
	values := map[string]string{}
	for _, level := range []string{"row", "statement"} {
		sql := fmt.Sprintf("CREATE TRIGGER p20_%[1]s AFTER INSERT ON %[2]s FOR EACH %[1]s EXECUTE FUNCTION %[3]s('%[1]s')", level, in("p20"), in("p20_write"))
		if r := s.try(ctx, sql); !r.ok() {
			values[level] = refused
		}
	}
	s.must(ctx, "BEGIN", "INSERT INTO "+in("p20")+" VALUES (1), (2)")
	count := func(level string) string {
		return s.must(ctx, "SELECT count(*) FROM "+in("p20_log")+" WHERE what = '"+level+"'").value()
	}
	during := map[string]string{"row": count("row"), "statement": count("statement")}
	s.must(ctx, "COMMIT")
	for level, want := range map[string]string{"row": "2", "statement": "1"} {
		after := count(level)
		switch {
		case values[level] == refused:
		case during[level] == want && after == want:
			values[level] = works
		case during[level] == "0" && after == want:
			values[level] = "later"
		case after == "0":
			values[level] = "not seen"
		default:
			values[level] = after + " times"
		}
	}
	evidence := listed(values, "row", "statement")
	switch {
	case all(values, works, "row", "statement"):
		return verdict(true, "synchronous", evidence).with(values)
	case values["row"] == works:
		return verdict(false, "row-level", evidence).with(values)
	case values["row"] == "later" || values["row"] == "not seen":
		return verdict(false, "asynchronous", evidence).with(values)
	}
	return verdict(false, "other", evidence).with(values)
}

// askIdentityColumns: each form by itself, by what it does.
func askIdentityColumns(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}

	if r := s.try(ctx, "CREATE TABLE "+in("p21_start")+" (id integer GENERATED BY DEFAULT AS IDENTITY (START WITH 100), v integer)"); r.ok() {
		s.must(ctx, "INSERT INTO "+in("p21_start")+" (v) VALUES (1)")
		values["start"] = lost
		if s.must(ctx, "SELECT id FROM "+in("p21_start")).value() == "100" {
			values["start"] = kept
		}
	} else {
		values["start"] = refused
	}

	if r := s.try(ctx, "CREATE TABLE "+in("p21_always")+" (id integer GENERATED ALWAYS AS IDENTITY, v integer)"); r.ok() {
		values["always"] = lost
		if s.try(ctx, "INSERT INTO "+in("p21_always")+" (id, v) VALUES (7, 1)").code() == pgerrcode.GeneratedAlways {
			values["always"] = kept
		}
		values["copy-into-always"] = lost
		if c := s.copyIn(ctx, "COPY "+in("p21_always")+" (id, v) FROM STDIN", "8\t2\n"); c.ok() &&
			s.must(ctx, "SELECT id FROM "+in("p21_always")+" WHERE v = 2").value() == "8" {
			values["copy-into-always"] = kept
		}
	} else {
		values["always"], values["copy-into-always"] = refused, refused
	}

	s.must(ctx, "CREATE TABLE "+in("p21_alter")+" (id integer NOT NULL, v integer)")
	values["alter"] = refused
	if s.try(ctx, "ALTER TABLE "+in("p21_alter")+" ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY").ok() {
		values["alter"] = lost
		if s.try(ctx, "INSERT INTO "+in("p21_alter")+" (v) VALUES (1)").ok() {
			values["alter"] = kept
		}
	}

	s.must(ctx, "CREATE SEQUENCE "+in("p21_seq"))
	values["restart"] = refused
	if s.try(ctx, "ALTER SEQUENCE "+in("p21_seq")+" RESTART WITH 50").ok() {
		values["restart"] = ignored
		if s.must(ctx, "SELECT nextval('"+in("p21_seq")+"')").value() == "50" {
			values["restart"] = kept
		}
	}
	values["setval"] = lost
	if s.try(ctx, "SELECT setval('"+in("p21_seq")+"', 70, true)").ok() && s.must(ctx, "SELECT nextval('"+in("p21_seq")+"')").value() == "71" {
		values["setval"] = kept
	}

	evidence := listed(values, "start", "always", "copy-into-always", "alter", "restart", "setval")
	switch {
	case all(values, kept, "start", "always", "copy-into-always", "alter", "restart", "setval"):
		return verdict(true, "full", evidence).with(values)
	case values["start"] == refused && values["always"] == refused:
		return verdict(false, "none", evidence).with(values)
	}
	return verdict(false, "partial", evidence).with(values)
}

// askReplicaRole: a trigger that raises, and a row that passes it.
func askReplicaRole(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx, "CREATE TABLE "+in("p24")+" (n integer)")
	if r := s.try(ctx, "CREATE FUNCTION "+in("p24_raise()")+" RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''p24 fired''; END'"); !r.ok() {
		return doubtful("", "no trigger to try: "+r.said())
	}
	if r := s.try(ctx, "CREATE TRIGGER p24_t BEFORE INSERT ON "+in("p24")+" FOR EACH ROW EXECUTE FUNCTION "+in("p24_raise()")); !r.ok() {
		return doubtful("", "no trigger to try: "+r.said())
	}
	if s.try(ctx, "INSERT INTO "+in("p24")+" VALUES (0)").ok() {
		return doubtful("", "the trigger does not fire at all")
	}
	values := map[string]string{}
	off := func(key, sql, undo string) {
		if r := s.try(ctx, sql); !r.ok() {
			values[key] = refused
			return
		}
		values[key] = ignored
		if s.try(ctx, "INSERT INTO "+in("p24")+" VALUES (1)").ok() {
			values[key] = works
		}
		s.any(ctx, undo)
	}
	off("replica", "SET session_replication_role = replica", "SET session_replication_role = origin")
	off("disable", "ALTER TABLE "+in("p24")+" DISABLE TRIGGER p24_t", "ALTER TABLE "+in("p24")+" ENABLE TRIGGER p24_t")
	return verdict(values["replica"] == works, values["replica"], listed(values, "replica", "disable")).with(values)
}

// askHNSW: without a vector type there is nothing to say of HNSW, and the probe
// stays in doubt whatever unique builds do.
func askHNSW(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}
	for _, c := range []struct{ key, how string }{{"unique", ""}, {"concurrently", "CONCURRENTLY "}} {
		name := "p25_" + c.key
		s.must(ctx, "CREATE TABLE "+in(name)+" (n integer)", "INSERT INTO "+in(name)+" VALUES (1), (1)")
		r := s.try(ctx, "CREATE UNIQUE INDEX "+c.how+name+"_index ON "+in(name)+" (n)")
		switch {
		case r.code() == pgerrcode.UniqueViolation:
			values[c.key] = refused
		case r.ok():
			values[c.key] = "accepted"
		default:
			values[c.key] = "error " + r.code()
		}
	}
	table := in("p25")
	typed := s.try(ctx, "CREATE TABLE "+table+" (n integer, v vector(3))")
	if !typed.ok() || columnType(ctx, s, "p25") != "vector" {
		values["hnsw"] = "no vector type"
		evidence := listed(values, "hnsw", "unique", "concurrently")
		if values["unique"] == "accepted" || values["concurrently"] == "accepted" {
			return verdict(false, "asynchronous", evidence).with(values)
		}
		return doubtful("no-vector", evidence).with(values)
	}
	s.must(ctx, "INSERT INTO "+table+" SELECT i, ('[' || i || ',' || i || ',1]')::vector FROM generate_series(1, 200) AS i")
	values["hnsw"] = works
	if r := s.try(ctx, "CREATE INDEX p25_hnsw ON "+table+" USING hnsw (v vector_l2_ops)"); !r.ok() {
		values["hnsw"] = refused
	} else if s.must(ctx, "SELECT n FROM "+table+" ORDER BY v <-> '[42,42,1]' LIMIT 1").value() != "42" {
		values["hnsw"] = "wrong"
	}
	evidence := listed(values, "hnsw", "unique", "concurrently")
	switch {
	case values["unique"] == "accepted" || values["concurrently"] == "accepted":
		return verdict(false, "asynchronous", evidence).with(values)
	case values["hnsw"] != works:
		return verdict(false, "hnsw-"+values["hnsw"], evidence).with(values)
	}
	return verdict(all(values, refused, "unique", "concurrently"), works, evidence).with(values)
}
