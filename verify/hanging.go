package verify

import (
	"context"
	_ "embed" // queries
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

//go:embed queries/hanging.sql
var hangingSQL string

//go:embed queries/told_hanging.sql
var toldHangingSQL string

const whatRowSecurity = "row security"

// hanging is a trigger, rule or policy that the plan makes, or a table's row
// security, with the state that the plan leaves it in.
type hanging struct {
	object finding.Object
	home   catalog.Name // the table or view that it hangs on
	state  string       // as pg_trigger.tgenabled has it: O, D, R, A; of row security F where it is forced
}

// states are how ALTER TABLE says what something is enabled for.
var states = []struct{ words, state string }{
	{"DISABLE TRIGGER ", "D"}, {"DISABLE RULE ", "D"}, {"ENABLE REPLICA ", "R"}, {"ENABLE ALWAYS ", "A"}, {"FORCE ROW LEVEL", "F"},
}

var stateWords = map[string]string{"O": "enabled", "D": "disabled", "R": "enabled for replicas", "A": "always enabled", "F": "forced"}

// hangs says whether a kind of object is one of these.
func hangs(kind string) bool {
	switch kind {
	case "trigger", "rule", "policy", whatRowSecurity:
		return true
	}
	return false
}

// promisedHanging lists what the plan hangs on tables and views, but for what
// was not executed.
func promisedHanging(plan *ddlgen.Plan, missing map[string]bool) []*hanging {
	var list []*hanging
	by := map[finding.Object]*hanging{}
	for i := range plan.Statements {
		s := &plan.Statements[i]
		if !hangs(s.Object.Kind) || missing[s.ID] || s.Table == nil {
			continue
		}
		h := by[s.Object]
		if h == nil {
			h = &hanging{object: s.Object, home: *s.Table, state: "O"}
			by[s.Object] = h
			list = append(list, h)
			continue
		}
		rest, own := strings.CutPrefix(s.SQL, "ALTER TABLE "+quote.Name(h.home.Schema, h.home.Name)+" ")
		for _, w := range states {
			if own && strings.HasPrefix(rest, w.words) {
				h.state = w.state
			}
		}
	}
	return list
}

type hangingRow struct {
	Schema string `db:"schema_name"`
	Table  string `db:"table_name"`
	Kind   string `db:"kind"`
	Name   string `db:"name"`
	State  string `db:"state"`
}

// checkHanging looks for triggers, rules, policies and row security: what is
// missing, or in another state, is a difference of the table or view.
func (v *run) checkHanging(ctx context.Context, conn *pgx.Conn, schemas []string) error {
	if v.p.ExistingTables {
		return nil
	}
	list := promisedHanging(v.p.Plan, v.p.Missing)
	if len(list) == 0 {
		return nil
	}
	sql := hangingSQL
	if !v.p.Profile.FullCatalog {
		sql = toldHangingSQL
	}
	there := map[finding.Object]string{}
	told := map[string]bool{"trigger": true, "rule": v.p.Profile.FullCatalog, "policy": v.p.Profile.FullCatalog, whatRowSecurity: v.p.Profile.FullCatalog}
	rows, err := conn.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol, schemas)
	var all []hangingRow
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByName[hangingRow])
	}
	switch {
	case err != nil && !v.p.Profile.FullCatalog && lacks(err):
		told = nil
	case err != nil:
		return fmt.Errorf("reading the target's triggers, rules and policies: %w", err)
	}
	for _, r := range all {
		o := finding.Object{Kind: r.Kind, Schema: r.Schema, Parent: r.Table, Name: r.Name}
		if r.Kind == whatRowSecurity {
			o.Parent = ""
		}
		there[o] = r.State
	}
	for _, h := range list {
		state, found := there[h.object]
		switch {
		case !told[h.object.Kind]:
			v.assume(h)
		case !found:
			v.differ(h, h.object.Kind, "none")
		case v.p.Profile.FullCatalog && state != h.state:
			v.differ(h, stateWords[h.state], stateWords[state])
		}
	}
	return nil
}

// differ notes a difference where the thing hangs.
func (v *run) differ(h *hanging, expected, found string) {
	d := Difference{Column: h.object.Name, What: h.object.Kind, Expected: expected, Found: found}
	for i, w := range v.wanted {
		if w.expected.Name == h.home && v.found[h.home] != nil {
			s := &v.report.Tables[i].Shape
			s.Differences = append(s.Differences, d)
			if s.Verdict == Match {
				s.Verdict = Mismatch
			}
		}
	}
	for i, e := range v.views {
		if e.Name == h.home {
			v.report.Views[i].Differences = append(v.report.Views[i].Differences, d)
		}
	}
}

// assume notes what the target does not tell.
func (v *run) assume(h *hanging) {
	text := h.object.Kind + " " + h.object.Name
	for i, w := range v.wanted {
		if w.expected.Name == h.home {
			s := &v.report.Tables[i].Shape
			s.Assumed = append(s.Assumed, text)
		}
	}
	for i, e := range v.views {
		if e.Name == h.home {
			v.report.Views[i].Assumed = append(v.report.Views[i].Assumed, text)
		}
	}
}
