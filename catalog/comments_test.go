package catalog

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// T29: a comment on every kind of object, each under its kind and name, and
// under what pg_identify_object says where the plan has no other way to name it.
func TestComments(t *testing.T) {
	t.Parallel()
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		script(t, db, "everything.sql")
		named := func(kind string, n Name, text, object string) Comment {
			return Comment{Kind: kind, Name: n, Text: text, Object: object}
		}
		of := func(kind string, n Name, sub, text, object string) Comment {
			return Comment{Kind: kind, Name: n, Sub: sub, Text: text, Object: object}
		}
		call := func(kind string, n Name, args, text string) Comment {
			return Comment{Kind: kind, Name: n, Args: args, Text: text}
		}
		bare := func(name string) Name { return Name{Name: name} }
		same(t, []Comment{
			named("access method", bare("heaped"), "an access method", "heaped"),
			call("aggregate", in("sum_of"), "integer", "an aggregate"),
			named("base type", in("blob"), "a base type", "app.blob"),
			named("cast", bare("app.mood AS integer"), "a cast", "(app.mood AS integer)"),
			named("collation", in("plain"), "a collation", ""),
			of("column", in("customers"), "name", "a column", ""),
			of("column", in("names"), "name", "a column of a view", ""),
			of("column", in("pair"), "b", "a field", ""),
			of("column", in("totals"), "n", "a column of a materialized view", ""),
			of("constraint", in("customers"), "once", "a constraint", ""),
			of("constraint on domain", in("positive"), "over_zero", "a check of a domain", ""),
			named("conversion", in("turned"), "a conversion", "app.turned"),
			named("database", bare(db.Name), "a database", ""),
			named("domain", in("positive"), "a domain", ""),
			named("event trigger", bare("noticed"), "an event trigger", ""),
			named("foreign data wrapper", bare("wrapper"), "a wrapper", "wrapper"),
			named("foreign table", in("distant"), "a foreign table", ""),
			call("function", in("twice"), "n integer", "a function"),
			named("index", in("by_name"), "an index", ""),
			named("index", in("totals_name"), "an index of a materialized view", ""),
			named("language", bare("lingo"), "a language", "lingo"),
			named("materialized view", in("totals"), "a materialized view", ""),
			named("operator", in("~~~(integer,integer)"), "an operator", "app.~~~(integer,integer)"),
			named("operator class", in("int4_again USING btree"), "an operator class", "app.int4_again USING btree"),
			named("operator family", in("lonely USING hash"), "an operator family", "app.lonely USING hash"),
			of("policy", in("customers"), "mine", "a policy", ""),
			call("procedure", in("run"), "INOUT n integer", "a procedure"),
			named("publication", bare("sent"), "a publication", "sent"),
			named("range type", in("span"), "a range", ""),
			of("rule", in("customers"), "ruled", "a rule", ""),
			of("rule", in("names"), "redirect", "a rule of a view", ""),
			named("schema", bare("app"), "the application's", ""),
			named("sequence", in("numbers"), "a sequence", ""),
			named("server", bare("far"), "a server", "far"),
			named("statistics", in("both"), "statistics", ""),
			named("table", in("customers"), "a table", ""),
			named("text search configuration", in("words"), "a configuration", "app.words"),
			named("text search dictionary", in("dictionary"), "a dictionary", "app.dictionary"),
			named("text search parser", in("parser"), "a parser", "app.parser"),
			named("text search template", in("template"), "a template", "app.template"),
			named("transform", bare("FOR integer LANGUAGE sql"), "a transform", "for integer language sql"),
			of("trigger", in("customers"), "touched", "a trigger", ""),
			of("trigger", in("names"), "instead", "a trigger of a view", ""),
			named("type", in("mood"), "an enum", ""),
			named("type", in("pair"), "a composite", ""),
			named("view", in("names"), "a view", ""),
		}, load(t, db).Comments)
	})
}

// The comments that the server writes by itself are not the user's; changed ones are.
func TestCommentsOfTheServer(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	require.Empty(t, load(t, db).Comments)
	db.Exec(t, "COMMENT ON SCHEMA public IS 'ours'; COMMENT ON EXTENSION plpgsql IS 'mine'")
	same(t, []Comment{{Kind: "schema", Name: Name{Name: "public"}, Text: "ours"}}, load(t, db).Comments)
	db.Exec(t, "COMMENT ON SCHEMA public IS NULL")
	require.Empty(t, load(t, db).Comments)
}

// N11: what an extension brought is the extension's; what uses it is the user's.
func TestExtensions(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile("testdata/everything.ext.sql")
	require.NoError(t, err)
	eachMajor(t, func(t *testing.T, db *pgtest.DB) {
		if db.QueryString(t, "SELECT count(*) FROM pg_available_extensions WHERE name IN ('citext', 'hstore', 'btree_gist')") != "3" {
			pgtest.Lacks(t, "the server lacks contrib's extensions")
		}
		db.Exec(t, "CREATE SCHEMA app; CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
		db.Exec(t, string(sql))
		got := load(t, db)
		ext := func(name string) Name { return Name{"ext", name} }
		for i := range got.Extensions {
			require.NotEmpty(t, got.Extensions[i].Version)
			got.Extensions[i].Version, got.Extensions[i].Members = "", 0
		}
		same(t, []Extension{
			{Name: "btree_gist", Schema: "ext"}, {Name: "citext", Schema: "ext"}, {Name: "hstore", Schema: "ext", Config: []Name{ext("settings")}},
		}, got.Extensions)
		same(t, []Comment{{Kind: "extension", Name: Name{Name: "hstore"}, Text: "pairs"}}, got.Comments)
		same(t, []Other{
			{Kind: "extension configuration table", Name: ext("settings")},
		}, got.Others)
		require.Len(t, got.Routines, 1)
		same(t, in("touch()"), got.Routines[0].Name)
		require.Empty(t, got.Enums)
		require.Empty(t, got.Sequences)
		same(t, []Schema{{"app"}, {"ext"}, {"public"}}, got.Schemas)
		require.Len(t, got.Tables, 1)

		citext := Type{Name: ext("citext"), Kind: KindBase, Mod: -1, Text: "ext.citext", Extension: "citext"}
		hstore := Type{Name: ext("hstore"), Kind: KindBase, Mod: -1, Text: "ext.hstore", Extension: "hstore"}
		many := citext
		many.Array, many.Text = true, "ext.citext[]"
		same(t, []Column{
			{Name: "nick", Num: 1, Type: citext, NotNull: true, Local: true, StatsTgt: -1},
			{Name: "nicks", Num: 2, Type: many, Local: true, StatsTgt: -1},
			{
				Name: "data", Num: 3, Type: hstore, Default: "ext.hstore('a'::text, 'b'::text)", Local: true, StatsTgt: -1,
				Uses: []Ref{{Kind: "routine", Name: ext("hstore(text,text)"), Extension: "hstore"}},
			},
			{Name: "kind", Num: 4, Type: Type{Name: ext("kind"), Kind: KindEnum, Mod: -1, Text: "ext.kind", Extension: "hstore"}, Local: true, StatsTgt: -1},
			{Name: "word", Num: 5, Type: Type{Name: ext("word"), Kind: KindDomain, Mod: -1, Text: "ext.word", Extension: "hstore"}, Local: true, StatsTgt: -1},
			{Name: "room", Num: 6, Type: base("int4", "integer", -1), Local: true, StatsTgt: -1},
			{Name: "during", Num: 7, Type: Type{Name: builtIn("tstzrange"), Kind: KindRange, Mod: -1, Text: "tstzrange"}, Local: true, StatsTgt: -1},
			{Name: "setting", Num: 8, Type: Type{Name: ext("settings"), Kind: KindComposite, Mod: -1, Text: "ext.settings", Extension: "hstore"}, Local: true, StatsTgt: -1},
		}, got.table(t, in("members")).Columns)
		same(t, []Domain{{
			Name: in("mail"), Base: citext, Checks: []DomainCheck{{Name: "mail_check", Def: "CHECK ((VALUE OPERATOR(ext.~) '@'::ext.citext))", Validated: true}},
			Uses: []Ref{{Kind: "operator", Name: ext("~(ext.citext,ext.citext)"), Extension: "citext"}, {Kind: "type", Name: ext("citext"), Extension: "citext"}},
		}}, got.Domains)
		same(t, []Ref{{Kind: "operator", Name: ext("?(ext.hstore,text)"), Extension: "hstore"}}, got.constraint(t, in("members"), "members_data_check").Uses)
		gist := got.index(t, in("members_data"))
		same(t, []IndexKey{{Column: "data", OpClassOptions: []string{"siglen=32"}}}, gist.Keys)
		same(t, []Ref{{Kind: "operator class", Name: ext("gist_hstore_ops USING gist"), Extension: "hstore"}}, gist.Uses)
		same(t, []Ref{{Kind: "operator class", Name: ext("gist_int4_ops USING gist"), Extension: "btree_gist"}}, got.index(t, in("members_room_during_excl")).Uses)
		same(t, []Ref{{Kind: "operator class", Name: ext("citext_ops USING btree"), Extension: "citext"}}, got.index(t, in("members_pkey")).Uses)
	})
}
