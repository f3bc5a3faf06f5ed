package catalog

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// pattern is one compiled pattern.
type pattern struct {
	text, flag string
	schema     *regexp.Regexp // nil: any schema
	table      *regexp.Regexp // nil: a schema pattern
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
			if c >= 'A' && c <= 'Z' { // other letters PostgreSQL does not fold either, in UTF-8
				c += 'a' - 'A'
			}
			b.WriteString(regexp.QuoteMeta(string(c)))
			empty = false
		}
	}
	if quoted {
		return nil, errors.New("a double quote is not closed")
	}
	return parts, flush()
}

// near lists up to three names that look like the pattern, the nearest first.
func (p *pattern) near(refs []TableRef) []string {
	want := strings.ToLower(strings.NewReplacer(`"`, "", "*", "", "?", "", "/", "").Replace(p.text))
	if i := strings.LastIndexByte(want, '.'); i >= 0 {
		want = want[i+1:]
	}
	if want == "" {
		return nil
	}
	type candidate struct {
		name string
		far  int
	}
	var found []candidate
	seen := map[string]bool{}
	for _, r := range refs {
		got, name := r.Name.Name, Pattern(r.Name)
		if p.table == nil {
			got, name = r.Name.Schema, Pattern(Name{Name: r.Name.Schema})
		}
		got = strings.ToLower(got)
		far := distance(got, want)
		if !seen[name] && (far <= 2 || strings.Contains(got, want) || strings.Contains(want, got)) {
			seen[name] = true
			found = append(found, candidate{name, far})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, c := range found[:min(3, len(found))] {
		out = append(out, c.name)
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

// Pattern returns the pattern that chooses exactly this table, for commands
// that are printed for the user.
func Pattern(n Name) string {
	q := func(s string) string {
		if plainName.MatchString(s) {
			return s
		}
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	if n.Schema == "" {
		return q(n.Name)
	}
	return q(n.Schema) + "." + q(n.Name)
}

var plainName = regexp.MustCompile(`\A[a-z_][a-z0-9_$]*\z`)
