package catalog

import (
	"context"
	"strings"
)

// enabledWords are pg_trigger.tgenabled and its kin in words.
var enabledWords = map[string]string{"O": "origin", "R": "replica", "A": "always", "D": "disabled"}

type triggerRow struct {
	OID            int64    `db:"oid"`
	Schema         string   `db:"schema"`
	Table          string   `db:"table"`
	Name           string   `db:"name"`
	Def            string   `db:"def"`
	Kind           int      `db:"kind"`
	Columns        []string `db:"columns"`
	HasWhen        bool     `db:"has_when"`
	FunctionSchema string   `db:"function_schema"`
	Function       string   `db:"function"`
	IsConstraint   bool     `db:"is_constraint"`
	Deferrable     bool     `db:"deferrable"`
	Deferred       bool     `db:"deferred"`
	OldTable       string   `db:"old_table"`
	NewTable       string   `db:"new_table"`
	Enabled        string   `db:"enabled"`
}

type triggerStateRow struct {
	Root    int64  `db:"root"`
	Schema  string `db:"schema"`
	Name    string `db:"name"`
	Enabled string `db:"enabled"`
}

func (r *reader) triggers(ctx context.Context) error {
	states, err := collect[triggerStateRow](ctx, r.q, "trigger_states")
	if err != nil {
		return err
	}
	apart := map[int64][]TriggerState{}
	for _, s := range states {
		apart[s.Root] = append(apart[s.Root], TriggerState{Table: Name{Schema: s.Schema, Name: s.Name}, Enabled: enabledWords[s.Enabled]})
	}
	rows, err := collect[triggerRow](ctx, r.q, "triggers")
	for _, g := range rows {
		table := Name{Schema: g.Schema, Name: g.Table}
		if g.Def == "" {
			return &GoneError{Kind: "trigger", Name: table, Sub: g.Name}
		}
		r.db.Triggers = append(r.db.Triggers, Trigger{
			Table: table, Name: g.Name, Def: TriggerDef(g.Def),
			Timing: triggerTiming(g.Kind), Events: triggerEvents(g.Kind), Row: g.Kind&1 != 0,
			Columns: orNil(g.Columns), When: g.HasWhen, Function: Name{Schema: g.FunctionSchema, Name: g.Function},
			Constraint: g.IsConstraint, Deferrable: g.Deferrable, Deferred: g.Deferred,
			OldTable: g.OldTable, NewTable: g.NewTable, Enabled: enabledWords[g.Enabled],
			Apart: apart[g.OID], Uses: r.uses[objectKey{"pg_trigger", g.OID}],
		})
		r.know("pg_trigger", g.OID, Comment{Kind: "trigger", Name: table, Sub: g.Name})
	}
	return err
}

// triggerTiming reads the bits of pg_trigger.tgtype that say when.
func triggerTiming(kind int) string {
	switch {
	case kind&2 != 0:
		return "before"
	case kind&64 != 0:
		return "instead of"
	}
	return "after"
}

// triggerEvents reads the bits of pg_trigger.tgtype that say on what.
func triggerEvents(kind int) []string {
	var out []string
	for _, e := range []struct {
		bit  int
		word string
	}{{4, "insert"}, {16, "update"}, {8, "delete"}, {32, "truncate"}} {
		if kind&e.bit != 0 {
			out = append(out, e.word)
		}
	}
	return out
}

type eventTriggerRow struct {
	OID            int64    `db:"oid"`
	Name           string   `db:"name"`
	Event          string   `db:"event"`
	Tags           []string `db:"tags"`
	FunctionSchema string   `db:"function_schema"`
	Function       string   `db:"function"`
	Enabled        string   `db:"enabled"`
}

func (r *reader) eventTriggers(ctx context.Context) error {
	rows, err := collect[eventTriggerRow](ctx, r.q, "event_triggers")
	for _, g := range rows {
		r.db.EventTriggers = append(r.db.EventTriggers, EventTrigger{
			Name: g.Name, Event: g.Event, Tags: sortedStrings(g.Tags),
			Function: Name{Schema: g.FunctionSchema, Name: g.Function}, Enabled: enabledWords[g.Enabled],
		})
		r.know("pg_event_trigger", g.OID, Comment{Kind: "event trigger", Name: Name{Name: g.Name}})
	}
	return err
}

type ruleRow struct {
	OID     int64  `db:"oid"`
	Schema  string `db:"schema"`
	Table   string `db:"table"`
	Name    string `db:"name"`
	Def     string `db:"def"`
	Event   string `db:"event"`
	Instead bool   `db:"instead"`
	Enabled string `db:"enabled"`
}

var ruleEvents = map[string]string{"1": "select", "2": "update", "3": "insert", "4": "delete"}

func (r *reader) rules(ctx context.Context) error {
	rows, err := collect[ruleRow](ctx, r.q, "rules")
	for _, u := range rows {
		table := Name{Schema: u.Schema, Name: u.Table}
		if u.Def == "" {
			return &GoneError{Kind: "rule", Name: table, Sub: u.Name}
		}
		r.db.Rules = append(r.db.Rules, Rule{
			Table: table, Name: u.Name, Def: RuleDef(strings.TrimSuffix(u.Def, ";")), Event: ruleEvents[u.Event],
			Instead: u.Instead, Enabled: enabledWords[u.Enabled], Uses: r.uses[objectKey{"pg_rewrite", u.OID}],
		})
		r.know("pg_rewrite", u.OID, Comment{Kind: "rule", Name: table, Sub: u.Name})
	}
	return err
}

type policyRow struct {
	OID        int64    `db:"oid"`
	Schema     string   `db:"schema"`
	Table      string   `db:"table"`
	Name       string   `db:"name"`
	Command    string   `db:"command"`
	Permissive bool     `db:"permissive"`
	Roles      []string `db:"roles"`
	Using      string   `db:"using"`
	Check      string   `db:"check"`
}

var policyCommands = map[string]string{"*": "all", "r": "select", "a": "insert", "w": "update", "d": "delete"}

func (r *reader) policies(ctx context.Context) error {
	rows, err := collect[policyRow](ctx, r.q, "policies")
	for _, p := range rows {
		table := Name{Schema: p.Schema, Name: p.Table}
		r.db.Policies = append(r.db.Policies, Policy{
			Table: table, Name: p.Name, Command: policyCommands[p.Command], Permissive: p.Permissive,
			Roles: sortedStrings(p.Roles), Using: Expr(p.Using), Check: Expr(p.Check), Uses: r.uses[objectKey{"pg_policy", p.OID}],
		})
		r.know("pg_policy", p.OID, Comment{Kind: "policy", Name: table, Sub: p.Name})
	}
	return err
}
