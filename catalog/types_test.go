package catalog

import (
	"testing"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// V19: labels in their order, whenever they were added, and as they are written.
func TestEnums(t *testing.T) {
	t.Parallel()
	db := loadSQL(t, pgtest.Server(t), `
		CREATE SCHEMA app;
		CREATE TYPE app.mood AS ENUM ('sad', 'happy');
		ALTER TYPE app.mood ADD VALUE 'ok' BEFORE 'happy';
		ALTER TYPE app.mood ADD VALUE 'meh' BEFORE 'ok';
		ALTER TYPE app.mood ADD VALUE 'elated' AFTER 'happy';
		ALTER TYPE app.mood ADD VALUE 'first' BEFORE 'sad';
		ALTER TYPE app.mood RENAME VALUE 'meh' TO 'so-so';
		CREATE TYPE app."Odd" AS ENUM ('it''s', 'a,b', 'A', 'a', '"', '\', '', 'x y', 'ü');
		CREATE TYPE app.none AS ENUM ()`,
	)
	same(t, []Enum{
		{Name: in("Odd"), Labels: []string{"it's", "a,b", "A", "a", `"`, `\`, "", "x y", "ü"}},
		{Name: in("mood"), Labels: []string{"first", "sad", "so-so", "ok", "happy", "elated"}},
		{Name: in("none")},
	}, db.Enums)
}

// V20: domains over domains, with all that a domain can have.
func TestDomains(t *testing.T) {
	t.Parallel()
	db := loadSQL(t, pgtest.Server(t), `
		CREATE SCHEMA app;
		CREATE FUNCTION app.ok(numeric) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
		CREATE SEQUENCE app.seq;
		CREATE COLLATION app.mine FROM "C";
		CREATE TYPE app.mood AS ENUM ('a');
		CREATE DOMAIN app.price AS numeric(12, 2) DEFAULT nextval('app.seq') NOT NULL CHECK (app.ok(VALUE)) CHECK (app.ok(VALUE + 1));
		CREATE DOMAIN app.small AS app.price CONSTRAINT below CHECK (VALUE < 10) CONSTRAINT above CHECK (VALUE > 1);
		ALTER DOMAIN app.small ADD CONSTRAINT later CHECK (app.ok(VALUE)) NOT VALID;
		CREATE DOMAIN app.words AS varchar(7)[] COLLATE app.mine;
		CREATE DOMAIN app.moods AS app.mood[] DEFAULT ARRAY['a'::app.mood];
		CREATE DOMAIN app.named AS text COLLATE "C";
		CREATE DOMAIN app.plain AS text`,
	)
	ok := Ref{Kind: "routine", Name: in("ok(numeric)")}
	same(t, []Domain{
		{
			Name: in("moods"), Base: Type{Name: in("mood"), Kind: KindEnum, Array: true, Mod: -1, Text: "app.mood[]"}, Default: "ARRAY['a'::app.mood]",
			Uses: []Ref{{Kind: "type", Name: in("mood")}},
		},
		{Name: in("named"), Base: base("text", "text", -1), Collation: &Name{"pg_catalog", "C"}},
		{Name: in("plain"), Base: base("text", "text", -1)},
		{
			Name: in("price"), Base: base("numeric", "numeric(12,2)", 786438), NotNull: true, Default: "nextval('app.seq'::regclass)",
			Checks: []DomainCheck{
				{Name: "price_check", Def: "CHECK (app.ok(VALUE))", Validated: true},
				{Name: "price_check1", Def: "CHECK (app.ok((VALUE + (1)::numeric)))", Validated: true},
			},
			Uses: []Ref{ok, {Kind: "sequence", Name: in("seq")}},
		},
		{
			Name: in("small"), Base: Type{Name: in("price"), Kind: KindDomain, Mod: -1, Text: "app.price"},
			Default: "nextval('app.seq'::regclass)", // taken over when it was made
			Checks: []DomainCheck{
				{Name: "above", Def: "CHECK (((VALUE)::numeric > (1)::numeric))", Validated: true},
				{Name: "below", Def: "CHECK (((VALUE)::numeric < (10)::numeric))", Validated: true},
				{Name: "later", Def: "CHECK (app.ok((VALUE)::numeric)) NOT VALID"},
			},
			Uses: []Ref{ok, {Kind: "sequence", Name: in("seq")}},
		},
		{Name: in("words"), Base: array(base("varchar", "character varying(7)[]", 11)), Collation: &Name{"app", "mine"}},
	}, db.Domains)
}

// V20: composite types of arrays and of each other, dropped fields left out.
func TestComposites(t *testing.T) {
	t.Parallel()
	db := loadSQL(t, pgtest.Server(t), `
		CREATE SCHEMA app;
		CREATE TYPE app.inner AS (a integer, gone text, "B c" numeric(5, 1)[], d text COLLATE "C");
		ALTER TYPE app.inner DROP ATTRIBUTE gone;
		CREATE TABLE app.t (id integer);
		CREATE TYPE app.outer AS (one app.inner, many app.inner[], rows app.t[]);
		CREATE TYPE app.none AS ()`,
	)
	composite := func(name string) Type { return Type{Name: in(name), Kind: KindComposite, Mod: -1, Text: "app." + name} }
	many, rows := array(composite("inner")), array(composite("t"))
	many.Text, rows.Text = `app."inner"[]`, "app.t[]"
	one := composite("inner")
	one.Text = `app."inner"`
	same(t, []Composite{
		{Name: in("inner"), Fields: []CompositeField{
			{Name: "a", Type: base("int4", "integer", -1)},
			{Name: "B c", Type: array(base("numeric", "numeric(5,1)[]", 327685))},
			{Name: "d", Type: base("text", "text", -1), Collation: &Name{"pg_catalog", "C"}},
		}},
		{Name: in("none")},
		{Name: in("outer"), Fields: []CompositeField{{Name: "one", Type: one}, {Name: "many", Type: many}, {Name: "rows", Type: rows}}},
	}, db.Composites)
}
