package sync

import (
	"context"
	_ "embed" // queries
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

//go:embed queries/guards.sql
var guardsSQL string

// guards is what of the target acts on a table's rows.
type guards struct {
	acts     []guard // triggers and rules
	incoming []guard // foreign keys of other tables, and of the table itself
	outgoing []guard

	mayFire  bool           // all that acts was allowed by name
	mayTouch []catalog.Name // tables whose foreign keys may change their rows, by name
	fires    bool           // triggers of the source are taken to stand on a target that does not tell
}

// guard is one of them.
type guard struct {
	Kind     string
	Name     string
	Acts     string
	Schema   string
	Other    string
	OnDelete string
	OnUpdate string
	Columns  []string
}

// other is the table at the other end of a foreign key.
func (g guard) other() catalog.Name { return catalog.Name{Schema: g.Schema, Name: g.Other} }

// changes says whether an action of a foreign key writes to the table that refers.
func changes(action string) bool { return action == "c" || action == "n" || action == "d" }

// readGuards asks the target what acts on a table's rows. One that does not tell is
// taken to have the triggers and foreign keys of the source.
func (r *run) readGuards(ctx context.Context, p *prepared, t *table) error {
	g := &t.guards
	if !r.Profile.FullCatalog {
		for _, x := range p.db.Triggers {
			if x.Table == t.job.Table {
				g.acts = append(g.acts, guard{Kind: "trigger", Name: x.Name, Acts: "A"})
			}
		}
		g.fires = len(g.acts) > 0
	} else {
		rows, err := r.control.Query(ctx, guardsSQL, t.transfer.Target.Schema, t.transfer.Target.Name)
		if err != nil {
			return fmt.Errorf("asking the target what acts on rows of %s: %w", t.transfer.Target, err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[guard])
		if err != nil {
			return fmt.Errorf("asking the target what acts on rows of %s: %w", t.transfer.Target, err)
		}
		for _, x := range all {
			switch x.Kind {
			case "incoming":
				g.incoming = append(g.incoming, x)
			case "outgoing":
				g.outgoing = append(g.outgoing, x)
			default:
				g.acts = append(g.acts, x)
			}
		}
	}
	g.mayFire = len(g.acts) > 0 && !slices.ContainsFunc(g.acts, func(x guard) bool { return !t.allows(x) })
	for _, x := range g.incoming {
		if t.allows(x) {
			g.mayTouch = append(g.mayTouch, x.other())
		}
	}
	return nil
}

func (t *table) allows(g guard) bool { return slices.Contains(t.job.Allow, g.Name) }

// refuse says what of the target keeps a mode from being run.
func (t *table) refuse() error {
	for _, g := range t.guards.acts {
		// Mirror keeps what acts in ordinary sessions alone from acting, where the role
		// may, and refuses where it may not.
		if !t.allows(g) && t.job.Mode != jobfile.Full && (t.job.Mode != jobfile.Mirror || g.Acts == "A") {
			return fmt.Errorf("%s %s of table %s on the target would act on the rows that are written: disable it, or name it under allow", g.Kind, g.Name, t.transfer.Target)
		}
	}
	for _, g := range t.guards.incoming {
		if t.allows(g) {
			continue
		}
		switch {
		case t.job.Mode == jobfile.Full && g.other() != t.transfer.Target:
			return fmt.Errorf("foreign key %s of %s refers to table %s on the target, which mode full takes away for a moment: use mode mirror or upsert", g.Name, g.other(), t.transfer.Target)
		case t.job.Mode != jobfile.Full && changes(g.OnUpdate) && !within(g.Columns, t.key) && t.job.Mode == jobfile.Upsert:
			return fmt.Errorf("foreign key %s of %s would change rows there when rows of %s are updated: name it under allow, or use mode mirror with both tables in one group", g.Name, g.other(), t.transfer.Target)
		}
	}
	return nil
}

func within(names, all []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(all, n) })
}
