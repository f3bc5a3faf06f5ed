package sourcefacts

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// longTransaction is how long a transaction is open before it is named (seconds).
const longTransaction = 300.0

func (r *reader) transactions(ctx context.Context) error {
	type row struct {
		PID         int64   `db:"pid"`
		Role        string  `db:"role"`
		Database    string  `db:"database"`
		Application string  `db:"application"`
		State       string  `db:"state"`
		Seconds     float64 `db:"seconds"`
		XminAge     int64   `db:"xmin_age"`
		Hidden      bool    `db:"hidden"`
	}
	all, err := rows[row](ctx, r.q, "transactions", longTransaction)
	if err != nil {
		return err
	}
	for _, t := range all {
		if t.Hidden {
			r.facts.Hidden++
			continue
		}
		r.facts.Transactions = append(r.facts.Transactions, Transaction{t.PID, t.Role, t.Database, t.Application, t.State, t.Seconds, t.XminAge})
	}
	return nil
}

func (r *reader) prepared(ctx context.Context) error {
	type row struct {
		GID      string  `db:"gid"`
		Owner    string  `db:"owner"`
		Database string  `db:"database"`
		Seconds  float64 `db:"seconds"`
		XminAge  int64   `db:"xmin_age"`
	}
	all, err := rows[row](ctx, r.q, "prepared")
	for _, p := range all {
		r.facts.Prepared = append(r.facts.Prepared, Prepared(p))
	}
	return err
}

func (r *reader) slots(ctx context.Context) error {
	type row struct {
		Name     string `db:"name"`
		Kind     string `db:"kind"`
		Plugin   string `db:"plugin"`
		Database string `db:"database"`
		Active   bool   `db:"active"`
		XminAge  int64  `db:"xmin_age"`
		Retained int64  `db:"retained"`
	}
	all, err := rows[row](ctx, r.q, "slots")
	for _, s := range all {
		r.facts.Slots = append(r.facts.Slots, Slot(s))
	}
	return err
}

// xmin finds what holds vacuum back the furthest.
func xmin(f *Facts) Xmin {
	var all []Xmin
	for _, t := range f.Transactions {
		all = append(all, Xmin{t.XminAge, fmt.Sprintf("the transaction of process %d (role %s)", t.PID, t.Role)})
	}
	for _, p := range f.Prepared {
		all = append(all, Xmin{p.XminAge, "prepared transaction " + p.GID})
	}
	for _, s := range f.Slots {
		all = append(all, Xmin{s.XminAge, "replication slot " + s.Name})
	}
	if len(all) == 0 {
		return Xmin{}
	}
	oldest := slices.MaxFunc(all, func(a, b Xmin) int { return cmp.Compare(a.Age, b.Age) })
	if oldest.Age == 0 {
		return Xmin{}
	}
	return oldest
}
