package ddlgen

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

func mapper(db *catalog.Database) *planner {
	if db == nil {
		db = &catalog.Database{}
	}
	return newPlanner(db, DB9(), Options{})
}

func TestCastsMapped(t *testing.T) {
	t.Parallel()
	mood := catalog.Name{Schema: "public", Name: "mood"}
	year := catalog.Name{Schema: "public", Name: "year"}
	p := mapper(&catalog.Database{
		Enums:   []catalog.Enum{{Name: mood, Labels: []string{"ok"}}},
		Domains: []catalog.Domain{{Name: year, Base: builtInType("int4", "integer", -1)}},
	})
	tests := []struct {
		name string
		expr string
		want string
	}{
		{"kept", `(a)::text || 'x'::character varying(3)`, `(a)::text || 'x'::character varying(3)`},
		{"smallint", `'1'::smallint`, `'1'::integer`},
		{"smallint array", `'{}'::smallint[]`, `'{}'::integer[]`},
		{"real", `(a)::real`, `(a)::double precision`},
		{"padded literal", `'AB '::bpchar`, `'AB'::text`},
		{"char(n)", `('A '::character(2))::text`, `('A'::character varying(2))::text`},
		{"char without length", `(a)::character`, `(a)::character varying(1)`},
		{"one byte", `'x'::"char"`, `'x'::text`},
		{"address literal", `'10.0.0.1'::inet`, `'10.0.0.1'::text`},
		{"empty address array", `ARRAY[]::inet[]`, `ARRAY[]::text[]`},
		{"bits", `'101'::"bit"`, `'101'::character varying`},
		{"timestamp", `'2020-01-01 00:00:00'::timestamp(6) without time zone`, `'2020-01-01 00:00:00'::timestamp(6) without time zone`},
		{"interval", `'1 day'::interval day to second(3)`, `'1 day'::interval day to second(3)`},
		{"regclass of a call", `nextval('public.s'::regclass)`, `nextval('public.s'::regclass)`},
		{"search configuration", `to_tsvector('english'::regconfig, a)`, `to_tsvector('english', a)`},
		{"one byte as an argument", `setweight(a, 'A'::"char")`, `setweight(a, 'A')`},
		{"enum", `'{}'::public.mood[]`, `'{}'::public.mood[]`},
		{"domain", `(2000)::public.year`, `(2000)::integer`},
		{"in a string", `'a::smallint'::text`, `'a::smallint'::text`},
		{"numeric", `(0)::numeric(10,2)`, `(0)::numeric(10,2)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, why := p.castsMapped(tokenize(tt.expr))
			require.Empty(t, why)
			require.Equal(t, tt.want, join(got))
		})
	}
	for _, expr := range []string{
		`(a >> '10.0.0.0/8'::inet)`, `'{}'::public.unknown`, `'(1,2)'::point <-> p`, `(a)::numeric(40,2)`, `a::`,
		`to_tsvector('french'::regconfig, a)`,
	} {
		_, why := p.castsMapped(tokenize(expr))
		require.NotEmpty(t, why, expr)
	}
}

func TestWithValue(t *testing.T) {
	t.Parallel()
	require.Equal(t,
		`CHECK ((("Value" > 0) AND ("Value" <> 'VALUE'::text) AND (x.value > "VALUE")))`,
		withValue(`CHECK (((VALUE > 0) AND (VALUE <> 'VALUE'::text) AND (x.value > "VALUE")))`, `"Value"`))
}

func TestUsesOther(t *testing.T) {
	t.Parallel()
	classOf := func(name string) class {
		if name == "addr" {
			return other
		}
		return same
	}
	for expr, found := range map[string]bool{
		`(addr IS NOT NULL)`:              false,
		`((addr) IS NULL)`:                false,
		`(host = 'addr'::text)`:           false,
		`(addr <> '::1'::text)`:           true,
		`addr(host)`:                      false,
		`("addr" IS DISTINCT FROM other)`: true,
	} {
		require.Equal(t, found, usesOther(tokenize(expr), classOf) != "", expr)
	}
}

func TestParseIndex(t *testing.T) {
	t.Parallel()
	x, ok := parseIndex(`CREATE UNIQUE INDEX "a b" ON ONLY public."T" USING btree (lower((c)::text) DESC, d COLLATE "C" text_pattern_ops) INCLUDE (e) NULLS NOT DISTINCT WITH (fillfactor='70') WHERE (f = ')'::text)`)
	require.True(t, ok)
	require.Equal(t, indexText{
		unique: true, only: true, method: "btree", keys: `lower((c)::text) DESC, d COLLATE "C" text_pattern_ops`,
		include: "e", nullsEqual: true, with: "fillfactor='70'", where: "(f = ')'::text)",
	}, x)
	require.Equal(t,
		`CREATE UNIQUE INDEX "n" ON ONLY "public"."T" USING btree (lower((c)::text) DESC, d COLLATE "C" text_pattern_ops) INCLUDE (e) NULLS NOT DISTINCT WITH (fillfactor='70') WHERE (f = ')'::text)`,
		x.sql("n", catalog.Name{Schema: "public", Name: "T"}))
	_, ok = parseIndex(`CREATE INDEX broken`)
	require.False(t, ok)
}

func TestArraysOfMappedTypes(t *testing.T) {
	t.Parallel()
	p := mapper(nil)
	p.profile.Arrays = true
	array := func(name, text string, mod int32) catalog.Type {
		ty := builtInType(name, text+"[]", mod)
		ty.Array = true
		return ty
	}
	tests := []struct {
		name   string
		typ    catalog.Type
		target string
		sel    string
	}{
		{"smallint", array("int2", "smallint", -1), "integer[]", `"c"`},
		{"real", array("float4", "real", -1), "double precision[]", `"c"::text[]::double precision[]`},
		{"timestamp", array("timestamptz", "timestamp with time zone", -1), "timestamp(3) with time zone[]", `"c"::timestamptz(3)[]`},
		{"timestamp(2)", array("timestamp", "timestamp(2) without time zone", 2), "timestamp(3) without time zone[]", `"c"`},
		{"char(3)", array("bpchar", "character(3)", 7), "character varying(3)[]", `"c"::text[]`},
		{"inet", array("inet", "inet", -1), "text[]", `"c"`},
		{"box", array("box", "box", -1), "text[]", `"c"::text[]`},
		{"oid", array("oid", "oid", -1), "bigint[]", `"c"::text[]::bigint[]`},
		{"text", array("text", "text", -1), "text[]", `"c"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := p.typing(tt.typ)
			require.Equal(t, tt.target, got.target)
			require.Equal(t, tt.sel, got.pick("c"))
			require.Empty(t, got.check)
		})
	}
	composite := catalog.Type{Name: catalog.Name{Schema: "public", Name: "pair"}, Kind: catalog.KindComposite, Array: true, Mod: -1, Text: "public.pair[]"}
	require.Equal(t, "jsonb", p.typing(composite).target)
	require.Equal(t, `to_jsonb("c")`, p.typing(composite).pick("c"))
}

// Where arrays are not proved to arrive as they are, they travel as documents;
// jsonb might cut the digits of decimals.
func TestArraysAsDocuments(t *testing.T) {
	t.Parallel()
	p := mapper(nil)
	for element, target := range map[string]string{"text": "jsonb", "int2": "jsonb", "numeric": "json"} {
		ty := builtInType(element, element+"[]", -1)
		ty.Array = true
		got := p.typing(ty)
		require.Equal(t, target, got.target, element)
		require.Equal(t, "to_"+target+`("c")`, got.pick("c"), element)
		require.Equal(t, typeMapped, got.code, element)
		require.Contains(t, got.message, "bounds", element)
	}
	for sql, empty := range map[string]bool{"'{}'::text[]": true, "'{}'": true, "ARRAY[]::text[]": true, "'{a}'::text[]": false, "ARRAY['a']": false, "f('{}')": false} {
		require.Equal(t, empty, isEmptyArray(sql), sql)
	}
}

// A column with values that the target would refuse blocks; accepted it becomes
// one that keeps them.
func TestUnfitValues(t *testing.T) {
	t.Parallel()
	name := catalog.Name{Schema: "public", Name: "a"}
	db := &catalog.Database{Tables: []catalog.Table{{Name: name, Kind: catalog.TableOrdinary, Columns: []catalog.Column{
		{Name: "n", Num: 1, Type: builtInType("numeric", "numeric", -1), StatsTgt: -1},
		{Name: "j", Num: 2, Type: builtInType("jsonb", "jsonb", -1), StatsTgt: -1},
	}}}}
	opts := Options{Unfit: []Unfit{
		{Column: catalog.ColumnRef{Table: name, Column: "n"}, Why: "3 rows have NaN"},
		{Column: catalog.ColumnRef{Table: name, Column: "j"}, Why: "1 row has long numbers", Document: true},
	}}
	plan, err := Generate(db, DB9(), opts)
	require.NoError(t, err)
	require.Equal(t, finding.Block, severityOf(plan, valueRefused))
	opts.Accept = []string{string(valueRefused)}
	plan, err = Generate(db, DB9(), opts)
	require.NoError(t, err)
	require.Equal(t, finding.Change, severityOf(plan, valueRefused))
	columns := plan.Transfers[0].Columns
	require.Equal(t, []string{"text", "json"}, []string{columns[0].TargetType, columns[1].TargetType})
	require.Equal(t, []string{`"n"`, `to_json("j")`}, []string{columns[0].Select, columns[1].Select})
}

// Every code has its rule, once.
func TestRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Rules() {
		require.False(t, seen[string(r.Code)], r.Code)
		seen[string(r.Code)] = true
		require.NotZero(t, r.Severity)
		require.NotEmpty(t, r.Reason)
		require.NotEmpty(t, r.Remedy)
	}
}
