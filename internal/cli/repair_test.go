package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// repaired is a database with what a repair can go wrong at.
const repaired = `
	CREATE TABLE parents (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE);
	CREATE TABLE children (id bigint PRIMARY KEY, parent int NOT NULL REFERENCES parents (id) ON DELETE CASCADE, twice bigint GENERATED ALWAYS AS (id * 2) STORED);
	CREATE TABLE kinds (id uuid PRIMARY KEY, b bytea, j jsonb, js json, ia int[], ta text[], n numeric, f float8, r real, ts timestamptz, i interval, bo boolean, c char(4), t text, ip inet, rng int4range);
	CREATE TABLE words (w text, n smallint, v text, PRIMARY KEY (w, n));
	CREATE TABLE days (at timestamptz PRIMARY KEY, v numeric);
	CREATE TABLE bag (a int, t text);
	CREATE TABLE large (id int PRIMARY KEY, t text);
	INSERT INTO parents (name) SELECT 'p' || i FROM generate_series(1, 300) i;
	INSERT INTO children SELECT i, 1 + i % 300 FROM generate_series(1, 2000) i;
	INSERT INTO kinds SELECT md5(i::text)::uuid, decode(lpad(to_hex(i), 8, '0'), 'hex'), jsonb_build_object('a', i, 'b', E'q"\\''' || i), '{"k":  1}', ARRAY[i, NULL], ARRAY['x y', NULL, E'\\"', i::text],
		i / 7.0, i / 3.0, i / 3.0, '2020-01-01'::timestamptz + i * '1.000001 s'::interval, make_interval(months => i, secs => i / 9.0), i % 2 = 0, 'c' || i % 100, E'tab\t nl\n \\ '' ' || i, '10.0.0.1', int4range(i, NULL)
		FROM generate_series(1, 900) i;
	INSERT INTO words SELECT E'it''s \\ "' || i % 50 || E'"\n', i / 50, 'v' FROM generate_series(1, 1500) i;
	INSERT INTO words VALUES ('', 0, ''), (E'\t', 1, NULL), ('NULL', 1, '\N');
	INSERT INTO days SELECT '2021-03-04'::timestamptz + i * '1.7 s'::interval, i FROM generate_series(1, 700) i;
	INSERT INTO bag SELECT i % 10, NULLIF('t' || i % 7, 't3') FROM generate_series(1, 500) i;
	INSERT INTO large VALUES (1, repeat('x', 300000)), (2, repeat('y', 70)), (3, repeat('z', 3000000));`

var repairedTables = []string{"parents", "children", "kinds", "words", "days", "bag", "large"}

// damage is what becomes of the target: rows that are missing and changed, and
// apart from them those that are too many.
const damage = `
	DELETE FROM children WHERE id IN (5, 6, 7) OR parent IN (10, 11); DELETE FROM parents WHERE id IN (10, 11);
	UPDATE parents SET name = NULL WHERE id = 20; UPDATE children SET parent = 30 WHERE id = 100;
	UPDATE kinds SET b = b || '\x00', j = j || '{"z": 1}' WHERE id = md5('1')::uuid;
	UPDATE kinds SET js = '{"k": 1}', ia = '{1,2}', ta = NULL, n = n + 1, f = -f, r = 'NaN', ts = ts + '1 us' WHERE id = md5('2')::uuid;
	UPDATE kinds SET i = NULL, bo = NOT bo, c = 'zz', t = '', ip = NULL, rng = 'empty' WHERE id = md5('3')::uuid; DELETE FROM kinds WHERE id = md5('4')::uuid;
	UPDATE words SET v = NULL WHERE w = '' AND n = 0; UPDATE words SET v = '' WHERE w = E'\t'; DELETE FROM words WHERE w = 'NULL' OR w = E'it''s \\ "7"\n' AND n = 3;
	UPDATE days SET v = v + 0.1 WHERE v = 33; DELETE FROM days WHERE v = 34;
	DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE a = 1 LIMIT 2);
	UPDATE large SET t = t || 'x' WHERE id = 1; DELETE FROM large WHERE id = 3;`

const tooMany = `
	INSERT INTO parents (id, name) OVERRIDING SYSTEM VALUE VALUES (900, 'extra'); INSERT INTO children VALUES (9000, 900), (9001, 1);
	UPDATE children SET parent = 900 WHERE id = 200;
	INSERT INTO kinds (id) VALUES (md5('x')::uuid); INSERT INTO words VALUES (E'\\''"\n', 9, 'x'); INSERT INTO days VALUES ('1999-01-01 00:00:00.5+00', 1);
	INSERT INTO bag VALUES (2, 't2'), (2, 't2'), (77, NULL);`

// places are where all rows stand: what is written moves.
func places(t *testing.T, db *pgtest.DB) string {
	t.Helper()
	var all []string
	for _, table := range repairedTables {
		all = append(all, fmt.Sprintf("SELECT '%[1]s' t, string_agg(ctid::text || xmin, ',' ORDER BY ctid) p FROM %[1]s", table))
	}
	return db.QueryString(t, "SELECT md5(string_agg(t || p, ';' ORDER BY t)) FROM ("+strings.Join(all, " UNION ALL ")+") x")
}

// written are the rows of each table that were written since a transaction.
func written(t *testing.T, db *pgtest.DB, since string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, table := range repairedTables {
		out[table] = db.QueryString(t, fmt.Sprintf("SELECT count(*) FROM %s WHERE xmin::text::bigint > %s", table, since))
	}
	return out
}

// Y15: a repair prints its statements first, writes the rows that differ and no
// others, in whole values, deletes only where it is told to, and verifies again.
func TestY15RepairWritesOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	b := setup(t, repaired)
	b.ok(t, "clone", "--profile", "postgres")
	b.target.Exec(t, damage)
	b.target.Exec(t, tooMany)
	before, source := places(t, b.target), places(t, b.source)

	r := b.run(t, "repair", "--profile", "postgres", "--delete")
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Equal(t, before, places(t, b.target), "a dry run wrote")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.run"))
	require.Contains(t, r.out, `INSERT INTO "public"."parents" ("id", "name") OVERRIDING SYSTEM VALUE VALUES ('10', 'p10'), ('11', 'p11');`)
	require.Contains(t, r.out, `UPDATE ONLY "public"."parents" SET "name" = 'p20' WHERE "id" = '20';`)
	require.Contains(t, r.out, `UPDATE ONLY "public"."words" SET "v" = '' WHERE "w" = '' AND "n" = '0';`)
	require.Contains(t, r.out, `DELETE FROM ONLY "public"."words" WHERE "w" = E'\\''"\n' AND "n" = '9';`)
	require.Contains(t, r.out, `x…' /* the begin of 300000 bytes */ WHERE "id" = '1';`)
	require.Contains(t, r.out, "AND ctid = ANY (")
	require.Less(t, strings.Index(r.out, `DELETE FROM ONLY "public"."children"`), strings.Index(r.out, `DELETE FROM ONLY "public"."parents"`))
	require.Less(t, len(r.out), 200_000, "long values are printed whole")
	require.Contains(t, r.last(), "would be")

	// Without --delete what is too many stays, and is still a difference.
	mark := b.target.QueryString(t, "SELECT pg_current_xact_id()")
	r = b.run(t, "repair", "--profile", "postgres", "--execute")
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "9 rows on the target alone")
	require.Equal(t, map[string]string{"parents": "3", "children": "19", "kinds": "4", "words": "4", "days": "2", "bag": "2", "large": "2"}, written(t, b.target, mark))
	mark = b.target.QueryString(t, "SELECT pg_current_xact_id()")
	r = b.ok(t, "repair", "--profile", "postgres", "--execute", "--delete")
	require.Contains(t, r.last(), "repaired: 0 rows inserted, 0 rows updated, 9 rows deleted; verified again: 7 tables as on the source")
	for table, n := range written(t, b.target, mark) {
		require.Equal(t, "0", n, table)
	}
	b.same(t, repairedTables...)

	// All at once: the row that refers to one that is deleted is changed before.
	b.target.Exec(t, tooMany)
	b.target.Exec(t, damage)
	b.ok(t, "repair", "--profile", "postgres", "--execute", "--delete")
	b.same(t, repairedTables...)
	b.ok(t, "verify", "--profile", "postgres", "--level", "deep")
	require.Contains(t, b.ok(t, "repair", "--profile", "postgres", "--execute").last(), "nothing to repair")
	require.Equal(t, "clone 0", b.target.QueryString(t, "SELECT string_agg(command, ' ') || ' ' || (SELECT count(*) FROM _pg2db9.part p WHERE NOT EXISTS (SELECT FROM _pg2db9.run r WHERE r.run = p.run)) FROM _pg2db9.run"))
	require.Equal(t, source, places(t, b.source), "the source was written to")
}

// Triggers are kept silent or the table is left alone; a repair does not begin
// beside another run, nor where one has not come to its end; and what the target
// refuses is named, and still a difference.
func TestY15RepairThatMayNotWrite(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE kept (id int PRIMARY KEY, v text); CREATE TABLE heard (id int PRIMARY KEY, v text); CREATE TABLE audit (id int, what text);
		CREATE TABLE up (id int PRIMARY KEY); CREATE TABLE down (id int PRIMARY KEY, up int REFERENCES up ON DELETE CASCADE); INSERT INTO up VALUES (1); INSERT INTO down VALUES (1, 1);
		CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE);
		CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.audit VALUES (NEW.id, TG_TABLE_NAME); RETURN NEW; END $$;
		INSERT INTO kept VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO heard VALUES (1, 'a'), (2, 'b');
		CREATE TRIGGER t BEFORE INSERT OR UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION hear();`)
	b.ok(t, "clone", "--profile", "postgres")
	b.target.Exec(t, `CREATE TRIGGER t BEFORE INSERT OR UPDATE ON heard FOR EACH ROW EXECUTE FUNCTION hear(); ALTER TABLE heard ENABLE ALWAYS TRIGGER t;
		SET session_replication_role = replica; UPDATE kept SET v = 'x' WHERE id = 1; DELETE FROM kept WHERE id = 2; DELETE FROM heard WHERE id = 1`)
	args := []string{"--profile", "postgres", "--execute"}

	b.target.Exec(t, `UPDATE _pg2db9.run SET lease = now() + interval '1 hour', owner = 'somebody'`)
	r := b.run(t, "repair", args...)
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.last(), "is being worked on by somebody")
	b.target.Exec(t, `UPDATE _pg2db9.run SET lease = NULL, state = 'loading'`)
	r = b.run(t, "repair", args...)
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.last(), "has not come to the end of public.")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.run"))
	b.target.Exec(t, `UPDATE _pg2db9.run SET state = 'done'`)
	require.Equal(t, "2 1", b.target.QueryString(t, "SELECT (SELECT count(*) FROM kept) || ' ' || (SELECT count(*) FROM heard)"))

	r = b.run(t, "repair", args...)
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "1 row of public.heard not repaired (trigger t would act")
	b.same(t, "kept", "audit")
	r = b.run(t, "repair", append(args, "--allow-triggers", "nothing")...)
	require.Equal(t, Usage, r.code, r.err)
	r = b.run(t, "repair", append(args, "--allow-triggers", "heard")...)
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "public.audit (1 row extra", "what the trigger wrote")
	b.same(t, "heard")
	require.Equal(t, "1 heard", b.target.QueryString(t, "SELECT id || ' ' || what FROM audit"))

	b.target.Exec(t, `DELETE FROM audit; ALTER TABLE heard DISABLE TRIGGER t; DELETE FROM heard; ALTER TABLE heard ADD CHECK (id <> 2)`)
	r = b.run(t, "repair", args...)
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "1 row inserted")
	require.Contains(t, r.last(), "1 row of public.heard not repaired (the target refuses:")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT string_agg(id::text, ',') FROM heard"))
	require.Equal(t, Usage, b.run(t, "repair", append(args, "--dry-run")...).code)

	// A row that is deleted takes none with it that the source has.
	b.target.Exec(t, `INSERT INTO up VALUES (2); UPDATE down SET up = 2; INSERT INTO tree VALUES (10, NULL), (12, 10), (11, 12);
		CREATE TRIGGER t BEFORE INSERT OR UPDATE ON down FOR EACH ROW EXECUTE FUNCTION hear(); ALTER TABLE down ENABLE ALWAYS TRIGGER t`)
	args = append(args, "--delete", "--include-table", "up", "--include-table", "tree")
	r = b.run(t, "repair", args...)
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "a foreign key of public.down, which is not among the tables that are compared")
	b.same(t, "tree")
	args = append(args, "--include-table", "down")
	r = b.run(t, "repair", args...)
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "a foreign key of public.down would change rows there that are not repaired")
	require.Equal(t, "1 2", b.target.QueryString(t, "SELECT id || ' ' || up FROM down"))
	b.target.Exec(t, "DROP TRIGGER t ON down")
	b.ok(t, "repair", args...)
	b.same(t, "up", "down", "tree")
}

// Through a target with DB9's documented worst side rows are repaired by key; a
// copy that is too many, of a table without a key, is refused and named.
func TestY15RepairThroughStandIn(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE k (id bigint PRIMARY KEY, n numeric(10,3), ts timestamptz, j jsonb, ta text[], b bytea, t text);
		CREATE TABLE pair (a text, b timestamptz, v int, PRIMARY KEY (a, b)); CREATE TABLE bag (a int, t text);
		INSERT INTO k SELECT i, i / 8.0, '2020-01-01'::timestamptz + i * '1.000001 s'::interval, jsonb_build_object('a', i / 4.0), ARRAY['x', i::text], decode(lpad(to_hex(i), 8, '0'), 'hex'), E'\\ '' ' || i FROM generate_series(1, 600) i;
		INSERT INTO pair SELECT 'a' || i % 5, '2020-01-01'::timestamptz + i * '1.000777 s'::interval, i FROM generate_series(1, 100) i;
		INSERT INTO bag SELECT i % 5, 'x' FROM generate_series(1, 50) i;`)
	sim, db := standIn(t)
	args := []string{"--source", withPassword(b.source.URL), "--target", sim.URL(), "--probe", "never"}
	r := run(t, append([]string{"clone"}, args...)...)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	db.Exec(t, `UPDATE k SET n = n + 0.001, ts = ts + '1 ms', j = '{}', b = '\x00', t = NULL WHERE id IN (3, 500); DELETE FROM k WHERE id IN (4, 5); INSERT INTO k (id) VALUES (-1);
		UPDATE pair SET v = 0 WHERE v = 7; DELETE FROM pair WHERE v = 8; INSERT INTO pair VALUES ('a', '2019-01-01', 1);
		DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE a = 1 LIMIT 1); INSERT INTO bag VALUES (2, 'x')`)
	list := filepath.Join(t.TempDir(), "r.json")
	r = run(t, append([]string{"repair", "--execute", "--delete", "--report", list}, args...)...)
	require.Equal(t, Differences, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "public.bag not repaired (it has no key")
	require.Contains(t, r.last(), "repaired: 3 rows inserted, 3 rows updated, 2 rows deleted")
	db.Exec(t, `DELETE FROM bag WHERE ctid IN (SELECT ctid FROM bag WHERE a = 2 LIMIT 1)`)
	r = run(t, append([]string{"repair", "--execute", "--delete"}, args...)...)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.last(), "repaired: 1 row inserted")
}
