package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen/plsql"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Call proves a routine that was created, since many servers look into a body
// only when it is called. It has no effects, as far as that can be known: it is
// for a transaction that is rolled back.
type Call struct {
	Object    finding.Object `json:"object"`
	Statement string         `json:"statement"`     // ID of the statement that creates the routine
	SQL       string         `json:"sql,omitempty"` // empty: it is not safe to call it, or says nothing
	Why       string         `json:"why,omitempty"` // why there is no SQL
}

// Unproved is the finding of a routine that was created, and not called with
// success.
func (c *Call) Unproved(why string) finding.Finding {
	r := ruleOf(routineUnproved)
	return finding.Finding{Code: r.Code, Severity: r.Severity, Object: c.Object, Message: "created, not proved: " + why, Remedy: r.Remedy}
}

// call decides whether and how a routine is called.
func (p *planner) call(rp *routinePlan, id string) Call {
	c := Call{Object: rp.node.object, Statement: id, Why: p.uncallable(rp.r)}
	if c.Why != "" {
		return c
	}
	var args []string
	for i, typ := range rp.types {
		arg := "NULL::" + typ
		if i == len(rp.types)-1 && slices.ContainsFunc(rp.r.Args, func(a catalog.Argument) bool { return a.Mode == "variadic" }) {
			arg = "VARIADIC " + arg
		}
		args = append(args, arg)
	}
	name := quote.Name(rp.r.Name.Schema, rp.r.Plain) + "(" + strings.Join(args, ", ") + ")"
	c.SQL = "SELECT " + name
	if rp.r.ReturnsSet {
		c.SQL = "SELECT * FROM " + name + " LIMIT 1"
	}
	return c
}

// uncallable says why a routine is not called: what may have effects is never
// called, nor what a call with NULLs would say nothing about.
func (p *planner) uncallable(r *catalog.Routine) string {
	switch {
	case r.Kind != catalog.Function:
		return "it is no function"
	case r.ReturnsType.Kind == catalog.KindPseudo && (r.ReturnsType.Name.Name == "trigger" || r.ReturnsType.Name.Name == "event_trigger"):
		return "a trigger alone calls it"
	case r.Volatility == "volatile":
		return "it is volatile: a call may have effects"
	case r.Strict && slices.ContainsFunc(r.Args, func(a catalog.Argument) bool { return a.Mode != "out" && a.Mode != "table" }):
		return "it is strict: a call with NULLs does not run its body"
	case r.ReturnsSet && r.ReturnsType.Name.Name == "record" && !slices.ContainsFunc(r.Args, func(a catalog.Argument) bool { return a.Mode != "in" && a.Mode != "variadic" }):
		return "what it returns is known to its callers alone"
	}
	for _, a := range r.Args {
		if a.Mode != "out" && a.Mode != "table" && a.Type.Kind == catalog.KindPseudo {
			return "its arguments have no types of their own"
		}
	}
	return p.effects(r, map[catalog.Name]bool{})
}

// effects says what a routine may do beside its result, by way of what it calls
// too: its volatility is a promise that nobody has checked.
func (p *planner) effects(r *catalog.Routine, seen map[catalog.Name]bool) string {
	seen[r.Name] = true
	for _, u := range Constructs(r) {
		if !slices.Contains(ownConstructs, u.Kind) {
			return "its body uses " + u.Word
		}
	}
	body, _ := bodyOf(r)
	for _, t := range tokenize(body) {
		if t.kind == tokWord && slices.Contains(writingWords, strings.ToUpper(t.text)) {
			return "its body holds " + strings.ToUpper(t.text)
		}
	}
	for _, u := range plsql.Calls(body) {
		if effective(u.Word) {
			return "its body calls " + u.Word
		}
		for _, n := range p.called[u.Word] {
			switch callee := p.routines[n].r; {
			case seen[n]:
			case callee.Volatility == "volatile":
				return fmt.Sprintf("its body calls %s, which is volatile", n)
			default:
				if why := p.effects(callee, seen); why != "" {
					return fmt.Sprintf("its body calls %s: %s", n, why)
				}
			}
		}
	}
	return ""
}

// writingWords begin statements that write.
var writingWords = []string{"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "CALL", "REFRESH", "LOCK"}

// ownConstructs have no effects by themselves.
var ownConstructs = []plsql.Kind{plsql.While, plsql.Loop, plsql.Foreach, plsql.Continue, plsql.Exception, plsql.Cursor, plsql.Diagnostics, plsql.SystemColumn}

// effective says whether a function acts on more than its result, or may: on
// sequences, settings, other sessions, files, other servers.
func effective(name string) bool {
	switch name {
	case "nextval", "setval", "set_config", "chat", "embed":
		return true
	}
	for _, prefix := range []string{"http", "fs9", "cron", "pg_", "dblink", "lo_", "embedding"} {
		if strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, "pg_typeof") && !strings.HasPrefix(name, "pg_get_") {
			return true
		}
	}
	return false
}
