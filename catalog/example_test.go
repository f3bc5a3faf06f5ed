package catalog_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
)

// Reading a database: list, choose, load, select.
func Example() {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, "postgres://localhost/shop")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()

	filter := catalog.Filter{IncludeSchemas: []string{"sales"}, ExcludeTables: []string{"*_log"}}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, conn, snapshot, func(tx pgx.Tx) error {
		db, err := catalog.Load(ctx, tx, catalog.LoadOptions{NoSizes: true})
		if err != nil {
			return err
		}
		chosen, findings, err := db.Select(filter)
		if err != nil {
			return err
		}
		for _, t := range chosen.Tables {
			fmt.Println(t.Name, len(t.Columns), "columns")
		}
		for _, f := range findings {
			fmt.Println(f.Severity, f.Object, f.Message)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleFilter_Match() {
	tables := []catalog.TableRef{
		{Name: catalog.Name{Schema: "public", Name: "orders"}},
		{Name: catalog.Name{Schema: "public", Name: "Orders"}},
		{Name: catalog.Name{Schema: "public", Name: "orders_log"}},
	}
	for _, f := range []catalog.Filter{
		{IncludeTables: []string{"ORD*"}},
		{IncludeTables: []string{`public."Orders"`}},
		{ExcludeTables: []string{`/_log$/`}},
		{IncludeTables: []string{"ordres"}},
	} {
		names, err := f.Match(tables)
		fmt.Println(names, err)
	}
	// Output:
	// [public.orders public.orders_log] <nil>
	// [public.Orders] <nil>
	// [public.Orders public.orders] <nil>
	// [] --include-table ordres matches nothing; did you mean public."Orders" or public.orders?
}
