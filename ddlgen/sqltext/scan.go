package sqltext

import "strings"

const operators = "+-*/<>=~!@#%^&|`?"

// next measures the token at the beginning of a text that is not empty.
func (o Options) next(s string) (Kind, int) {
	c := s[0]
	switch {
	case isSpace(c):
		n := 1
		for n < len(s) && isSpace(s[n]) {
			n++
		}
		return Space, n
	case strings.HasPrefix(s, "--"):
		return Space, until(s, 2, "\n")
	case strings.HasPrefix(s, "/*"):
		return Space, blockComment(s)
	case c == '\'':
		return String, stringEnd(s, 1, o.Backslashes)
	case c == '"':
		return Quoted, quotedEnd(s)
	case c == '$':
		return dollar(s)
	case isDigit(c), c == '.' && len(s) > 1 && isDigit(s[1]):
		return Number, number(s)
	case isWordStart(c):
		return o.word(s)
	case strings.HasPrefix(s, "::"), strings.HasPrefix(s, ".."), strings.HasPrefix(s, ":="):
		return Punct, 2
	case strings.IndexByte("()[],;.:", c) >= 0:
		return Punct, 1
	case strings.IndexByte(operators, c) >= 0:
		n := 1
		for n < len(s) && strings.IndexByte(operators, s[n]) >= 0 &&
			!strings.HasPrefix(s[n:], "--") && !strings.HasPrefix(s[n:], "/*") {
			n++
		}
		return Other, n
	}
	return Other, 1
}

func (o Options) word(s string) (Kind, int) {
	n := 1
	for n < len(s) && (isWordStart(s[n]) || isDigit(s[n]) || s[n] == '$') {
		n++
	}
	prefix := strings.ToLower(s[:n])
	rest := s[n:]
	switch {
	case strings.HasPrefix(rest, "'") && (prefix == "e" || prefix == "b" || prefix == "x" || prefix == "n"):
		return String, stringEnd(s, n+1, prefix == "e" || prefix == "n" && o.Backslashes)
	case prefix == "u" && strings.HasPrefix(rest, "&'"):
		return String, stringEnd(s, n+2, false)
	case prefix == "u" && strings.HasPrefix(rest, `&"`):
		return Quoted, n + 1 + quotedEnd(s[n+1:])
	}
	return Word, n
}

// stringEnd is the position after a string whose body begins at i.
func stringEnd(s string, i int, backslash bool) int {
	for i < len(s) {
		switch {
		case backslash && s[i] == '\\':
			i = min(i+2, len(s))
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
func dollar(s string) (Kind, int) {
	n := 1
	for n < len(s) && (isWordStart(s[n]) || isDigit(s[n])) {
		n++
	}
	if n < len(s) && s[n] == '$' && (n == 1 || !isDigit(s[1])) {
		return String, until(s, n+1, s[:n+1])
	}
	return Other, n
}

func number(s string) int {
	n := 1
	for n < len(s) {
		c := s[n]
		if c == '.' && strings.HasPrefix(s[n:], "..") {
			break // 1..10 of a loop
		}
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
