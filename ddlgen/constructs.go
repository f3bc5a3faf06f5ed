package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen/plsql"
)

// Constructs lists what the body of a routine does. Of a body in SQL (BEGIN
// ATOMIC, RETURN), whose text the server makes, places are in that text.
func Constructs(r *catalog.Routine) []plsql.Use {
	if r.Kind == catalog.Aggregate {
		return nil
	}
	declared := make([]string, 0, len(r.Args))
	for _, a := range r.Args {
		declared = append(declared, a.Name)
	}
	body, ok := bodyOf(r)
	if !ok {
		return nil
	}
	return plsql.Classify(r.Language, body, declared...)
}

// bodyOf is the text of a routine's body, and whether it is understood.
func bodyOf(r *catalog.Routine) (string, bool) {
	if !r.SQLBody {
		return r.Body, true
	}
	h, ok := splitRoutine(string(r.Def), r)
	if !ok {
		return "", false
	}
	return strings.TrimLeft(h.body, "\n"), true
}

// Unsupported are those of a routine's constructs that a target does not take.
// A function of the user's own that is called as an extension's is no hit.
func Unsupported(db *catalog.Database, profile Profile, r *catalog.Routine) []plsql.Use {
	own := map[string]bool{}
	for i := range db.Routines {
		own[db.Routines[i].Plain] = true
	}
	has := map[string]bool{}
	for _, x := range db.Extensions {
		has[x.Name] = profile.AllExtensions || slices.Contains(profile.Extensions, x.Name)
	}
	return unsupported(profile, r, func(name string) bool { return own[name] }, func(x string) bool { return has[x] })
}

func unsupported(profile Profile, r *catalog.Routine, own, hasExtension func(string) bool) []plsql.Use {
	if len(profile.Constructs) == 0 {
		return nil
	}
	return slices.DeleteFunc(Constructs(r), func(u plsql.Use) bool {
		switch {
		case u.Kind == plsql.Function && own(strings.ToLower(strings.Trim(u.Word, `"`))):
			return true
		case u.Extension != "" && hasExtension(u.Extension):
			return true
		}
		return slices.Contains(profile.Constructs, string(u.Kind))
	})
}

// absentCalls are the calls of PostgreSQL's own functions that the target is
// known not to have.
func (p *planner) absentCalls(r *catalog.Routine, own func(string) bool) []plsql.Use {
	if !p.profile.Map || r.Kind == catalog.Aggregate || len(p.profile.Constructs) == 0 || slices.Contains(p.profile.Constructs, string(plsql.Function)) {
		return nil
	}
	known := map[int]bool{} // places that tell more already
	body, ok := bodyOf(r)
	if !ok {
		return nil
	}
	for _, u := range Constructs(r) {
		known[u.Offset] = true
	}
	return slices.DeleteFunc(plsql.Calls(body), func(u plsql.Use) bool {
		return known[u.Offset] || own(u.Word) || u.Schema != "" && u.Schema != "pg_catalog" || !p.lacksFunction(u.Word)
	})
}

// unsupported says which of a routine's constructs the target lacks, with their
// lines; empty is none.
func (p *planner) unsupported(r *catalog.Routine) string {
	own := func(name string) bool { return len(p.called[name]) > 0 }
	uses := unsupported(p.profile, r, own, func(x string) bool { return p.extensions[x] })
	uses = append(uses, p.absentCalls(r, own)...)
	var order []string
	lines := map[string][]string{}
	for _, u := range uses {
		what := strings.ToUpper(u.Word)
		switch {
		case u.Extension != "":
			what = u.Word + " of " + u.Extension
		case u.Kind == plsql.Exception:
			what = "an EXCEPTION block"
		case u.Kind == plsql.Diagnostics:
			what = "GET DIAGNOSTICS"
		case u.Kind == plsql.Cursor:
			what = "a cursor (" + what + ")"
		case u.Kind == plsql.CreateTableAs:
			what = "CREATE TABLE AS"
		case u.Kind == plsql.TempTable:
			what = "a temporary table"
		case u.Kind == plsql.Serializable:
			what = "the isolation level SERIALIZABLE"
		case u.Kind == plsql.Function, u.Kind == plsql.AdvisoryLock, u.Kind == plsql.LargeObject, u.Kind == plsql.Notify, u.Kind == plsql.SystemColumn:
			what = u.Word
		}
		if lines[what] == nil {
			order = append(order, what)
		}
		line := fmt.Sprint(u.Line)
		if !slices.Contains(lines[what], line) {
			lines[what] = append(lines[what], line)
		}
	}
	if len(order) == 0 {
		return ""
	}
	for i, what := range order {
		word := "line "
		if len(lines[what]) > 1 {
			word = "lines "
		}
		order[i] = what + " (" + word + words(lines[what]) + ")"
	}
	return "its body uses what the target is not known to take: " + strings.Join(order, ", ")
}
