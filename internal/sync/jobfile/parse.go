package jobfile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Load reads a job file. All that is wrong with it is told at once: the error
// joins an *Error for each thing.
func Load(path string) (*File, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, &Error{Path: path, Reason: "the job file cannot be read: " + err.Error()}
	}
	return Parse(path, data)
}

// Parse reads the text of a job file; path is what errors call it.
func Parse(path string, data []byte) (*File, error) {
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		var se *yaml.SyntaxError
		if errors.As(err, &se) && se.Token != nil {
			return nil, &Error{Path: path, Line: se.Token.Position.Line, Column: se.Token.Position.Column, Reason: "no valid YAML: " + se.Message}
		}
		return nil, &Error{Path: path, Reason: "no valid YAML"}
	}
	if len(parsed.Docs) > 1 {
		return nil, &Error{Path: path, Reason: "it holds more than one YAML document"}
	}
	r := &reader{path: path}
	f := &raw{}
	if len(parsed.Docs) == 1 && parsed.Docs[0].Body != nil {
		switch parsed.Docs[0].Body.(type) {
		case *ast.NullNode, *ast.CommentGroupNode:
		default:
			r.file(f, parsed.Docs[0].Body)
		}
	}
	out := r.resolve(f)
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b *Error) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		})
		all := make([]error, len(r.errs))
		for i, e := range r.errs {
			all[i] = e
		}
		return nil, errors.Join(all...)
	}
	return out, nil
}

// value is a plain value and its place; text is "" where the key is missing.
type value struct {
	text string
	at   position
	what string
}

func (v value) given() bool { return v.at.line > 0 }

// raw is a file as it is written.
type raw struct {
	timezone value
	defaults settings
	groups   []rawGroup
	tables   []rawTable
}

// settings can stand at a table or in defaults.
type settings struct{ mode, verify, onSchemaChange, maxRate, timeout, jitter, missed value }

type rawGroup struct {
	at                             position
	what                           string
	name, schedule, jitter, missed value
}

type rawTable struct {
	at   position
	what string
	settings
	table, group, schedule, cursor, deletes, where value
	key, columns, allow                            []value
	places                                         map[string]position
}

// reader walks over a file and collects what is wrong.
type reader struct {
	path string
	errs []*Error
}

func (r *reader) fail(at position, what, format string, args ...any) {
	r.errs = append(r.errs, &Error{Path: r.path, Line: at.line, Column: at.column, What: what, Reason: fmt.Sprintf(format, args...)})
}

func placeOf(t *token.Token) position {
	return position{line: t.Position.Line, column: t.Position.Column}
}

// start is where a node's text begins; a map's own token is the colon of its
// first key.
func start(n ast.Node) position {
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 && n.Start != nil && n.Start.Value != "{" {
			return start(n.Values[0])
		}
	case *ast.MappingValueNode:
		return placeOf(n.Key.GetToken())
	}
	return placeOf(n.GetToken())
}

// each is what a key does with its value.
type each func(what string, at position, n ast.Node)

// keys calls the function of every key of a map; others are errors.
func (r *reader) keys(n ast.Node, what string, known map[string]each) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		r.fail(start(n), what, "must hold keys and values")
		return
	}
	seen := map[string]bool{}
	for _, p := range pairs {
		key, at := p.Key.GetToken().Value, placeOf(p.Key.GetToken())
		name := strings.TrimPrefix(what+"."+key, ".")
		f := known[key]
		switch {
		case f == nil:
			r.fail(at, name, "unknown key; the keys here are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[key]:
			r.fail(at, name, "the key stands twice")
		default:
			f(name, at, p.Value)
		}
		seen[key] = true
	}
}

// plain reads one value.
func (r *reader) plain(what string, n ast.Node) value {
	v := value{at: start(n), what: what}
	switch n := n.(type) {
	case *ast.StringNode:
		v.text = n.Value
	case *ast.LiteralNode:
		v.text = strings.TrimSpace(n.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		v.text = n.GetToken().Value
	case *ast.NullNode:
		r.fail(v.at, what, "has no value")
		return value{}
	default:
		r.fail(v.at, what, "must be a plain value")
		return value{}
	}
	if v.text == "" {
		r.fail(v.at, what, "the value is empty")
		return value{}
	}
	return v
}

func (r *reader) into(to *value) each {
	return func(what string, _ position, n ast.Node) { *to = r.plain(what, n) }
}

// list reads plain values, or the one that stands in their place.
func (r *reader) list(to *[]value) each {
	return func(what string, at position, n ast.Node) {
		for _, v := range r.entries(what, at, n) {
			if one := r.plain(what, v); one.given() {
				*to = append(*to, one)
			}
		}
	}
}

func (r *reader) entries(what string, at position, n ast.Node) []ast.Node {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return []ast.Node{n}
	}
	if len(seq.Values) == 0 {
		r.fail(at, what, "the list is empty")
	}
	return seq.Values
}

func (r *reader) file(f *raw, n ast.Node) {
	r.keys(n, "", map[string]each{
		"timezone": r.into(&f.timezone),
		"defaults": func(what string, _ position, n ast.Node) { r.keys(n, what, r.settings(&f.defaults)) },
		"groups": func(what string, at position, n ast.Node) {
			for i, n := range r.entries(what, at, n) {
				g := rawGroup{at: start(n), what: fmt.Sprintf("%s[%d]", what, i)}
				r.keys(n, g.what, map[string]each{
					"name": r.into(&g.name), "schedule": r.into(&g.schedule), "jitter": r.into(&g.jitter), "missed": r.into(&g.missed),
				})
				f.groups = append(f.groups, g)
			}
		},
		"tables": func(what string, at position, n ast.Node) {
			for i, n := range r.entries(what, at, n) {
				f.tables = append(f.tables, r.table(fmt.Sprintf("%s[%d]", what, i), n))
			}
		},
	})
}

func (r *reader) settings(s *settings) map[string]each {
	return map[string]each{
		"mode": r.into(&s.mode), "verify": r.into(&s.verify), "on_schema_change": r.into(&s.onSchemaChange),
		"max_rate": r.into(&s.maxRate), "timeout": r.into(&s.timeout), "jitter": r.into(&s.jitter), "missed": r.into(&s.missed),
	}
}

func (r *reader) table(what string, n ast.Node) rawTable {
	t := rawTable{at: start(n), what: what, places: map[string]position{}}
	known := r.settings(&t.settings)
	maps.Copy(known, map[string]each{
		"table": r.into(&t.table), "group": r.into(&t.group), "schedule": r.into(&t.schedule), "cursor": r.into(&t.cursor),
		"deletes": r.into(&t.deletes), "where": r.into(&t.where), "key": r.list(&t.key), "columns": r.list(&t.columns), "allow": r.list(&t.allow),
	})
	for key, f := range known {
		known[key] = func(what string, at position, n ast.Node) {
			t.places[key] = at
			f(what, at, n)
		}
	}
	r.keys(n, what, known)
	return t
}
