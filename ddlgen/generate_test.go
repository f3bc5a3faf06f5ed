package ddlgen

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
)

func builtInType(name, text string, mod int32) catalog.Type {
	return catalog.Type{Name: catalog.Name{Schema: "pg_catalog", Name: name}, Kind: catalog.KindBase, Mod: mod, Text: text}
}

// shop is a small model: two tables, a foreign key, an identity column, a
// sequence with its default, an index.
func shop() *catalog.Database {
	customers := catalog.Name{Schema: "public", Name: "customers"}
	orders := catalog.Name{Schema: "public", Name: "orders"}
	seq := catalog.Name{Schema: "public", Name: "customers_id_seq"}
	number := catalog.Name{Schema: "public", Name: "order_numbers"}
	return &catalog.Database{
		ServerVersion: 150000,
		Schemas:       []catalog.Schema{{Name: "public"}},
		Sequences: []catalog.Sequence{
			{
				Name: seq, Type: "bigint", Start: 1, Increment: 1, Min: 1, Max: 1<<63 - 1, Cache: 1, LastValue: 7, IsCalled: true,
				Owner: &catalog.ColumnRef{Table: customers, Column: "id"}, Identity: true,
			},
			{Name: number, Type: "integer", Start: 1, Increment: 1, Min: 1, Max: 1<<31 - 1, Cache: 1, LastValue: 1},
		},
		Tables: []catalog.Table{
			{Name: customers, Kind: catalog.TableOrdinary, Columns: []catalog.Column{
				{Name: "id", Num: 1, Type: builtInType("int8", "bigint", -1), NotNull: true, Identity: catalog.IdentityAlways, Sequence: &seq, Local: true, StatsTgt: -1},
				{Name: "name", Num: 2, Type: builtInType("text", "text", -1), Local: true, StatsTgt: -1},
			}},
			{Name: orders, Kind: catalog.TableOrdinary, Columns: []catalog.Column{
				{
					Name: "number", Num: 1, Type: builtInType("int4", "integer", -1), NotNull: true, Local: true, StatsTgt: -1,
					Default: "nextval('public.order_numbers'::regclass)", Uses: []catalog.Ref{{Kind: "sequence", Name: number}},
				},
				{Name: "customer", Num: 2, Type: builtInType("int8", "bigint", -1), NotNull: true, Local: true, StatsTgt: -1},
				{Name: "kind", Num: 3, Type: builtInType("int2", "smallint", -1), NotNull: true, Local: true, StatsTgt: -1, Default: "'1'::smallint"},
			}},
		},
		Constraints: []catalog.Constraint{
			{Table: customers, Name: "customers_pkey", Kind: catalog.PrimaryKey, Def: "PRIMARY KEY (id)", Columns: []string{"id"}, Index: "customers_pkey", Validated: true, Enforced: true},
			{
				Table: orders, Name: "orders_customer_fkey", Kind: catalog.ForeignKey, Def: "FOREIGN KEY (customer) REFERENCES public.customers(id)",
				Columns: []string{"customer"}, Validated: true, Enforced: true, RefTable: &customers, RefColumns: []string{"id"},
			},
		},
		Indexes: []catalog.Index{
			{
				Name: catalog.Name{Schema: "public", Name: "customers_pkey"}, Table: customers, Method: "btree", Unique: true, Primary: true, Valid: true,
				Def:        "CREATE UNIQUE INDEX customers_pkey ON public.customers USING btree (id)",
				Constraint: "customers_pkey", Keys: []catalog.IndexKey{{Column: "id"}},
			},
			{
				Name: catalog.Name{Schema: "public", Name: "orders_number"}, Table: orders, Method: "btree", Unique: true, Valid: true,
				Def:  "CREATE UNIQUE INDEX orders_number ON public.orders USING btree (number)",
				Keys: []catalog.IndexKey{{Column: "number"}},
			},
		},
	}
}

func statementsOf(plan *Plan) []string {
	var out []string
	for _, s := range plan.Statements {
		out = append(out, s.SQL)
	}
	return out
}

func TestGenerateShopForPostgres(t *testing.T) {
	t.Parallel()
	plan, err := Generate(shop(), Postgres(), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{
		`CREATE SCHEMA IF NOT EXISTS "public"`,
		`CREATE SEQUENCE "public"."order_numbers" AS integer INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1 NO CYCLE`,
		`CREATE TABLE "public"."customers" (
    "id" bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME "public"."customers_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1 NO CYCLE) NOT NULL,
    "name" text
)`,
		`CREATE TABLE "public"."orders" (
    "number" integer DEFAULT nextval('public.order_numbers'::regclass) NOT NULL,
    "customer" bigint NOT NULL,
    "kind" smallint DEFAULT '1'::smallint NOT NULL
)`,
		`ALTER TABLE ONLY "public"."customers" ADD CONSTRAINT "customers_pkey" PRIMARY KEY (id)`,
		`CREATE UNIQUE INDEX "orders_number" ON "public"."orders" USING btree (number)`,
		`ALTER TABLE ONLY "public"."orders" ADD CONSTRAINT "orders_customer_fkey" FOREIGN KEY (customer) REFERENCES public.customers(id)`,
		`ANALYZE "public"."customers"`,
		`ANALYZE "public"."orders"`,
	}, statementsOf(plan))
	require.Empty(t, plan.Findings)
	require.Len(t, plan.Transfers, 2)
	require.Equal(t, []string{"number"}, plan.Transfers[1].Key)
}

func TestGenerateShopForDB9(t *testing.T) {
	t.Parallel()
	plan, err := Generate(shop(), DB9(), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{
		`CREATE SCHEMA IF NOT EXISTS "public"`,
		`CREATE SEQUENCE "public"."order_numbers" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1 NO CYCLE`,
		`CREATE TABLE "public"."customers" (
    "id" bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    "name" text,
    CONSTRAINT "customers_pkey" PRIMARY KEY (id)
)`,
		`CREATE TABLE "public"."orders" (
    "number" integer DEFAULT nextval('public.order_numbers'::regclass) NOT NULL,
    "customer" bigint NOT NULL,
    "kind" integer DEFAULT '1'::integer NOT NULL
)`,
		`CREATE UNIQUE INDEX "orders_number" ON "public"."orders" USING btree (number)`,
		`ALTER TABLE "public"."orders" ADD CONSTRAINT "orders_kind_check" CHECK ("kind" BETWEEN -32768 AND 32767)`,
		`ALTER TABLE "public"."orders" ADD CONSTRAINT "orders_customer_fkey" FOREIGN KEY (customer) REFERENCES public.customers(id)`,
		`ANALYZE "public"."customers"`,
		`ANALYZE "public"."orders"`,
	}, statementsOf(plan))
	require.True(t, plan.Transfers[0].KeyInline)
}
