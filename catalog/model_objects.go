package catalog

// What stands beside tables: views, routines, triggers and what belongs to them.

// Text rendered by the server with an empty search_path.
type (
	// ViewDef is the query of pg_get_viewdef, without the semicolon at its end.
	ViewDef string
	// RoutineDef is the text of pg_get_functiondef; of an aggregate the CREATE
	// AGGREGATE that the reader makes of pg_aggregate.
	RoutineDef string
	// TriggerDef is the text of pg_get_triggerdef.
	TriggerDef string
	// RuleDef is the text of pg_get_ruledef, without the semicolon at its end.
	RuleDef string
)

// View is a view or materialized view. The indexes of a materialized view are
// in Database.Indexes, its triggers and rules in theirs.
type View struct {
	Name         Name         `json:"name"`
	Materialized bool         `json:"materialized,omitempty"`
	Def          ViewDef      `json:"def"`
	Columns      []ViewColumn `json:"columns"`                 // in attnum order
	Options      []string     `json:"options,omitempty"`       // reloptions, sorted: "check_option=local", "security_barrier=true"; "toast." before those of the TOAST table
	Populated    bool         `json:"populated,omitempty"`     // of a materialized view: it has been filled
	AccessMeth   string       `json:"access_method,omitempty"` // of a materialized view, where it is not heap
	Tablespace   string       `json:"tablespace,omitempty"`    // of a materialized view; empty is the database's
	Uses         []Ref        `json:"uses,omitempty"`          // what the query reads and calls, columns included

	// Sizes of a materialized view; not part of Hash.
	HeapBytes  int64 `json:"heap_bytes"`
	ToastBytes int64 `json:"toast_bytes"`
	RowsGuess  int64 `json:"rows_guess"` // reltuples; -1 unknown
}

// ViewColumn is one column of a view.
type ViewColumn struct {
	Name      string `json:"name"`
	Type      Type   `json:"type"`
	Default   Expr   `json:"default,omitempty"`   // ALTER VIEW ... SET DEFAULT
	Collation *Name  `json:"collation,omitempty"` // only when it differs from the type's
	Uses      []Ref  `json:"uses,omitempty"`      // what Default depends on

	// Of a materialized view.
	StatsTgt int16       `json:"stats_target"`      // -1 is the default
	Storage  Storage     `json:"storage,omitempty"` // only when it differs from the type's
	Compress Compression `json:"compression,omitempty"`
	Options  []string    `json:"options,omitempty"` // attoptions
}

// RoutineKind is pg_proc.prokind in words.
type RoutineKind string

// The kinds of routine.
const (
	Function       RoutineKind = "function"
	Procedure      RoutineKind = "procedure"
	Aggregate      RoutineKind = "aggregate"
	WindowFunction RoutineKind = "window function"
)

// Routine is a function, procedure or aggregate.
type Routine struct {
	// Name holds the types of the arguments that identify the routine, as Ref
	// does: {public f(integer,text)}. Plain is the name without them.
	Name  Name        `json:"name"`
	Plain string      `json:"plain"`
	Kind  RoutineKind `json:"kind"`

	IdentityArgs string     `json:"identity_args"` // pg_get_function_identity_arguments: as COMMENT ON and GRANT take them
	Args         []Argument `json:"args,omitempty"`
	Returns      string     `json:"returns,omitempty"` // pg_get_function_result; empty for procedures
	ReturnsType  Type       `json:"returns_type"`
	ReturnsSet   bool       `json:"returns_set,omitempty"`

	Language        string     `json:"language"`
	Def             RoutineDef `json:"def"`
	Body            string     `json:"body"`               // prosrc: empty where SQLBody
	SQLBody         bool       `json:"sql_body,omitempty"` // BEGIN ATOMIC or RETURN: its text is in Def, what it needs in Uses
	Volatility      string     `json:"volatility"`         // immutable, stable, volatile
	Parallel        string     `json:"parallel"`           // safe, restricted, unsafe
	Strict          bool       `json:"strict,omitempty"`
	SecurityDefiner bool       `json:"security_definer,omitempty"`
	Leakproof       bool       `json:"leakproof,omitempty"`
	Settings        []string   `json:"settings,omitempty"` // SET clauses: "search_path=public", in their order

	Uses []Ref `json:"uses,omitempty"` // by pg_depend: types of arguments and result, defaults, SQL bodies; bodies as text are not looked into
}

// Argument is one argument of a routine, those of the result (OUT, TABLE)
// included.
type Argument struct {
	Name    string `json:"name,omitempty"`
	Mode    string `json:"mode"` // in, out, inout, variadic, table
	Type    Type   `json:"type"`
	Default bool   `json:"default,omitempty"`
}

// Trigger is a trigger of a table or view; those inside of foreign keys, and
// those that partitions inherit, are not listed.
type Trigger struct {
	Table      Name       `json:"table"`
	Name       string     `json:"name"`
	Def        TriggerDef `json:"def"`
	Timing     string     `json:"timing"` // before, after, instead of
	Events     []string   `json:"events"` // insert, update, delete, truncate, in this order
	Row        bool       `json:"row,omitempty"`
	Columns    []string   `json:"columns,omitempty"` // UPDATE OF
	When       bool       `json:"when,omitempty"`
	Function   Name       `json:"function"` // with argument types
	Constraint bool       `json:"constraint,omitempty"`
	Deferrable bool       `json:"deferrable,omitempty"`
	Deferred   bool       `json:"initially_deferred,omitempty"`
	OldTable   string     `json:"old_table,omitempty"` // REFERENCING OLD TABLE AS
	NewTable   string     `json:"new_table,omitempty"`
	Enabled    string     `json:"enabled"` // origin, replica, always, disabled
	Uses       []Ref      `json:"uses,omitempty"`

	Apart []TriggerState `json:"apart,omitempty"` // partitions whose copy is enabled in another way
}

// TriggerState says how a partition's copy of a trigger is enabled.
type TriggerState struct {
	Table   Name   `json:"table"`
	Enabled string `json:"enabled"`
}

// EventTrigger is an event trigger.
type EventTrigger struct {
	Name     string   `json:"name"`
	Event    string   `json:"event"`
	Tags     []string `json:"tags,omitempty"`
	Function Name     `json:"function"` // with argument types
	Enabled  string   `json:"enabled"`  // as Trigger.Enabled
}

// Rule is a rewrite rule other than that of a view.
type Rule struct {
	Table   Name    `json:"table"` // or a view
	Name    string  `json:"name"`
	Def     RuleDef `json:"def"`
	Event   string  `json:"event"` // select, insert, update, delete
	Instead bool    `json:"instead,omitempty"`
	Enabled string  `json:"enabled"`
	Uses    []Ref   `json:"uses,omitempty"`
}

// Policy is a row security policy.
type Policy struct {
	Table      Name     `json:"table"`
	Name       string   `json:"name"`
	Command    string   `json:"command"` // all, select, insert, update, delete
	Permissive bool     `json:"permissive"`
	Roles      []string `json:"roles"` // sorted; "" is PUBLIC
	Using      Expr     `json:"using,omitempty"`
	Check      Expr     `json:"check,omitempty"`
	Uses       []Ref    `json:"uses,omitempty"`
}

// RangeType is a range type with the multirange that comes with it.
type RangeType struct {
	Name       Name  `json:"name"`
	Subtype    Type  `json:"subtype"`
	Multirange Name  `json:"multirange"`          // empty before 14
	OpClass    *Name `json:"opclass,omitempty"`   // only when it is not the subtype's default
	Collation  *Name `json:"collation,omitempty"` // only when it differs from the subtype's
	Canonical  *Name `json:"canonical,omitempty"` // functions, with argument types
	Diff       *Name `json:"subtype_diff,omitempty"`
	Uses       []Ref `json:"uses,omitempty"`
}

// Statistics is an extended statistics object.
type Statistics struct {
	Name     Name   `json:"name"`
	Table    Name   `json:"table"`
	Def      string `json:"def"`          // pg_get_statisticsobjdef
	StatsTgt int    `json:"stats_target"` // -1 is the default
	Uses     []Ref  `json:"uses,omitempty"`
}

// Collation is a collation of the user's.
type Collation struct {
	Name          Name   `json:"name"`
	Provider      string `json:"provider"` // libc, icu, builtin
	Deterministic bool   `json:"deterministic"`
	Locale        string `json:"locale,omitempty"` // of icu and builtin
	Collate       string `json:"collate,omitempty"`
	Ctype         string `json:"ctype,omitempty"`
	Rules         string `json:"rules,omitempty"`
	Encoding      string `json:"encoding,omitempty"` // empty is any
}
