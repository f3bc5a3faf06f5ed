package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Filter chooses tables by name. Exclusion beats inclusion; without an
// inclusion every table is in. Schema and table inclusions add up.
//
// A pattern is "table" (in any schema) or "schema.table", with * for any
// characters and ? for one; letters outside of double quotes are folded to
// lower case, as SQL and psql do; inside of quotes everything is literal. A
// pattern between slashes is a regular expression (RE2) over "schema.table"
// ("schema" for schema patterns), taken as it is.
type Filter struct {
	IncludeSchemas []string
	ExcludeSchemas []string
	IncludeTables  []string
	ExcludeTables  []string
}

// Empty says that nothing was asked for: everything is in.
func (f Filter) Empty() bool {
	return len(f.IncludeSchemas)+len(f.ExcludeSchemas)+len(f.IncludeTables)+len(f.ExcludeTables) == 0
}

// ErrNothingSelected is a filter that leaves no table.
var ErrNothingSelected = errors.New("the filters leave no table: nothing would be done")

// UnmatchedPatternError is a pattern that fits no table: a typing error, most
// likely, and silence would copy less than was meant.
type UnmatchedPatternError struct {
	Pattern string
	Flag    string   // the flag it came from, e.g. "--include-table"
	Near    []string // names that look like it
}

// Error implements error.
func (e *UnmatchedPatternError) Error() string {
	msg := fmt.Sprintf("%s %s matches nothing", e.Flag, e.Pattern)
	if len(e.Near) > 0 {
		msg += "; did you mean " + strings.Join(e.Near, " or ") + "?"
	}
	return msg
}

// PatternError is a pattern that cannot be read.
type PatternError struct {
	Pattern string
	Flag    string
	Err     error
}

// Error implements error.
func (e *PatternError) Error() string {
	return fmt.Sprintf("%s %s cannot be read: %v", e.Flag, e.Pattern, e.Err)
}

// Unwrap returns the cause.
func (e *PatternError) Unwrap() error { return e.Err }

// pattern is one compiled pattern.
type pattern struct {
	text, flag string
	schema     *regexp.Regexp // nil: any schema
	table      *regexp.Regexp // nil: any table (schema patterns)
	whole      *regexp.Regexp // for /regex/: over "schema.table"
	hits       int
}

func (p *pattern) matches(n Name) bool {
	var ok bool
	if p.whole != nil {
		if p.table == nil {
			ok = p.whole.MatchString(n.Schema)
		} else {
			ok = p.whole.MatchString(n.String())
		}
	} else {
		ok = (p.schema == nil || p.schema.MatchString(n.Schema)) && (p.table == nil || p.table.MatchString(n.Name))
	}
	if ok {
		p.hits++
	}
	return ok
}

var anything = regexp.MustCompile("")

func compile(texts []string, flag string, schemas bool) ([]*pattern, error) {
	var out []*pattern
	for _, text := range texts {
		p := &pattern{text: text, flag: flag}
		if !schemas {
			p.table = anything
		}
		if len(text) > 1 && text[0] == '/' && text[len(text)-1] == '/' {
			re, err := regexp.Compile(text[1 : len(text)-1])
			if err != nil {
				return nil, &PatternError{Pattern: text, Flag: flag, Err: err}
			}
			p.whole = re
			out = append(out, p)
			continue
		}
		parts, err := globs(text)
		switch {
		case err != nil:
			return nil, &PatternError{Pattern: text, Flag: flag, Err: err}
		case schemas && len(parts) == 1:
			p.schema = parts[0]
		case schemas:
			return nil, &PatternError{Pattern: text, Flag: flag, Err: errors.New("a schema pattern has no dot; quote a name that holds one")}
		case len(parts) == 1:
			p.table = parts[0]
		case len(parts) == 2:
			p.schema, p.table = parts[0], parts[1]
		default:
			return nil, &PatternError{Pattern: text, Flag: flag, Err: errors.New("it has more than two parts; quote a name that holds a dot")}
		}
		out = append(out, p)
	}
	return out, nil
}

// globs translates a pattern, part by part.
func globs(text string) ([]*regexp.Regexp, error) {
	var parts []*regexp.Regexp
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	empty := true
	flush := func() error {
		if empty {
			return errors.New("a name is empty")
		}
		re, err := regexp.Compile(b.String() + `\z`)
		if err != nil {
			return err
		}
		parts = append(parts, re)
		b.Reset()
		b.WriteString(`(?s)\A`)
		empty = true
		return nil
	}
	runes := []rune(text)
	quoted := false
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		switch {
		case c == '"' && quoted && i+1 < len(runes) && runes[i+1] == '"':
			b.WriteString(`"`)
			i++
			empty = false
		case c == '"':
			quoted = !quoted
		case quoted:
			b.WriteString(regexp.QuoteMeta(string(c)))
			empty = false
		case c == '.':
			if err := flush(); err != nil {
				return nil, err
			}
		case c == '*':
			b.WriteString(".*")
			empty = false
		case c == '?':
			b.WriteString(".")
			empty = false
		default:
			b.WriteString(regexp.QuoteMeta(strings.ToLower(string(c))))
			empty = false
		}
	}
	if quoted {
		return nil, errors.New("a double quote is not closed")
	}
	return parts, flush()
}

// Match resolves the filter against the listing and returns the chosen tables,
// sorted. A partition is chosen with its root, and a chosen partition without
// its root is an error of the pattern: its rows travel with the root's.
func (f Filter) Match(refs []TableRef) ([]Name, error) {
	var sets [4][]*pattern
	for i, s := range []struct {
		texts   []string
		flag    string
		schemas bool
	}{
		{f.IncludeSchemas, "--include-schema", true}, {f.IncludeTables, "--include-table", false},
		{f.ExcludeSchemas, "--exclude-schema", true}, {f.ExcludeTables, "--exclude-table", false},
	} {
		var err error
		if sets[i], err = compile(s.texts, s.flag, s.schemas); err != nil {
			return nil, err
		}
	}
	parent := map[Name]*Name{}
	for _, r := range refs {
		parent[r.Name] = r.Parent
	}
	in := func(n Name, set []*pattern) bool {
		hit := false
		for _, p := range set {
			hit = p.matches(n) || hit // every pattern counts its hits
		}
		return hit
	}
	var out []Name
	for _, r := range refs {
		included := len(f.IncludeSchemas)+len(f.IncludeTables) == 0
		excluded := false
		for n := &r.Name; n != nil; n = parent[*n] {
			byName, bySchema := in(*n, sets[1]), in(*n, sets[0])
			included = included || byName || bySchema
			xs, xt := in(*n, sets[2]), in(*n, sets[3])
			excluded = excluded || xs || xt
		}
		if included && !excluded {
			out = append(out, r.Name)
		}
	}
	for _, set := range sets {
		for _, p := range set {
			if p.hits == 0 {
				return nil, &UnmatchedPatternError{Pattern: p.text, Flag: p.flag, Near: near(p.text, refs)}
			}
		}
	}
	if len(out) == 0 && (!f.Empty()) {
		return nil, ErrNothingSelected
	}
	slices.SortFunc(out, Name.Compare)
	return out, nil
}

// near lists up to three names that look like the pattern.
func near(text string, refs []TableRef) []string {
	want := strings.ToLower(strings.NewReplacer(`"`, "", "*", "", "?", "").Replace(text))
	if i := strings.LastIndexByte(want, '.'); i >= 0 {
		want = want[i+1:]
	}
	var out []string
	for _, r := range refs {
		got := strings.ToLower(r.Name.Name)
		if want != "" && (strings.Contains(got, want) || strings.Contains(want, got) || distance(got, want) <= 2) {
			if out = append(out, r.Name.String()); len(out) == 3 {
				break
			}
		}
	}
	return out
}

// distance is the edit distance of two short names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, last+cost)
		}
	}
	return row[len(b)]
}

func sortTableRefs(refs []TableRef) {
	slices.SortFunc(refs, func(a, b TableRef) int { return a.Name.Compare(b.Name) })
}

// Pattern returns the pattern that chooses exactly this table, for commands
// that are printed for the user.
func Pattern(n Name) string {
	q := func(s string) string {
		if plainName.MatchString(s) {
			return s
		}
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return q(n.Schema) + "." + q(n.Name)
}

var plainName = regexp.MustCompile(`\A[a-z_][a-z0-9_$]*\z`)
