package verify

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen/sqltext"
)

// sameSQL says whether two texts of a definition are the same but for how a
// server writes them: needless parentheses, casts, the quotes of plain names and
// ONLY. A server that parses the text of another writes some of these otherwise
// (the list of an IN is cast as a whole, or each element by itself), and no value
// that a definition refuses, and no row that it holds, depends on them. All else
// counts: names, operators, constants, their order and what belongs together.
func sameSQL(a, b string) bool {
	return a == b || slices.Equal(essence(a), essence(b))
}

// essence are the tokens of a definition that sameSQL compares.
func essence(sql string) []string {
	tokens := sqltext.Significant(sqltext.Tokenize(sql))
	var out []string
	for at := 0; at < len(tokens); at++ { // more than once where a bracket is closed that was never opened
		var group []string
		group, _, at = essential(tokens, at)
		out = append(out, group...)
	}
	return out
}

// essential is essence from one token to the bracket that ends its group, whose
// place it returns; items is of how many pieces the group is.
func essential(tokens []sqltext.Token, at int) (out []string, items, end int) {
	for ; at < len(tokens); at++ {
		switch t := tokens[at]; {
		case t.Is(")"), t.Is("]"):
			return out, items, at
		case t.Is("ONLY"), t.Is(";"):
			continue
		case t.Is("::"):
			at = afterType(tokens, at+1) - 1
			continue
		case t.Is("("), t.Is("["):
			inner, n, last := essential(tokens, at+1)
			at = last
			switch {
			case t.Is("["):
				array := items == 1 && out[0] == "array"
				out = append(append(append(out, "["), inner...), "]")
				if array {
					continue // ARRAY[...] is one piece
				}
			case n == 1:
				out = append(out, inner...)
			default:
				out = append(append(append(out, "("), inner...), ")")
			}
		case t.Kind == sqltext.String:
			value, _ := t.Value()
			out = append(out, "'"+value)
		default:
			text := t.Text
			if name, ok := t.Ident(); ok {
				text = name
			}
			out = append(out, text)
		}
		items++
	}
	return out, items, at
}

// typeWords may follow the first word of a type's name.
var typeWords = []string{"varying", "precision", "with", "without", "time", "zone", "year", "month", "day", "hour", "minute", "second", "to"}

// afterType is where the name of a type that begins at i ends.
func afterType(tokens []sqltext.Token, i int) int {
	is := func(text string) bool { return i < len(tokens) && tokens[i].Is(text) }
	name := func() {
		if i < len(tokens) && (tokens[i].Kind == sqltext.Word || tokens[i].Kind == sqltext.Quoted) {
			i++
		}
	}
	first := i
	name()
	for is(".") {
		i++
		name()
	}
	spacious := i > first && wordy(tokens[first].Text)
	for i < len(tokens) {
		switch t := tokens[i]; {
		case spacious && t.Kind == sqltext.Word && wordIn(t.Text, typeWords):
			i++
		case t.Is("("):
			end := i + 1
			for end < len(tokens) && (tokens[end].Kind == sqltext.Number || tokens[end].Is(",")) {
				end++
			}
			if end == i+1 || end >= len(tokens) || !tokens[end].Is(")") {
				return i
			}
			i = end + 1
		case t.Is("["):
			if i+1 >= len(tokens) || !tokens[i+1].Is("]") {
				return i // a subscript
			}
			i += 2
		default:
			return i
		}
	}
	return i
}

// wordy are the types whose names have several words.
func wordy(word string) bool {
	return wordIn(word, []string{"character", "double", "bit", "timestamp", "time", "interval"})
}

func wordIn(word string, list []string) bool {
	for _, w := range list {
		if strings.EqualFold(word, w) {
			return true
		}
	}
	return false
}
