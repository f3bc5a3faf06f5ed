package db9sim

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	pgquery "github.com/wasilibs/go-pgquery"
)

// copyStatement judges what a COPY asks for; what becomes of its rows is not
// told here.
func (v *verdict) copyStatement(n *pg.CopyStmt) {
	for _, o := range n.GetOptions() {
		if e := o.GetDefElem(); e.GetDefname() == "format" && e.GetArg().GetString_().GetSval() == "binary" {
			v.no("binary-copy", unsupported, "COPY BINARY is not supported")
		}
	}
	if n.GetQuery() != nil {
		v.no("copy-query", unsupported, "COPY (query) TO is not supported")
		return
	}
	tokens := scan(v.out.text)
	if !n.GetIsFrom() {
		v.copyQuoted(tokens)
	}
	if legacyOptions(tokens) {
		v.no("copy-legacy", "42601", "syntax error in the options of COPY: they stand in parentheses")
	}
}

// copyQuoted refuses quoted names before TO.
func (v *verdict) copyQuoted(tokens []string) {
	for i, t := range tokens {
		if strings.EqualFold(t, "TO") {
			return
		}
		if !strings.HasPrefix(t, `"`) {
			continue
		}
		if i+1 < len(tokens) && tokens[i+1] == "." {
			v.no("copy-to-quoted", unsupported, "COPY TO of a quoted schema is not supported: %s", t)
		} else {
			v.no("copy-to-quoted", "42602", "invalid name in COPY TO: %s", t)
		}
	}
}

// legacyOptions reports whether a COPY's options are not in parentheses.
func legacyOptions(tokens []string) bool {
	if len(tokens) > 1 && strings.EqualFold(tokens[1], "BINARY") {
		return true
	}
	for i, t := range tokens {
		switch strings.ToUpper(t) {
		case "STDIN", "STDOUT":
			rest := tokens[i+1:]
			if len(rest) > 0 && strings.EqualFold(rest[0], "WITH") {
				rest = rest[1:]
			}
			return len(rest) > 0 && rest[0] != "(" && !strings.EqualFold(rest[0], "WHERE")
		}
	}
	return false
}

// scan cuts SQL, or the body of a routine, into its tokens, without comments.
func scan(sql string) []string {
	result, err := pgquery.Scan(sql)
	if err != nil {
		return nil
	}
	var out []string
	for _, t := range result.GetTokens() {
		if t.GetToken() != pg.Token_SQL_COMMENT && t.GetToken() != pg.Token_C_COMMENT {
			out = append(out, sql[t.GetStart():t.GetEnd()])
		}
	}
	return out
}

// firstWord is a statement's first token, in upper case.
func firstWord(sql string) string {
	if t := scan(sql); len(t) > 0 {
		return strings.ToUpper(t[0])
	}
	return ""
}
