package catalog

import (
	"errors"
	"regexp"
	"strings"
)

// MatchTables lists the tables that one pattern chooses, as a Filter reads it,
// in the listing's order. A partition goes with its root, as it does there. A
// pattern that fits nothing is an *UnmatchedPatternError; flag is where it
// stands.
func MatchTables(text, flag string, refs []TableRef) ([]Name, error) {
	set, err := compile([]string{text}, flag, false)
	if err != nil {
		return nil, err
	}
	parent := make(map[Name]*Name, len(refs))
	for _, r := range refs {
		parent[r.Name] = r.Parent
	}
	var out []Name
	for _, r := range refs {
		for n := &r.Name; n != nil; n = parent[*n] {
			if set[0].matches(*n) {
				out = append(out, r.Name)
				break
			}
		}
	}
	if len(out) == 0 {
		return nil, &UnmatchedPatternError{Pattern: text, Flag: flag, Near: set[0].near(refs)}
	}
	return out, nil
}

// MatchColumns lists the columns that a pattern chooses: "column",
// "table.column" or "schema.table.column" with the wildcards and quotes of a
// Filter, or a regular expression between slashes over
// "schema.table.column". A column of a partition or of an inheriting table is
// chosen by its own name alone.
func MatchColumns(text, flag string, tables []Table) ([]ColumnRef, error) {
	matches, err := columnPattern(text, flag)
	if err != nil {
		return nil, err
	}
	var out []ColumnRef
	var all []string
	for i := range tables {
		t := &tables[i]
		for j := range t.Columns {
			r := ColumnRef{Table: t.Name, Column: t.Columns[j].Name}
			if matches(r) {
				out = append(out, r)
			}
			all = append(all, r.Column)
		}
	}
	if len(out) == 0 {
		return nil, &UnmatchedPatternError{Pattern: text, Flag: flag, Near: nearColumns(text, all)}
	}
	return out, nil
}

func columnPattern(text, flag string) (func(ColumnRef) bool, error) {
	if len(text) > 1 && text[0] == '/' && text[len(text)-1] == '/' {
		re, err := regexp.Compile(text[1 : len(text)-1])
		if err != nil {
			return nil, &PatternError{Pattern: text, Flag: flag, Err: err}
		}
		return func(r ColumnRef) bool { return re.MatchString(r.Table.String() + "." + r.Column) }, nil
	}
	parts, err := globs(text)
	if err != nil {
		return nil, &PatternError{Pattern: text, Flag: flag, Err: err}
	}
	if len(parts) > 3 {
		return nil, &PatternError{Pattern: text, Flag: flag, Err: errors.New("it has more than three parts; quote a name that holds a dot")}
	}
	return func(r ColumnRef) bool {
		names := []string{r.Table.Schema, r.Table.Name, r.Column}[3-len(parts):]
		for i, re := range parts {
			if !re.MatchString(names[i]) {
				return false
			}
		}
		return true
	}, nil
}

// nearColumns lists up to three columns that look like the pattern's last part.
func nearColumns(text string, all []string) []string {
	want := strings.ToLower(strings.NewReplacer(`"`, "", "*", "", "?", "", "/", "").Replace(text))
	want = want[strings.LastIndexByte(want, '.')+1:]
	if want == "" {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for _, c := range all {
		if !seen[c] && distance(strings.ToLower(c), want) <= 2 && len(out) < 3 {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out
}

// ParseName reads one to three names with dots between them, as SQL writes
// them: letters outside of double quotes are folded to lower case, nothing is a
// wildcard.
func ParseName(text string) ([]string, error) {
	var parts []string
	var b strings.Builder
	quoted, empty := false, true
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"' && quoted && i+1 < len(text) && text[i+1] == '"':
			b.WriteByte('"')
			i++
		case c == '"':
			quoted, empty = !quoted, false
		case quoted:
			b.WriteByte(c)
		case c == '.':
			if empty || b.Len() == 0 {
				return nil, errors.New("a name is empty")
			}
			parts = append(parts, b.String())
			b.Reset()
			empty = true
		default:
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			b.WriteByte(c)
			empty = false
		}
	}
	switch {
	case quoted:
		return nil, errors.New("a double quote is not closed")
	case empty || b.Len() == 0:
		return nil, errors.New("a name is empty")
	}
	return append(parts, b.String()), nil
}
