package ddlgen

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// N17: of everything that hangs on tables, and of all that is said about
// objects, there is a definition; together they make what the source has.
func TestHangingDefinitionsMakeWhatTheyTell(t *testing.T) {
	t.Parallel()
	const objects = functionsOfTriggers + `
		CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN d AS integer CONSTRAINT over CHECK (VALUE > 0);
		CREATE TABLE t (id serial PRIMARY KEY, "Odd c" text, CONSTRAINT named CHECK (id > 0));
		CREATE VIEW v AS SELECT id FROM t;
		CREATE FUNCTION g(integer, VARIADIC text[]) RETURNS integer LANGUAGE sql AS 'SELECT 1';
		CREATE AGGREGATE agg(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
		CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq);
		CREATE TABLE p (id integer) PARTITION BY LIST (id);
		CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);`
	const hung = `
		CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
		ALTER TABLE t ENABLE ALWAYS TRIGGER a;
		CREATE TRIGGER rooted AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
		ALTER TABLE p1 DISABLE TRIGGER rooted;
		CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION watched();
		ALTER EVENT TRIGGER watch DISABLE;
		CREATE RULE ru AS ON DELETE TO t DO INSTEAD NOTHING;
		ALTER TABLE t DISABLE RULE ru;
		ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
		CREATE POLICY po ON t AS RESTRICTIVE FOR UPDATE TO pg_monitor USING (id > 1) WITH CHECK (id < 9);
		GRANT SELECT, INSERT ON t TO pg_monitor WITH GRANT OPTION;
		GRANT UPDATE ("Odd c") ON t TO PUBLIC;
		REVOKE EXECUTE ON FUNCTION g FROM PUBLIC;
		GRANT EXECUTE ON FUNCTION agg() TO pg_monitor;
		REVOKE USAGE ON TYPE mood FROM PUBLIC;
		GRANT CREATE ON SCHEMA public TO pg_monitor;
		ALTER TABLE t OWNER TO pg_monitor;
		ALTER OPERATOR === (integer, integer) OWNER TO pg_monitor;
		ALTER DEFAULT PRIVILEGES FOR ROLE pg_monitor IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
		COMMENT ON COLUMN t."Odd c" IS 'it''s a column'; COMMENT ON TRIGGER a ON t IS 'a trigger'; COMMENT ON CONSTRAINT named ON t IS 'a check';
		COMMENT ON CONSTRAINT over ON DOMAIN d IS 'of a domain'; COMMENT ON VIEW v IS 'a view'; COMMENT ON FUNCTION g IS 'a function';
		COMMENT ON AGGREGATE agg(*) IS 'an aggregate'; COMMENT ON OPERATOR === (integer, integer) IS 'an operator'; COMMENT ON EVENT TRIGGER watch IS 'e';
		COMMENT ON POLICY po ON t IS 'a policy'; COMMENT ON RULE ru ON t IS 'a rule'; COMMENT ON TYPE mood IS 'a type';`
	server := serverOf(t, goldenMajor)
	source, target := server.Database(t), server.Database(t)
	source.Exec(t, objects+hung)
	source.Exec(t, "ALTER DATABASE "+source.Name+" SET search_path = public, \"Odd %s\"; ALTER DATABASE "+source.Name+" SET application_name = 'it''s 100%I';"+
		"ALTER DATABASE "+source.Name+" SET app.key = 'secret'; ALTER ROLE CURRENT_USER IN DATABASE "+source.Name+" SET work_mem = '5MB'; GRANT CREATE ON DATABASE "+source.Name+" TO pg_monitor")
	db := load(t, source.Conn(t))
	defs := HangingDefinitions(db)
	hanging(db, func(o finding.Object) {
		if o.Kind != "owner of sequence" { // which goes with its table
			require.NotEmpty(t, defs[o], o.String())
		}
	})
	for _, c := range db.Comments {
		require.NotEmpty(t, defs[commentObject(c)], c)
	}

	target.Exec(t, objects)
	conn := target.Conn(t)
	rank := func(o finding.Object) int { // owners first, as what follows is theirs
		switch {
		case o.Kind == "comment on event trigger":
			return 4
		case o.Kind == "event trigger":
			return 3
		case strings.HasPrefix(o.Kind, "comment on "):
			return 2
		case strings.HasPrefix(o.Kind, "owner of "):
			return 0
		}
		return 1
	}
	for turn := range 5 {
		for o, sql := range defs {
			for _, s := range sql {
				if rank(o) != turn {
					continue
				}
				require.NotContains(t, s, "secret")
				_, err := conn.Exec(t.Context(), s)
				require.NoError(t, err, s)
			}
		}
	}
	back := load(t, conn)
	for _, x := range [][2]any{
		{db.Triggers, back.Triggers},
		{db.EventTriggers, back.EventTriggers},
		{db.Rules, back.Rules},
		{db.Policies, back.Policies},
		{db.Tables, back.Tables},
		{db.DefaultPrivileges, back.DefaultPrivileges},
		{db.Comments, back.Comments},
		{db.Owners, back.Owners},
	} {
		require.Empty(t, cmp.Diff(x[0], x[1]))
	}
	require.Len(t, back.Grants, len(db.Grants))
	require.Len(t, back.Settings, len(db.Settings)-1, "but for the value that was not read")
	require.Equal(t, "it's 100%I", back.Settings[0].Value)
}
