package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/verify"
)

// mostRepaired is how many rows are repaired in one go: they are held by key.
// Where more differ, the table is sooner loaded anew.
const mostRepaired = 1_000_000

// repair is one call of the repair command: verification says which rows differ,
// the copier writes them.
type repair struct {
	job    *job
	rows   map[catalog.Name][]copier.RepairRow // by target
	tables []copier.RepairTable                // those that others refer to first
	result copier.RepairResult
	again  int // so many tables were verified again
}

// verifyPlan verifies by a plan, at level rows.
func (r *repair) verifyPlan(ctx context.Context, plan *ddlgen.Plan, doing string, each func(verify.RowDifference) error) (*verify.Report, error) {
	j := r.job
	return j.runVerify(ctx, verify.Params{
		Source: j.opts.source, Snapshot: j.snapshot.ID, Plan: plan, Profile: j.profile,
		Level: verify.LevelRows, MaxDifferences: j.opts.MaxDifferences, Differences: each,
	}, doing, j.repairAgain)
}

// find verifies, and keeps which rows differ.
func (r *repair) find(ctx context.Context) error {
	j := r.job
	ctx, done := j.untilStop(ctx)
	defer done()
	r.rows = map[catalog.Name][]copier.RepairRow{}
	held := 0
	rep, err := r.verifyPlan(ctx, j.plan, "verifying", func(d verify.RowDifference) error {
		if held++; held > mostRepaired {
			return fmt.Errorf("more than %s differ", count(mostRepaired, "row"))
		}
		r.rows[d.Table] = append(r.rows[d.Table], repairRow(d))
		return nil
	})
	j.verified = rep
	if err != nil {
		return err
	}
	if held > mostRepaired {
		j.weigh(rep)
		j.message = fmt.Sprintf("more than %s differ, and nothing was repaired: load the tables anew (copy --on-existing truncate), or repair fewer of them at once (--include-table)", count(mostRepaired, "row"))
		return errDone
	}
	r.tables = j.repairTables(r.rows)
	return nil
}

func repairRow(d verify.RowDifference) copier.RepairRow {
	row := copier.RepairRow{Kind: repairKinds[d.Kind], Hash: d.Hash, Copies: d.Copies}
	for _, k := range d.Key {
		var value *string
		if !k.Null {
			value = &k.Value
		}
		row.Key = append(row.Key, value)
	}
	if d.Kind == verify.RowChanged {
		for _, c := range d.Columns {
			row.Columns = append(row.Columns, c.Column)
		}
	}
	return row
}

// repairTables are the tables with rows that differ, each behind those that its
// foreign keys refer to; where they refer to one another, in the order of names.
func (j *job) repairTables(rows map[catalog.Name][]copier.RepairRow) []copier.RepairTable {
	target := map[catalog.Name]*ddlgen.Transfer{}
	for i := range j.plan.Transfers {
		t := &j.plan.Transfers[i]
		target[t.Source] = t
		for _, r := range t.Relations {
			target[r] = t
		}
	}
	refers := map[*ddlgen.Transfer][]*ddlgen.Transfer{}
	for i := range j.db.Constraints {
		c := &j.db.Constraints[i]
		if from := target[c.Table]; c.RefTable != nil && from != nil && target[*c.RefTable] != nil {
			refers[from] = append(refers[from], target[*c.RefTable])
		}
	}
	always := map[catalog.Name][]string{}
	for _, e := range j.plan.Expect {
		for _, c := range e.Columns {
			if c.Identity == catalog.IdentityAlways {
				always[e.Name] = append(always[e.Name], c.Name)
			}
		}
	}
	var out []copier.RepairTable
	seen := map[*ddlgen.Transfer]bool{}
	var add func(t *ddlgen.Transfer)
	add = func(t *ddlgen.Transfer) {
		if seen[t] {
			return
		}
		seen[t] = true
		for _, other := range refers[t] {
			add(other)
		}
		if len(rows[t.Target]) > 0 {
			out = append(out, copier.RepairTable{Transfer: t, Always: always[t.Target], Rows: rows[t.Target]})
		}
	}
	for i := range j.plan.Transfers {
		add(&j.plan.Transfers[i])
	}
	return out
}

// params are what the copier needs.
func (r *repair) params() (copier.RepairParams, error) {
	j := r.job
	p := copier.RepairParams{
		Source: j.opts.source, Snapshot: j.snapshot, Target: j.opts.target, Profile: j.profile, Run: j.id, Tables: r.tables, Delete: j.opts.Delete,
	}
	sources := map[catalog.Name]catalog.Name{}
	for _, t := range j.plan.Transfers {
		sources[t.Source] = t.Target
		p.Whole = append(p.Whole, t.Target)
	}
	for _, t := range j.db.Triggers {
		p.Triggered = append(p.Triggered, sources[t.Table])
	}
	for _, text := range j.opts.AllowTriggers {
		n := len(p.Allow)
		for _, t := range p.Whole {
			if text == t.String() || text == t.Name {
				p.Allow = append(p.Allow, t)
			}
		}
		if len(p.Allow) == n {
			return p, usagef(cmdRepair, "%s: the plan fills no table %q on the target", j.opts.Where("allow-triggers"), text)
		}
	}
	return p, nil
}

// print prints the statements.
func (r *repair) print(ctx context.Context) error {
	j := r.job
	if len(r.tables) == 0 {
		return nil
	}
	p, err := r.params()
	if err != nil {
		return err
	}
	if !j.p.json {
		j.beginScript()
	}
	last := catalog.Name{}
	p.Print = func(table catalog.Name, sql string) error {
		if j.p.json {
			j.p.lines.Write("statement", ui.Object{{Key: "object", Value: table.String()}, {Key: "sql", Value: sql}})
			return nil
		}
		if table != last {
			last = table
			if _, err := fmt.Fprintf(j.p.streams.Out, "\n-- %s\n", ui.Printable(table.String())); err != nil {
				return fmt.Errorf("printing the statements: %w", err)
			}
		}
		if _, err := fmt.Fprintln(j.p.streams.Out, sql+";"); err != nil {
			return fmt.Errorf("printing the statements: %w", err)
		}
		return nil
	}
	ctx, done := j.untilStop(ctx)
	defer done()
	r.result, err = copier.Repair(ctx, p)
	return j.broken(err, "reading the rows that differ", j.repairAgain)
}

// execute writes the rows, where that was asked for, and verifies their tables
// again.
func (r *repair) execute(ctx context.Context) error {
	j := r.job
	if !j.opts.Execute || len(r.tables) == 0 {
		return nil
	}
	p, err := r.params()
	if err != nil {
		return err
	}
	r.result = copier.RepairResult{}
	err = j.claimRun(ctx)
	if err == nil {
		err = r.write(ctx, p)
	}
	wrote := r.result.Inserted+r.result.Updated+r.result.Deleted > 0
	if j.lease != nil {
		err = errors.Join(err, j.forgetRun(context.WithoutCancel(ctx)))
	}
	j.written.Store(wrote)
	if wrote {
		j.mended = r.did()
	}
	if err := j.broken(err, "repairing", j.repairAgain); err != nil {
		return err
	}
	return r.verifyAgain(ctx)
}

// write holds the tables and writes to them.
func (r *repair) write(ctx context.Context, p copier.RepairParams) (err error) {
	j := r.job
	conn, err := j.opts.target.Connect(ctx, copier.ControlSettings(j.profile))
	if err != nil {
		return err
	}
	defer func() {
		clean := context.WithoutCancel(ctx)
		err = errors.Join(err, copier.EndRepair(clean, conn, j.id))
		_ = conn.Close(clean)
	}()
	names := make([]catalog.Name, len(r.tables))
	for i, t := range r.tables {
		names[i] = t.Transfer.Target
	}
	if err := copier.ClaimRepair(ctx, conn, j.id, names); err != nil {
		return err
	}
	ctx, done := j.untilStop(ctx)
	defer done()
	return j.phase("repair", len(r.tables), func() (int, error) {
		var err error
		r.result, err = copier.Repair(ctx, p)
		return len(r.result.Refused), err
	})
}

// verifyAgain verifies the repaired tables, in the same snapshot, with all
// sequences and views: rows move both. Where a trigger or a foreign key may have
// written to other tables, they are verified too.
func (r *repair) verifyAgain(ctx context.Context) error {
	j := r.job
	ctx, done := j.untilStop(ctx)
	defer done()
	plan := *j.plan
	plan.Transfers, plan.Expect = nil, nil
	for _, t := range j.plan.Transfers {
		if r.result.Beyond || len(r.rows[t.Target]) > 0 {
			plan.Transfers = append(plan.Transfers, t)
		}
	}
	for _, e := range j.plan.Expect {
		if r.result.Beyond || len(r.rows[e.Name]) > 0 {
			plan.Expect = append(plan.Expect, e)
		}
	}
	rep, err := r.verifyPlan(ctx, &plan, "verifying again", nil)
	before := j.verified
	for i := range before.Tables {
		at := slices.IndexFunc(rep.Tables, func(t verify.Table) bool { return t.Target == before.Tables[i].Target })
		if at >= 0 {
			before.Tables[i] = rep.Tables[at]
		}
	}
	before.Sequences, before.Views, before.Complete = rep.Sequences, rep.Views, before.Complete && rep.Complete
	if err == nil {
		r.again = len(plan.Transfers)
	}
	return err
}
