package sync

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgerrcode"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/verify"
)

// delta brings the rows that the last run may not have seen, in the order of the
// cursor: those beyond its watermark, those that were committed late below it, and
// for upsert those that were updated. The watermark and the horizon move in the
// transaction of the last rows.
func (r *run) delta(ctx context.Context, p *prepared, t *table) error {
	condition, wanted, err := r.since(ctx, p, t)
	if err != nil {
		return err
	}
	watermark, err := t.watermark(ctx, p)
	if err != nil {
		return err
	}
	finish := t.finish(p.moment, watermark, strconv.FormatUint(p.moment.low, 10), wanted)
	if condition == "" {
		if loaded, err := r.firstLoad(ctx, p, t); err != nil || loaded {
			if err == nil {
				_, err = r.control.Exec(ctx, finish)
			}
			return err
		}
	}
	cursor := quote.Ident(t.job.Cursor)
	order := []string{cursor}
	for _, k := range t.key {
		if c := t.column(k); c != nil && quote.Ident(c.Source) != cursor {
			order = append(order, quote.Ident(c.Source))
		}
	}
	done, err := copier.Upsert(ctx, copier.UpsertParams{
		Source: r.Source, Snapshot: p.snapshot, Target: r.Target, Profile: r.Profile, Run: r.id, Part: t.part, Transfer: t.transfer, Always: t.always,
		Key: t.key, Update: t.job.Mode == jobfile.Upsert, Since: condition, Order: order,
		Finish:  []string{finish},
		MaxRate: t.job.MaxRate, Patience: r.Patience, Stop: r.Stop,
	})
	if done != nil {
		t.entry.Read += done.Read
		t.entry.Inserted += done.Inserted
		t.entry.Updated += done.Updated
		t.entry.Bytes += done.Bytes
	}
	if dial.SQLState(err) == pgerrcode.InvalidColumnReference {
		return fmt.Errorf("table %s on the target has no unique index of (%s), by which rows are known again: make one: %w", t.transfer.Target, strings.Join(t.key, ", "), err)
	}
	if err != nil {
		return err
	}
	return r.faults.hit("upserted")
}

// column is how a column of the target travels.
func (t *table) column(target string) *ddlgen.ColumnTransfer {
	i := slices.IndexFunc(t.transfer.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Target == target })
	if i < 0 {
		return nil
	}
	return &t.transfer.Columns[i]
}

// watermark is the largest value of the cursor in the snapshot, for people: which rows
// are read does not follow from it.
func (t *table) watermark(ctx context.Context, p *prepared) (string, error) {
	var parts []string
	cursor := quote.Ident(t.job.Cursor)
	for _, rel := range t.transfer.Relations {
		sql := fmt.Sprintf("(SELECT max(%s) AS m FROM ONLY %s", cursor, quote.Name(rel.Schema, rel.Name))
		if w := t.transfer.WhereOf(rel); w != "" {
			sql += " WHERE " + w
		}
		parts = append(parts, sql+")")
	}
	var text *string
	if err := p.snapshot.Conn().QueryRow(ctx, "SELECT max(m)::text FROM ("+strings.Join(parts, " UNION ALL ")+") x").Scan(&text); err != nil {
		return "", fmt.Errorf("asking the source how far %s of %s goes: %w", t.job.Cursor, t.job.Table, err)
	}
	if text == nil {
		return t.state.watermark, nil
	}
	return *text, nil
}

// deletes takes rows away that the source has no more: both sides' keys alone are
// compared, by digests of ranges of them.
func (r *run) deletes(ctx context.Context, p *prepared, t *table) error {
	keys, expect := *t.transfer, *t.expect
	keys.Columns, expect.Columns = nil, nil
	for _, k := range t.transfer.Key {
		keys.Columns = append(keys.Columns, *t.column(k))
		for _, c := range t.expect.Columns {
			if c.Name == k {
				expect.Columns = append(expect.Columns, c)
			}
		}
	}
	for last := int64(-1); ; {
		v := r.comparison(p, t, verify.LevelRows)
		v.Plan = &ddlgen.Plan{Profile: r.Profile.Name, Transfers: []ddlgen.Transfer{keys}, Expect: []ddlgen.ExpectedTable{expect}}
		d, err := r.search(ctx, t, v)
		if err != nil || d.table.Verdict == verify.Match {
			return err
		}
		d.rows = slices.DeleteFunc(d.rows, func(row copier.RepairRow) bool { return row.Kind != copier.RepairExtra })
		if len(d.rows) == 0 && !d.more {
			return nil // rows that are missing are not of this step: verification tells of them
		}
		result, err := r.repair(ctx, p, t, &keys, d.rows)
		if err != nil {
			return err
		}
		if len(result.Refused) > 0 {
			return fmt.Errorf("rows of %s cannot be deleted: %s", t.transfer.Target, result.Refused[0].Why)
		}
		if !d.more {
			return r.faults.hit("deleted")
		}
		if result.Deleted == 0 && last == 0 {
			return fmt.Errorf("rows of %s differ, and none of them can be deleted: %s", t.transfer.Target, d.table.Detail)
		}
		last = result.Deleted
	}
}
