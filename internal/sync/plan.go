package sync

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/verify"
)

// Planned is what a run would do to one table.
type Planned struct {
	Table  catalog.Name `json:"table"`
	Target catalog.Name `json:"target"`
	Group  string       `json:"group,omitempty"`
	Mode   jobfile.Mode `json:"mode"`
	Insert int64        `json:"insert"` // rows
	Update int64        `json:"update"` // rows
	Delete int64        `json:"delete"` // rows
	Rows   int64        `json:"rows"`   // that would be sent; of upsert, which of them are new is not known
	Bytes  int64        `json:"bytes"`  // about so many, of these
	How    string       `json:"how"`    // one sentence
	Err    string       `json:"error,omitempty"`
}

// Plan says what a run would do, and writes nothing.
func (r *Runner) Plan(ctx context.Context, sel Selection) ([]Planned, error) {
	units, err := r.units(sel)
	if err != nil {
		return nil, err
	}
	run := &run{Params: r.p, id: copier.NewRunID()}
	if run.control, err = r.p.Target.Connect(ctx, copier.ControlSettings(r.p.Profile)); err != nil {
		return nil, err
	}
	defer func() { _ = run.control.Close(context.WithoutCancel(ctx)) }()
	var out []Planned
	for _, u := range units {
		p, err := run.prepare(ctx, u)
		if err != nil {
			return out, err
		}
		if err := p.faulty(); err != nil {
			p.close(ctx)
			return out, err
		}
		for _, t := range p.tables {
			out = append(out, run.foresee(ctx, p, t))
		}
		p.close(ctx)
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
	}
	return out, nil
}

// foresee says what a run would do to one table.
func (r *run) foresee(ctx context.Context, p *prepared, t *table) Planned {
	t.entry = &Entry{}
	f := Planned{Table: t.job.Table, Target: t.job.Table, Group: p.unit.group, Mode: t.job.Mode}
	err := t.err
	if err == nil {
		f.Target = t.transfer.Target
		err = r.foreseen(ctx, p, t, &f)
	}
	if err != nil {
		f.Err = redact(err)
	}
	return f
}

func (r *run) foreseen(ctx context.Context, p *prepared, t *table, f *Planned) error {
	var err error
	if t.exists, err = r.standing(ctx, t); err != nil {
		return err
	}
	if err := r.recall(ctx, t); err != nil {
		return err
	}
	if words, _ := t.changed(); len(words) > 0 {
		return fmt.Errorf("the source's table has changed: %s", list(words))
	}
	empty := !t.exists
	if t.exists {
		if err := r.readGuards(ctx, p, t); err != nil {
			return err
		}
		if err := t.refuse(); err != nil {
			return err
		}
		if empty, err = r.empty(ctx, t); err != nil {
			return err
		}
	}
	if t.job.Mode == jobfile.Full && !empty && r.Profile.FullCatalog && !r.Profile.Map {
		plan, err := planSwap(ctx, r.control, t.transfer.Target, besideName(t.transfer.Target))
		if err != nil {
			return err
		}
		if len(plan.Refused) > 0 {
			return &notSwappedError{t.transfer.Target, plan.Refused}
		}
	}
	all, bytes, err := t.weight(ctx, p, "")
	if err != nil {
		return err
	}
	switch {
	case empty || t.job.Mode == jobfile.Full:
		f.Insert, f.Rows, f.Bytes, f.How = all, all, bytes, "all rows are loaded"
		if !t.exists {
			f.How = "the table is made on the target, and all rows are loaded"
		}
		return nil
	case t.job.Mode == jobfile.Mirror:
		f.How = "rows that differ are sent"
		found, err := compare(ctx, r.comparison(p, t, verify.LevelRows))
		if err != nil {
			return err
		}
		switch {
		case found.Verdict == verify.Match:
			return nil
		case found.Data == nil || found.Data.Found == nil:
			return fmt.Errorf("comparing %s: %s", t.transfer.Target, found.Detail)
		}
		rows := found.Data.Found
		f.Insert, f.Update, f.Delete = rows.Missing, rows.Changed, rows.Extra
		if rows.Unlocalised > 0 {
			f.How = "rows that differ are sent: so many at least"
		}
	default:
		condition, _, err := r.since(ctx, p, t)
		if err != nil {
			return err
		}
		f.How = "rows that were written since the last run are sent"
		if condition == "" {
			f.How = "all rows are sent: nothing is known of a run before"
		}
		f.Rows, f.Bytes, err = t.weight(ctx, p, condition)
		return err
	}
	f.Rows = f.Insert + f.Update + f.Delete
	if all > 0 {
		f.Bytes = bytes / all * (f.Insert + f.Update)
	}
	return nil
}

// weight counts rows of the source, and about their bytes.
func (t *table) weight(ctx context.Context, p *prepared, condition string) (rows, bytes int64, err error) {
	for _, rel := range t.transfer.Relations {
		sql := "SELECT count(*), coalesce(sum(pg_catalog.pg_column_size(x)), 0)::bigint FROM ONLY " + quote.Name(rel.Schema, rel.Name) + " x"
		var conditions []string
		for _, c := range []string{condition, t.transfer.WhereOf(rel)} {
			if c != "" {
				conditions = append(conditions, c)
			}
		}
		if len(conditions) > 0 {
			sql += " WHERE " + strings.Join(conditions, " AND ")
		}
		var n, size int64
		if err := p.snapshot.Conn().QueryRow(ctx, sql).Scan(&n, &size); err != nil {
			return 0, 0, fmt.Errorf("counting rows of %s on the source: %w", rel, err)
		}
		rows, bytes = rows+n, bytes+size
	}
	return rows, bytes, nil
}

// recall reads what the run before has left, and makes nothing.
func (r *run) recall(ctx context.Context, t *table) error {
	err := r.readKnown(ctx, t)
	if errors.Is(err, pgx.ErrNoRows) || noLedger(err) {
		return nil
	}
	return err
}
