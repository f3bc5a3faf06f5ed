package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// ready sees that a table can be written to, before anything is.
func (r *run) ready(ctx context.Context, p *prepared, t *table) error {
	var err error
	if t.exists, err = r.standing(ctx, t); err != nil {
		return err
	}
	if t.exists && t.state.wanted == making {
		if err := r.unmake(ctx, t); err != nil {
			return err
		}
	}
	words, added := t.changed()
	switch {
	case len(words) > 0:
		return fmt.Errorf("the source's table %s has changed: %s; nothing was written. Change the target's table alike, then let sync reset forget the former columns", t.job.Table, list(words))
	case len(added) > 0 && t.job.OnSchemaChange != jobfile.Adapt:
		return fmt.Errorf("the source's table %s has new columns (%s); nothing was written. Add them to the target's table and let sync reset forget the former ones, or say on_schema_change: adapt", t.job.Table, orNone(added))
	}
	if !t.exists {
		if err := r.create(ctx, p, t); err != nil {
			return err
		}
	}
	if err := r.readGuards(ctx, p, t); err != nil {
		return err
	}
	if err := t.refuse(); err != nil {
		return err
	}
	if len(added) > 0 && t.exists {
		if err := r.adapt(ctx, t, added); err != nil {
			return err
		}
	}
	return r.fit(ctx, p, t)
}

// standing says whether the target has the table.
func (r *run) standing(ctx context.Context, t *table) (bool, error) {
	var n int64
	const sql = "SELECT count(*) FROM information_schema.tables WHERE table_schema = $1 AND table_name = $2"
	if err := r.control.QueryRow(ctx, sql, t.transfer.Target.Schema, t.transfer.Target.Name).Scan(&n); err != nil {
		return false, fmt.Errorf("asking the target whether it has table %s: %w", t.transfer.Target, err)
	}
	return n > 0, nil
}

// empty says whether the target's table holds no row.
func (r *run) empty(ctx context.Context, t *table) (bool, error) {
	var one int
	err := r.control.QueryRow(ctx, "SELECT 1 FROM "+quote.Name(t.transfer.Target.Schema, t.transfer.Target.Name)+" LIMIT 1", pgx.QueryExecModeSimpleProtocol).Scan(&one)
	switch {
	case err == nil:
		return false, nil
	case errors.Is(err, pgx.ErrNoRows):
		return true, nil
	}
	return false, fmt.Errorf("asking the target whether table %s is empty: %w", t.transfer.Target, err)
}

// adapt adds columns that the source has got, and that take NULL.
func (r *run) adapt(ctx context.Context, t *table, added []string) error {
	for _, name := range added {
		i := slices.IndexFunc(t.transfer.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Source == name })
		if i < 0 {
			continue // it does not travel: generated, or excluded by the mapping
		}
		c := t.transfer.Columns[i]
		var n int64
		const there = "SELECT count(*) FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 AND column_name = $3"
		if err := r.control.QueryRow(ctx, there, t.transfer.Target.Schema, t.transfer.Target.Name, c.Target).Scan(&n); err != nil {
			return fmt.Errorf("asking the target for column %s of %s: %w", c.Target, t.transfer.Target, err)
		}
		if n > 0 {
			continue
		}
		sql := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", quote.Name(t.transfer.Target.Schema, t.transfer.Target.Name), quote.Ident(c.Target), c.TargetType)
		if _, err := r.control.Exec(ctx, sql); err != nil {
			return fmt.Errorf("adding column %s to %s: %w", c.Target, t.transfer.Target, err)
		}
		t.entry.Notes = append(t.entry.Notes, fmt.Sprintf("column %s was added on the target, as on the source", c.Target))
		r.say("%s: column %s was added on the target, as on the source", t.transfer.Target, c.Target)
	}
	return nil
}
