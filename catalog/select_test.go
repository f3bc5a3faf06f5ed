package catalog

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

func public(name string) Name { return Name{"public", name} }

func columnOf(name string, num int16, typ Type, uses ...Ref) Column {
	return Column{Name: name, Num: num, Type: typ, Uses: uses}
}

// store is a model with something of what a filter may tear apart.
func store() *Database {
	integer := Type{Name: builtIn("int4"), Kind: KindBase, Mod: -1, Text: "integer"}
	mood := Type{Name: public("mood"), Kind: KindEnum, Mod: -1, Text: "public.mood"}
	price := Type{Name: Name{"types", "price"}, Kind: KindDomain, Mod: -1, Text: "types.price"}
	citext := Type{Name: Name{"ext", "citext"}, Kind: KindBase, Mod: -1, Text: "ext.citext", Extension: "citext"}
	table := func(name string, columns ...Column) Table {
		return Table{Name: public(name), Kind: TableOrdinary, Columns: columns}
	}
	payment := table("payment", columnOf("id", 1, integer))
	payment.Kind, payment.PartitionKey = TablePartitioned, "RANGE (id)"
	payment1 := table("payment_1", columnOf("id", 1, integer))
	payment1.IsPartition, payment1.Inherits, payment1.Bound = true, []Name{public("payment")}, "FOR VALUES FROM (0) TO (9)"
	dog := table("dog", columnOf("id", 1, integer))
	dog.Inherits = []Name{public("animal")}

	orders, customer := public("orders"), public("customer")
	db := &Database{
		Schemas:    []Schema{{"app"}, {"ext"}, {"lib"}, {"public"}, {"types"}},
		Extensions: []Extension{{Name: "citext", Schema: "ext"}, {Name: "hstore", Schema: "ext"}},
		Enums:      []Enum{{Name: Name{"app", "unused"}}, {Name: public("mood")}, {Name: public("unused")}, {Name: Name{"types", "state"}}},
		Domains: []Domain{{
			Name: Name{"types", "price"}, Base: Type{Name: Name{"types", "pair"}, Kind: KindComposite},
			Uses: []Ref{{Kind: "sequence", Name: Name{"types", "prices"}}},
		}},
		Composites: []Composite{{Name: Name{"types", "pair"}, Fields: []CompositeField{{Name: "m", Type: Type{Name: public("mood"), Kind: KindEnum, Array: true}}}}},
		Sequences: []Sequence{
			{Name: Name{"app", "alone"}},
			{Name: public("customer_id_seq"), Owner: &ColumnRef{customer, "id"}, Identity: true},
			{Name: public("orders_id_seq"), Owner: &ColumnRef{orders, "id"}},
			{Name: public("shared"), Owner: &ColumnRef{customer, "no"}},
			{Name: Name{"types", "prices"}},
		},
		Tables: []Table{
			{Name: Name{"app", "log"}, Kind: TableOrdinary, Columns: []Column{columnOf("who", 1, citext)}},
			table("animal", columnOf("id", 1, integer)), table("customer", columnOf("id", 1, integer), columnOf("m", 2, mood)), dog,
			table("orders", columnOf("id", 1, integer), columnOf("p", 2, price), columnOf("no", 3, integer, Ref{Kind: "sequence", Name: public("shared")})),
			payment, payment1,
		},
		Constraints: []Constraint{
			{Table: customer, Name: "customer_pkey", Kind: PrimaryKey, Index: "customer_pkey"},
			{Table: public("dog"), Name: "positive", Kind: Check, Inherited: true},
			{Table: orders, Name: "orders_check", Kind: Check, Uses: []Ref{{Kind: "operator", Name: Name{"ext", "=(ext.hstore,ext.hstore)"}, Extension: "hstore"}, {Kind: "routine", Name: Name{"lib", "checked(integer)"}}}},
			{Table: orders, Name: "orders_customer_fkey", Kind: ForeignKey, RefTable: &customer},
			{Table: orders, Name: "orders_spatial_fkey", Kind: ForeignKey, RefTable: &Name{"ext", "spatial_ref_sys"}},
			{Table: public("payment_1"), Name: "payment_pkey", Kind: PrimaryKey, Inherited: true},
		},
		Indexes: []Index{
			{Name: public("customer_pkey"), Table: customer},
			{Name: public("orders_i"), Table: orders},
			{Name: public("payment_pkey"), Table: public("payment")},
			{Name: public("stock_i"), Table: public("stock")},
			{Name: public("payment_1_pkey"), Table: public("payment_1"), Parent: &Name{"public", "payment_pkey"}},
		},
		Comments: []Comment{
			{Kind: "column", Name: customer, Sub: "id", Text: "1"},
			{Kind: "column", Name: public("both"), Sub: "x", Text: "2"},
			{Kind: "constraint", Name: orders, Sub: "orders_customer_fkey", Text: "3"},
			{Kind: "constraint", Name: orders, Sub: "orders_check", Text: "4"},
			{Kind: "database", Name: Name{Name: "d"}, Text: "5"},
			{Kind: "extension", Name: Name{Name: "citext"}, Text: "6"},
			{Kind: "function", Name: public("f"), Args: "a integer", Text: "7"},
			{Kind: "index", Name: public("orders_i"), Text: "8"},
			{Kind: "schema", Name: Name{Name: "types"}, Text: "9"},
			{Kind: "trigger", Name: orders, Sub: "touch", Text: "10"},
			{Kind: "type", Name: public("mood"), Text: "11"},
			{Kind: "type", Name: public("unused"), Text: "12"},
			{Kind: "view", Name: public("of_orders"), Text: "13"},
		},
		Triggers:      []Trigger{{Table: orders, Name: "touch"}, {Table: customer, Name: "watch"}, {Table: public("of_orders"), Name: "instead"}},
		Rules:         []Rule{{Table: public("both"), Name: "redirect"}},
		EventTriggers: []EventTrigger{{Name: "e"}},
		Routines: []Routine{
			{Name: Name{"app", "g()"}, Plain: "g", Kind: Function},
			{Name: Name{"lib", "agg(public.mood)"}, Plain: "agg", Kind: Aggregate, Uses: []Ref{{Kind: "routine", Name: Name{"lib", "step(types.state)"}}}},
			{Name: Name{"lib", "checked(integer)"}, Plain: "checked", Kind: Function, Uses: []Ref{{Kind: "routine", Name: Name{"lib", "agg(public.mood)"}}}},
			{Name: Name{"lib", "step(types.state)"}, Plain: "step", Kind: Function, Uses: []Ref{{Kind: "type", Name: Name{"types", "state"}}}},
			{Name: public("f(integer)"), Plain: "f", Kind: Function, IdentityArgs: "a integer"},
			{Name: public("f(text)"), Plain: "f", Kind: Function, IdentityArgs: "a text"},
		},
		Others: []Other{
			{Kind: "publication", Name: Name{Name: "pub"}},
		},
		Views: []View{
			{Name: public("stock"), Materialized: true, Uses: []Ref{{Kind: "view", Name: public("both")}}},
			{Name: public("both"), Uses: []Ref{{Kind: "table", Name: orders}, {Kind: "table", Name: customer}, {Kind: "routine", Name: public("f(integer)")}}},
			{Name: public("constant")},
			{Name: Name{"types", "one"}},
			{Name: public("of_orders"), Uses: []Ref{{Kind: "table", Name: orders}, {Kind: "view", Name: Name{"types", "one"}}}},
		},
	}
	db.sort()
	return db
}

// listed is a model by names alone.
func listed(db *Database) []string {
	var out []string
	add := func(kind string, n Name) { out = append(out, kind+" "+n.String()) }
	for _, x := range db.Schemas {
		add("schema", Name{Name: x.Name})
	}
	for _, x := range db.Extensions {
		add("extension", Name{Name: x.Name})
	}
	for _, x := range db.Enums {
		add("enum", x.Name)
	}
	for _, x := range db.Domains {
		add("domain", x.Name)
	}
	for _, x := range db.Composites {
		add("composite", x.Name)
	}
	for _, x := range db.Sequences {
		add("sequence", x.Name)
	}
	for _, x := range db.Tables {
		add("table", x.Name)
	}
	for _, x := range db.Constraints {
		out = append(out, "constraint "+x.Name)
	}
	for _, x := range db.Indexes {
		add("index", x.Name)
	}
	for _, x := range db.Comments {
		out = append(out, "comment "+x.Text)
	}
	for _, x := range db.Views {
		add(x.Kind(), x.Name)
	}
	for _, x := range db.Triggers {
		add("trigger", Name{x.Table.Schema, x.Name})
	}
	for _, x := range db.Rules {
		add("rule", Name{x.Table.Schema, x.Name})
	}
	for _, x := range db.EventTriggers {
		add("event trigger", Name{Name: x.Name})
	}
	for _, x := range db.Routines {
		add(string(x.Kind), x.Name)
	}
	for _, x := range db.Others {
		add(x.Kind, x.Name)
	}
	return out
}

func told(fs []finding.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Severity.String()+" "+string(f.Code)+" "+f.Object.String()+": "+f.Message)
	}
	return out
}

// F5: a table takes along what it needs, wherever it lies, and nothing else;
// what dangles is named and the rest is counted.
func TestSelectOneTable(t *testing.T) {
	t.Parallel()
	db := store()
	got, findings, err := db.Select(Filter{IncludeTables: []string{"orders"}})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]string{
		"schema ext", "schema lib", "schema public", "schema types", "extension hstore", "enum public.mood", "enum types.state", "domain types.price", "composite types.pair",
		"sequence public.orders_id_seq", "sequence public.shared", "sequence types.prices", "table public.orders",
		"constraint orders_check", "constraint orders_spatial_fkey", "index public.orders_i",
		"comment 4", "comment 8", "comment 9", "comment 10", "comment 11", "comment 13",
		"view public.of_orders", "view types.one",
		"trigger public.instead", "trigger public.touch",
		"aggregate lib.agg(public.mood)", "function lib.checked(integer)", "function lib.step(types.state)",
	}, listed(got)))
	require.Empty(t, cmp.Diff([]string{
		"left filter.foreign-key constraint public.orders.orders_customer_fkey: the foreign key refers to public.customer, which is not selected",
		"left filter.view materialized view public.stock: it reads public.customer, which is not selected",
		"left filter.view view public.both: it reads public.customer, which is not selected",
		"info filter.unselected objects not selected: left out by the filters: 6 tables, 3 views, 2 sequences, 2 types, 3 routines, 1 extension, 1 schema, 4 other objects",
	}, told(findings)))
	require.Nil(t, got.sequence(t, public("shared")).Owner, "its owner is not selected")
	require.Equal(t, store(), db, "Select changed the model")
}

// Leaving one table takes nothing else away.
func TestSelectAllButOneTable(t *testing.T) {
	t.Parallel()
	db := store()
	got, findings, err := db.Select(Filter{ExcludeTables: []string{"animal"}})
	require.NoError(t, err)
	var want []string
	for _, line := range listed(db) {
		if line != "table public.animal" {
			want = append(want, line)
		}
	}
	require.Empty(t, cmp.Diff(want, listed(got)))
	require.Empty(t, cmp.Diff([]string{
		"change filter.detached table public.dog: it becomes a table of its own: its parent public.animal is not selected",
		"info filter.unselected objects not selected: left out by the filters: 1 table",
	}, told(findings)))
	dog := got.table(t, public("dog"))
	require.Empty(t, dog.Inherits)
	require.True(t, dog.Columns[0].Local)
	require.False(t, got.constraint(t, public("dog"), "positive").Inherited)
}

func TestSelectSchema(t *testing.T) {
	t.Parallel()
	got, findings, err := store().Select(Filter{IncludeSchemas: []string{"app"}})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]string{
		"schema app", "schema ext", "extension citext", "enum app.unused", "sequence app.alone", "table app.log", "comment 6", "function app.g()",
	}, listed(got)))
	require.Empty(t, cmp.Diff([]string{
		"info filter.unselected objects not selected: left out by the filters: 6 tables, 5 views, 4 sequences, 5 types, 5 routines, 1 extension, 3 schemas, 6 other objects",
	}, told(findings)))

	got, _, err = store().Select(Filter{ExcludeSchemas: []string{"app"}})
	require.NoError(t, err)
	require.NotContains(t, listed(got), "function app.g()")
	require.Contains(t, listed(got), "event trigger e")
	require.Contains(t, listed(got), "comment 5")
}

// F6: a partition without its root is a table of its own; a root without one of
// its partitions says which rows are missing.
func TestSelectPartition(t *testing.T) {
	t.Parallel()
	got, findings, err := store().Select(Filter{IncludeTables: []string{"payment_1"}})
	require.NoError(t, err)
	part := got.table(t, public("payment_1"))
	require.Empty(t, cmp.Diff(Table{
		Name: public("payment_1"), Kind: TableOrdinary,
		Columns: []Column{{Name: "id", Num: 1, Type: Type{Name: builtIn("int4"), Kind: KindBase, Mod: -1, Text: "integer"}, Local: true}},
	}, part, cmpopts.EquateEmpty()))
	require.False(t, got.constraint(t, part.Name, "payment_pkey").Inherited)
	require.Nil(t, got.index(t, public("payment_1_pkey")).Parent)
	require.Equal(t, "change filter.detached table public.payment_1: it becomes a table of its own: public.payment, of which it is a partition, is not selected", told(findings)[0])

	got, findings, err = store().Select(Filter{IncludeTables: []string{"payment"}, ExcludeTables: []string{"payment_1"}})
	require.NoError(t, err)
	require.Equal(t, []string{"schema public", "table public.payment", "index public.payment_pkey"}, listed(got))
	require.Equal(t, "left filter.child table public.payment_1: it is not selected, but public.payment is: on the target that shows none of its rows", told(findings)[0])
}

func TestSelectErrors(t *testing.T) {
	t.Parallel()
	_, _, err := store().Select(Filter{IncludeTables: []string{"nothing"}}) // F2
	var unmatched *UnmatchedPatternError
	require.ErrorAs(t, err, &unmatched)
	_, _, err = store().Select(Filter{ExcludeTables: []string{"*"}}) // F3
	require.ErrorIs(t, err, ErrNothingSelected)
	db := store()
	all, findings, err := db.Select(Filter{})
	require.NoError(t, err)
	require.Empty(t, findings)
	require.Same(t, db, all)
}

// A selection is a model like any other.
func TestSelectionIsSorted(t *testing.T) {
	t.Parallel()
	got, _, err := store().Select(Filter{ExcludeTables: []string{"animal"}})
	require.NoError(t, err)
	b, err := json.Marshal(got)
	require.NoError(t, err)
	var again Database
	require.NoError(t, json.Unmarshal(b, &again))
	again.sort()
	require.Empty(t, cmp.Diff(*got, again, cmpopts.EquateEmpty()))
}

// Select never changes the model that it is asked for a part of.
func TestSelectLeavesTheModel(t *testing.T) {
	t.Parallel()
	db := store()
	for _, f := range []Filter{
		{IncludeTables: []string{"dog"}},
		{IncludeTables: []string{"payment_1"}},
		{IncludeTables: []string{"orders"}},
		{ExcludeTables: []string{"customer"}},
		{ExcludeTables: []string{"payment"}},
		{IncludeSchemas: []string{"app"}},
		{ExcludeSchemas: []string{"app"}},
	} {
		got, _, err := db.Select(f)
		require.NoError(t, err)
		same(t, store(), db)
		for i := range got.Tables { // nor does what is done to the part
			got.Tables[i].Name, got.Tables[i].Options = Name{}, nil
		}
		for i := range got.Sequences {
			got.Sequences[i].Owner = nil
		}
		same(t, store(), db)
	}
}
