package ddlgen

import (
	"strings"
)

// tokenKind is the kind of a piece of SQL text.
type tokenKind int

const (
	tokSpace  tokenKind = iota // white space and comments
	tokWord                    // unquoted identifier or keyword
	tokQuoted                  // "quoted identifier"
	tokString                  // 'string', with its prefix (E, B, X, N, U&) or $tag$dollar quoted$tag$
	tokNumber
	tokPunct // ( ) [ ] , ; . and ::
	tokOther // operators, parameters
)

// token is a piece of SQL text. The texts of all tokens joined are the input.
type token struct {
	kind tokenKind
	text string
}

// is says whether the token is this punctuation or keyword.
func (t token) is(text string) bool {
	return (t.kind == tokPunct || t.kind == tokWord) && strings.EqualFold(t.text, text)
}

// ident is the identifier that a word or quoted token stands for.
func (t token) ident() (string, bool) {
	switch t.kind {
	case tokWord:
		return strings.ToLower(t.text), true
	case tokQuoted:
		if len(t.text) < 2 {
			return "", false
		}
		return strings.ReplaceAll(t.text[1:len(t.text)-1], `""`, `"`), true
	case tokSpace, tokString, tokNumber, tokPunct, tokOther:
	}
	return "", false
}

// tokenize cuts SQL text into tokens. It never fails: what it does not
// understand is a token of its own.
func tokenize(sql string) []token {
	var out []token
	for i := 0; i < len(sql); {
		kind, n := next(sql[i:])
		out = append(out, token{kind, sql[i : i+n]})
		i += n
	}
	return out
}

// join is the text of tokens.
func join(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.text)
	}
	return b.String()
}

const operators = "+-*/<>=~!@#%^&|`?"

// next measures the token at the beginning of a text that is not empty.
func next(s string) (tokenKind, int) {
	c := s[0]
	switch {
	case isSpace(c):
		n := 1
		for n < len(s) && isSpace(s[n]) {
			n++
		}
		return tokSpace, n
	case strings.HasPrefix(s, "--"):
		return tokSpace, until(s, 2, "\n")
	case strings.HasPrefix(s, "/*"):
		return tokSpace, blockComment(s)
	case c == '\'':
		return tokString, stringEnd(s, 1, false)
	case c == '"':
		return tokQuoted, quotedEnd(s)
	case c == '$':
		return dollar(s)
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		return tokNumber, number(s)
	case isWordStart(c):
		return word(s)
	case strings.HasPrefix(s, "::"):
		return tokPunct, 2
	case strings.IndexByte("()[],;.:", c) >= 0:
		return tokPunct, 1
	case strings.IndexByte(operators, c) >= 0:
		n := 1
		for n < len(s) && strings.IndexByte(operators, s[n]) >= 0 &&
			!strings.HasPrefix(s[n:], "--") && !strings.HasPrefix(s[n:], "/*") {
			n++
		}
		return tokOther, n
	}
	return tokOther, 1
}

func word(s string) (tokenKind, int) {
	n := 1
	for n < len(s) && (isWordStart(s[n]) || isDigit(s[n]) || s[n] == '$') {
		n++
	}
	prefix := strings.ToLower(s[:n])
	rest := s[n:]
	switch {
	case strings.HasPrefix(rest, "'") && (prefix == "e" || prefix == "b" || prefix == "x" || prefix == "n"):
		return tokString, stringEnd(s, n+1, prefix == "e")
	case prefix == "u" && strings.HasPrefix(rest, "&'"):
		return tokString, stringEnd(s, n+2, false)
	case prefix == "u" && strings.HasPrefix(rest, `&"`):
		return tokOther, n + 1 + quotedEnd(s[n+1:])
	}
	return tokWord, n
}

// stringEnd is the position after a string whose body begins at i.
func stringEnd(s string, i int, backslash bool) int {
	for i < len(s) {
		switch {
		case backslash && s[i] == '\\':
			i += 2
		case s[i] != '\'':
			i++
		case strings.HasPrefix(s[i:], "''"):
			i += 2
		default:
			return i + 1
		}
	}
	return len(s)
}

func quotedEnd(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if strings.HasPrefix(s[i:], `""`) {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}

// dollar is a dollar-quoted string or a parameter.
func dollar(s string) (tokenKind, int) {
	n := 1
	for n < len(s) && (isWordStart(s[n]) || isDigit(s[n])) {
		n++
	}
	if n < len(s) && s[n] == '$' && (n == 1 || !isDigit(s[1])) {
		return tokString, until(s, n+1, s[:n+1])
	}
	return tokOther, n
}

func number(s string) int {
	n := 1
	for n < len(s) {
		c := s[n]
		exponentSign := (c == '+' || c == '-') && (s[n-1] == 'e' || s[n-1] == 'E')
		if !isDigit(c) && c != '.' && c != '_' && !isLetter(c) && !exponentSign {
			break
		}
		n++
	}
	return n
}

func blockComment(s string) int {
	depth := 0
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(s[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(s)
}

// until is the position after the first end at or after from, or the whole.
func until(s string, from int, end string) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

func isSpace(c byte) bool     { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isLetter(c byte) bool    { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isWordStart(c byte) bool { return isLetter(c) || c == '_' || c >= 0x80 }
