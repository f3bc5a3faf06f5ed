package copier

import (
	"context"
	_ "embed" // queries
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
)

//go:embed queries/repair_facts.sql
var repairFactsSQL string

// repairFacts is what the target says of its tables. It is empty of one that has
// not PostgreSQL's catalog.
type repairFacts struct {
	hooks            map[catalog.Name][]repairHook
	deletes, updates map[catalog.Name][]catalog.Name // the tables that a foreign key's action writes to
	refers           map[catalog.Name][]repairReference
	partitioned      map[catalog.Name]bool
	replica          bool // session_replication_role can keep triggers from acting
}

// repairHook is a trigger or a rule.
type repairHook struct {
	name string
	firm bool // it acts whatever the session says
}

// repairReference is a column that a foreign key of another table refers to.
type repairReference struct {
	column string
	from   catalog.Name
}

func readRepairFacts(ctx context.Context, conn *pgx.Conn, p ddlgen.Profile) (repairFacts, error) {
	f := repairFacts{
		hooks: map[catalog.Name][]repairHook{}, partitioned: map[catalog.Name]bool{},
		refers: map[catalog.Name][]repairReference{}, deletes: map[catalog.Name][]catalog.Name{}, updates: map[catalog.Name][]catalog.Name{},
	}
	if !p.FullCatalog {
		return f, nil
	}
	rows, err := conn.Query(ctx, repairFactsSQL)
	if err != nil {
		return f, fmt.Errorf("asking the target what acts on its rows: %w", err)
	}
	var kind string
	var table, other catalog.Name
	var hook repairHook
	_, err = pgx.ForEachRow(rows, []any{&kind, &table.Schema, &table.Name, &hook.name, &hook.firm, &other.Schema, &other.Name}, func() error {
		switch kind {
		case "hook":
			f.hooks[table] = append(f.hooks[table], hook)
		case "delete":
			f.deletes[table] = append(f.deletes[table], other)
		case "update":
			f.updates[table] = append(f.updates[table], other)
		case "refers":
			f.refers[table] = append(f.refers[table], repairReference{hook.name, other})
		case "partitioned":
			f.partitioned[table] = true
		}
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("asking the target what acts on its rows: %w", err)
	}
	_, err = conn.PgConn().Exec(ctx, "BEGIN;"+replicaSQL+";ROLLBACK").ReadAll()
	f.replica = err == nil
	if err != nil {
		_, err = conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
	}
	return f, err
}

const replicaSQL = "SET LOCAL session_replication_role = replica"

// refuse says why a table cannot be repaired, before anything is written to it.
func (r *repairer) refuse(t RepairTable) string {
	name := t.Transfer.Target
	has := map[RepairKind]bool{}
	for _, row := range t.Rows {
		has[row.Kind] = true
		for _, c := range row.Columns {
			if slices.Contains(t.Always, c) {
				return fmt.Sprintf("column %s is GENERATED ALWAYS AS IDENTITY, which no UPDATE may set: delete these rows on the target and run the command again", c)
			}
		}
	}
	removes := r.p.Delete && has[RepairExtra]
	if len(has) == 1 && has[RepairExtra] && !removes {
		return ""
	}
	if removes && len(t.Transfer.Key) == 0 && (!r.p.Profile.FullCatalog || r.p.Profile.ReadByKey) {
		return "it has no key: on this target nothing names one of several equal rows, so none can be deleted; load the table anew with copy"
	}
	if !slices.Contains(r.p.Allow, name) {
		for _, h := range r.hooksOf(name) {
			if h.firm || !r.facts.replica {
				return h.name + " would act on the rows that are written: disable it on the target for the time of the repair, or say --allow-triggers " + name.String()
			}
		}
	}
	for kind, others := range map[RepairKind][]catalog.Name{RepairExtra: r.facts.deletes[name], RepairChanged: r.facts.updates[name]} {
		for _, other := range others {
			if has[kind] && (kind != RepairExtra || removes) && !slices.Contains(r.p.Whole, other) {
				return fmt.Sprintf("a foreign key of %s, which is not among the tables that are compared, would change that table's rows: include it", other)
			}
		}
	}
	if r.quiet(name) {
		return r.orphans(t, removes)
	}
	return ""
}

// orphans says which rows of a table that is not compared could be left without the
// row that they refer to: what keeps triggers from acting on a table keeps its
// foreign keys from it too.
func (r *repairer) orphans(t RepairTable, removes bool) string {
	for _, ref := range r.facts.refers[t.Transfer.Target] {
		if !slices.Contains(r.p.Whole, ref.from) && slices.ContainsFunc(t.Rows, func(row RepairRow) bool {
			return row.Kind == RepairExtra && removes || slices.Contains(row.Columns, ref.column)
		}) {
			return fmt.Sprintf("a foreign key of %s, which is not among the tables that are compared, is not checked while the table's triggers are kept from acting: include it, or say --allow-triggers %s", ref.from, t.Transfer.Target)
		}
	}
	return ""
}

func (r *repairer) hooksOf(t catalog.Name) []repairHook {
	if !r.p.Profile.FullCatalog && slices.Contains(r.p.Triggered, t) {
		return []repairHook{{name: "a trigger", firm: true}}
	}
	return r.facts.hooks[t]
}

// quiet says that triggers are kept from acting on a table.
func (r *repairer) quiet(t catalog.Name) bool {
	return r.facts.replica && len(r.facts.hooks[t]) > 0 && !slices.Contains(r.p.Allow, t)
}

// beyond says whether the repair of a table may make the target write other rows.
func (r *repairer) beyond(t RepairTable) bool {
	name := t.Transfer.Target
	return slices.Contains(r.p.Allow, name) && len(r.hooksOf(name)) > 0 || len(r.facts.deletes[name])+len(r.facts.updates[name]) > 0
}

// waits names a table to which a foreign key would write if rows of a table were
// deleted now, and which is not repaired yet, or not at all. What refers to a row that
// is deleted is often a row that is still to be changed.
func (r *repairer) waits(t catalog.Name, left [][]RepairRow) string {
	for _, other := range r.facts.deletes[t] {
		for _, x := range r.result.Refused {
			if x.Table == other {
				return other.String()
			}
		}
		for i, x := range r.p.Tables {
			if x.Transfer.Target != other {
				continue
			}
			for _, row := range left[i] {
				if other != t || row.Kind != RepairExtra {
					return other.String()
				}
			}
		}
	}
	return ""
}
