package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Filter chooses tables by name. Exclusion beats inclusion, whatever the order;
// without an inclusion every table is in. Schema and table inclusions add up. A
// partition goes with its root: it is in or out where the root is named, and
// where it is named itself.
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
	// HideSchemas are schemas, by their names as they are, that are out unless an
	// inclusion names them: a schema pattern that fits, or a table pattern with a
	// schema's part. One that is not there is no mistake.
	HideSchemas []string
}

// Empty says that nothing was asked for: everything is in.
func (f Filter) Empty() bool {
	return len(f.IncludeSchemas)+len(f.ExcludeSchemas)+len(f.IncludeTables)+len(f.ExcludeTables)+len(f.HideSchemas) == 0
}

// Hides reports whether a schema is out by HideSchemas, and no schema pattern
// takes it in.
func (f Filter) Hides(schema string) bool {
	m, err := f.matcher()
	return err == nil && m.hides(Name{Schema: schema})
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

// matcher is a compiled filter.
type matcher struct {
	includeSchemas, includeTables, excludeSchemas, excludeTables []*pattern

	hidden map[string]bool
}

func (f Filter) matcher() (*matcher, error) {
	m := &matcher{hidden: map[string]bool{}}
	for _, s := range f.HideSchemas {
		m.hidden[s] = true
	}
	for _, s := range []struct {
		to      *[]*pattern
		texts   []string
		flag    string
		schemas bool
	}{
		{&m.includeSchemas, f.IncludeSchemas, "--include-schema", true},
		{&m.includeTables, f.IncludeTables, "--include-table", false},
		{&m.excludeSchemas, f.ExcludeSchemas, "--exclude-schema", true},
		{&m.excludeTables, f.ExcludeTables, "--exclude-table", false},
	} {
		var err error
		if *s.to, err = compile(s.texts, s.flag, s.schemas); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Match resolves the filter against the listing and returns the chosen tables,
// sorted. A pattern that fits no table is an *UnmatchedPatternError, a filter
// that leaves none ErrNothingSelected.
func (f Filter) Match(refs []TableRef) ([]Name, error) {
	m, err := f.matcher()
	if err != nil {
		return nil, err
	}
	return m.match(refs)
}

func (m *matcher) match(refs []TableRef) ([]Name, error) {
	parent := make(map[Name]*Name, len(refs))
	for _, r := range refs {
		parent[r.Name] = r.Parent
	}
	var out []Name
	for _, r := range refs {
		included := len(m.includeSchemas)+len(m.includeTables) == 0
		excluded := false
		for n := &r.Name; n != nil; n = parent[*n] {
			// Each set is asked in any case: every pattern counts its hits.
			byTable, bySchema := matchAny(m.includeTables, *n), matchAny(m.includeSchemas, *n)
			included = included || byTable || bySchema
			byTable, bySchema = matchAny(m.excludeTables, *n), matchAny(m.excludeSchemas, *n)
			excluded = excluded || byTable || bySchema || m.hides(*n)
		}
		if included && !excluded {
			out = append(out, r.Name)
		}
	}
	for _, p := range slices.Concat(m.includeSchemas, m.includeTables, m.excludeSchemas, m.excludeTables) {
		if p.hits == 0 {
			return nil, &UnmatchedPatternError{Pattern: p.text, Flag: p.flag, Near: p.near(refs)}
		}
	}
	if len(out) == 0 && !m.empty() { // a database without tables is no mistake
		return nil, ErrNothingSelected
	}
	slices.SortFunc(out, Name.Compare)
	return out, nil
}

func (m *matcher) empty() bool {
	return len(m.includeSchemas)+len(m.includeTables)+len(m.excludeSchemas)+len(m.excludeTables) == 0
}

// wholeSchema says whether all that a schema holds is chosen, beside its tables
// too: the schema is included by name, or nothing is, and it is not excluded. An
// empty name stands for what lies in no schema.
func (m *matcher) wholeSchema(schema string) bool {
	n := Name{Schema: schema}
	if schema == "" {
		return len(m.includeSchemas)+len(m.includeTables) == 0
	}
	if matchAny(m.excludeSchemas, n) || m.hides(n) {
		return false
	}
	return matchAny(m.includeSchemas, n) || len(m.includeSchemas)+len(m.includeTables) == 0
}

// hides reports whether a table, or with an empty name a whole schema, is out
// because its schema is hidden.
func (m *matcher) hides(n Name) bool {
	if !m.hidden[n.Schema] || matchAny(m.includeSchemas, n) {
		return false
	}
	return n.Name == "" || !slices.ContainsFunc(m.includeTables, func(p *pattern) bool {
		return (p.schema != nil || p.whole != nil) && p.matches(n)
	})
}

func matchAny(set []*pattern, n Name) bool {
	hit := false
	for _, p := range set {
		hit = p.matches(n) || hit
	}
	return hit
}

func sortTableRefs(refs []TableRef) {
	slices.SortFunc(refs, func(a, b TableRef) int { return a.Name.Compare(b.Name) })
}
