package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Uses tells what an expression cannot do without, on every major alike: by the
// server's dependencies, not by reading text.
func TestUses(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		db.Exec(t, `
			CREATE SCHEMA app; CREATE SCHEMA other;
			CREATE TYPE app.mood AS ENUM ('a', 'b');
			CREATE TYPE app.pair AS (a integer, b integer);
			CREATE DOMAIN app.word AS text;
			CREATE SEQUENCE other.seq;
			CREATE COLLATION app.mine FROM "C";
			CREATE TEXT SEARCH CONFIGURATION app.words (COPY = pg_catalog.simple);
			CREATE TEXT SEARCH DICTIONARY app.dictionary (TEMPLATE = pg_catalog.simple);
			CREATE FUNCTION app.f(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT $1';
			CREATE FUNCTION app.f(app.mood[], OUT n integer) IMMUTABLE LANGUAGE sql AS 'SELECT 1';
			CREATE FUNCTION app.near(integer, integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
			CREATE OPERATOR app.~~~ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = app.near);
			CREATE OPERATOR CLASS app.ints FOR TYPE integer USING btree AS
				OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
			CREATE TABLE app.t (
				i integer,
				of_f integer DEFAULT app.f(app.f(1)),
				of_many integer DEFAULT app.f(ARRAY['a']::app.mood[]),
				of_seq bigint DEFAULT nextval('other.seq'),
				of_word text DEFAULT 'x'::app.word,
				of_row app.pair DEFAULT ROW(1, 2)::app.pair,
				of_nothing timestamptz DEFAULT now(),
				stored integer GENERATED ALWAYS AS (app.f(i) + i) STORED,
				plain integer GENERATED ALWAYS AS (i + 1) STORED,
				text text COLLATE app.mine,
				CONSTRAINT of_own CHECK (i > 0 AND of_f < 5),
				CONSTRAINT of_operator CHECK (i OPERATOR(app.~~~) 1),
				CONSTRAINT of_collation CHECK (text COLLATE app.mine > 'a'),
				CONSTRAINT key PRIMARY KEY (i)
			);
			CREATE TABLE app.r (i integer REFERENCES app.t, t app.t);
			ALTER TABLE app.t ADD CONSTRAINT whole CHECK (t IS NOT NULL), ADD CONSTRAINT of_own_type CHECK (NULL::app.t IS NULL);
			CREATE INDEX by_own_type ON app.t (i) WHERE NULL::app.t IS NULL;
			CREATE INDEX by_expression ON app.t (app.f(i));
			CREATE INDEX by_opclass ON app.t (i app.ints);
			CREATE INDEX by_words ON app.t USING gin (to_tsvector('app.words', text));
			CREATE INDEX by_predicate ON app.t (i) WHERE app.f(i) > 0;
			CREATE INDEX by_dictionary ON app.t ((ts_lexize('app.dictionary', 'x')));
			CREATE INDEX by_nothing ON app.t (lower(of_word));
			CREATE TABLE app.parts (i integer, t text COLLATE "C") PARTITION BY LIST (app.f(i));
			CREATE TABLE app.typed OF app.pair PARTITION BY RANGE (a);
			CREATE VIEW app.v AS SELECT app.f(t.i) AS f, t.of_word::app.word AS w, s.last_value FROM app.t, other.seq s;
			CREATE VIEW app.w AS SELECT v.f FROM app.v JOIN app.parts p ON p.i = v.f WHERE v.f OPERATOR(app.~~~) 1;
			CREATE MATERIALIZED VIEW app.m AS SELECT w.f, (SELECT count(*) FROM app.t) FROM app.w`)
		got := load(t, db)
		ref := func(kind, name string) Ref { return Ref{Kind: kind, Name: in(name)} }
		f := ref("routine", "f(integer)")
		seq := Ref{Kind: "sequence", Name: Name{"other", "seq"}}

		columns := map[string][]Ref{}
		for _, c := range got.table(t, in("t")).Columns {
			columns[c.Name] = c.Uses
		}
		same(t, map[string][]Ref{
			"i": nil, "of_f": {f}, "of_many": {ref("routine", "f(app.mood[])"), ref("type", "mood")}, "of_seq": {seq}, "of_word": {ref("type", "word")},
			"of_row": {ref("type", "pair")}, "of_nothing": nil, "stored": {f}, "plain": nil, "text": nil,
		}, columns)

		constraints := map[string][]Ref{}
		for _, k := range got.Constraints {
			constraints[k.Name] = k.Uses
		}
		same(t, map[string][]Ref{
			"of_own": nil, "of_operator": {ref("operator", "~~~(integer,integer)")}, "of_collation": {ref("collation", "mine")}, "key": nil, "whole": nil, "of_own_type": nil, "r_i_fkey": nil,
		}, constraints)

		indexes := map[string][]Ref{}
		for _, x := range got.Indexes {
			indexes[x.Name.Name] = x.Uses
		}
		same(t, map[string][]Ref{
			"by_expression": {f}, "by_opclass": {ref("operator class", "ints USING btree")}, "by_words": {ref("text search configuration", "words")}, "by_predicate": {f},
			"by_dictionary": {ref("text search dictionary", "dictionary")}, "by_nothing": nil, "by_own_type": nil, "key": nil,
		}, indexes)

		tables := map[string][]Ref{}
		for _, x := range got.Tables {
			tables[x.Name.Name] = x.Uses
		}
		same(t, map[string][]Ref{"t": nil, "r": nil, "parts": {f}, "typed": nil}, tables)

		column := func(r Ref, name string) Ref { r.Column = name; return r }
		views := map[string][]Ref{}
		for _, v := range got.Views {
			views[v.Name.Name] = v.Uses
		}
		same(t, map[string][]Ref{
			"v": {f, column(seq, "last_value"), column(ref("table", "t"), "i"), column(ref("table", "t"), "of_word"), ref("type", "word")},
			"w": {ref("operator", "~~~(integer,integer)"), column(ref("table", "parts"), "i"), column(ref("view", "v"), "f")},
			"m": {ref("table", "t"), column(ref("view", "w"), "f")},
		}, views)
		require.Equal(t, in("pair"), *got.table(t, in("typed")).OfType)
	})
}
