package catalog

import (
	"context"
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

type routineRow struct {
	OID             int64    `db:"oid"`
	Schema          string   `db:"schema"`
	Name            string   `db:"name"`
	Plain           string   `db:"plain"`
	Kind            string   `db:"kind"`
	IdentityArgs    string   `db:"identity_args"`
	Arguments       string   `db:"arguments"`
	ArgTypes        []int64  `db:"arg_types"`
	ArgModes        []string `db:"arg_modes"`
	ArgNames        []string `db:"arg_names"`
	Defaults        int      `db:"defaults"`
	Returns         string   `db:"returns"`
	ReturnsType     int64    `db:"returns_type"`
	ReturnsSet      bool     `db:"returns_set"`
	Language        string   `db:"language"`
	Def             *string  `db:"def"`
	Starts          string   `db:"starts"`
	Body            string   `db:"body"`
	SQLBody         bool     `db:"sql_body"`
	Volatility      string   `db:"volatility"`
	Parallel        string   `db:"parallel"`
	Strict          bool     `db:"strict"`
	SecurityDefiner bool     `db:"security_definer"`
	Leakproof       bool     `db:"leakproof"`
	Settings        []string `db:"settings"`

	// Aggregates only.
	AggKind              string  `db:"agg_kind"`
	Quoted               string  `db:"quoted"`
	AggTrans             string  `db:"agg_trans"`
	AggType              string  `db:"agg_type"`
	AggSpace             int     `db:"agg_space"`
	AggInit              *string `db:"agg_init"`
	AggFinal             string  `db:"agg_final"`
	AggFinalExtra        bool    `db:"agg_final_extra"`
	AggFinalModify       string  `db:"agg_final_modify"`
	AggCombine           string  `db:"agg_combine"`
	AggSerial            string  `db:"agg_serial"`
	AggDeserial          string  `db:"agg_deserial"`
	AggMovingTrans       string  `db:"agg_moving_trans"`
	AggMovingInverse     string  `db:"agg_moving_inverse"`
	AggMovingType        string  `db:"agg_moving_type"`
	AggMovingSpace       int     `db:"agg_moving_space"`
	AggMovingInit        *string `db:"agg_moving_init"`
	AggMovingFinal       string  `db:"agg_moving_final"`
	AggMovingFinalExtra  bool    `db:"agg_moving_final_extra"`
	AggMovingFinalModify string  `db:"agg_moving_final_modify"`
	AggSort              string  `db:"agg_sort"`
}

var (
	routineKinds  = map[string]RoutineKind{"f": Function, "p": Procedure, "a": Aggregate, "w": WindowFunction}
	volatilities  = map[string]string{"i": "immutable", "s": "stable", "v": "volatile"}
	parallels     = map[string]string{"s": "safe", "r": "restricted", "u": "unsafe"}
	argumentModes = map[string]string{"i": "in", "o": "out", "b": "inout", "v": "variadic", "t": "table"}
	modifies      = map[string]string{"r": "READ_ONLY", "s": "SHAREABLE", "w": "READ_WRITE"}
)

// routines reads functions, procedures and aggregates. Those that types,
// operators and the like are made of are among them.
func (r *reader) routines(ctx context.Context) error {
	rows, err := collect[routineRow](ctx, r.q, "routines")
	r.routineRef = make(map[int64]ObjectRef, len(rows))
	for _, f := range rows {
		n := Name{Schema: f.Schema, Name: f.Name}
		kind := routineKinds[f.Kind]
		def, ok := f.definition()
		if !ok {
			return &GoneError{Kind: string(kind), Name: n}
		}
		routine := Routine{
			Name: n, Plain: f.Plain, Kind: kind, IdentityArgs: f.IdentityArgs, Args: r.arguments(f), Returns: f.Returns, ReturnsSet: f.ReturnsSet,
			Language: f.Language, Def: RoutineDef(def), Body: f.Body, SQLBody: f.SQLBody,
			Volatility: volatilities[f.Volatility], Parallel: parallels[f.Parallel], Strict: f.Strict, SecurityDefiner: f.SecurityDefiner,
			Leakproof: f.Leakproof, Settings: orNil(f.Settings), Uses: r.uses[objectKey{"pg_proc", f.OID}],
		}
		if kind != Procedure {
			routine.ReturnsType = r.types[typeKey{f.ReturnsType, -1}]
		}
		r.db.Routines = append(r.db.Routines, routine)

		r.routineRef[f.OID] = ObjectRef{Kind: string(kind), Schema: n.Schema, Name: n.Name}
		on := string(kind)
		if kind == WindowFunction {
			on = "function" // as COMMENT ON spells it
		}
		r.know("pg_proc", f.OID, Comment{Kind: on, Name: Name{Schema: f.Schema, Name: f.Plain}, Args: f.IdentityArgs})
	}
	return err
}

// definition is the routine's text, and whether it is that of the routine that
// the snapshot shows: one dropped since has none, and one renamed or replaced
// has another name or body.
func (f routineRow) definition() (string, bool) {
	if f.Kind == "a" {
		return f.aggregate()
	}
	if f.Def == nil || !strings.HasPrefix(*f.Def, f.Starts) || !f.SQLBody && !strings.Contains(*f.Def, f.Body) {
		return "", false
	}
	return strings.TrimSuffix(*f.Def, "\n"), true
}

// aggregate makes the statement that the server has no function for. It says
// whether all that the aggregate is made of was there.
func (f routineRow) aggregate() (string, bool) {
	if f.AggTrans == "" || f.AggType == "" {
		return "", false
	}
	args := f.Arguments
	if len(f.ArgTypes) == 0 {
		args = "*"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE AGGREGATE %s(%s) (\n    SFUNC = %s,\n    STYPE = %s", f.Quoted, args, f.AggTrans, f.AggType)
	option := func(name, value string) {
		if value != "" {
			b.WriteString(",\n    " + name + " = " + value)
		}
	}
	flag := func(name string, on bool) {
		if on {
			b.WriteString(",\n    " + name)
		}
	}
	number := func(name string, n int) {
		if n != 0 {
			option(name, fmt.Sprint(n))
		}
	}
	text := func(name string, value *string) {
		if value != nil {
			option(name, strings.TrimSpace(quote.Literal(*value)))
		}
	}
	// Ordered-set aggregates end with a function that changes the state, others
	// with one that does not, if nothing is said.
	modify := func(name, value string) {
		usual := "r"
		if f.AggKind != "n" {
			usual = "w"
		}
		if value != usual {
			option(name, modifies[value])
		}
	}
	number("SSPACE", f.AggSpace)
	option("FINALFUNC", f.AggFinal)
	flag("FINALFUNC_EXTRA", f.AggFinalExtra)
	modify("FINALFUNC_MODIFY", f.AggFinalModify)
	option("COMBINEFUNC", f.AggCombine)
	option("SERIALFUNC", f.AggSerial)
	option("DESERIALFUNC", f.AggDeserial)
	text("INITCOND", f.AggInit)
	if f.AggMovingTrans != "" {
		option("MSFUNC", f.AggMovingTrans)
		option("MINVFUNC", f.AggMovingInverse)
		option("MSTYPE", f.AggMovingType)
		number("MSSPACE", f.AggMovingSpace)
		option("MFINALFUNC", f.AggMovingFinal)
		flag("MFINALFUNC_EXTRA", f.AggMovingFinalExtra)
		modify("MFINALFUNC_MODIFY", f.AggMovingFinalModify)
		text("MINITCOND", f.AggMovingInit)
	}
	option("SORTOP", f.AggSort)
	if parallel := parallels[f.Parallel]; parallel != "unsafe" {
		option("PARALLEL", strings.ToUpper(parallel))
	}
	flag("HYPOTHETICAL", f.AggKind == "h")
	b.WriteString("\n)")
	return b.String(), true
}

// arguments puts the arrays of pg_proc together. The defaults are those of the
// last arguments that go in.
func (r *reader) arguments(f routineRow) []Argument {
	var args []Argument
	in := 0
	for i, typ := range f.ArgTypes {
		a := Argument{Mode: "in", Type: r.types[typeKey{typ, -1}]}
		if i < len(f.ArgModes) {
			a.Mode = argumentModes[f.ArgModes[i]]
		}
		if i < len(f.ArgNames) {
			a.Name = f.ArgNames[i]
		}
		if a.Mode != "out" && a.Mode != "table" {
			in++
		}
		args = append(args, a)
	}
	for i := len(args) - 1; i >= 0 && in > 0 && f.Defaults > 0; i-- {
		if args[i].Mode != "out" && args[i].Mode != "table" {
			args[i].Default = true
			f.Defaults--
		}
	}
	return args
}
