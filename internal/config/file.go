package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Error is a configuration that cannot be used. It never quotes a connection
// string, nor the lines of a file around the fault: they may hold a password.
type Error struct {
	Where  string // "--jobs", "PG2DB9_JOBS", "pg2db9.yaml:3: jobs", "pg2db9.yaml"
	Reason string
	Hint   string // what could have been meant
}

// Error implements error.
func (e *Error) Error() string {
	msg := e.Where + ": " + e.Reason
	if e.Hint != "" {
		msg += "; " + e.Hint
	}
	return msg
}

// entry is one key of a file.
type entry struct {
	values []string
	origin origin
}

// readFile reads a YAML file of option names and values.
func readFile(path string) (map[string]entry, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, &Error{Where: path, Reason: "the configuration file cannot be read: " + err.Error()}
	}
	return parseFile(path, data)
}

func parseFile(path string, data []byte) (map[string]entry, error) {
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, syntaxError(path, err)
	}
	out := map[string]entry{}
	if len(f.Docs) > 1 {
		return nil, &Error{Where: path, Reason: "it holds more than one YAML document"}
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		return out, nil
	}
	var pairs []*ast.MappingValueNode
	switch body := f.Docs[0].Body.(type) {
	case *ast.MappingNode:
		pairs = body.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{body}
	case *ast.NullNode, *ast.CommentGroupNode:
		return out, nil
	default:
		return nil, &Error{Where: path, Reason: "it must hold keys and values, one option a line"}
	}
	for _, p := range pairs {
		key := p.Key.GetToken().Value
		where := fmt.Sprintf("%s:%d: %s", path, p.Key.GetToken().Position.Line, key)
		opt, ok := lookup(key)
		if !ok {
			return nil, &Error{Where: where, Reason: "unknown configuration key", Hint: nearest(key)}
		}
		if _, twice := out[key]; twice {
			return nil, &Error{Where: where, Reason: "the key stands twice"}
		}
		values, err := nodeValues(opt, p.Value)
		if err != nil {
			return nil, &Error{Where: where, Reason: err.Error()}
		}
		if err := opt.put(&Config{}, values); err != nil {
			return nil, &Error{Where: where, Reason: err.Error()}
		}
		out[key] = entry{values: values, origin: origin{text: where, line: p.Key.GetToken().Position.Line}}
	}
	return out, nil
}

// syntaxError takes the parser's message and position, without the lines of
// the file that its own text quotes.
func syntaxError(path string, err error) error {
	var se *yaml.SyntaxError
	if errors.As(err, &se) && se.Token != nil {
		return &Error{Where: fmt.Sprintf("%s:%d", path, se.Token.Position.Line), Reason: "no valid YAML: " + se.Message}
	}
	return &Error{Where: path, Reason: "no valid YAML"}
}

func nodeValues(o Option, n ast.Node) ([]string, error) {
	if seq, ok := n.(*ast.SequenceNode); ok {
		if o.Kind != List {
			return nil, errors.New("takes one value, not a list")
		}
		if len(seq.Values) == 0 {
			return nil, errors.New("the list is empty")
		}
		var out []string
		for _, v := range seq.Values {
			s, err := scalar(v)
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
		return out, nil
	}
	s, err := scalar(n)
	if err != nil {
		return nil, err
	}
	return []string{s}, nil
}

func scalar(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	case *ast.NullNode:
		return "", errors.New("has no value")
	}
	return "", errors.New("must be a plain value")
}

// nearest suggests the option whose name is closest to a mistyped key.
func nearest(key string) string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.Name
	}
	if best := Nearest(key, names); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "the keys are the flags' names without their dashes"
}

// Nearest returns the name that a mistyped one most likely means, "" when none
// is near.
func Nearest(typed string, names []string) string {
	typed = strings.ToLower(strings.ReplaceAll(typed, "_", "-"))
	best, dist := "", min(4, len(typed)/2+1)
	for _, n := range names {
		if d := distance(typed, n); d < dist {
			best, dist = n, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diag+cost)
			diag, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
