package db9sim

import (
	"encoding/hex"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// createRoutine lets sql and plpgsql through, the latter failing at the call
// where it has what DB9's interpreter lacks.
func (v *verdict) createRoutine(n *pg.CreateFunctionStmt) {
	language, body := "sql", (*pg.Node)(nil)
	for _, o := range n.GetOptions() {
		switch e := o.GetDefElem(); e.GetDefname() {
		case "language":
			language = strings.ToLower(e.GetArg().GetString_().GetSval())
		case "as":
			if items := e.GetArg().GetList().GetItems(); len(items) > 0 {
				body = items[0]
			}
		}
	}
	if language != "sql" && language != "plpgsql" {
		v.no("languages", unsupported, "language %q does not exist", language)
	}
	v.overload(n)
	if language != "plpgsql" || body.GetString_() == nil {
		return
	}
	text := body.GetString_().GetSval()
	for _, m := range missing(scan(text)) {
		if v.does(m.rule) {
			body.GetString_().Sval = failing(m.word, text)
			return
		}
	}
}

// failing is a body that fails at the call and still holds the original, which
// _db9sim.body() gives back.
func failing(word, text string) string {
	return "BEGIN RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'PL/pgSQL: " + word + " is not supported'; END\n-- _db9sim " +
		hex.EncodeToString([]byte(text))
}

type missingWord struct{ rule, word string }

// missing finds what DB9's PL/pgSQL lacks, by the tokens of a body.
func missing(tokens []string) []missingWord {
	var out []missingWord
	for i, t := range tokens {
		before, after := "", ""
		if i > 0 {
			before = strings.ToUpper(tokens[i-1])
		}
		if i+1 < len(tokens) {
			after = strings.ToUpper(tokens[i+1])
		}
		switch word := strings.ToUpper(t); word {
		case "WHILE":
			out = append(out, missingWord{"plpgsql-while", word})
		case "FOREACH":
			out = append(out, missingWord{"plpgsql-loop", word})
		case "LOOP":
			if startsStatement(before) {
				out = append(out, missingWord{"plpgsql-loop", word})
			}
		case "CONTINUE":
			if startsStatement(before) {
				out = append(out, missingWord{"plpgsql-loop", word})
			}
		case "EXECUTE":
			if startsStatement(before) || before == "QUERY" || before == "IN" {
				out = append(out, missingWord{"plpgsql-execute", word})
			}
		case "GET":
			if startsStatement(before) && (after == "DIAGNOSTICS" || after == "STACKED" || after == "CURRENT") {
				out = append(out, missingWord{"plpgsql-diagnostics", "GET DIAGNOSTICS"})
			}
		case "LISTEN", "UNLISTEN", "NOTIFY":
			if startsStatement(before) && after != ":=" && after != "=" {
				out = append(out, missingWord{"listen", word})
			}
		case "PG_NOTIFY":
			if after == "(" {
				out = append(out, missingWord{"listen", "pg_notify"})
			}
		case "EXCEPTION":
			if after == "WHEN" {
				out = append(out, missingWord{"plpgsql-exception", word})
			}
		case "CURSOR", "REFCURSOR":
			out = append(out, missingWord{"plpgsql-cursor", word})
		case "OPEN", "FETCH", "CLOSE", "MOVE":
			if startsStatement(before) {
				out = append(out, missingWord{"plpgsql-cursor", word})
			}
		}
	}
	return out
}

// startsStatement reports whether a PL/pgSQL statement can begin after a token.
func startsStatement(before string) bool {
	switch before {
	case "", ";", "BEGIN", "THEN", "ELSE", "LOOP", ">>":
		return true
	}
	return strings.HasSuffix(before, ">>")
}

// overload has a second routine of a name refused.
func (v *verdict) overload(n *pg.CreateFunctionStmt) {
	if !v.rules.On("overloads") {
		return
	}
	parts := names(n.GetFuncname())
	schema := "pg_catalog.current_schema()"
	if len(parts) == 2 {
		schema = literal(parts[0])
	}
	var args []string
	for _, p := range n.GetParameters() {
		f := p.GetFunctionParameter()
		switch f.GetMode() { //nolint:exhaustive // the rest is part of the signature
		case pg.FunctionParameterMode_FUNC_PARAM_OUT, pg.FunctionParameterMode_FUNC_PARAM_TABLE:
			continue
		}
		args = append(args, quoteName(names(f.GetArgType().GetNames()))+strings.Repeat("[]", len(f.GetArgType().GetArrayBounds())))
	}
	signature := quoteName(parts) + "(" + strings.Join(args, ", ") + ")"
	name := parts[len(parts)-1]
	v.out.checks = append(v.out.checks, check{
		sql: `SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace
		       WHERE p.proname = ` + literal(name) + ` AND s.nspname = ` + schema + ` AND pg_catalog.to_regprocedure(` + literal(signature) + `) IS NULL LIMIT 1`,
		refuse: refuse("42723", "function %q already exists: overloads are not supported", name),
		alone:  true,
	})
}

// timingAfter is CreateTrigStmt.Timing of AFTER.
const timingAfter = 0

func (v *verdict) createTrigger(n *pg.CreateTrigStmt) {
	if n.GetIsconstraint() {
		v.no("constraint-triggers", unsupported, "constraint triggers are not supported")
		return
	}
	if f := builtin(n.GetFuncname()); f == "tsvector_update_trigger" || f == "tsvector_update_trigger_column" {
		v.no("tsvector-trigger", unsupported, "%s is not supported", f)
	}
	switch {
	case !n.GetRow():
		if v.rules.On("statement-triggers") {
			v.nothing("CREATE TRIGGER")
		}
	case n.GetTiming() == timingAfter && len(n.GetTransitionRels()) == 0 && v.does("after-triggers"):
		// The latest that PostgreSQL can fire one: in the same commit, and not
		// to be seen by the transaction itself.
		n.Replace, n.Isconstraint, n.Deferrable, n.Initdeferred = false, true, true, true
	}
}
