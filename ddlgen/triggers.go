package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// triggers creates triggers after the data: during the load they would act on
// each row.
func (p *planner) triggers() {
	for i := range p.db.Triggers {
		t := &p.db.Triggers[i]
		if why := p.triggerLeft(t); why != "" {
			p.find(triggerLeft, triggerObject(t), "%s", why)
			continue
		}
		p.trigger(t)
	}
}

func triggerObject(t *catalog.Trigger) finding.Object {
	return hangingObject("trigger", t.Table, t.Name)
}

// hangingObject is what hangs on a table or view.
func hangingObject(kind string, table catalog.Name, name string) finding.Object {
	return finding.Object{Kind: kind, Schema: table.Schema, Parent: table.Name, Name: name}
}

// hangsOn is the reference to the table or view that something hangs on.
func (p *planner) hangsOn(n catalog.Name) catalog.Ref {
	for _, kind := range []string{"view", "materialized view"} {
		if p.node[keyFor(kind, n)] != nil {
			return catalog.Ref{Kind: kind, Name: n}
		}
	}
	return catalog.Ref{Kind: "table", Name: n}
}

// missingHome says why what hangs on a table or view has no place; empty where
// it has.
func (p *planner) missingHome(n catalog.Name) string {
	if t := p.tableOf(n); t != nil && t.into != nil {
		return fmt.Sprintf("%s is part of %s on the target", n, t.into.t.Name)
	}
	return p.missing([]catalog.Ref{p.hangsOn(n)})
}

// triggerLeft says why a trigger is not carried.
func (p *planner) triggerLeft(t *catalog.Trigger) string {
	if why := p.missingHome(t.Table); why != "" {
		return why
	}
	if why := p.missing(t.Uses); why != "" {
		return why
	}
	if p.profile.Map {
		if why := p.triggerRefused(t); why != "" {
			return why
		}
	}
	if _, why := p.triggerColumns(t); why != "" {
		return why
	}
	_, why := p.triggerWhen(t)
	return why
}

// triggerRefused says what of a trigger DB9 does not have (db9.md section 6).
func (p *planner) triggerRefused(t *catalog.Trigger) string {
	switch {
	case t.Enabled == "disabled" || t.Enabled == "replica":
		return fmt.Sprintf("it is %s at the source, and the target cannot switch triggers off: there it would fire", enabledText(t.Enabled))
	case t.Constraint:
		return "the target has no constraint triggers"
	case slices.Contains(t.Events, "truncate"):
		return "the target has no triggers on TRUNCATE"
	case t.OldTable != "" || t.NewTable != "":
		return "the target has no transition tables"
	case t.Timing == "instead of":
		return "the target is not known to have INSTEAD OF triggers"
	case !t.Row && !p.profile.StatementLevel:
		return "whether the target fires triggers for each statement is not proved: it may take one that never fires"
	case builtIn(t.Function.Schema):
		return fmt.Sprintf("the target does not have PostgreSQL's own trigger function %s", t.Function.Name)
	}
	return ""
}

func enabledText(state string) string {
	if state == "replica" {
		return "enabled for replicas alone"
	}
	return state
}

// triggerColumns are the columns of UPDATE OF on the target.
func (p *planner) triggerColumns(t *catalog.Trigger) (columns []string, why string) {
	table := p.tableOf(t.Table)
	var gone []string
	for _, name := range t.Columns {
		if table != nil && table.column(name) == nil {
			gone = append(gone, name)
			continue
		}
		columns = append(columns, name)
	}
	if len(gone) > 0 && len(columns) == 0 && len(t.Events) == 1 {
		return nil, fmt.Sprintf("it acts on UPDATE OF %s alone, which is not on the target", words(gone))
	}
	return columns, ""
}

// triggerWhen is the condition of a trigger on the target, with its parentheses;
// empty where there is none.
func (p *planner) triggerWhen(t *catalog.Trigger) (sql, why string) {
	if !t.When {
		return "", ""
	}
	tokens := triggerParts(string(t.Def)).when
	if p.profile.Map {
		if tokens, why = p.castsMapped(tokens); why != "" {
			return "", "its condition needs " + why
		}
	}
	table := p.tableOf(t.Table)
	if table == nil {
		return join(tokens), ""
	}
	plain, missing := ofRows(tokens, table)
	if missing != "" {
		return "", fmt.Sprintf("its condition reads column %s, which is not on the target", missing)
	}
	if why := usesOther(plain, table.classOf); why != "" {
		return "", "its condition cannot be carried: " + why
	}
	if _, lost := p.withoutCollations(tokens); len(lost) > 0 {
		return "", fmt.Sprintf("its condition needs collation %s, which is not on the target", lost[0])
	}
	return join(tokens), ""
}

// ofRows takes NEW and OLD from before the columns of a condition, and names a
// column among them that the table lacks.
func ofRows(tokens []token, table *tablePlan) (plain []token, missing string) {
	for i := 0; i < len(tokens); i++ {
		if i+2 < len(tokens) && (tokens[i].is("NEW") || tokens[i].is("OLD")) && tokens[i+1].is(".") {
			name, ok := tokens[i+2].ident()
			if ok && table.column(name) == nil && missing == "" {
				missing = name
			}
			i++
			continue
		}
		plain = append(plain, tokens[i])
	}
	return plain, missing
}

// triggerText are the parts of a trigger's definition that the model has no
// fields for.
type triggerText struct {
	from []token // the table after FROM, of a constraint trigger
	when []token // the condition, with its parentheses
	call string  // the function with its arguments
}

// triggerParts reads the text of pg_get_triggerdef. FROM and WHEN are reserved
// words, so that no name looks like them; EXECUTE is told by what follows.
func triggerParts(def string) triggerText {
	var out triggerText
	tokens := tokenize(def)
	next := func(i int) int {
		for i++; i < len(tokens) && tokens[i].kind == tokSpace; i++ {
		}
		return i
	}
	for i := 0; i < len(tokens); i++ {
		switch t := tokens[i]; {
		case t.kind == tokWord && t.is("FROM") && out.from == nil && out.when == nil:
			for i = next(i); i < len(tokens) && tokens[i].kind != tokSpace; i++ {
				out.from = append(out.from, tokens[i])
			}
		case t.kind == tokWord && t.is("WHEN") && out.when == nil:
			depth := 0
			for i = next(i); i < len(tokens); i++ {
				out.when = append(out.when, tokens[i])
				if tokens[i].is("(") {
					depth++
				} else if tokens[i].is(")") {
					if depth--; depth == 0 {
						break
					}
				}
			}
		case t.kind == tokWord && t.is("EXECUTE"):
			if j := next(i); j < len(tokens) && (tokens[j].is("FUNCTION") || tokens[j].is("PROCEDURE")) {
				out.call = join(tokens[next(j):])
				return out
			}
		}
	}
	return out
}

// trigger creates a trigger in the state that it has.
func (p *planner) trigger(t *catalog.Trigger) {
	o := triggerObject(t)
	columns, _ := p.triggerColumns(t)
	when, _ := p.triggerWhen(t)
	if len(columns) < len(t.Columns) {
		what := "it acts on UPDATE OF " + words(columns) + " alone"
		if len(columns) == 0 {
			what = "it does not act on UPDATE any more"
		}
		p.find(triggerChanged, o, "%s: the other columns are not on the target", what)
	}
	if p.profile.Map {
		if t.Timing == "after" && !p.profile.AfterTriggers {
			p.find(triggerLate, o, "the transaction that fires it may not see what it does")
		}
		if t.Enabled == "always" {
			p.find(triggerChanged, o, "ENABLE ALWAYS is not kept: the target knows no other way")
		}
	}
	id := "triggers/" + t.Table.String() + "/" + t.Name
	table := t.Table
	name := ident(t.Name) + " ON " + quoted(t.Table)
	p.use(p.add(Statement{
		ID: id, Phase: PhaseTriggers, Object: o, Table: &table, SQL: triggerSQL(t, columns, when), Undo: "DROP TRIGGER " + name,
	}), append(slices.Clone(t.Uses), p.hangsOn(t.Table)))
	p.triggerStates(t, id)
}

// triggerSQL writes a trigger as pg_get_triggerdef does.
func triggerSQL(t *catalog.Trigger, columns []string, when string) string {
	parts := triggerParts(string(t.Def))
	var b strings.Builder
	b.WriteString("CREATE ")
	if t.Constraint {
		b.WriteString("CONSTRAINT ")
	}
	b.WriteString("TRIGGER " + ident(t.Name) + " " + strings.ToUpper(t.Timing))
	word := " "
	for _, e := range []string{"insert", "delete", "update", "truncate"} { // the server's order
		if !slices.Contains(t.Events, e) || e == "update" && len(columns) == 0 && len(t.Columns) > 0 {
			continue
		}
		b.WriteString(word + strings.ToUpper(e))
		if e == "update" && len(columns) > 0 {
			b.WriteString(" OF " + identList(columns))
		}
		word = " OR "
	}
	b.WriteString(" ON " + quoted(t.Table) + " ")
	if len(parts.from) > 0 {
		b.WriteString("FROM " + join(parts.from) + " ")
	}
	if t.Constraint {
		if !t.Deferrable {
			b.WriteString("NOT ")
		}
		b.WriteString("DEFERRABLE INITIALLY ")
		if t.Deferred {
			b.WriteString("DEFERRED ")
		} else {
			b.WriteString("IMMEDIATE ")
		}
	}
	if t.OldTable != "" || t.NewTable != "" {
		b.WriteString("REFERENCING ")
		if t.OldTable != "" {
			b.WriteString("OLD TABLE AS " + ident(t.OldTable) + " ")
		}
		if t.NewTable != "" {
			b.WriteString("NEW TABLE AS " + ident(t.NewTable) + " ")
		}
	}
	if t.Row {
		b.WriteString("FOR EACH ROW ")
	} else {
		b.WriteString("FOR EACH STATEMENT ")
	}
	if when != "" {
		b.WriteString("WHEN " + when + " ")
	}
	return b.String() + "EXECUTE FUNCTION " + parts.call
}

// triggerStates switches a trigger to the state that it has, and its copies on
// partitions to theirs.
func (p *planner) triggerStates(t *catalog.Trigger, id string) {
	table := t.Table
	set := func(n catalog.Name, state, step string, after string) string {
		return p.add(Statement{
			ID: id + "/" + step, Phase: PhaseTriggers, Object: triggerObject(t), Table: &table, After: []string{after},
			SQL: "ALTER TABLE " + quoted(n) + " " + stateSQL(state) + " TRIGGER " + ident(t.Name),
		})
	}
	last := id
	if t.Enabled != "origin" && !p.profile.Map {
		last = set(t.Table, t.Enabled, "state", last)
	}
	for _, s := range t.Apart {
		if part := p.tableOf(s.Table); part == nil || !part.carried {
			p.find(triggerChanged, triggerObject(t), "on partition %s it is %s at the source, and acts on all rows on the target", s.Table, enabledText(s.Enabled))
			continue
		}
		last = set(s.Table, s.Enabled, "state "+s.Table.String(), last) // one after the other: a partition may have partitions
	}
}

// stateSQL is how ALTER TABLE sets what a trigger or rule is enabled for.
func stateSQL(state string) string {
	switch state {
	case "disabled":
		return "DISABLE"
	case "replica":
		return "ENABLE REPLICA"
	case "always":
		return "ENABLE ALWAYS"
	}
	return "ENABLE"
}

func identList(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = ident(n)
	}
	return strings.Join(out, ", ")
}

// eventTriggers come last of all: they would act on what follows them. Only a
// superuser may make one.
func (p *planner) eventTriggers() {
	for i := range p.db.EventTriggers {
		t := &p.db.EventTriggers[i]
		o := finding.Object{Kind: "event trigger", Name: t.Name}
		refs := []catalog.Ref{{Kind: "routine", Name: t.Function}}
		why := p.missing(refs)
		if p.profile.Map {
			why = "the target has no event triggers"
		}
		if slices.Contains(p.opts.ProviderEventTriggers, t.Name) {
			why = "it is the source's provider's own, and never carried"
		}
		if why != "" {
			p.find(eventTriggerLeft, o, "%s", why)
			continue
		}
		id := p.add(Statement{
			ID: "event triggers/" + t.Name, Phase: PhaseEventTriggers, Object: o, SQL: eventTriggerSQL(t), Optional: true,
			Undo: "DROP EVENT TRIGGER " + ident(t.Name),
		})
		p.use(id, refs)
		if t.Enabled != "origin" {
			p.add(Statement{
				ID: id + "/state", Phase: PhaseEventTriggers, Object: o, After: []string{id}, Optional: true,
				SQL: "ALTER EVENT TRIGGER " + ident(t.Name) + " " + stateSQL(t.Enabled),
			})
		}
	}
}

func eventTriggerSQL(t *catalog.EventTrigger) string {
	sql := "CREATE EVENT TRIGGER " + ident(t.Name) + " ON " + t.Event
	if len(t.Tags) > 0 {
		tags := make([]string, len(t.Tags))
		for i, tag := range t.Tags {
			tags[i] = literal(tag)
		}
		sql += " WHEN TAG IN (" + strings.Join(tags, ", ") + ")"
	}
	plain, _, _ := strings.Cut(t.Function.Name, "(")
	return sql + " EXECUTE FUNCTION " + quoted(catalog.Name{Schema: t.Function.Schema, Name: plain}) + "()"
}
