package verify

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// typeWord is a type taken apart, in words that are the same for all servers.
type typeWord struct {
	name  string // lower case, without schema; quoted names as they are
	array bool
	mods  []int // of numeric(12,2), timestamp(3): in order; nil where none is known
}

// typeNames are other names of types, as catalogs and DDL use them.
var typeNames = map[string]string{
	"int": "integer", "int4": "integer", "serial": "integer", "serial4": "integer",
	"int8": "bigint", "bigserial": "bigint", "serial8": "bigint",
	"int2": "smallint", "smallserial": "smallint", "serial2": "smallint",
	"bool": "boolean", "float8": "double precision", "float": "double precision", "float4": "real",
	"decimal": "numeric", "varchar": "character varying", "bpchar": "character", "char": "character",
	"timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
	"time": "time without time zone", "timetz": "time with time zone",
}

// parseType reads the text of a type: format_type's, a catalog's, or DDL's.
func parseType(text string) typeWord {
	var w typeWord
	text = strings.TrimSpace(text)
	for strings.HasSuffix(text, "[]") {
		w.array = true
		text = strings.TrimSpace(strings.TrimSuffix(text, "[]"))
	}
	if open := strings.IndexByte(text, '('); open >= 0 && !strings.HasPrefix(text, `"`) {
		if length := strings.IndexByte(text[open:], ')'); length > 0 {
			for mod := range strings.SplitSeq(text[open+1:open+length], ",") {
				if n, err := strconv.Atoi(strings.TrimSpace(mod)); err == nil {
					w.mods = append(w.mods, n)
				}
			}
			text = text[:open] + text[open+length+1:]
		}
	}
	w.name = typeName(text)
	return w
}

// typeName is the name of a type without its schema.
func typeName(text string) string {
	if strings.HasSuffix(text, `"`) {
		if i := strings.LastIndex(text, `."`); i > 0 {
			text = text[i+1:]
		}
		return text
	}
	words := strings.Fields(text)
	if len(words) > 0 {
		if i := strings.LastIndexByte(words[0], '.'); i >= 0 {
			words[0] = words[0][i+1:]
		}
	}
	name := strings.ToLower(strings.Join(words, " "))
	if other, ok := typeNames[name]; ok {
		return other
	}
	return name
}

// word is the column's type as information_schema tells it. Some servers leave
// out more than others: known says whether the name of the type is told.
func (c *infoColumn) word() (w typeWord, known bool) {
	udt := c.text("udt_name")
	switch data := c.text("data_type"); strings.ToUpper(data) {
	case "ARRAY":
		element := strings.TrimPrefix(udt, "_")
		if w, known = (typeWord{name: userType(element)}), udt != ""; plainName(element) {
			w = parseType(element)
		}
		w.array = true
	case "USER-DEFINED", "":
		w, known = typeWord{name: userType(udt)}, udt != ""
	default:
		w, known = parseType(data), true
	}
	if w.mods != nil || w.array {
		return w, known
	}
	var mods []string
	switch w.name {
	case "character varying", "character", "bit", "bit varying":
		mods = []string{"character_maximum_length"}
	case "numeric":
		mods = []string{"numeric_precision", "numeric_scale"}
	case "timestamp without time zone", "timestamp with time zone", "time without time zone", "time with time zone":
		mods = []string{"datetime_precision"}
	}
	for _, m := range mods {
		n, err := strconv.Atoi(c.text(m))
		if err != nil {
			break
		}
		w.mods = append(w.mods, n)
	}
	return w, known
}

// userType is the name of a type of the user's as format_type would write it
// behind its schema.
func userType(name string) string {
	if q := quote.Ident(name); plainName(name) {
		return strings.Trim(q, `"`)
	}
	return quote.Ident(name)
}

func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && c != '_' && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// String writes the type.
func (w typeWord) String() string {
	s := w.name
	if len(w.mods) > 0 {
		words := make([]string, len(w.mods))
		for i, m := range w.mods {
			words[i] = strconv.Itoa(m)
		}
		first, rest, _ := strings.Cut(s, " with")
		s = first + "(" + strings.Join(words, ",") + ")"
		if rest != "" {
			s += " with" + rest
		}
	}
	if w.array {
		s += "[]"
	}
	return s
}

// mostFraction is the fractional digits of a second where nothing is declared.
const mostFraction = 6

// mostName is the length of the longest name that an array type's element shows.
const mostName = 62

// holds says whether a column of the found type is what was asked for: the type
// itself, by another name or with modifiers that are not told, or one that
// keeps the same values. A type that was changed in silence is none of these.
func (w typeWord) holds(found typeWord) bool {
	if w.array != found.array {
		return false
	}
	if w.array && len(found.name) >= mostName && strings.HasPrefix(strings.Trim(w.name, `"`), strings.Trim(found.name, `"`)) {
		return true // the array's own name was cut to make room for its underscore
	}
	if w.name != found.name {
		return w.unboundedText() && found.unboundedText() && !w.array
	}
	if w.array || found.mods == nil && w.name != "numeric" {
		return true // not told
	}
	switch w.name {
	case "character varying", "character", "bit", "bit varying":
		return slices.Equal(w.mods, found.mods)
	case "numeric":
		switch {
		case w.mods == nil: // a scale would round the values
			return len(found.mods) < 2
		case found.mods == nil:
			return true
		case len(w.mods) == 1 && len(found.mods) == 2:
			return w.mods[0] == found.mods[0] && found.mods[1] == 0
		}
		return slices.Equal(w.mods[:min(len(w.mods), len(found.mods))], found.mods)
	case "timestamp without time zone", "timestamp with time zone", "time without time zone", "time with time zone":
		digits := mostFraction
		if w.mods != nil {
			digits = w.mods[0]
		}
		return found.mods[0] >= digits
	}
	return true
}

// unboundedText are the types that hold any text as it is.
func (w typeWord) unboundedText() bool {
	return w.name == "text" || w.name == "character varying" && w.mods == nil
}
