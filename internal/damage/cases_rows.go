package damage

// rowCases are damages of whole rows, and values that went astray.
func rowCases() []Case {
	changed := func(name, damage string, rows ...string) Case {
		return Case{Name: name, Setup: pairs, Damage: damage, Rows: rows}
	}
	return []Case{
		changed("missing row", "DELETE FROM {t} WHERE id = {k}", "missing id={k}"),
		changed("missing first row", "DELETE FROM {t} WHERE id = 1", "missing id=1"),
		changed("missing last row", "DELETE FROM {t} WHERE id = 40", "missing id=40"),
		changed("extra row", "INSERT INTO {t} VALUES (41, 'a41', 'b41')", "extra id=41"),
		changed("extra row before the first", "INSERT INTO {t} VALUES (-1, 'a', 'b')", "extra id=-1"),
		changed("changed value", "UPDATE {t} SET a = 'other' WHERE id = {k}", "changed id={k}: a"),
		changed("changed values in one row", "UPDATE {t} SET a = 'other', b = 'another' WHERE id = {k}", "changed id={k}: a, b"),
		changed("NULL for a value", "UPDATE {t} SET a = NULL WHERE id = {k}", "changed id={k}: a"),
		changed("values swapped between rows", "UPDATE {t} SET a = CASE id WHEN {k} THEN 'a{l}' ELSE 'a{k}' END WHERE id IN ({k}, {l})",
			"changed id={k}: a", "changed id={l}: a"),
		changed("values swapped between columns", "UPDATE {t} SET a = b, b = a WHERE id = {k}", "changed id={k}: a, b"),
		changed("values of three rows moved on", "UPDATE {t} SET a = CASE id WHEN {k} THEN 'a{l}' WHEN {l} THEN 'a{m}' ELSE 'a{k}' END WHERE id IN ({k}, {l}, {m})",
			"changed id={k}: a", "changed id={l}: a", "changed id={m}: a"),
		changed("changed key", "UPDATE {t} SET id = 100 WHERE id = {k}", "extra id=100", "missing id={k}"),
		changed("swapped keys", "UPDATE {t} SET id = -id WHERE id IN ({k}, {l}); UPDATE {t} SET id = CASE id WHEN -{k} THEN {l} ELSE {k} END WHERE id < 0",
			"changed id={k}: a, b", "changed id={l}: a, b"),
		changed("a row in place of another", "DELETE FROM {t} WHERE id = {k}; INSERT INTO {t} VALUES (50, 'a{k}', 'b{k}')", "extra id=50", "missing id={k}"),
		{
			Name: "two changes that cancel in a sum", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, n bigint); INSERT INTO {t} SELECT i, i * 10 FROM generate_series(1, 40) i",
			Damage: "UPDATE {t} SET n = n + CASE id WHEN {k} THEN 5 ELSE -5 END WHERE id IN ({k}, {l})",
			Rows:   []string{"changed id={k}: n", "changed id={l}: n"},
		},
		{
			Name: "last rows of a part lost", Setup: "CREATE TABLE {t} (id bigint PRIMARY KEY, v text); INSERT INTO {t} SELECT i, repeat('x', 100) || i FROM generate_series(1, 5000) i",
			Damage: "DELETE FROM {t} WHERE id > 4998", Rows: []string{"missing id=4999", "missing id=5000"},
		},
		{
			Name: "scattered differences", Setup: "CREATE TABLE {t} (id bigint PRIMARY KEY, v text); INSERT INTO {t} SELECT i * 7, 'v' || i FROM generate_series(1, 5000) i",
			Damage: "UPDATE {t} SET v = v || '!' WHERE id IN (7, 7000, 17500, 35000); DELETE FROM {t} WHERE id = 14000; INSERT INTO {t} VALUES (20, 'x')",
			Rows: []string{
				"changed id=17500: v", "changed id=35000: v", "changed id=7000: v", "changed id=7: v", "extra id=20", "missing id=14000",
			},
		},
		{
			Name: "row of a composite key", Setup: "CREATE TABLE {t} (p integer, q text, v text, PRIMARY KEY (p, q)); INSERT INTO {t} SELECT i / 4, 'q' || i, 'v' || i FROM generate_series(1, 40) i",
			Damage: "UPDATE {t} SET v = 'x' WHERE q = 'q{k}'; DELETE FROM {t} WHERE q = 'q40'", Rows: []string{"changed p=~, q=q{k}: v", "missing p=10, q=q40"},
		},
		{
			Name: "row of a uuid key", Setup: "CREATE TABLE {t} (id uuid PRIMARY KEY, v integer); INSERT INTO {t} SELECT md5(i::text)::uuid, i FROM generate_series(1, 40) i",
			Damage: "UPDATE {t} SET v = 0 WHERE id = md5('7')::uuid", Rows: []string{"changed id=8f14e45f-ceea-167a-5a36-dedd4bea2543: v"},
		},
		{
			Name: "row of a bytea key", Setup: `CREATE TABLE {t} (id bytea PRIMARY KEY, v integer); INSERT INTO {t} SELECT decode(lpad(to_hex(i), 4, '0'), 'hex'), i FROM generate_series(1, 40) i`,
			Damage: `DELETE FROM {t} WHERE v = 16`, Rows: []string{`missing id=\x0010`},
		},
		{
			Name: "row of a text key", Setup: "CREATE TABLE {t} (id text PRIMARY KEY, v integer); INSERT INTO {t} SELECT chr(64 + i) || 'é', i FROM generate_series(1, 26) i",
			Damage: "UPDATE {t} SET v = 0 WHERE id = 'Gé'", Rows: []string{"changed id=Gé: v"},
		},
		{
			Name: "case of a text key", Setup: "CREATE TABLE {t} (id text PRIMARY KEY, v integer); INSERT INTO {t} SELECT 'key' || i, i FROM generate_series(1, 40) i",
			Damage: "UPDATE {t} SET id = 'KEY{k}' WHERE id = 'key{k}'", Rows: []string{"extra id=KEY{k}", "missing id=key{k}"},
		},
		{
			Name: "row of a partition", Setup: `CREATE TABLE {t} (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
				CREATE TABLE {t}_low PARTITION OF {t} FOR VALUES FROM (0) TO (21); CREATE TABLE {t}_high PARTITION OF {t} DEFAULT;
				INSERT INTO {t} SELECT i, 'v' || i FROM generate_series(1, 40) i`,
			Damage: "UPDATE {t} SET v = 'x' WHERE id = 30", Rows: []string{"changed id=30: v"},
		},
		{Name: "all rows missing", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, v text); INSERT INTO {t} VALUES (1, 'a'), (2, 'b')", Damage: "TRUNCATE {t}", Rows: []string{"missing id=1", "missing id=2"}},
		{Name: "rows where there were none", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, v text)", Damage: "INSERT INTO {t} VALUES (1, 'a')", Rows: []string{"extra id=1"}},
		{
			Name: "default for NULL", Setup: "CREATE TABLE {t} (id integer PRIMARY KEY, v text DEFAULT 'new'); INSERT INTO {t} SELECT i, NULL FROM generate_series(1, 40) i",
			Damage: "UPDATE {t} SET v = DEFAULT WHERE id = {k}", Rows: []string{"changed id={k}: v"},
		},
	}
}

// bagCases are damages of tables without a key: multisets.
func bagCases() []Case {
	const bag = "CREATE TABLE {t} (a integer, b text); INSERT INTO {t} SELECT i / 2, 'b' FROM generate_series(1, 40) i"
	const one = "ctid = (SELECT min(ctid) FROM {t} WHERE a = 7)"
	return []Case{
		{Name: "duplicated and missing pair", Setup: bag, Damage: "DELETE FROM {t} WHERE a = 3; INSERT INTO {t} VALUES (4, 'b'), (4, 'b')", Rows: []string{"extra 2x", "missing 2x"}},
		{Name: "duplicate lost", Setup: bag, Damage: "DELETE FROM {t} WHERE " + one, Rows: []string{"missing 1x"}},
		{Name: "duplicate too many", Setup: bag, Damage: "INSERT INTO {t} VALUES (7, 'b')", Rows: []string{"extra 1x"}},
		{Name: "duplicate changed", Setup: bag, Damage: "UPDATE {t} SET b = 'c' WHERE " + one, Rows: []string{"extra 1x", "missing 1x"}},
		{Name: "empty row lost", Setup: "CREATE TABLE {t} (a text); INSERT INTO {t} VALUES (''), (''), ('x'), (NULL)", Damage: "DELETE FROM {t} WHERE ctid = (SELECT min(ctid) FROM {t} WHERE a::text IN ('', '\"\"'))", Rows: []string{"missing 1x"}},
		{Name: "row of NULLs lost", Setup: "CREATE TABLE {t} (a integer, b text); INSERT INTO {t} VALUES (NULL, NULL), (NULL, NULL), (1, 'x')", Damage: "DELETE FROM {t} WHERE ctid = (SELECT min(ctid) FROM {t} WHERE a IS NULL)", Rows: []string{"missing 1x"}},
		{Name: "every row twice", Setup: "CREATE TABLE {t} (a integer); INSERT INTO {t} VALUES (1), (2), (2)", Damage: "INSERT INTO {t} SELECT * FROM {t}", Rows: []string{"extra 1x", "extra 2x"}},
	}
}
