package damage

// form is a value whose row {k} is written otherwise on the target, and is the same.
func form(name, typ, value, otherwise string) Case {
	c := typed(name, typ, value, otherwise)
	c.Rows = nil
	return c
}

// storageForms are the same rows kept otherwise.
func storageForms() []Case {
	kept := func(name, damage string) Case { return Case{Name: name, Setup: pairs, Damage: damage} }
	const wide = "CREATE TABLE {t} (id integer PRIMARY KEY, v text); INSERT INTO {t} SELECT i, repeat(md5(i::text), 400) FROM generate_series(1, 40) i"
	return []Case{
		kept("rows in another order", "CREATE TABLE {t}_h AS SELECT * FROM {t}; TRUNCATE {t}; INSERT INTO {t} SELECT * FROM {t}_h ORDER BY id DESC; DROP TABLE {t}_h"),
		kept("rows sorted by another index", "CREATE INDEX {t}_h ON {t} (b DESC); CLUSTER {t} USING {t}_h"),
		kept("dead rows", "UPDATE {t} SET a = a; UPDATE {t} SET b = b WHERE id > 10; DELETE FROM {t} WHERE id = {k}; INSERT INTO {t} VALUES ({k}, 'a{k}', 'b{k}')"),
		kept("other fillfactor", "ALTER TABLE {t} SET (fillfactor = 20); CLUSTER {t} USING {t}_pkey"),
		kept("dropped columns", "ALTER TABLE {t} ADD x integer DEFAULT 7, ADD y text; ALTER TABLE {t} DROP x, DROP y; UPDATE {t} SET a = a"),
		kept("rewritten table", "ALTER TABLE {t} ALTER a TYPE text USING a || ''"),
		kept("index built anew", "REINDEX TABLE {t}"),
		kept("index too many", "CREATE INDEX {t}_h ON {t} (a, b)"),
		kept("statistics", "ANALYZE {t}; ALTER TABLE {t} ALTER a SET STATISTICS 1000"),
		kept("comment", "COMMENT ON TABLE {t} IS 'other'"),
		kept("autovacuum settings", "ALTER TABLE {t} SET (autovacuum_enabled = off)"),
		{Name: "values kept out of line", Setup: wide, Damage: "ALTER TABLE {t} ALTER v SET STORAGE EXTERNAL; UPDATE {t} SET v = v || ''"},
		{Name: "values kept in line", Setup: wide, Damage: "ALTER TABLE {t} ALTER v SET STORAGE MAIN; UPDATE {t} SET v = v || ''"},
		{Name: "other compression", Setup: wide, Damage: "ALTER TABLE {t} ALTER v SET COMPRESSION lz4; UPDATE {t} SET v = v || ''"},
		{Name: "unlogged table", Setup: pairs, Damage: "ALTER TABLE {t} SET UNLOGGED"},
		{Name: "multiset in another order", Setup: "CREATE TABLE {t} (a integer); INSERT INTO {t} SELECT i / 2 FROM generate_series(1, 40) i", Damage: "CREATE TABLE {t}_h AS SELECT * FROM {t} ORDER BY a DESC; TRUNCATE {t}; INSERT INTO {t} SELECT * FROM {t}_h; DROP TABLE {t}_h"},
		{
			Name: "cache of a sequence", Setup: "CREATE TABLE {t} (id serial PRIMARY KEY, v text); INSERT INTO {t} (v) SELECT 'v' FROM generate_series(1, 40)",
			Damage: "ALTER SEQUENCE {t}_id_seq CACHE 50", Sequence: "_id_seq",
		},
	}
}

// layoutForms are the same rows in tables laid out otherwise.
func layoutForms() []Case {
	return []Case{
		{Name: "columns in another order", Setup: pairs, Damage: "ALTER TABLE {t} RENAME a TO x; ALTER TABLE {t} RENAME b TO a; ALTER TABLE {t} RENAME x TO b; UPDATE {t} SET a = b, b = a"},
		{
			Name: "partitions", Setup: `CREATE TABLE {t} (id integer, v text) PARTITION BY RANGE (id); CREATE TABLE {t}_a PARTITION OF {t} FOR VALUES FROM (0) TO (21);
				CREATE TABLE {t}_b PARTITION OF {t} FOR VALUES FROM (21) TO (100) PARTITION BY LIST (v); CREATE TABLE {t}_c PARTITION OF {t}_b DEFAULT; INSERT INTO {t} SELECT i, 'v' || i FROM generate_series(1, 40) i`,
			Damage: "UPDATE {t} SET v = v",
		},
		{Name: "inheritance", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, v text); CREATE TABLE {t}_child (x integer) INHERITS ({t}); INSERT INTO {t} VALUES (1, 'a'); INSERT INTO {t}_child VALUES (2, 'b', 3)", Damage: "UPDATE {t} SET v = v"},
		{
			Name: "collation of a text key", Setup: "CREATE TABLE {t} (id text PRIMARY KEY, v integer); INSERT INTO {t} SELECT x, 1 FROM unnest(ARRAY['a', 'B', 'ä', 'Z', '_', 'é', '10', '9', 'a-b', 'ab', '']) x",
			Damage: `ALTER TABLE {t} ALTER id TYPE text COLLATE "C"`,
		},
		{Name: "collation of the rows", Setup: "CREATE TABLE {t} (a text, b text); INSERT INTO {t} SELECT 'ä' || i % 5, 'B' FROM generate_series(1, 40) i", Damage: `ALTER TABLE {t} ALTER a TYPE text COLLATE "C"`},
		{
			Name: "collation that ignores case", Setup: `CREATE COLLATION {t}_c (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
				CREATE TABLE {t} (id text COLLATE {t}_c PRIMARY KEY, v integer); INSERT INTO {t} SELECT 'Key' || i, i FROM generate_series(1, 40) i`,
			Damage: "UPDATE {t} SET v = v", Only: Postgres, Why: noSuchThing,
		},
		{Name: "odd names", Setup: `CREATE TABLE {t} ("The Key" integer PRIMARY KEY, "a ""b"" | c" text, "select" text); INSERT INTO {t} VALUES (1, 'x', 'y')`, Damage: "UPDATE {t} SET \"select\" = 'y'"},
		{Name: "no columns", Setup: "CREATE TABLE {t} (); INSERT INTO {t} DEFAULT VALUES; INSERT INTO {t} DEFAULT VALUES", Damage: "SELECT 1", Only: Postgres, Why: "a row without columns cannot be read back from a DB9 by COPY"},
		{Name: "no rows", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY)", Damage: "INSERT INTO {t} VALUES (1); DELETE FROM {t}"},
		{
			Name: "check in other words", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, v varchar(10), CONSTRAINT {t}_c CHECK (v IN ('x', 'y') AND (id > 0 OR v IS NULL)))",
			Damage: "ALTER TABLE {t} DROP CONSTRAINT {t}_c; ALTER TABLE {t} ADD CONSTRAINT {t}_c CHECK (((v)::text = ANY (ARRAY['x'::text, 'y'::text])) AND (id > 0 OR v IS NULL))",
		},
		{
			Name: "view in other words", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, v integer); INSERT INTO {t} VALUES (1, 2); CREATE VIEW {t}_v AS SELECT id, v FROM {t} WHERE v > 0",
			Damage: "CREATE OR REPLACE VIEW {t}_v AS SELECT {t}.id AS id, public.{t}.v FROM public.{t} WHERE ((({t}.v)) > 0)", View: "_v",
		},
	}
}
