package ddlgen

import (
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen/sqltext"
)

// tokenKind is the kind of a piece of SQL text.
type tokenKind = sqltext.Kind

const (
	tokSpace  = sqltext.Space
	tokWord   = sqltext.Word
	tokQuoted = sqltext.Quoted
	tokString = sqltext.String
	tokNumber = sqltext.Number
	tokPunct  = sqltext.Punct
	tokOther  = sqltext.Other
)

// token is a piece of SQL text that may be rewritten. The texts of all tokens
// joined are the input.
type token struct {
	kind tokenKind
	text string
}

// is says whether the token is this punctuation or keyword.
func (t token) is(text string) bool {
	return (t.kind == tokPunct || t.kind == tokWord) && strings.EqualFold(t.text, text)
}

// ident is the identifier that a word or quoted token stands for.
func (t token) ident() (string, bool) { return sqltext.Token{Kind: t.kind, Text: t.text}.Ident() }

// tokenize cuts SQL text into tokens. It never fails: what it does not
// understand is a token of its own.
func tokenize(sql string) []token {
	tokens := sqltext.Tokenize(sql)
	out := make([]token, len(tokens))
	for i, t := range tokens {
		out[i] = token{t.Kind, t.Text}
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

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
