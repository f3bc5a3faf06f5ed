package main

import (
	"context"
	"fmt"
)

const (
	largeBytes  = 5e9
	besideLarge = 200 // small tables
)

// oneLarge times a table that is nearly all of a database, beside small ones,
// against the same bytes in equal tables: what is lost is what jobs wait for each
// other, and what they stand in each other's way in one table. Without keys,
// which are built when all rows are there.
func oneLarge(ctx context.Context, b *bench) (*result, error) {
	accounts, err := shapeNamed("accounts")
	if err != nil {
		return nil, err
	}
	small, err := shapeNamed("small")
	if err != nil {
		return nil, err
	}
	bytes := largeBytes * b.opts.size
	tables := []table{sized("large", accounts, bytes, false)}
	for i := range besideLarge {
		tables = append(tables, table{name: fmt.Sprintf("small_%03d", i), shape: small, rows: 100})
	}
	const equal = besideLarge + 1
	for i := range equal {
		tables = append(tables, sized(fmt.Sprintf("equal_%03d", i), accounts, bytes/equal, false))
	}
	d, err := b.makeData(ctx, tables)
	if err != nil {
		return nil, err
	}
	one := b.ours("A one large table", "--jobs", "2", "--skip-verify", "--include-table", "large", "--include-table", "small_*")
	many := b.ours("B equal tables", "--jobs", "2", "--skip-verify", "--include-table", "equal_*")
	if err := b.contend(ctx, b.opts.rounds, one, many); err != nil {
		return nil, err
	}
	data := func(c *contender) float64 {
		return median(column(c.Runs, func(u usage) float64 { return u.phase("data") }))
	}
	return &result{
		Data: d.String() + ", half of them for A", Contenders: []*contender{one, many},
		Figures: append(compare(one, many, 1.05), figure{Name: "phase data, ratio of medians", Value: data(one) / data(many)}),
	}, nil
}
