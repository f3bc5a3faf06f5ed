package verify

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen/sqltext"
)

// sameSQL says whether two texts of a definition are the same but for how a
// server writes them: needless parentheses, the quotes of plain names, ON ONLY, casts
// of constants to the types that such constants have anyway, and a cast of a whole
// ARRAY, which a server that parses it moves to each element. All else counts:
// names, operators, constants, casts, their order and what belongs together.
func sameSQL(a, b string) bool {
	return a == b || slices.Equal(essence(a, false), essence(b, false))
}

// sameButText is sameSQL without casts to text: a column that is text on the
// target has none where one of type character varying had it.
func sameButText(a, b string) bool { return slices.Equal(essence(a, true), essence(b, true)) }

// essence are the tokens of a definition that sameSQL compares; with untexted
// without casts to text.
func essence(sql string, untexted bool) []string {
	e := essential{tokens: sqltext.Significant(sqltext.Tokenize(sql)), untexted: untexted}
	var out []string
	for ; e.at < len(e.tokens); e.at++ { // more than once where a bracket is closed that was never opened
		group, _ := e.group()
		out = append(out, group...)
	}
	return out
}

// essential reads the tokens of a definition.
type essential struct {
	tokens   []sqltext.Token
	at       int
	untexted bool
}

// group is essence from the next token to the bracket that ends its group, where
// it stops; items is of how many pieces the group is.
func (e *essential) group() (out []string, items int) {
	operand := 0 // where what a cast would be of begins
	for ; e.at < len(e.tokens); e.at++ {
		switch t := e.tokens[e.at]; {
		case t.Is(")"), t.Is("]"):
			return out, items
		case t.Is("ONLY") && e.at > 0 && e.tokens[e.at-1].Is("ON"), t.Is(";"):
			continue
		case t.Is("::"):
			end := afterType(e.tokens, e.at+1)
			out = append(out[:operand], e.cast(out[operand:], typeText(e.tokens[e.at+1:end]))...)
			e.at = end - 1
			continue
		case t.Is("["):
			array := items > 0 && operand == len(out)-1 && out[operand] == "array"
			e.at++
			inner, _ := e.group()
			out = append(append(append(out, "["), inner...), "]")
			if array {
				continue // ARRAY[...] is one piece
			}
		case t.Is("("):
			called := e.at > 0 && names(e.tokens[e.at-1])
			e.at++
			inner, n := e.group()
			if n != 1 {
				inner = append(append([]string{"("}, inner...), ")")
			}
			if operand = len(out); called {
				operand = max(0, operand-1)
			}
			out = append(out, inner...)
			if called {
				continue // a name and what it is called with are one piece
			}
		default:
			operand = len(out)
			out = append(out, word(t))
		}
		items++
	}
	return out, items
}

func word(t sqltext.Token) string {
	if value, ok := t.Value(); ok {
		return "'" + value
	}
	if name, ok := t.Ident(); ok {
		return name
	}
	return t.Text
}

// names says whether what follows in parentheses are a function's arguments.
func names(t sqltext.Token) bool {
	return t.Kind == sqltext.Quoted || t.Kind == sqltext.Word && !wordIn(t.Text, beforeGroup)
}

// beforeGroup are words before an expression in parentheses.
var beforeGroup = []string{"and", "or", "not", "any", "all", "some", "in", "check", "where", "on", "when", "then", "else", "case", "between", "like", "ilike", "is", "from", "select", "having"}

// cast is an operand with a cast, where that counts.
func (e *essential) cast(operand []string, typ string) []string {
	element, whole := strings.CutSuffix(typ, "[]")
	if n := len(operand); whole && n > 2 && operand[0] == "array" && operand[1] == "[" && operand[n-1] == "]" {
		out := []string{"array", "["}
		depth, from := 0, 2
		for i := 2; i < n; i++ {
			switch text := operand[i]; {
			case depth == 0 && (text == "," || i == n-1):
				if from < i {
					out = append(out, e.cast(operand[from:i], element)...)
				}
				out = append(out, text)
				from = i + 1
			case text == "(", text == "[":
				depth++
			case text == ")", text == "]":
				depth--
			}
		}
		return out
	}
	if e.untexted && (typ == "text" || typ == "character varying") || constant(operand) && slices.Contains(plainTypes, typ) {
		return operand
	}
	return append(slices.Clone(operand), "::"+typ)
}

// plainTypes are those that a constant has, whether that is written or not.
var plainTypes = []string{"text", "character varying", "bpchar", "smallint", "integer", "bigint"}

// constant says whether an operand is one, with casts or without.
func constant(operand []string) bool {
	for len(operand) > 1 && strings.HasPrefix(operand[len(operand)-1], "::") {
		operand = operand[:len(operand)-1]
	}
	return len(operand) == 1 && operand[0] != "" && (operand[0][0] == '\'' || operand[0][0] >= '0' && operand[0][0] <= '9')
}

// typeText is a type's name as it is compared.
func typeText(tokens []sqltext.Token) string {
	if len(tokens) > 2 && tokens[0].Is("pg_catalog") {
		tokens = tokens[2:]
	}
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && t.Kind == sqltext.Word && tokens[i-1].Kind != sqltext.Punct {
			b.WriteByte(' ')
		}
		b.WriteString(word(t))
	}
	return b.String()
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
