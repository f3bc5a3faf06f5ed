package shape

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// KeyColumn is the name of the column that every shape begins with: a bigint
// that no two rows have in common, the primary key.
const KeyColumn = "id"

// Order is the order in which keys come.
type Order string

// The orders of keys.
const (
	OrderKey    Order = "key"    // ascending
	OrderRandom Order = "random" // spread over the whole range, each where no row near it came before
)

// Shape is what rows look like: the columns behind the key.
type Shape struct {
	Name    string
	Columns []Column
}

// Column is one column and what its values are.
type Column struct {
	Name  string  `yaml:"name"`
	Kind  Kind    `yaml:"kind"`
	Bytes int     `yaml:"bytes"` // of text, jsonb and bytea: their mean size; bytea has twice as many in COPY TEXT
	Max   int64   `yaml:"max"`   // of int and bigint: the largest value; of arrays and vectors the number of elements
	Nulls float64 `yaml:"nulls"` // share of NULLs, 0 to 1
	Large float64 `yaml:"large"` // of text: share of values a hundred times as long

	// What only a program can say: the SQL type instead of the kind's, and how a value
	// that is not NULL is appended in COPY TEXT form.
	Type string                              `yaml:"-"`
	Make func(b []byte, r *rand.Rand) []byte `yaml:"-"`
}

// Kind is what a column's values are.
type Kind string

// The kinds of column.
const (
	Int         Kind = "int"
	Bigint      Kind = "bigint"
	Bool        Kind = "bool"
	Numeric     Kind = "numeric"
	Double      Kind = "double"
	Timestamp   Kind = "timestamp"
	Timestamptz Kind = "timestamptz"
	Date        Kind = "date"
	UUID        Kind = "uuid"
	Text        Kind = "text"
	JSON        Kind = "jsonb"
	Bytea       Kind = "bytea"
	IntArray    Kind = "int_array"
	Vector      Kind = "vector" // of the extension vector
	Reals       Kind = "reals"  // the same numbers where there is no such extension
)

// types are the kinds' SQL types.
var types = map[Kind]string{
	Int: "integer", Bigint: "bigint", Bool: "boolean", Numeric: "numeric(14,4)", Double: "double precision",
	Timestamp: "timestamp", Timestamptz: "timestamptz", Date: "date", UUID: "uuid", Text: "text", JSON: "jsonb", Bytea: "bytea",
	IntArray: "integer[]", Reals: "real[]",
}

// SQL is the column's type.
func (c Column) SQL() string {
	if c.Type != "" {
		return c.Type
	}
	if c.Kind == Vector {
		return fmt.Sprintf("vector(%d)", c.Max)
	}
	return types[c.Kind]
}

// Names are the shapes that have a name, in the order of their sizes.
func Names() []string {
	return []string{"narrow", "wide", "text", "json", "vector", "numeric", "toast", "mixed"}
}

// Named is the shape of a name; false where there is none.
func Named(name string) (Shape, bool) {
	s := Shape{Name: name}
	switch name {
	case "narrow":
		s.Columns = []Column{{Name: "a", Kind: Int, Max: 1_000_000}, {Name: "b", Kind: Int, Max: 1000}, {Name: "at", Kind: Timestamp}}
	case "wide":
		for i := range 15 {
			s.Columns = append(s.Columns,
				Column{Name: fmt.Sprintf("i%d", i), Kind: Int, Max: 100_000}, Column{Name: fmt.Sprintf("t%d", i), Kind: Text, Bytes: 12, Nulls: 0.2},
				Column{Name: fmt.Sprintf("n%d", i), Kind: Numeric}, Column{Name: fmt.Sprintf("at%d", i), Kind: Timestamptz})
		}
	case "text":
		s.Columns = []Column{{Name: "title", Kind: Text, Bytes: 40}, {Name: "body", Kind: Text, Bytes: 500}}
	case "json":
		s.Columns = []Column{{Name: "doc", Kind: JSON, Bytes: 400}}
	case "vector":
		s.Columns = []Column{{Name: "v", Kind: Vector, Max: 384}}
	case "numeric":
		s.Columns = []Column{
			{Name: "n1", Kind: Numeric},
			{Name: "n2", Kind: Numeric},
			{Name: "d", Kind: Double},
			{Name: "u", Kind: UUID},
			{Name: "at", Kind: Timestamptz},
			{Name: "list", Kind: IntArray, Max: 8},
		}
	case "toast":
		s.Columns = []Column{{Name: "b", Kind: Bytea, Bytes: 16_000}}
	case "mixed":
		s.Columns = []Column{
			{Name: "a", Kind: Int, Max: 1000},
			{Name: "u", Kind: UUID},
			{Name: "at", Kind: Timestamptz},
			{Name: "n", Kind: Numeric},
			{Name: "name", Kind: Text, Bytes: 30},
			{Name: "note", Kind: Text, Bytes: 90, Nulls: 0.3, Large: 0.01},
			{Name: "doc", Kind: JSON, Bytes: 120},
			{Name: "ok", Kind: Bool},
		}
	default:
		return s, false
	}
	return s, true
}

// NeedsVector says whether one of the shape's types is of the extension vector.
func (s Shape) NeedsVector() bool {
	return slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Kind == Vector })
}

// WithoutVector is the shape with the same numbers in arrays of real.
func (s Shape) WithoutVector() Shape {
	s.Columns = slices.Clone(s.Columns)
	for i := range s.Columns {
		if s.Columns[i].Kind == Vector {
			s.Columns[i].Kind = Reals
		}
	}
	return s
}

// ColumnNames are the names of all columns, the key first.
func (s Shape) ColumnNames() []string {
	names := []string{KeyColumn}
	for _, c := range s.Columns {
		names = append(names, c.Name)
	}
	return names
}

// CreateSQL makes a table of the shape; inline says that the primary key stands
// in the statement.
func (s Shape) CreateSQL(schema, table string, inline bool) string {
	key := quote.Ident(KeyColumn) + " bigint NOT NULL"
	if inline {
		key += " PRIMARY KEY"
	}
	cols := []string{key}
	for _, c := range s.Columns {
		cols = append(cols, quote.Ident(c.Name)+" "+c.SQL())
	}
	return fmt.Sprintf("CREATE TABLE %s (%s)", quote.Name(schema, table), strings.Join(cols, ", "))
}

// KeySQL adds the primary key to a table that has none.
func KeySQL(schema, table string) string {
	return fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", quote.Name(schema, table), quote.Ident(KeyColumn))
}

// check says what is wrong with a shape that somebody wrote.
func (s Shape) check() error {
	seen := map[string]bool{KeyColumn: true}
	for i, c := range s.Columns {
		what := fmt.Sprintf("column %d (%s)", i+1, c.Name)
		_, known := types[c.Kind]
		switch {
		case c.Name == "":
			return fmt.Errorf("column %d has no name", i+1)
		case seen[c.Name]:
			return fmt.Errorf("%s: there is one of this name already; %q is the key, which every shape has", what, KeyColumn)
		case !known && c.Kind != Vector:
			return fmt.Errorf("%s: the kind %q is none of %s", what, c.Kind, strings.Join(kindNames(), ", "))
		case c.Nulls < 0 || c.Nulls > 1 || c.Large < 0 || c.Large > 1:
			return fmt.Errorf("%s: nulls and large are shares, 0 to 1", what)
		case c.Bytes < 0 || c.Bytes > mostBytes:
			return fmt.Errorf("%s: bytes must be 0 to %d", what, mostBytes)
		case c.Max < 0 || (c.Kind == Vector || c.Kind == Reals || c.Kind == IntArray) && c.Max > mostElements:
			return fmt.Errorf("%s: max must not be below 0, and of arrays and vectors not above %d", what, mostElements)
		}
		seen[c.Name] = true
	}
	return nil
}

const (
	mostBytes    = 1 << 20
	mostElements = 16_000
)

func kindNames() []string {
	out := []string{string(Vector)}
	for k := range types {
		out = append(out, string(k))
	}
	slices.Sort(out)
	return out
}
