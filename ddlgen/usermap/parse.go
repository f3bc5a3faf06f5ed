package usermap

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Parse reads a mapping file. It is strict: a key that means nothing is an
// *Error with its line, since what was meant by it would be missing in silence.
func Parse(file string, data []byte) (*Spec, error) {
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		var se *yaml.SyntaxError
		if errors.As(err, &se) && se.Token != nil {
			return nil, &Error{Where: fmt.Sprintf("%s:%d", file, se.Token.Position.Line), Reason: "no valid YAML: " + se.Message}
		}
		return nil, &Error{Where: file, Reason: "no valid YAML"}
	}
	if len(f.Docs) > 1 {
		return nil, &Error{Where: file, Reason: "it holds more than one YAML document"}
	}
	s := &Spec{}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		return s, nil
	}
	switch f.Docs[0].Body.(type) {
	case *ast.NullNode, *ast.CommentGroupNode:
		return s, nil
	default:
	}
	r := &fileReader{file: file, spec: s}
	r.keys(f.Docs[0].Body, "", map[string]func(at, ast.Node){
		"schemas": r.schemas, "types": r.types, "tables": r.tables, "columns": r.columns,
		"exclude-columns": r.excludeColumns, "exclude-table-data": r.noData, "where": r.rows,
	})
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

// fileReader walks over a file; the first fault is kept.
type fileReader struct {
	file string
	spec *Spec
	err  error
}

// at is a place in the file.
type at struct {
	line int
	path string // "tables.public.t"
	key  string // the last part of path
}

func (r *fileReader) where(a at) string { return fmt.Sprintf("%s:%d: %s", r.file, a.line, a.path) }

func (r *fileReader) fail(a at, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Where: r.where(a), Reason: fmt.Sprintf(format, args...)}
	}
}

// each calls f for every pair of a map.
func (r *fileReader) each(n ast.Node, path string, f func(a at, value ast.Node)) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		r.fail(at{line: n.GetToken().Position.Line, path: orFile(path)}, "must hold keys and values")
		return
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		key := p.Key.GetToken().Value
		a := at{line: p.Key.GetToken().Position.Line, path: strings.TrimPrefix(path+"."+key, "."), key: key}
		if seen[key] {
			r.fail(a, "the key stands twice")
		}
		seen[key] = true
		f(a, p.Value)
		if r.err != nil {
			return
		}
	}
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

// keys calls the function of every key, and refuses others.
func (r *fileReader) keys(n ast.Node, path string, known map[string]func(at, ast.Node)) {
	r.each(n, path, func(a at, value ast.Node) {
		f := known[a.key]
		if f == nil {
			r.fail(a, "unknown key; the keys here are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			return
		}
		f(a, value)
	})
}

func (r *fileReader) text(a at, n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		if n.Value == "" {
			r.fail(a, "the value is empty")
		}
		return n.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value
	case *ast.NullNode:
		r.fail(a, "has no value")
	default:
		r.fail(a, "must be a plain value")
	}
	return ""
}

func (r *fileReader) into(to *string) func(at, ast.Node) {
	return func(a at, n ast.Node) { *to = r.text(a, n) }
}

func (r *fileReader) flag(to *bool) func(at, ast.Node) {
	return func(a at, n ast.Node) {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			r.fail(a, "must be true or false")
			return
		}
		*to = b.Value
	}
}

// drop reads the one choice about the keys of a column that stays behind.
func (r *fileReader) drop(to *bool) func(at, ast.Node) {
	return func(a at, n ast.Node) {
		if s := r.text(a, n); s != "drop" {
			r.fail(a, "must be drop: the keys that the column stands in are given up")
		}
		*to = true
	}
}

func (r *fileReader) schemas(a at, n ast.Node) {
	r.each(n, a.path, func(a at, n ast.Node) {
		r.spec.Schemas = append(r.spec.Schemas, SchemaWish{Where: r.where(a), From: a.key, To: r.text(a, n)})
	})
}

func (r *fileReader) types(a at, n ast.Node) {
	r.each(n, a.path, func(a at, n ast.Node) {
		w := TypeWish{Where: r.where(a), From: a.key}
		if isMap(n) {
			r.keys(n, a.path, r.conversion(&w.As))
		} else {
			w.As.Type = r.text(a, n)
		}
		if r.err == nil && w.As.empty() {
			r.fail(a, "says nothing")
		}
		r.spec.Types = append(r.spec.Types, w)
	})
}

func isMap(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func (r *fileReader) conversion(c *Conversion) map[string]func(at, ast.Node) {
	return map[string]func(at, ast.Node){"type": r.into(&c.Type), "option": r.into(&c.Option), "select": r.into(&c.Select)}
}

func (r *fileReader) tables(a at, n ast.Node) {
	r.each(n, a.path, func(a at, n ast.Node) {
		w := TableWish{Where: r.where(a), Table: a.key}
		table := a
		r.keys(n, a.path, map[string]func(at, ast.Node){
			"name": func(a at, n ast.Node) { w.To, w.Where = r.text(a, n), r.where(a) },
			"data": func(a at, n ast.Node) {
				data := true
				if r.flag(&data)(a, n); !data {
					r.spec.NoData = append(r.spec.NoData, PatternWish{Where: r.where(a), Pattern: exact(table.key)})
				}
			},
			"where": func(a at, n ast.Node) {
				r.spec.Rows = append(r.spec.Rows, RowsWish{Where: r.where(a), Table: exact(table.key), Condition: r.text(a, n)})
			},
			"columns": func(a at, n ast.Node) {
				r.each(n, a.path, func(a at, n ast.Node) { r.column(a, table.key, a.key, n) })
			},
			"extra": func(a at, n ast.Node) {
				r.each(n, a.path, func(a at, n ast.Node) {
					x := ExtraWish{Where: r.where(a), Name: a.key}
					r.keys(n, a.path, map[string]func(at, ast.Node){
						"type": r.into(&x.Type), "default": r.into(&x.Default), "not-null": r.flag(&x.NotNull),
					})
					if x.Type == "" {
						r.fail(a, "has no type")
					}
					w.Extra = append(w.Extra, x)
				})
			},
		})
		if w.To != "" || len(w.Extra) > 0 {
			r.spec.Tables = append(r.spec.Tables, w)
		}
	})
}

// exact is a name as a pattern of itself: what would be wildcards is quoted.
func exact(name string) string {
	if !strings.ContainsAny(name, "*?") {
		return name
	}
	parts, err := parseName(name)
	if err != nil {
		return name
	}
	for i := range parts {
		parts[i] = `"` + strings.ReplaceAll(parts[i], `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}

func (r *fileReader) columns(a at, n ast.Node) {
	r.each(n, a.path, func(a at, n ast.Node) {
		parts, err := parseName(a.key)
		if err != nil || len(parts) < 2 {
			r.fail(a, "must name a column: schema.table.column")
			return
		}
		for i := range parts {
			parts[i] = `"` + strings.ReplaceAll(parts[i], `"`, `""`) + `"`
		}
		r.column(a, strings.Join(parts[:len(parts)-1], "."), parts[len(parts)-1], n)
	})
}

func (r *fileReader) column(a at, table, column string, n ast.Node) {
	w := ColumnWish{Where: r.where(a), Table: table, Column: column}
	known := r.conversion(&w.As)
	known["name"], known["exclude"], known["keys"] = r.into(&w.To), r.flag(&w.Exclude), r.drop(&w.Keys)
	r.keys(n, a.path, known)
	switch {
	case r.err != nil:
	case w.Keys && !w.Exclude:
		r.fail(a, "keys is for a column that is excluded")
	case w.Exclude && (w.To != "" || !w.As.empty()):
		r.fail(a, "the column is excluded, and named or converted as well")
	case !w.Exclude && w.To == "" && w.As.empty():
		r.fail(a, "says nothing")
	}
	r.spec.Columns = append(r.spec.Columns, w)
}

// list calls f for every entry of a list, or for the one value that stands in
// its place.
func (r *fileReader) list(a at, n ast.Node, f func(a at, n ast.Node)) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		f(a, n)
		return
	}
	if len(seq.Values) == 0 {
		r.fail(a, "the list is empty")
	}
	for _, v := range seq.Values {
		a.line = v.GetToken().Position.Line
		f(a, v)
	}
}

func (r *fileReader) excludeColumns(a at, n ast.Node) {
	r.list(a, n, func(a at, n ast.Node) {
		w := PatternWish{Where: r.where(a)}
		if isMap(n) {
			r.keys(n, a.path, map[string]func(at, ast.Node){"pattern": r.into(&w.Pattern), "keys": r.drop(&w.Keys)})
			if w.Pattern == "" {
				r.fail(a, "has no pattern")
			}
		} else {
			w.Pattern = r.text(a, n)
		}
		r.spec.Exclude = append(r.spec.Exclude, w)
	})
}

func (r *fileReader) noData(a at, n ast.Node) {
	r.list(a, n, func(a at, n ast.Node) {
		r.spec.NoData = append(r.spec.NoData, PatternWish{Where: r.where(a), Pattern: r.text(a, n)})
	})
}

func (r *fileReader) rows(a at, n ast.Node) {
	r.each(n, a.path, func(a at, n ast.Node) {
		r.spec.Rows = append(r.spec.Rows, RowsWish{Where: r.where(a), Table: a.key, Condition: r.text(a, n)})
	})
}
