package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// missing says why an expression cannot stand on the target by what it uses;
// empty when everything is there. The types it casts to are judged where the
// casts are rewritten, when the profile maps types.
func (p *planner) missing(uses []catalog.Ref) string {
	for _, u := range uses {
		if why := p.missingRef(u); why != "" {
			return why
		}
	}
	return ""
}

func (p *planner) missingRef(u catalog.Ref) string {
	if u.Kind == "type" && p.profile.Map {
		return ""
	}
	if u.Extension != "" {
		if !p.extensions[u.Extension] {
			return fmt.Sprintf("%s %s needs extension %s, which the target lacks", u.Kind, u.Name, u.Extension)
		}
		return ""
	}
	if u.Kind == "collation" && builtIn(u.Name.Schema) {
		if !p.hasCollation(u.Name) {
			return fmt.Sprintf("collation %s is not on the target", u.Name)
		}
		return ""
	}
	if builtIn(u.Name.Schema) {
		return ""
	}
	if n := p.nodeOf(u); n != nil {
		return p.missingNode(n)
	}
	switch u.Kind {
	case "type":
		return p.missingUserType(u.Name)
	case "sequence":
		return p.missingSequence(u.Name)
	case "table":
		if p.tableCarried(u.Name) {
			return ""
		}
		if p.model.sequences.get(u.Name) != nil {
			return p.missingSequence(u.Name)
		}
		if t := p.tableOf(u.Name); t != nil && t.into != nil {
			return fmt.Sprintf("%s is a partition, and part of %s on the target", u.Name, t.into.t.Name)
		}
	}
	return fmt.Sprintf("%s %s is left behind", u.Kind, u.Name)
}

func (p *planner) missingSequence(n catalog.Name) string {
	name, known := p.seqName[n]
	if s := p.model.sequences.get(n); p.seqName == nil && s != nil { // asked before the columns are decided
		name, known = n, !s.Identity || s.Owner != nil && p.tableCarried(s.Owner.Table)
	}
	switch {
	case !known:
		return fmt.Sprintf("sequence %s is left behind", n)
	case name != n:
		return fmt.Sprintf("sequence %s is named %s on the target", n, name)
	}
	return ""
}

// columnClass tells what became of a table's columns.
type columnClass func(name string) class

// expression gives the text under which an expression works on the target, or
// why it cannot be carried.
func (p *planner) expression(text string, uses []catalog.Ref, classOf columnClass) (sql, why string) {
	tokens, uses := p.withCounterparts(tokenize(text), uses)
	if why := p.missing(uses); why != "" {
		return "", why
	}
	if p.profile.Map {
		if tokens, why = p.castsMapped(tokens); why != "" {
			return "", why
		}
	}
	if why := usesOther(tokens, classOf); why != "" {
		return "", why
	}
	if _, lost := p.withoutCollations(tokens); len(lost) > 0 {
		return "", fmt.Sprintf("collation %s is not on the target", lost[0])
	}
	return join(tokens), ""
}

// usesOther says which column of another kind an expression does more with
// than to ask whether it is NULL.
func usesOther(tokens []token, classOf columnClass) string {
	if classOf == nil {
		return ""
	}
	words := significant(tokens)
	for i, t := range words {
		name, ok := t.ident()
		if !ok || classOf(name) != other {
			continue
		}
		if i > 0 && (words[i-1].is(".") || words[i-1].is("::")) || i+1 < len(words) && words[i+1].is("(") {
			continue
		}
		rest := words[i+1:]
		for len(rest) > 0 && rest[0].is(")") {
			rest = rest[1:]
		}
		isNull := len(rest) >= 2 && rest[0].is("IS") && (rest[1].is("NULL") || len(rest) >= 3 && rest[1].is("NOT") && rest[2].is("NULL"))
		if !isNull {
			return fmt.Sprintf("column %s has another type on the target", name)
		}
	}
	return ""
}

// significant leaves out white space and comments.
func significant(tokens []token) []token {
	out := make([]token, 0, len(tokens))
	for _, t := range tokens {
		if t.kind != tokSpace {
			out = append(out, t)
		}
	}
	return out
}

// castsMapped rewrites the casts of an expression to the types that the target
// has instead.
func (p *planner) castsMapped(tokens []token) (out []token, why string) {
	literal := p.isLiteral(significant(tokens))
	for i := 0; i < len(tokens); {
		if !tokens[i].is("::") {
			out = append(out, tokens[i])
			i++
			continue
		}
		t, n := p.parseType(tokens[i+1:])
		if n == 0 {
			return nil, "a cast that is not understood"
		}
		var value *token
		if len(out) > 0 && out[len(out)-1].kind == tokString {
			value = &out[len(out)-1]
		}
		text, why := p.castMapped(t, value, literal)
		if why != "" {
			return nil, why
		}
		if text != "" {
			out = append(out, token{tokPunct, "::"}, token{tokOther, text})
		}
		i += 1 + n
	}
	return out, ""
}

// castMapped is the type to which the target casts instead of t; empty where
// the value is better left to find its type by itself. The value is the string
// before the cast, nil where something else stands there; literal says that the
// whole expression is no more than that.
func (p *planner) castMapped(t catalog.Type, value *token, literal bool) (text, why string) {
	m := p.mapped(t)
	lacks := fmt.Sprintf("a cast to %s, which the target lacks", t.Text)
	if t.Name.Schema == "pg_catalog" && !t.Array && value != nil && !literal {
		switch t.Name.Name {
		case "regclass":
			return t.Text, ""
		case "regconfig":
			if slices.Contains(searchConfigurations, strings.Trim(value.text, "'")) {
				return "", ""
			}
			return "", fmt.Sprintf("text search configuration %s, which the target lacks", value.text)
		case "char":
			return "", ""
		}
	}
	switch {
	case m.code == typeRefused || m.code == typeUnavailable:
		return "", lacks
	case m.class == same && len(m.domains) == 0 && len(m.element) == 0:
		return t.Text, ""
	case m.class == other && (!literal || !textual(m.target)):
		return "", lacks
	case t.Name.Name == "bpchar" && value != nil:
		value.text = strings.TrimRight(strings.TrimSuffix(value.text, "'"), " ") + "'"
	}
	return m.target, ""
}

// searchConfigurations are the text search configurations of DB9.
var searchConfigurations = []string{"simple", "english", "chinese", "ngram"}

// textual says whether a type of the target takes a value's output text.
func textual(target string) bool {
	return strings.HasPrefix(target, "text") || strings.HasPrefix(target, "character varying")
}

// isLiteral says whether an expression is no more than 'value'::type or
// ARRAY[]::type.
func (p *planner) isLiteral(words []token) bool {
	switch {
	case len(words) > 2 && words[0].kind == tokString && words[1].is("::"):
		words = words[2:]
	case len(words) > 4 && words[0].is("ARRAY") && words[1].is("[") && words[2].is("]") && words[3].is("::"):
		words = words[4:]
	default:
		return false
	}
	_, n := p.parseType(words)
	return n == len(words)
}

// isNullLiteral says whether an expression is NULL, with or without a cast.
func isNullLiteral(expr string) bool {
	words := significant(tokenize(expr))
	return len(words) > 0 && words[0].is("NULL") && (len(words) == 1 || words[1].is("::"))
}

// withValue puts a column in the place of a domain's VALUE.
func withValue(check, column string) string {
	tokens := tokenize(check)
	for i, t := range tokens {
		if t.kind == tokWord && t.is("VALUE") && (i == 0 || !tokens[i-1].is(".")) {
			tokens[i].text = column
		}
	}
	return join(tokens)
}

// withoutCollations takes out every COLLATE that the target lacks.
func (p *planner) withoutCollations(tokens []token) (out []token, lost []string) {
	for i := 0; i < len(tokens); {
		if !tokens[i].is("COLLATE") {
			out = append(out, tokens[i])
			i++
			continue
		}
		n, name := qualified(tokens[i+1:])
		if n == 0 || p.hasCollation(name) {
			out = append(out, tokens[i])
			i++
			continue
		}
		lost = append(lost, name.String())
		for len(out) > 0 && out[len(out)-1].kind == tokSpace {
			out = out[:len(out)-1]
		}
		i += 1 + n
	}
	return out, lost
}

// qualified reads a name at the beginning of tokens, after white space. An
// unqualified one is pg_catalog's, since the texts are rendered with an empty
// search_path.
func qualified(tokens []token) (n int, name catalog.Name) {
	i := 0
	for i < len(tokens) && tokens[i].kind == tokSpace {
		i++
	}
	if i == len(tokens) {
		return 0, name
	}
	first, ok := tokens[i].ident()
	if !ok {
		return 0, name
	}
	i++
	if i+1 < len(tokens) && tokens[i].is(".") {
		if second, ok := tokens[i+1].ident(); ok {
			return i + 2, catalog.Name{Schema: first, Name: second}
		}
	}
	return i, catalog.Name{Schema: "pg_catalog", Name: first}
}
