package usermap

import (
	"fmt"
	"strings"
)

// Spec is what a mapping file and flags ask for, not yet held against a model.
type Spec struct {
	Schemas []SchemaWish
	Types   []TypeWish
	Tables  []TableWish
	Columns []ColumnWish
	Exclude []PatternWish // columns that stay behind
	NoData  []PatternWish // tables without their rows
	Rows    []RowsWish    // tables with some of their rows
}

// SchemaWish renames a schema.
type SchemaWish struct {
	Where    string // "map.yaml:3", "--where"
	From, To string
}

// TypeWish gives every column of a type another one.
type TypeWish struct {
	Where string
	From  string
	As    Conversion
}

// Conversion is how values of a column become those of another type.
type Conversion struct {
	Type   string // as the user writes it; empty keeps the type
	Option string // one of the ways that have a name; see Options
	Select string // SQL expression on the source; empty follows from the types
}

func (c Conversion) empty() bool { return c == Conversion{} }

// TableWish is what is asked of one table.
type TableWish struct {
	Where string
	Table string
	To    string // "schema.table" or "table"; empty keeps the name
	Extra []ExtraWish
}

// ExtraWish is a column that the target alone has.
type ExtraWish struct {
	Where   string
	Name    string
	Type    string
	Default string // SQL expression; empty is NULL
	NotNull bool
}

// ColumnWish is what is asked of one column.
type ColumnWish struct {
	Where   string
	Table   string
	Column  string
	To      string // empty keeps the name
	As      Conversion
	Exclude bool
	Keys    bool // with Exclude: the keys that the column stands in are given up
}

// PatternWish is one --exclude-column or --exclude-table-data.
type PatternWish struct {
	Where   string
	Pattern string
	Keys    bool // of a column: the keys that it stands in are given up
}

// RowsWish is one --where.
type RowsWish struct {
	Where     string
	Table     string // a pattern
	Condition string
}

// Empty says that nothing is asked for.
func (s *Spec) Empty() bool {
	return s == nil || len(s.Schemas)+len(s.Types)+len(s.Tables)+len(s.Columns)+len(s.Exclude)+len(s.NoData)+len(s.Rows) == 0
}

// Flag names of what can be said without a file.
const (
	FlagExcludeColumn = "exclude-column"
	FlagExcludeData   = "exclude-table-data"
	FlagWhere         = "where"
)

// AddFlags adds what flags say; where names the place of an option's value.
func (s *Spec) AddFlags(columns, data, rows []string, dropKeys bool, where func(option string) string) error {
	for _, p := range columns {
		s.Exclude = append(s.Exclude, PatternWish{Where: where(FlagExcludeColumn), Pattern: p, Keys: dropKeys})
	}
	for _, p := range data {
		s.NoData = append(s.NoData, PatternWish{Where: where(FlagExcludeData), Pattern: p})
	}
	for _, r := range rows {
		table, condition, ok := strings.Cut(r, "=")
		if !ok || strings.TrimSpace(table) == "" || strings.TrimSpace(condition) == "" {
			return &Error{Where: where(FlagWhere), Reason: fmt.Sprintf("%q is not TABLE=CONDITION", r)}
		}
		s.Rows = append(s.Rows, RowsWish{Where: where(FlagWhere), Table: strings.TrimSpace(table), Condition: strings.TrimSpace(condition)})
	}
	return nil
}

// Error is a mapping that cannot be carried out, with the place that asks for it.
type Error struct {
	Where  string // "map.yaml:12: tables.public.t.columns.c", "--exclude-column"
	Reason string
	Err    error // the cause, if another error is
}

// Error implements error.
func (e *Error) Error() string { return e.Where + ": " + e.Reason }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
