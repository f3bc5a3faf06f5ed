package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// unit runs the tables of one unit. Rows come to tables in the order of their
// foreign keys, and go in the opposite one; what a foreign key kept from going in
// the first pass goes in the second. An error is the run's; a table's own is in its
// entry.
func (r *run) unit(ctx context.Context, u unit, p *prepared) (err error) {
	if p == nil {
		if p, err = r.prepare(ctx, u); err != nil {
			p = &prepared{unit: u}
			for _, job := range u.tables {
				p.tables = append(p.tables, &table{job: job, err: err})
			}
		}
	}
	defer p.close(ctx)
	for _, t := range p.tables {
		if err := r.start(ctx, p, t); err != nil {
			return err
		}
	}
	for _, t := range p.tables {
		t.batched = t.job.Mode != jobfile.Mirror
		if err := r.each(ctx, t, func(ctx context.Context) error { return r.first(ctx, p, t) }); err != nil {
			return err
		}
		t.batched = false
	}
	if err := r.second(ctx, p); err != nil {
		return err
	}
	for _, t := range p.tables {
		if err := r.each(ctx, t, func(ctx context.Context) error { return r.verify(ctx, p, t) }); err != nil {
			return err
		}
		if err := r.conclude(ctx, p.moment, t); err != nil {
			return err
		}
	}
	return nil
}

// each does a step of a table that nothing has gone wrong with, in the time that it
// has. The error is one that ends the run.
func (r *run) each(ctx context.Context, t *table, step func(ctx context.Context) error) error {
	if t.err != nil || t.entry.Verdict != "" {
		return nil
	}
	if err := r.connected(ctx); err != nil {
		return err
	}
	if r.stopped() {
		t.entry.Verdict, r.report.Stopped = Skipped, true
		return nil
	}
	within := ctx
	if !t.batched {
		var done func()
		within, done = r.untilStop(ctx)
		defer done()
	}
	if d := t.job.Timeout; d > 0 {
		left := time.Until(t.entry.Began.Add(d))
		var cancel context.CancelFunc
		within, cancel = context.WithTimeoutCause(within, left, fmt.Errorf("the table's timeout of %s has passed", d))
		defer cancel()
	}
	err := step(within)
	var crash *crashError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &crash):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case r.stopped() || errors.Is(err, copier.ErrStopped):
		t.entry.Verdict, r.report.Stopped = Skipped, true
		return nil
	case within.Err() != nil:
		err = context.Cause(within)
	}
	t.err = err
	return nil
}

// untilStop is a context that ends when the user asks for a stop, for work that ends
// between two batches of its own, or that writes nothing.
func (r *run) untilStop(ctx context.Context) (context.Context, func()) {
	ctx, halt := context.WithCancelCause(ctx)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		select {
		case <-r.Stop:
			halt(copier.ErrStopped)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		halt(nil)
		<-heard
	}
}

// start records that a table's run has begun.
func (r *run) start(ctx context.Context, p *prepared, t *table) error {
	target := t.job.Table
	if t.transfer != nil {
		target = t.transfer.Target
	}
	t.entry = &Entry{Run: r.id, Table: t.job.Table, Target: target, Group: p.unit.group, Mode: t.job.Mode, Began: time.Now()}
	const record = `INSERT INTO _pg2db9.sync_history (run, target_schema, target_name, source_schema, source_name, grp, mode) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`
	_, err := r.control.Exec(ctx, record, r.id, target.Schema, target.Name, t.job.Table.Schema, t.job.Table.Name, p.unit.group, string(t.job.Mode))
	if err != nil {
		return fmt.Errorf("recording in the ledger that %s is run: %w", t.job.Table, err)
	}
	return nil
}

// first does what can be done in the order of foreign keys.
func (r *run) first(ctx context.Context, p *prepared, t *table) error {
	if err := r.readState(ctx, t); err != nil {
		return err
	}
	if err := r.ready(ctx, p, t); err != nil {
		return err
	}
	r.parts++
	t.part = r.parts
	if err := copier.ClaimTable(ctx, r.control, r.id, t.part, t.transfer.Target); err != nil {
		return err
	}
	if err := r.faults.hit("claimed"); err != nil {
		return err
	}
	switch t.job.Mode {
	case jobfile.Mirror:
		return r.mirror(ctx, p, t)
	case jobfile.Full:
		return r.full(ctx, p, t)
	default:
		return r.delta(ctx, p, t)
	}
}

// second does what had to wait for other tables: rows go, and what could not be
// written is tried again, for as long as that helps.
func (r *run) second(ctx context.Context, p *prepared) error {
	for _, t := range slices.Backward(p.tables) {
		if t.job.Mode != jobfile.Upsert || t.job.Deletes != jobfile.DeletesDigest || t.done {
			continue
		}
		if err := r.each(ctx, t, func(ctx context.Context) error { return r.deletes(ctx, p, t) }); err != nil {
			return err
		}
	}
	for before := int64(-1); ; {
		waiting, now := 0, int64(0)
		for _, t := range slices.Backward(p.tables) {
			if t.waits != "" {
				if err := r.each(ctx, t, func(ctx context.Context) error { return r.mirror(ctx, p, t) }); err != nil {
					return err
				}
			}
			if t.err == nil && t.waits != "" {
				waiting++
			}
			now += t.entry.Inserted + t.entry.Updated + t.entry.Deleted
		}
		if waiting == 0 || now == before {
			break
		}
		before = now
	}
	for _, t := range p.tables {
		if t.err == nil && t.waits != "" && t.entry.Verdict == "" {
			t.err = fmt.Errorf("rows of %s cannot be written: %s", t.transfer.Target, t.waits)
		}
	}
	return nil
}

// conclude records how a table's run has ended.
func (r *run) conclude(ctx context.Context, m moment, t *table) error {
	if err := r.connected(ctx); err != nil {
		return err
	}
	e := t.entry
	switch {
	case t.err != nil:
		e.Verdict, e.Err, e.Usage = Failed, redact(t.err), t.usage
	case e.Verdict == "":
		e.Verdict = Unverified
	}
	e.Sent = e.Inserted + e.Updated + e.Deleted
	e.Ended = time.Now()
	var moment *time.Time
	if e.Good() || e.Verdict == Mismatch {
		e.Moment = m.taken
		moment = &e.Moment
	}
	const record = `UPDATE _pg2db9.sync_history SET ended = now(), moment = $4, rows_read = $5, rows_sent = $6, inserted = $7, updated = $8, deleted = $9,
		bytes_sent = $10, verdict = $11, error = $12 WHERE run = $1 AND target_schema = $2 AND target_name = $3`
	if e.Good() && (t.job.Mode == jobfile.Mirror || t.job.Mode == jobfile.Full) { // of the others it stands in the transaction of the last rows
		if _, err := r.control.Exec(ctx, t.finish(m, "", "", "")); err != nil {
			return fmt.Errorf("recording in the ledger which moment %s shows: %w", e.Target, err)
		}
	}
	_, err := r.control.Exec(ctx, record, r.id, e.Target.Schema, e.Target.Name, moment, e.Read, e.Sent, e.Inserted, e.Updated, e.Deleted, e.Bytes, string(e.Verdict), e.Err)
	if err != nil {
		return fmt.Errorf("recording in the ledger how the run of %s has ended: %w", e.Table, err)
	}
	r.report.Tables = append(r.report.Tables, *e)
	return r.faults.hit("concluded")
}

// names of the unit's tables on the target.
func (p *prepared) targets() []catalog.Name {
	var out []catalog.Name
	for _, t := range p.tables {
		if t.err == nil && t.transfer != nil {
			out = append(out, t.transfer.Target)
		}
	}
	return out
}
