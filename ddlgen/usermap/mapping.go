package usermap

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// Mapping is a Spec held against a model: plain sorted lists, names as the
// catalog holds them. What is not listed stays as it is.
type Mapping struct {
	Schemas []Schema `json:"schemas,omitempty"`
	Tables  []Table  `json:"tables,omitempty"`
	Moves   []Move   `json:"moves,omitempty"` // indexes and sequences that follow their table into another schema
}

// Schema is a schema with another name on the target.
type Schema struct {
	Source string `json:"source"`
	Target string `json:"target"`
	Place  string `json:"place"` // where it is asked for
}

// Move is a relation other than a table whose name changes otherwise than by
// its schema's.
type Move struct {
	Source catalog.Name `json:"source"`
	Target catalog.Name `json:"target"`
}

// Table is a table of which something is asked.
type Table struct {
	Source catalog.Name `json:"source"`
	Target catalog.Name `json:"target"`
	Place  string       `json:"place,omitempty"`   // where the name is asked for
	NoData string       `json:"no_data,omitempty"` // who leaves the rows behind; empty: they are copied
	Where  string       `json:"where,omitempty"`   // SQL condition on the source; empty: all rows
	Rows   string       `json:"rows,omitempty"`    // where that is asked for

	Columns []Column `json:"columns,omitempty"`
	Extra   []Extra  `json:"extra,omitempty"`
}

// Column is a column of which something is asked. One source column can stand
// twice, with other targets.
type Column struct {
	Source  string `json:"source"`
	Target  string `json:"target"`
	Place   string `json:"place"`
	Exclude bool   `json:"exclude,omitempty"`
	Type    *Type  `json:"type,omitempty"`   // nil keeps the type
	Select  string `json:"select,omitempty"` // SQL expression on the source; empty is the column, or its cast
	Half    bool   `json:"half,omitempty"`   // one of two that the column becomes: Type is as on the source, and the target has what it makes of that
	Loss    string `json:"loss,omitempty"`   // what the conversion loses, in words, where a named option says so
}

// Type is a type of the target.
type Type struct {
	catalog.Type
	// Named says that the type is written with its schema, or is one of the source's own.
	Named bool `json:"named,omitempty"`
}

// Extra is a column that the target alone has.
type Extra struct {
	Name    string `json:"name"`
	Type    Type   `json:"type"`
	Default string `json:"default,omitempty"`
	NotNull bool   `json:"not_null,omitempty"`
	Place   string `json:"place"`
}

// Empty says that nothing differs.
func (m *Mapping) Empty() bool { return m == nil || len(m.Schemas)+len(m.Tables) == 0 }

// Hash names what is mapped, whatever place it is asked for at; empty for a
// mapping that maps nothing.
func (m *Mapping) Hash() string {
	if m.Empty() {
		return ""
	}
	plain := Mapping{Moves: m.Moves, Schemas: slices.Clone(m.Schemas), Tables: slices.Clone(m.Tables)}
	for i := range plain.Schemas {
		plain.Schemas[i].Place = ""
	}
	for i := range plain.Tables {
		t := &plain.Tables[i]
		t.Place, t.Rows = "", ""
		if t.NoData != "" {
			t.NoData = "yes"
		}
		t.Columns, t.Extra = slices.Clone(t.Columns), slices.Clone(t.Extra)
		for j := range t.Columns {
			t.Columns[j].Place = ""
		}
		for j := range t.Extra {
			t.Extra[j].Place = ""
		}
	}
	b, err := json.Marshal(&plain)
	if err != nil {
		panic(fmt.Sprintf("a mapping of plain values cannot be marshalled: %v", err)) // impossible
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Table finds what is asked of a source table; nil is nothing.
func (m *Mapping) Table(source catalog.Name) *Table {
	if m == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(m.Tables, source, func(t Table, n catalog.Name) int { return t.Source.Compare(n) })
	if !ok {
		return nil
	}
	return &m.Tables[i]
}

// Column finds the first thing asked of a source column; nil is nothing.
func (t *Table) Column(source string) *Column {
	if t == nil {
		return nil
	}
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Source == source })
	if i < 0 {
		return nil
	}
	return &t.Columns[i]
}

// Line is one thing that is mapped, for reports.
type Line struct {
	Kind   string `json:"kind"` // "schema", "table", "column", "rows", "no data", "excluded", "extra column"
	Source string `json:"source,omitempty"`
	Target string `json:"target,omitempty"`
	Detail string `json:"detail,omitempty"` // type, condition, default
	Place  string `json:"place"`
}

// String is the line in words.
func (l Line) String() string {
	switch l.Kind {
	case "excluded":
		return "column " + l.Source + " stays behind"
	case "no data":
		return "table " + l.Source + " goes without its rows"
	case "rows":
		return "of table " + l.Source + " go the rows where " + l.Detail
	case "extra column":
		return "column " + l.Target + " is new: " + l.Detail
	}
	out := l.Kind + " " + l.Source
	if l.Target != l.Source {
		out += " becomes " + l.Target
	}
	if l.Detail != "" {
		out += ": " + l.Detail
	}
	return out
}

// Lines lists all that is mapped, in the order of names.
func (m *Mapping) Lines() []Line {
	if m == nil {
		return nil
	}
	var out []Line
	for _, s := range m.Schemas {
		out = append(out, Line{Kind: "schema", Source: s.Source, Target: s.Target, Place: s.Place})
	}
	for i := range m.Tables {
		t := &m.Tables[i]
		if t.Place != "" {
			out = append(out, Line{Kind: "table", Source: t.Source.String(), Target: t.Target.String(), Place: t.Place})
		}
		if t.NoData != "" {
			out = append(out, Line{Kind: "no data", Source: t.Source.String(), Target: t.Target.String(), Place: t.NoData})
		}
		if t.Where != "" {
			out = append(out, Line{Kind: "rows", Source: t.Source.String(), Target: t.Target.String(), Detail: t.Where, Place: t.Rows})
		}
		for _, c := range t.Columns {
			l := Line{Kind: "column", Source: t.Source.String() + "." + c.Source, Target: t.Target.String() + "." + c.Target, Place: c.Place}
			if c.Exclude {
				l.Kind, l.Target = "excluded", ""
			}
			var detail []string
			if c.Type != nil {
				detail = append(detail, c.Type.Text)
			}
			if c.Select != "" {
				detail = append(detail, "by "+c.Select)
			}
			l.Detail = strings.Join(detail, " ")
			out = append(out, l)
		}
		for _, x := range t.Extra {
			detail := x.Type.Text
			if x.Default != "" {
				detail += " default " + x.Default
			}
			if x.NotNull {
				detail += " not null"
			}
			out = append(out, Line{Kind: "extra column", Target: t.Target.String() + "." + x.Name, Detail: detail, Place: x.Place})
		}
	}
	return out
}
