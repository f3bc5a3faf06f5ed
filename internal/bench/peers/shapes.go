package main

import (
	"fmt"
	"strings"
)

// shape is a kind of rows. The same numbers always give the same rows.
type shape struct {
	name    string
	columns string
	key     string // the column that a primary key is made of
	rowSize int    // COPY TEXT bytes of a row, about
	values  string // the columns of row i
	storage string // a column that is kept outside of its row, uncompressed
}

// shapes are those of docs/performance.md.
func shapes() []shape {
	return []shape{
		{
			name: "accounts", key: "aid", rowSize: 103,
			columns: "aid integer NOT NULL, bid integer, abalance integer, filler character(84)",
			values:  "i, (i - 1) / 100000 + 1, (hashint8(i) & 65535) - 32768, ''",
		},
		{
			name: "narrow", key: "id", rowSize: 55,
			columns: "id bigint NOT NULL, a integer, b integer, at timestamp without time zone",
			values:  "i, hashint8(i), hashint8(-i) % 1000000, timestamp '2020-01-01' + i * interval '7.000317 seconds'",
		},
		{
			name: "text", key: "id", rowSize: 560,
			columns: "id bigint NOT NULL, title text, body text, doc jsonb",
			values: `i, 'Title ' || i || E' \t – ' || md5(i::text),
				repeat(md5(i::text) || E' line\n' || md5((-i)::text) || E' \\path\\ äöü ', 4),
				jsonb_build_object('id', i, 'name', md5(i::text), 'tags', jsonb_build_array(i % 7, i % 11, 'x"y'), 'nested', jsonb_build_object('a', i % 2 = 0, 'b', NULL, 'c', hashint8(i)))`,
		},
		{
			name: "toast", key: "id", rowSize: 32_780, storage: "payload",
			columns: "id bigint NOT NULL, payload bytea",
			values:  "i, (SELECT string_agg(sha512((i * 256 + j)::text::bytea), '' ORDER BY j) FROM generate_series(0, 255) j)",
		},
		{
			name: "numeric", key: "id", rowSize: 175,
			columns: "id bigint NOT NULL, amount numeric(18,4), price numeric, u uuid, at timestamp with time zone, tags text[], nums integer[]",
			values: `i, hashint8(i) / 1000.0, hashint8(-i)::numeric / 7, md5(i::text)::uuid, timestamptz '2020-01-01 00:00:00Z' + i * interval '11.000213 seconds',
				ARRAY['tag ' || i % 10, 'a,b', md5(i::text)], ARRAY[i % 1000, hashint8(i), NULL, i]::integer[]`,
		},
		{
			name: "small", key: "id", rowSize: 70,
			columns: "id integer NOT NULL, name text, at timestamp with time zone, amount numeric(10,2)",
			values:  "i, md5(i::text), timestamptz '2020-01-01 00:00:00Z' + i * interval '1 hour', i / 7.0",
		},
	}
}

func shapeNames() []string {
	var names []string
	for _, s := range shapes() {
		names = append(names, s.name)
	}
	return names
}

func shapeNamed(name string) (shape, error) {
	for _, s := range shapes() {
		if s.name == name {
			return s, nil
		}
	}
	return shape{}, fmt.Errorf("shape %q: there are %s", name, strings.Join(shapeNames(), ", "))
}

// table is a table of the data: rows of a shape.
type table struct {
	name  string
	shape shape
	rows  int64
	key   bool // has a primary key
}

// ddl makes the table, without its key.
func (t table) ddl() string {
	sql := fmt.Sprintf("CREATE TABLE %s (%s)", t.name, t.shape.columns)
	if t.shape.storage != "" {
		sql += fmt.Sprintf("; ALTER TABLE %s ALTER %s SET STORAGE EXTERNAL", t.name, t.shape.storage)
	}
	return sql
}

// load is the SQL that makes the table, its rows and its key.
func (t table) load() string {
	sql := fmt.Sprintf("%s; INSERT INTO %s SELECT %s FROM generate_series(1, %d::bigint) i", t.ddl(), t.name, t.shape.values, t.rows)
	if t.key {
		sql += fmt.Sprintf("; ALTER TABLE %s ADD PRIMARY KEY (%s)", t.name, t.shape.key)
	}
	return sql
}

// sized is a table of about that many bytes of COPY TEXT.
func sized(name string, s shape, bytes float64, key bool) table {
	return table{name: name, shape: s, rows: max(1, int64(bytes/float64(s.rowSize))), key: key}
}

// mixBytes is the COPY TEXT of mix at factor 1.
const mixBytes = 2.63e9

// mix is 505 tables with primary keys: five large ones, as different as tables
// are, and 500 of a hundred rows.
func mix(factor float64) ([]table, error) {
	var tables []table
	for _, large := range []struct {
		shape string
		bytes float64
	}{{"accounts", 0.54e9}, {"narrow", 0.58e9}, {"text", 0.51e9}, {"toast", 0.66e9}, {"numeric", 0.34e9}} {
		s, err := shapeNamed(large.shape)
		if err != nil {
			return nil, err
		}
		tables = append(tables, sized(large.shape, s, large.bytes*factor, true))
	}
	s, err := shapeNamed("small")
	if err != nil {
		return nil, err
	}
	for i := range 500 {
		tables = append(tables, table{name: fmt.Sprintf("small_%03d", i), shape: s, rows: 100, key: true})
	}
	return tables, nil
}
