// Package sqltext cuts SQL and PL/pgSQL text into tokens. It is a leaf: it knows
// no catalog and no target.
package sqltext

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the kind of a piece of SQL text.
type Kind int

// The kinds of token.
const (
	Space  Kind = iota // white space and comments
	Word               // unquoted identifier or keyword
	Quoted             // "quoted identifier", U&"..." too
	String             // 'string', with its prefix (E, B, X, N, U&) or $tag$dollar quoted$tag$
	Number
	Punct // ( ) [ ] , ; . .. : :: and :=
	Other // operators, parameters
)

// Token is a piece of SQL text. The texts of all tokens joined are the input.
type Token struct {
	Kind   Kind
	Text   string
	Offset int // in bytes
}

// Is says whether the token is this punctuation or keyword.
func (t Token) Is(text string) bool {
	return (t.Kind == Punct || t.Kind == Word) && strings.EqualFold(t.Text, text)
}

// Ident is the identifier that a word or quoted token stands for.
func (t Token) Ident() (string, bool) {
	switch t.Kind {
	case Word:
		return strings.ToLower(t.Text), true
	case Quoted:
		text := t.Text
		unicode := len(text) > 1 && text[1] == '&'
		if unicode {
			text = text[2:]
		}
		if len(text) < 2 {
			return "", false
		}
		name := strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
		if unicode {
			name = unescape(name)
		}
		return name, true
	case Space, String, Number, Punct, Other:
	}
	return "", false
}

// Value is the text that a string stands for, where that takes no more than to
// undo doubled quotes, dollar quotes and the escapes of U&; of an E string it is
// what stands there. UESCAPE is not looked at.
func (t Token) Value() (string, bool) {
	if t.Kind != String {
		return "", false
	}
	text := t.Text
	if text[0] == '$' {
		tag := text[:strings.IndexByte(text[1:], '$')+2]
		return strings.TrimSuffix(strings.TrimPrefix(text, tag), tag), true
	}
	i := strings.IndexByte(text, '\'')
	body := strings.ReplaceAll(strings.TrimSuffix(text[i+1:], "'"), "''", "'")
	if strings.EqualFold(text[:i], "u&") {
		body = unescape(body)
	}
	return body, true
}

// unescape undoes the escapes of U&: \XXXX, \+XXXXXX and \\.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		from, digits := i+1, 4
		if strings.HasPrefix(s[i:], `\+`) {
			from, digits = i+2, 6
		}
		switch {
		case s[i] != '\\':
			b.WriteByte(s[i])
			i++
			continue
		case strings.HasPrefix(s[i:], `\\`):
			b.WriteByte('\\')
			i += 2
			continue
		case from+digits <= len(s):
			if r, err := strconv.ParseInt(s[from:from+digits], 16, 32); err == nil && utf8.ValidRune(rune(r)) {
				b.WriteRune(rune(r))
				i = from + digits
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

// Options say how text is to be read.
type Options struct {
	// Backslashes says that a backslash escapes in plain strings as well
	// (standard_conforming_strings is off).
	Backslashes bool
}

// Tokenize cuts SQL text into tokens, under standard_conforming_strings. It
// never fails: what it does not understand is a token of its own, and what is
// not finished goes to the end.
func Tokenize(sql string) []Token { return Options{}.Tokenize(sql) }

// Tokenize cuts SQL text into tokens.
func (o Options) Tokenize(sql string) []Token {
	var out []Token
	for i := 0; i < len(sql); {
		kind, n := o.next(sql[i:])
		out = append(out, Token{kind, sql[i : i+n], i})
		i += n
	}
	return out
}

// Significant leaves out white space and comments.
func Significant(tokens []Token) []Token {
	out := make([]Token, 0, len(tokens))
	for _, t := range tokens {
		if t.Kind != Space {
			out = append(out, t)
		}
	}
	return out
}

// Join is the text of tokens.
func Join(tokens []Token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.Text)
	}
	return b.String()
}
