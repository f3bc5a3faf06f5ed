package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// routineText is the statement that creates a routine on the target, or why
// there is none. It notes what is otherwise than at the source.
func (p *planner) routineText(rp *routinePlan) (sql, why string) {
	r := rp.r
	def := "CREATE " + strings.TrimPrefix(strings.TrimPrefix(string(r.Def), "CREATE "), "OR REPLACE ")
	for _, a := range r.Args {
		if a.Mode != "out" && a.Mode != "table" {
			rp.types = append(rp.types, a.Type.Text)
		}
	}
	asText := r.SQLBody && (p.profile.Map || !p.has(14))
	if r.Kind == catalog.Aggregate || !p.profile.Map && !asText {
		return def, ""
	}
	h, ok := splitRoutine(def, r)
	if !ok {
		return "", "its definition is not understood"
	}
	if asText {
		h.body = "\nAS " + dollarQuoted(h.asText())
		rp.changes = append(rp.changes, "its body in SQL becomes a string: what it needs can be dropped without it")
	}
	if !p.profile.Map {
		return h.String(), ""
	}
	rp.types = nil
	for i := range h.args {
		a := &r.Args[i]
		if why := p.mapArgument(rp, a, &h.args[i]); why != "" {
			return "", why
		}
	}
	if why := p.mapResult(rp, h); why != "" {
		return "", why
	}
	if slices.ContainsFunc(tokenize(h.rest), func(t token) bool { return t.is("TRANSFORM") }) {
		return "", "the target has no transforms"
	}
	for _, s := range r.Settings {
		name, _, _ := strings.Cut(s, "=")
		if !slices.Contains(keptSettings, strings.ToLower(name)) {
			rp.changes = append(rp.changes, fmt.Sprintf("SET %s may have no effect", name))
		}
	}
	return h.String(), ""
}

// keptSettings are the parameters that mean to DB9 what they mean to PostgreSQL
// (db9.md section 2).
var keptSettings = []string{"search_path", "timezone", "application_name", "client_min_messages", "default_text_search_config", "statement_timeout", "lock_timeout"}

// header is the statement of a routine in pieces.
type header struct {
	start string     // "CREATE FUNCTION s.f("
	args  []argument // those within the parentheses
	rest  string     // from the parenthesis to the body
	body  string     // " AS $function$...", or BEGIN ATOMIC ..., with the line's beginning
}

// argument is the text of one: before its type, the type, and what follows.
type argument struct{ before, typ, after string }

// String puts the pieces together.
func (h *header) String() string {
	args := make([]string, len(h.args))
	for i, a := range h.args {
		args[i] = a.before + a.typ + a.after
	}
	return h.start + strings.Join(args, ", ") + h.rest + h.body
}

// splitRoutine takes the server's text of a routine apart, by what the model
// says that must stand there.
func splitRoutine(def string, r *catalog.Routine) (*header, bool) {
	h := &header{}
	head := def
	if !r.SQLBody {
		end := strings.LastIndexByte(strings.TrimSuffix(def, "$"), '$')
		if end < 0 {
			return nil, false
		}
		tag := def[end:]
		at := len(def) - 2*len(tag) - len(r.Body) - len("\nAS ")
		if at < 0 || !strings.HasPrefix(def[at:], "\nAS "+tag+r.Body+tag) {
			return nil, false
		}
		head, h.body = def[:at], def[at:]
	}
	tokens := tokenize(head)
	open := slices.IndexFunc(tokens, func(t token) bool { return t.is("(") })
	if open < 0 {
		return nil, false
	}
	h.start = join(tokens[:open+1])
	end := closing(tokens, open)
	var inside []catalog.Argument
	for _, a := range r.Args {
		if a.Mode != "table" {
			inside = append(inside, a)
		}
	}
	from := open + 1
	for i, a := range inside {
		to := comma(tokens, from, end)
		arg, ok := splitArgument(tokens[from:to], a)
		if !ok || (to == end) != (i == len(inside)-1) {
			return nil, false
		}
		h.args = append(h.args, arg)
		from = to + 1
	}
	rest := tokens[end:]
	if r.SQLBody {
		at := bodyStart(rest)
		if at < 0 {
			return nil, false
		}
		h.body = join(rest[at:])
		rest = rest[:at]
	}
	h.rest = join(rest)
	return h, true
}

// closing is the position of the parenthesis that closes one.
func closing(tokens []token, open int) int {
	depth := 0
	for i := open; i < len(tokens); i++ {
		switch {
		case tokens[i].is("("):
			depth++
		case tokens[i].is(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(tokens)
}

// comma is the position of the next comma outside of brackets, or the end.
func comma(tokens []token, from, end int) int {
	depth := 0
	for i := from; i < end; i++ {
		switch t := tokens[i]; {
		case t.is("("), t.is("["):
			depth++
		case t.is(")"), t.is("]"):
			depth--
		case depth == 0 && t.is(","):
			return i
		}
	}
	return end
}

func splitArgument(tokens []token, a catalog.Argument) (argument, bool) {
	i := 0
	skip := func() {
		for i < len(tokens) && tokens[i].kind == tokSpace {
			i++
		}
	}
	skip()
	begin := i
	modes := map[string]string{"in": "IN", "out": "OUT", "inout": "INOUT", "variadic": "VARIADIC"}
	if i+1 < len(tokens) && tokens[i].is(modes[a.Mode]) && tokens[i+1].kind == tokSpace {
		i++
		skip()
	}
	if a.Name != "" {
		if i >= len(tokens) {
			return argument{}, false
		}
		if name, ok := tokens[i].ident(); !ok || name != a.Name {
			return argument{}, false
		}
		i++
		skip()
	}
	text := join(tokens[i:])
	typ := a.Type.Text
	after, ok := strings.CutPrefix(text, typ)
	if !ok {
		typ = withoutModifier(typ)
		after, ok = strings.CutPrefix(text, typ)
	}
	if !ok || after != "" && !strings.HasPrefix(after, " DEFAULT ") {
		return argument{}, false
	}
	return argument{join(tokens[begin:i]), typ, after}, true
}

// withoutModifier is a type as the server writes it where a modifier is neither
// there nor missing.
func withoutModifier(text string) string {
	for of, as := range map[string]string{"bpchar": "character", `"bit"`: "bit"} {
		if rest, ok := strings.CutPrefix(text, of); ok {
			return as + rest
		}
	}
	return text
}

// bodyStart is where a body in SQL begins, with the white space before it.
func bodyStart(tokens []token) int {
	depth := 1 // the first token closes the arguments
	for i, t := range tokens {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		}
		if depth == 0 && i > 0 && (t.is("RETURN") || t.is("BEGIN") && i+2 < len(tokens) && tokens[i+2].is("ATOMIC")) {
			return i - 1
		}
	}
	return -1
}

// asText is a body in SQL as a string has it: the statements between BEGIN
// ATOMIC and END, or a query of what is returned.
func (h *header) asText() string {
	body := strings.TrimSpace(h.body)
	if expr, ok := strings.CutPrefix(body, "RETURN "); ok {
		return "SELECT " + expr
	}
	body = strings.TrimSuffix(strings.TrimPrefix(body, "BEGIN ATOMIC"), "END")
	return strings.Trim(body, "\n")
}

// dollarQuoted quotes a body under a tag that it does not hold.
func dollarQuoted(body string) string {
	tag := "$function$"
	for strings.Contains(body+"$", strings.TrimSuffix(tag, "$")) {
		tag = strings.TrimSuffix(tag, "$") + "x$"
	}
	return tag + body + tag
}

// mapArgument puts the target's type into an argument, and rewrites its default.
func (p *planner) mapArgument(rp *routinePlan, a *catalog.Argument, text *argument) (why string) {
	what := "argument " + a.Name
	if a.Name == "" {
		what = "an argument without a name"
	}
	typ, change, why := p.routineType(a.Type)
	switch {
	case why != "":
		return what + ": " + why
	case a.Mode == "variadic" && !strings.HasSuffix(typ, "[]"):
		return what + ": VARIADIC takes an array alone"
	case change != "":
		rp.changes = append(rp.changes, what+": "+change)
	}
	text.typ = typ
	if a.Mode != "out" {
		rp.types = append(rp.types, typ)
	}
	if expr, ok := strings.CutPrefix(text.after, " DEFAULT "); ok {
		sql, why := p.expression(expr, nil, nil)
		if why != "" {
			return fmt.Sprintf("%s: default %s: %s", what, expr, why)
		}
		text.after = " DEFAULT " + sql
	}
	return ""
}

// mapResult puts the target's types into what the routine returns.
func (p *planner) mapResult(rp *routinePlan, h *header) (why string) {
	r := rp.r
	if r.Kind == catalog.Procedure {
		return ""
	}
	var columns []string
	for _, a := range r.Args {
		if a.Mode != "table" {
			continue
		}
		typ, change, why := p.routineType(a.Type)
		if why != "" {
			return fmt.Sprintf("column %s of the result: %s", a.Name, why)
		}
		if change != "" {
			rp.changes = append(rp.changes, fmt.Sprintf("column %s of the result: %s", a.Name, change))
		}
		columns = append(columns, quote.Ident(a.Name)+" "+typ)
	}
	returns := "TABLE(" + strings.Join(columns, ", ") + ")"
	if columns == nil {
		typ, change, why := p.routineType(r.ReturnsType)
		if why != "" {
			return "the result: " + why
		}
		if r.ReturnsType.Kind == catalog.KindComposite && change != "" {
			return fmt.Sprintf("the result: no type of the target is a row of %s", r.ReturnsType.Text)
		}
		if change != "" && !slices.ContainsFunc(r.Args, func(a catalog.Argument) bool { return a.Mode == "out" || a.Mode == "inout" }) {
			rp.changes = append(rp.changes, "the result: "+change)
		}
		returns = typ
		if r.ReturnsSet {
			returns = "SETOF " + typ
		}
	}
	before, after, ok := strings.Cut(h.rest, "\n RETURNS "+r.Returns+"\n")
	if !ok || before != ")" {
		return "its definition is not understood"
	}
	if columns != nil && len(rp.changes) == 0 {
		returns = r.Returns // as the server spells it
	}
	h.rest = before + "\n RETURNS " + returns + "\n" + after
	return ""
}

// carriedPseudo are the pseudo-types of arguments and results of SQL and
// PL/pgSQL that no type of the target has to stand for.
var carriedPseudo = map[string]bool{
	"void": true, "trigger": true, "record": true, "anyelement": true, "anyarray": true, "anynonarray": true, "anyenum": true,
	"anycompatible": true, "anycompatiblearray": true, "anycompatiblenonarray": true,
}

// routineType is the type that an argument or result has on the target, and
// what that changes; or why there is none. Modifiers say nothing there.
func (p *planner) routineType(t catalog.Type) (text, change, why string) {
	switch {
	case t.Kind == catalog.KindPseudo && carriedPseudo[t.Name.Name] && builtIn(t.Name.Schema):
		return t.Text, "", ""
	case t.Kind == catalog.KindComposite && (p.model.tables.get(t.Name) != nil || p.views[t.Name] != nil):
		return t.Text, "", "" // refs say whether it is carried
	case isTimestamp(t):
		return t.Text, "", ""
	}
	m := p.mapped(t)
	switch {
	case m.code == typeRefused || m.code == typeUnavailable:
		return "", "", m.message
	case m.code != typeMapped && m.code != typeExpanded:
		return t.Text, "", ""
	}
	target := m.target
	if base, _, ok := strings.Cut(target, "("); ok && !strings.HasSuffix(target, "[]") {
		target = base
	}
	change = fmt.Sprintf("%s becomes %s", t.Text, target)
	if m.loss != "" {
		change += "; lost: " + m.loss
	}
	return target, change, ""
}
