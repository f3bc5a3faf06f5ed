package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// prepared is a unit with what the source says of it in one snapshot.
type prepared struct {
	unit     unit
	source   *pgx.Conn // for questions about the source as it is now
	snapshot *copier.Snapshot
	whole    *catalog.Database
	db       *catalog.Database // the unit's tables
	full     *ddlgen.Plan      // with statements; nil until a table has to be made
	moment   moment
	tables   []*table // those that others refer to first
}

// table is one table of a unit.
type table struct {
	job      jobfile.Table
	transfer *ddlgen.Transfer
	expect   *ddlgen.ExpectedTable
	source   *catalog.Table
	always   []string // identity columns of the target that are GENERATED ALWAYS
	key      []string // of append and upsert: target columns
	err      error    // why it cannot be run
	usage    bool     // err is a fault of the job file

	exists      bool                   // on the target
	made        bool                   // by this run
	later       []ddlgen.Statement     // of a table that was made: what follows its rows
	sequences   []ddlgen.SequenceValue // the same
	part        int64                  // of this run in the ledger, once the table is claimed
	state       state                  // of the run before
	entry       *Entry
	guards      guards
	unmergeable bool   // its key may be ordered otherwise on the two sides
	done        bool   // nothing is left to do, nor to verify
	batched     bool   // what is done now ends between two batches when the user asks; else it is broken off
	waits       string // why rows were not written in the first pass
}

func (p *prepared) close(ctx context.Context) {
	if p.snapshot != nil {
		p.snapshot.Close(context.WithoutCancel(ctx))
		p.snapshot = nil
	}
	if p.source != nil {
		_ = p.source.Close(context.WithoutCancel(ctx))
	}
}

// faulty joins the faults of the job file that the catalog has shown.
func (p *prepared) faulty() error {
	var all []error
	for _, t := range p.tables {
		if t.usage {
			all = append(all, t.err)
		}
	}
	return errors.Join(all...)
}

// prepare takes a snapshot of a unit, and holds what the job file wishes against it.
func (r *run) prepare(ctx context.Context, u unit) (_ *prepared, err error) {
	p := &prepared{unit: u}
	defer func() {
		if err != nil {
			p.close(ctx)
		}
	}()
	if p.source, err = r.Source.Connect(ctx, dial.Reader()); err != nil {
		return nil, err
	}
	for _, job := range u.tables {
		p.tables = append(p.tables, &table{job: job})
	}
	filter := catalog.Filter{}
	p.snapshot, err = copier.OpenSnapshot(ctx, copier.SnapshotParams{
		Source: r.Source, Settings: copier.ReaderSettings(r.Profile), Bus: r.Bus,
		Match: func(refs []catalog.TableRef) ([]catalog.Name, error) {
			filter = p.choose(refs)
			if len(filter.IncludeTables) == 0 {
				return nil, nil
			}
			return filter.Match(refs)
		},
	})
	if err != nil {
		return nil, err
	}
	if len(filter.IncludeTables) == 0 {
		return p, nil
	}
	if p.moment, err = readMoment(ctx, p.source, p.snapshot); err != nil {
		return nil, err
	}
	p.whole, err = catalog.Load(ctx, p.snapshot.Conn(), catalog.LoadOptions{})
	if err != nil {
		return nil, err
	}
	if p.db, _, err = p.whole.Select(filter); err != nil {
		return nil, err
	}
	plan, err := r.plan(ctx, p, p.whole, ddlgen.Options{OnlyData: true})
	if err != nil {
		return nil, err
	}
	for _, t := range p.tables {
		if t.err == nil {
			t.hold(p.db, plan, r.Accept)
		}
		if t.err == nil {
			if err := t.holdOrder(ctx, p.source); err != nil {
				return nil, err
			}
		}
	}
	p.order()
	return p, nil
}

// choose makes the filter for those of the tables that are there.
func (p *prepared) choose(refs []catalog.TableRef) catalog.Filter {
	var f catalog.Filter
	for _, t := range p.tables {
		t.err, t.usage = nil, false
		at := slices.IndexFunc(refs, func(r catalog.TableRef) bool { return r.Name == t.job.Table })
		switch {
		case at < 0:
			t.fault("", "the source has no table %s", t.job.Table)
		case refs[at].IsPartition:
			t.fault("", "%s is a partition: name the partitioned table, whose rows stand in one table on the target", t.job.Table)
		default:
			f.IncludeTables = append(f.IncludeTables, catalog.Pattern(t.job.Table))
		}
	}
	return f
}

// fault takes down what cannot be done, at the place of one of the table's keys.
func (t *table) fault(key, format string, args ...any) {
	t.err, t.usage = t.job.ErrorAt(key, format, args...), true
}

// plan makes the plan of the unit, with what the job file wishes of its tables.
func (r *run) plan(ctx context.Context, p *prepared, whole *catalog.Database, opts ddlgen.Options) (*ddlgen.Plan, error) {
	spec := usermap.Spec{}
	if r.Mapping != nil {
		spec = *r.Mapping
		spec.Rows, spec.Columns = slices.Clone(spec.Rows), slices.Clone(spec.Columns)
	}
	for _, t := range p.tables {
		if t.err == nil {
			t.wish(p.db, &spec)
		}
	}
	opts.Accept, opts.TargetVersion = r.Accept, r.TargetVersion
	if !spec.Empty() {
		mapping, err := usermap.Resolve(&spec, whole, p.db)
		if err != nil {
			return nil, err
		}
		if err := preflight.CheckMapping(ctx, p.source, p.db, mapping); err != nil {
			return nil, err
		}
		if opts.Unserved, err = preflight.Unserved(ctx, p.source, p.db, mapping); err != nil {
			return nil, err
		}
		if opts.Dangling, err = preflight.Dangling(ctx, p.source, p.db, mapping); err != nil {
			return nil, err
		}
		opts.Mapping = mapping
	}
	return ddlgen.Generate(p.db, r.Profile, opts)
}

// wish turns what the job file says of a table's rows and columns into a mapping.
func (t *table) wish(db *catalog.Database, spec *usermap.Spec) {
	pattern := catalog.Pattern(t.job.Table)
	at := t.job.Errorf("").Error()
	at = strings.TrimSuffix(strings.TrimSpace(at), ":")
	if t.job.Where != "" {
		spec.Rows = append(spec.Rows, usermap.RowsWish{Where: at + ".where", Table: pattern, Condition: t.job.Where})
	}
	if len(t.job.Columns) == 0 {
		return
	}
	i := slices.IndexFunc(db.Tables, func(x catalog.Table) bool { return x.Name == t.job.Table })
	if i < 0 {
		return
	}
	for _, name := range t.job.Columns {
		if !slices.ContainsFunc(db.Tables[i].Columns, func(c catalog.Column) bool { return c.Name == name }) {
			t.fault("columns."+name, "%s has no column %s", t.job.Table, name)
			return
		}
	}
	for _, c := range db.Tables[i].Columns {
		if !slices.Contains(t.job.Columns, c.Name) {
			spec.Exclude = append(spec.Exclude, usermap.PatternWish{Where: at + ".columns", Pattern: pattern + "." + catalog.Pattern(catalog.Name{Name: c.Name}), Keys: true})
		}
	}
}

// hold finds a table in the catalog and the plan, and whether it can have its mode.
func (t *table) hold(db *catalog.Database, plan *ddlgen.Plan, accept []string) {
	for i := range db.Tables {
		if db.Tables[i].Name == t.job.Table {
			t.source = &db.Tables[i]
		}
	}
	for _, f := range plan.Findings {
		about := f.Object.Schema == t.job.Table.Schema && (f.Object.Name == t.job.Table.Name && f.Object.Parent == "" || f.Object.Parent == t.job.Table.Name)
		if about && f.Severity == finding.Block && !slices.Contains(accept, string(f.Code)) && !slices.Contains(accept, string(f.Code)+":"+f.Object.Path()) {
			t.err = fmt.Errorf("%s: %s; what to do: %s", f.Object, f.Message, f.Remedy)
			return
		}
	}
	for i := range plan.Transfers {
		if plan.Transfers[i].Source == t.job.Table {
			t.transfer = &plan.Transfers[i]
		}
	}
	if t.source == nil || t.transfer == nil || len(t.transfer.Relations) == 0 {
		t.fault("", "the rows of %s cannot be read as a table of their own", t.job.Table)
		return
	}
	for i := range plan.Expect {
		if plan.Expect[i].Name == t.transfer.Target {
			t.expect = &plan.Expect[i]
		}
	}
	if t.expect == nil {
		t.err = fmt.Errorf("the plan says nothing of table %s on the target", t.transfer.Target)
		return
	}
	for _, c := range t.expect.Columns {
		if c.Identity == catalog.IdentityAlways {
			t.always = append(t.always, c.Name)
		}
	}
	t.holdMode(db)
}

// order puts the tables behind those that they refer to; where they refer to one
// another, it is the file's order.
func (p *prepared) order() {
	var out []*table
	seen := map[*table]bool{}
	var add func(t *table)
	add = func(t *table) {
		if seen[t] {
			return
		}
		seen[t] = true
		for i := range p.db.Constraints {
			c := &p.db.Constraints[i]
			if c.RefTable == nil || c.Table != t.job.Table {
				continue
			}
			for _, other := range p.tables {
				if other.job.Table == *c.RefTable {
					add(other)
				}
			}
		}
		out = append(out, t)
	}
	for _, t := range p.tables {
		add(t)
	}
	p.tables = out
}
