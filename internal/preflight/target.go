package preflight

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// OnExisting is what to do with objects of the plan that stand on the target.
type OnExisting string

// The ways. The zero value refuses.
const (
	Refuse   OnExisting = "refuse"
	Truncate OnExisting = "truncate"
	Drop     OnExisting = "drop"
	Resume   OnExisting = "resume" // it is this run's own
)

// Target is the target seen with a plan.
type Target struct {
	Q          Querier
	Plan       *ddlgen.Plan
	Existing   *Existing
	OnExisting OnExisting
	OnlyData   bool // the tables must be there: pg2db9 copy
	// Foreign says that the target's pg_catalog is not PostgreSQL's: information_schema
	// is asked in its place.
	Foreign bool
	// Unfit are tables on a foreign target that are not as planned, with the reason:
	// their types are compared where their rows are.
	Unfit map[catalog.Name]error
}

// TargetChecks are the checks of the target against the plan.
func TargetChecks(t Target) []Check {
	if t.OnlyData && t.OnExisting == Resume {
		return []Check{{"target tables", t.tablesFit}, {"target table privileges", t.tableRights}, {"target triggers and rules", t.triggers}, {"target foreign keys", t.foreignKeys}}
	}
	if t.OnlyData {
		return []Check{
			{"target tables", t.tablesFit},
			{"target table privileges", t.tableRights},
			{"target tables empty", t.tablesEmpty},
			{"target triggers and rules", t.triggers},
			{"target foreign keys", t.foreignKeys},
		}
	}
	checks := []Check{
		{"target privileges", t.rights},
		{"target empty", t.empty},
		{"unfinished runs", t.unfinished},
	}
	if t.OnExisting == Resume && slices.ContainsFunc(t.Plan.Transfers, func(x ddlgen.Transfer) bool { return x.Binary }) {
		checks = append(checks, Check{"target tables", t.binaryAsMade})
	}
	if t.OnExisting == Truncate {
		checks = append(checks,
			Check{"target tables", t.tablesAsPlanned},
			Check{"target table privileges", t.tableRights},
			Check{"target triggers and rules", t.triggers},
			Check{"target foreign keys", t.foreignKeys},
		)
	}
	return checks
}

// rights: objects are made in the plan's schemas, the ledger in one of its own.
func (t Target) rights(ctx context.Context) ([]finding.Finding, error) {
	v, err := askServer(ctx, t.Q)
	if err != nil {
		return nil, err
	}
	type right struct {
		Kind      string `db:"kind"`
		Name      string `db:"name"`
		MayCreate bool   `db:"may_create"`
	}
	schemas := Schemas(t.Plan)
	all, err := rows[right](ctx, t.Q, "target_rights", schemas)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, r := range all {
		there[r.Kind+" "+r.Name] = true
	}
	missing := slices.ContainsFunc(append(schemas, "_pg2db9"), func(s string) bool { return !there["schema "+s] })
	var out []finding.Finding
	for _, r := range all {
		if r.MayCreate || (r.Kind == "database" && !missing) {
			continue
		}
		out = append(out, finding.Finding{
			Code: TargetPrivilege, Severity: finding.Block, Object: finding.Object{Kind: r.Kind, Name: r.Name},
			Message: fmt.Sprintf("the target's role %q may not create objects in it", v.Role),
			Remedy:  fmt.Sprintf("on the target: GRANT CREATE ON %s %s TO %s", strings.ToUpper(r.Kind), quote.Ident(r.Name), quote.Ident(v.Role)),
		})
	}
	return out, nil
}

// empty refuses a target that is in use (C28), and names that are taken.
func (t Target) empty(context.Context) ([]finding.Finding, error) {
	if t.OnExisting == Truncate || t.OnExisting == Drop || t.OnExisting == Resume {
		return slices.Concat(t.Existing.occupied(t.Plan), t.kept(), t.Existing.notKnown()), nil
	}
	if t.Existing.Empty() {
		return t.Existing.notKnown(), nil
	}
	return []finding.Finding{{
		Code: TargetNotEmpty, Severity: finding.Block, Object: finding.Object{Kind: "server", Name: "target"},
		Message: "the target is not empty: schemas that the run writes to hold " + t.Existing.describe(),
		Remedy: "name an empty database in --target; or say --on-existing truncate (keeps the tables that stand there, empties and loads them) " +
			"or --on-existing drop (drops what the run would create, nothing else)",
	}}, nil
}

// kept names the objects that --on-existing truncate leaves as they are.
func (t Target) kept() []finding.Finding {
	if t.OnExisting != Truncate {
		return nil
	}
	var out []finding.Finding
	for _, s := range t.Plan.Statements {
		if _, ok := t.Existing.Has(s); !ok || s.Phase == ddlgen.PhaseForeignKeys {
			continue
		}
		f := finding.Finding{
			Code: TargetKept, Severity: finding.Info, Object: s.Object,
			Message: "stands on the target already and is kept; its definition is not compared",
		}
		if s.Phase == ddlgen.PhaseTables {
			if s.Object.Kind != kindTable {
				continue
			}
			f.Message = "stands on the target already with the planned columns: it is emptied and loaded"
		}
		out = append(out, f)
	}
	return out
}

// unfinished finds what a run left that did not end: its tables may be half
// loaded, or it is still at work.
func (t Target) unfinished(ctx context.Context) ([]finding.Finding, error) {
	if t.OnExisting == Truncate || t.OnExisting == Drop || t.OnExisting == Resume {
		return nil, nil
	}
	type run struct {
		Run   string `db:"run"`
		State string `db:"state"`
	}
	all, err := rows[run](ctx, t.Q, "unfinished_runs")
	if err != nil {
		if unknownThere(err) {
			return nil, nil // no ledger: no run
		}
		return nil, err
	}
	var out []finding.Finding
	for _, r := range all {
		out = append(out, finding.Finding{
			Code: TargetUnfinished, Severity: finding.Block, Object: finding.Object{Kind: "run", Name: r.Run},
			Message: fmt.Sprintf("a run of pg2db9 into this target did not come to its end (%s), or is still at work", r.State),
			Remedy:  "--resume goes on with it; or, when it is not at work any more, --on-existing truncate or drop, or pg2db9 clean",
		})
	}
	return out, nil
}

type column struct {
	Schema     string `db:"schema"`
	Table      string `db:"table"`
	Name       string `db:"name"` // "" for a table without columns
	Type       string `db:"type"`
	NotNull    bool   `db:"not_null"`
	HasDefault bool   `db:"has_default"`
	Identity   bool   `db:"identity"`
	Generated  bool   `db:"generated"`
}

func (t Target) columns(ctx context.Context) (map[catalog.Name][]column, error) {
	all := make([]catalog.Name, len(t.Plan.Transfers))
	for i, x := range t.Plan.Transfers {
		all[i] = x.Target
	}
	schemas, objects := split(all)
	query := "target_columns"
	if t.Foreign {
		query = "told_columns"
	}
	cols, err := rows[column](ctx, t.Q, query, schemas, objects)
	if err != nil {
		return nil, err
	}
	out := map[catalog.Name][]column{}
	for _, c := range cols {
		n := catalog.Name{Schema: c.Schema, Name: c.Table}
		if out[n] == nil {
			out[n] = []column{}
		}
		if c.Name != "" {
			out[n] = append(out[n], c)
		}
	}
	return out, nil
}

// tablesFit: each table must be there and take the columns that are copied; it
// may have others beside them, in any order (T14).
func (t Target) tablesFit(ctx context.Context) ([]finding.Finding, error) {
	there, err := t.columns(ctx)
	if err != nil {
		return nil, err
	}
	var out []finding.Finding
	for _, x := range t.Plan.Transfers {
		if x.NoData != "" {
			continue
		}
		obj := finding.Object{Kind: kindTable, Schema: x.Target.Schema, Name: x.Target.Name}
		cols, ok := there[x.Target]
		if !ok {
			out = append(out, finding.Finding{
				Code: TargetMissing, Severity: finding.Block, Object: obj,
				Message: "the target has no such table",
				Remedy:  "create it first (pg2db9 schema --apply pre-data), or --exclude-table",
			})
			continue
		}
		if what := misfit(x, cols); len(what) > 0 {
			out = append(out, finding.Finding{
				Code: TargetDiffers, Severity: finding.Block, Object: obj,
				Message: "the target's table does not take the source's rows: " + few(what),
				Remedy:  "alter the table on the target, or --exclude-table",
			})
		}
	}
	return out, nil
}

func misfit(x ddlgen.Transfer, cols []column) []string {
	byName := map[string]column{}
	for _, c := range cols {
		byName[c.Name] = c
	}
	var what []string
	for _, c := range x.Columns {
		have, ok := byName[c.Target]
		switch {
		case !ok:
			what = append(what, fmt.Sprintf("column %s is missing", c.Target))
		case have.Generated:
			what = append(what, fmt.Sprintf("column %s is generated there", c.Target))
		}
		delete(byName, c.Target)
	}
	for _, c := range cols {
		if _, extra := byName[c.Name]; extra && c.NotNull && !c.HasDefault && !c.Identity && !c.Generated {
			what = append(what, fmt.Sprintf("column %s is NOT NULL without a default, and the source has none such", c.Name))
		}
	}
	return what
}

// tablesAsPlanned: a table that is kept must have the planned columns.
func (t Target) tablesAsPlanned(ctx context.Context) ([]finding.Finding, error) {
	if t.Foreign {
		return t.unfit(), nil
	}
	there, err := t.columns(ctx)
	if err != nil {
		return nil, err
	}
	var out []finding.Finding
	for _, e := range t.Plan.Expect {
		cols, ok := there[e.Name]
		if !ok {
			continue
		}
		if what := unlike(e, cols); len(what) > 0 {
			out = append(out, finding.Finding{
				Code: TargetDiffers, Severity: finding.Block, Object: finding.Object{Kind: kindTable, Schema: e.Name.Schema, Name: e.Name.Name},
				Message: "the table on the target is not the one that would be created: " + few(what),
				Remedy:  "--on-existing drop makes it anew; pg2db9 copy loads tables that differ; or --exclude-table",
			})
		}
	}
	return out, nil
}

// binaryAsMade: a table whose rows travel in the binary format must have the types
// that it was made with. The format does not say what it means: an integer is read
// as a real without an error.
func (t Target) binaryAsMade(ctx context.Context) ([]finding.Finding, error) {
	there, err := t.columns(ctx)
	if err != nil {
		return nil, err
	}
	made := map[catalog.Name]ddlgen.ExpectedTable{}
	for _, e := range t.Plan.Expect {
		made[e.Name] = e
	}
	var out []finding.Finding
	for _, x := range t.Plan.Transfers {
		if !x.Binary {
			continue
		}
		now := map[string]string{}
		for _, c := range there[x.Target] {
			now[c.Name] = c.Type
		}
		var what []string
		for _, c := range made[x.Target].Columns {
			if typ, ok := now[c.Name]; ok && typ != c.Type {
				what = append(what, fmt.Sprintf("column %s is %s, and was made as %s", c.Name, typ, c.Type))
			}
		}
		if len(what) > 0 {
			out = append(out, finding.Finding{
				Code: TargetDiffers, Severity: finding.Block, Object: finding.Object{Kind: kindTable, Schema: x.Target.Schema, Name: x.Target.Name},
				Message: "the table was altered on the target since the run made it, and rows in the binary format would be taken for other values: " + few(what),
				Remedy:  "alter the table back, or begin anew: --on-existing drop",
			})
		}
	}
	return out, nil
}

// unfit names the tables that stand on a foreign target and are not as planned.
func (t Target) unfit() []finding.Finding {
	var out []finding.Finding
	for _, n := range t.Existing.Tables(t.Plan) {
		if why := t.Unfit[n]; why != nil {
			out = append(out, finding.Finding{
				Code: TargetDiffers, Severity: finding.Block, Object: finding.Object{Kind: kindTable, Schema: n.Schema, Name: n.Name},
				Message: "the table on the target is not the one that would be created: " + why.Error(),
				Remedy:  "--on-existing drop makes it anew; pg2db9 copy loads tables that differ; or --exclude-table",
			})
		}
	}
	return out
}

func unlike(e ddlgen.ExpectedTable, cols []column) []string {
	byName := map[string]column{}
	for _, c := range cols {
		byName[c.Name] = c
	}
	var what []string
	for _, want := range e.Columns {
		have, ok := byName[want.Name]
		switch {
		case !ok:
			what = append(what, fmt.Sprintf("column %s is missing", want.Name))
		case have.Type != want.Type:
			what = append(what, fmt.Sprintf("column %s is %s, not %s", want.Name, have.Type, want.Type))
		case have.NotNull != want.NotNull:
			what = append(what, fmt.Sprintf("column %s: NOT NULL is %t, not %t", want.Name, have.NotNull, want.NotNull))
		case have.Generated != (want.Generated != 0):
			what = append(what, fmt.Sprintf("column %s: generated is %t, not %t", want.Name, have.Generated, want.Generated != 0))
		}
		delete(byName, want.Name)
	}
	for _, c := range cols {
		if _, extra := byName[c.Name]; extra {
			what = append(what, fmt.Sprintf("column %s is not planned", c.Name))
		}
	}
	return what
}

// tableRights: loading needs INSERT, verification SELECT, emptying TRUNCATE.
func (t Target) tableRights(ctx context.Context) ([]finding.Finding, error) {
	v, err := askServer(ctx, t.Q)
	if err != nil {
		return nil, err
	}
	schemas, objects := split(t.Existing.Tables(t.Plan))
	type table struct {
		Schema string `db:"schema"`
		Name   string `db:"name"`
	}
	bad, err := rows[table](ctx, t.Q, "target_table_rights", schemas, objects, t.OnExisting == Truncate)
	if err != nil {
		return nil, err
	}
	rights := "INSERT, SELECT"
	if t.OnExisting == Truncate {
		rights += ", TRUNCATE"
	}
	var out []finding.Finding
	for _, b := range bad {
		out = append(out, finding.Finding{
			Code: TargetPrivilege, Severity: finding.Block, Object: finding.Object{Kind: kindTable, Schema: b.Schema, Name: b.Name},
			Message: fmt.Sprintf("the target's role %q may not load the table", v.Role),
			Remedy:  fmt.Sprintf("on the target: GRANT %s ON TABLE %s TO %s", rights, quote.Name(b.Schema, b.Name), quote.Ident(v.Role)),
		})
	}
	return out, nil
}

// tablesEmpty refuses tables that hold rows (C28).
func (t Target) tablesEmpty(ctx context.Context) ([]finding.Finding, error) {
	if t.OnExisting == Truncate {
		return nil, nil
	}
	var out []finding.Finding
	// A hundred tables a query: a round trip each would be long for a far target.
	for group := range slices.Chunk(t.Existing.Tables(t.Plan), 100) {
		var sql strings.Builder
		for i, n := range group {
			if i > 0 {
				sql.WriteString(" UNION ALL ")
			}
			sql.WriteString("SELECT " + strconv.Itoa(i) + " AS i WHERE EXISTS (SELECT 1 FROM " + quote.Name(n.Schema, n.Name) + ")")
		}
		r, err := t.Q.Query(ctx, sql.String(), pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return nil, fmt.Errorf("looking for rows in the target's tables: %w", err)
		}
		full, err := pgx.CollectRows(r, pgx.RowTo[int])
		if err != nil {
			return nil, fmt.Errorf("looking for rows in the target's tables: %w", err)
		}
		slices.Sort(full)
		for _, i := range full {
			n := group[i]
			out = append(out, finding.Finding{
				Code: TargetNotEmpty, Severity: finding.Block, Object: finding.Object{Kind: kindTable, Schema: n.Schema, Name: n.Name},
				Message: "the target's table holds rows already",
				Remedy:  "--on-existing truncate empties it before it is loaded; or --exclude-table",
			})
		}
	}
	return out, nil
}

// triggers finds what would act on each row that is loaded (T16).
func (t Target) triggers(ctx context.Context) ([]finding.Finding, error) {
	schemas, objects := split(t.Existing.Tables(t.Plan))
	type trigger struct {
		Schema string `db:"schema"`
		Table  string `db:"table"`
		Kind   string `db:"kind"`
		Name   string `db:"name"`
	}
	query := "target_triggers"
	if t.Foreign {
		query = "told_triggers"
	}
	all, err := rows[trigger](ctx, t.Q, query, schemas, objects)
	if err != nil {
		return nil, err
	}
	loaded := t.Existing.Tables(t.Plan)
	var out []finding.Finding
	for _, x := range all {
		if !slices.Contains(loaded, catalog.Name{Schema: x.Schema, Name: x.Table}) {
			continue
		}
		out = append(out, finding.Finding{
			Code: TargetTriggers, Severity: finding.Block,
			Object:  finding.Object{Kind: x.Kind, Schema: x.Schema, Parent: x.Table, Name: x.Name},
			Message: fmt.Sprintf("the %s stands on a table that is loaded: it would act on each row", x.Kind),
			Remedy: fmt.Sprintf("on the target: ALTER TABLE %s DISABLE %s %s, and ENABLE it afterwards; or --accept %s:%s to let it act",
				quote.Name(x.Schema, x.Table), strings.ToUpper(x.Kind), quote.Ident(x.Name), TargetTriggers,
				finding.Object{Kind: x.Kind, Schema: x.Schema, Parent: x.Table, Name: x.Name}.Path()),
		})
	}
	return out, nil
}

// foreignKeys finds foreign keys that would stand during the load: rows are
// refused while their parents are missing, and TRUNCATE is refused.
func (t Target) foreignKeys(context.Context) ([]finding.Finding, error) {
	loaded := map[catalog.Name]bool{}
	for _, x := range t.Plan.Transfers {
		loaded[x.Target] = x.NoData == ""
	}
	planned := map[constraintName]bool{}
	for _, s := range t.Plan.Statements {
		if s.Phase == ddlgen.PhaseForeignKeys {
			planned[constraintName{catalog.Name{Schema: s.Object.Schema, Name: s.Object.Parent}, s.Object.Name}] = true
		}
	}
	var out []finding.Finding
	for key, c := range t.Existing.constraints {
		ref := catalog.Name{Schema: c.ReferencedSchema, Name: c.Referenced}
		if !c.ForeignKey || planned[key] || (!loaded[key.table] && !loaded[ref]) {
			continue
		}
		obj := finding.Object{Kind: "constraint", Schema: key.table.Schema, Parent: key.table.Name, Name: key.name}
		out = append(out, finding.Finding{
			Code: TargetForeignKeys, Severity: finding.Block, Object: obj,
			Message: fmt.Sprintf("the foreign key to %s stands on the target: rows are refused while those they refer to are missing, and neither table can be emptied alone", ref),
			Remedy: fmt.Sprintf("on the target: ALTER TABLE %s DROP CONSTRAINT %s, and add it again afterwards (pg2db9 schema prints it); or --accept %s:%s to try",
				quote.Name(key.table.Schema, key.table.Name), quote.Ident(key.name), TargetForeignKeys, obj.Path()),
		})
	}
	finding.Sort(out)
	return out, nil
}

// SchemaChecks are the checks for statements alone.
func SchemaChecks(t Target) []Check { return []Check{{"target privileges", t.rights}} }
