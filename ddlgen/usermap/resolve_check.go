package usermap

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// keys refuses to leave a column behind that stands in a key, unless that was
// chosen: rows that only the key told apart would stand beside each other, and
// what refers to the key would have to go as well.
func (r *resolver) keys() error {
	for i := range r.db.Tables {
		t := &r.db.Tables[i]
		w := r.table[t.Name]
		if w == nil {
			continue
		}
		left := 0
		for j := range t.Columns {
			k := w.columns[t.Columns[j].Name]
			if k == nil || !k.exclude {
				continue
			}
			left++
			if name := r.keyOf(t, k.column.Name); name != "" && !k.keys {
				return fail(k.place, "column %s of %s stands in %s: keep the column, or say keys: drop (--exclude-column-keys drop) to give the key up", k.column.Name, t.Name, name)
			}
			if t.PartitionKey != "" && slices.Contains(identifiers(string(t.PartitionKey)), k.column.Name) {
				return fail(k.place, "column %s of %s stands in its partition key, %s: it cannot stay behind", k.column.Name, t.Name, t.PartitionKey)
			}
		}
		if left == len(t.Columns) && left > 0 {
			return fail(w.firstPlace(), "every column of %s is excluded: exclude the table", t.Name)
		}
	}
	return nil
}

func (w *work) firstPlace() string {
	for _, c := range w.t.Columns {
		if k := w.columns[c.Name]; k != nil {
			return k.place
		}
	}
	return w.place
}

// keyOf names a key that a column stands in; empty where it stands in none.
func (r *resolver) keyOf(t *catalog.Table, column string) string {
	for i := range r.db.Constraints {
		c := &r.db.Constraints[i]
		if c.Table == t.Name && (c.Kind == catalog.PrimaryKey || c.Kind == catalog.Unique) && slices.Contains(c.Columns, column) {
			return c.Kind.String() + " " + c.Name
		}
		if c.Table == t.Name && c.Kind == catalog.ForeignKey && slices.Contains(c.Columns, column) {
			return "foreign key " + c.Name
		}
	}
	for i := range r.db.Indexes {
		x := &r.db.Indexes[i]
		if x.Table != t.Name || !x.Unique || x.Constraint != "" {
			continue
		}
		for _, k := range x.Keys {
			if k.Column == column {
				return "unique index " + x.Name.Name
			}
		}
	}
	return ""
}

// collisions finds two things that would have one name.
func (r *resolver) collisions(m *Mapping) error {
	type holder struct{ what, place string }
	names := map[catalog.Name]holder{}
	hold := func(n catalog.Name, what, place string) error {
		old, taken := names[n]
		if !taken {
			names[n] = holder{what, place}
			return nil
		}
		if place == "" {
			what, place, old = old.what, old.place, holder{what, place}
		}
		if place == "" {
			return nil // two of the source's: none of the mapping's doing
		}
		return fail(place, "%s would be named %s, as %s is", what, n, old.what)
	}
	at := func(n catalog.Name) (catalog.Name, string) {
		for _, x := range m.Moves {
			if x.Source == n {
				return x.Target, ""
			}
		}
		if s, ok := r.schema[n.Schema]; ok {
			return catalog.Name{Schema: s.Target, Name: n.Name}, s.Place
		}
		return n, ""
	}
	for i := range r.db.Tables {
		n := r.db.Tables[i].Name
		to, place := at(n)
		if t := m.Table(n); t != nil {
			to = t.Target
			if t.Place != "" {
				place = t.Place
			}
			if err := columnCollisions(&r.db.Tables[i], t); err != nil {
				return err
			}
		}
		if err := hold(to, "table "+n.String(), place); err != nil {
			return err
		}
	}
	others := func(what string, n, table catalog.Name) error {
		to, place := at(n)
		if t := m.Table(table); t != nil && place == "" && to != n {
			place = t.Place
		}
		return hold(to, what+" "+n.String(), place)
	}
	for i := range r.db.Indexes {
		if err := others("index", r.db.Indexes[i].Name, r.db.Indexes[i].Table); err != nil {
			return err
		}
	}
	for i := range r.db.Sequences {
		s := &r.db.Sequences[i]
		var table catalog.Name
		if s.Owner != nil {
			table = s.Owner.Table
		}
		if err := others("sequence", s.Name, table); err != nil {
			return err
		}
	}
	for i := range r.db.Views {
		if err := others("view", r.db.Views[i].Name, catalog.Name{}); err != nil {
			return err
		}
	}
	for i := range r.db.Composites {
		if err := others("type", r.db.Composites[i].Name, catalog.Name{}); err != nil {
			return err
		}
	}
	for i := range r.db.Enums { // a table is a type, too
		if err := others("type", r.db.Enums[i].Name, catalog.Name{}); err != nil {
			return err
		}
	}
	for i := range r.db.Domains {
		if err := others("domain", r.db.Domains[i].Name, catalog.Name{}); err != nil {
			return err
		}
	}
	return nil
}

func columnCollisions(t *catalog.Table, m *Table) error {
	taken := map[string]string{}
	for i := range t.Columns {
		c := &t.Columns[i]
		own := []Column{{Source: c.Name, Target: c.Name}}
		if m.Column(c.Name) != nil {
			own = slices.DeleteFunc(slices.Clone(m.Columns), func(k Column) bool { return k.Source != c.Name })
		}
		for _, k := range own {
			if k.Exclude {
				continue
			}
			if old, twice := taken[k.Target]; twice {
				place := k.Place
				if place == "" {
					place = m.Column(old).Place
				}
				return fail(place, "columns %s and %s of %s would both be named %s", old, c.Name, t.Name, k.Target)
			}
			taken[k.Target] = c.Name
		}
	}
	for _, x := range m.Extra {
		if old, twice := taken[x.Name]; twice {
			return fail(x.Place, "table %s has a column %s already (%s)", t.Name, x.Name, old)
		}
		taken[x.Name] = x.Name
	}
	return nil
}

// unbalanced says why a piece of SQL cannot stand between parentheses without
// ending them; empty where it can.
func unbalanced(sql string) string {
	depth := 0
	for i := 0; i < len(sql); {
		kind, n := piece(sql[i:])
		text := sql[i : i+n]
		i += n
		switch {
		case kind == pieceOpen:
			return fmt.Sprintf("%s is not closed", text[:1])
		case kind != piecePlain:
		case text == "(" || text == "[":
			depth++
		case text == ")" || text == "]":
			if depth--; depth < 0 {
				return "it closes a parenthesis that it did not open"
			}
		case text == ";":
			return "a semicolon ends no condition"
		}
	}
	if depth != 0 {
		return "a parenthesis is not closed"
	}
	return ""
}

type pieceKind int

const (
	piecePlain  pieceKind = iota // a character or word
	pieceString                  // 'string', "name", $tag$...$tag$, comment
	pieceOpen                    // one of those without an end
)

// piece measures what stands at the beginning of a text that is not empty.
func piece(s string) (pieceKind, int) {
	end := func(from int, close string) (pieceKind, int) {
		if i := strings.Index(s[from:], close); i >= 0 {
			return pieceString, from + i + len(close)
		}
		return pieceOpen, len(s)
	}
	switch {
	case s[0] == '\'' || s[0] == '"': // a doubled quote is two strings, which is the same here
		return end(1, s[:1])
	case (s[0] == 'e' || s[0] == 'E') && len(s) > 1 && s[1] == '\'':
		for i := 2; i < len(s); i++ {
			switch s[i] {
			case '\\':
				i++
			case '\'':
				return pieceString, i + 1
			}
		}
		return pieceOpen, len(s)
	case strings.HasPrefix(s, "--"):
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			return pieceString, i + 1
		}
		return pieceOpen, len(s) // it would swallow what follows
	case strings.HasPrefix(s, "/*"):
		depth := 0
		for i := 0; i < len(s); i++ {
			switch {
			case strings.HasPrefix(s[i:], "/*"):
				depth++
				i++
			case strings.HasPrefix(s[i:], "*/"):
				i++
				if depth--; depth == 0 {
					return pieceString, i + 1
				}
			}
		}
		return pieceOpen, len(s)
	case s[0] == '$':
		n := 1
		for n < len(s) && (isWord(s[n]) && (n > 1 || s[n] < '0' || s[n] > '9')) {
			n++
		}
		if n < len(s) && s[n] == '$' {
			return end(n+1, s[:n+1])
		}
		return piecePlain, 1
	case isWord(s[0]):
		n := 1
		for n < len(s) && (isWord(s[n]) || s[n] == '$') {
			n++
		}
		return piecePlain, n
	}
	return piecePlain, 1
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

// identifiers are the names in a piece of SQL, keywords among them.
func identifiers(sql string) []string {
	var out []string
	for i := 0; i < len(sql); {
		kind, n := piece(sql[i:])
		text := sql[i : i+n]
		switch {
		case kind == pieceString && text[0] == '"':
			out = append(out, strings.ReplaceAll(text[1:len(text)-1], `""`, `"`))
		case kind == piecePlain && isWord(text[0]):
			out = append(out, strings.ToLower(text))
		}
		i += n
	}
	return out
}
