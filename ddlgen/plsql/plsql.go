// Package plsql finds what a routine's body does, by its tokens: comments,
// strings and quoted names are never taken for keywords, and a keyword counts
// only where the language gives it its meaning (RAISE EXCEPTION is no exception
// block, GRANT EXECUTE runs nothing). It is a leaf: it knows no catalog and no
// target. What a target lacks is for its callers to say.
//
//	uses := plsql.Classify("plpgsql", routine.Body, argumentNames...)
//	for _, u := range uses {
//		fmt.Println(u.Line, u.Kind, u.Word) // 12 execute EXECUTE
//	}
//
// Code in strings is not looked into: what EXECUTE and DO run is named as Execute
// and Do alone.
package plsql

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen/sqltext"
)

// Kind is what a body does.
type Kind string

// The kinds. The first are PL/pgSQL's own statements, the rest may stand in SQL
// as well.
const (
	While       Kind = "while"           // WHILE ... LOOP
	Loop        Kind = "loop"            // LOOP without a condition
	Foreach     Kind = "foreach"         // FOREACH ... IN ARRAY
	Continue    Kind = "continue"        // CONTINUE [WHEN]
	Exception   Kind = "exception"       // the EXCEPTION part of a block; RAISE EXCEPTION is none
	Cursor      Kind = "cursor"          // cursors and refcursors declared, OPEN, FETCH, MOVE, CLOSE, FOR over a bound cursor
	Diagnostics Kind = "get diagnostics" // GET [STACKED] DIAGNOSTICS

	Execute         Kind = "execute"                  // SQL in a string: EXECUTE, RETURN QUERY EXECUTE, FOR ... IN EXECUTE, OPEN ... FOR EXECUTE
	Do              Kind = "do"                       // a DO block
	Transaction     Kind = "transaction"              // COMMIT, ROLLBACK, SAVEPOINT, RELEASE, START TRANSACTION
	Notify          Kind = "notify"                   // LISTEN, NOTIFY, UNLISTEN, pg_notify()
	AdvisoryLock    Kind = "advisory lock"            // pg_advisory_..., pg_try_advisory_...
	Serializable    Kind = "serializable"             // SET TRANSACTION, default_transaction_isolation, set_config()
	ReplicationRole Kind = "session_replication_role" // set, by SET or set_config()
	SystemColumn    Kind = "system column"            // ctid, xmin, xmax, cmin, cmax, tableoid
	Copy            Kind = "copy"                     // COPY
	TempTable       Kind = "temporary table"          // CREATE TEMP ..., SELECT INTO TEMP, pg_temp.
	CreateTableAs   Kind = "create table as"          // CREATE TABLE ... AS, SELECT INTO of SQL
	LargeObject     Kind = "large object"             // lo_..., loread, lowrite
	Sleep           Kind = "sleep"                    // pg_sleep...
	Function        Kind = "function"                 // a function of an extension, or one that is PostgreSQL's alone
)

// Use is one place in a body.
type Use struct {
	Kind   Kind
	Word   string // as the body spells it: "WHILE", "pg_notify", "RETURN QUERY EXECUTE" is "EXECUTE"
	Offset int    // of the word in the body, in bytes
	Line   int    // of the word, from 1

	// Of calls: the schema that the body names, and the extension that has the
	// function; empty where PostgreSQL itself has it.
	Schema    string
	Extension string
}

// Classify lists what a body does, in the order of the text. It knows the
// languages sql (bodies as strings, and BEGIN ATOMIC ... END) and plpgsql; of
// others it says nothing. Declared are names that mean something else than they
// do by themselves, in lower case where they were not quoted: the arguments of
// the routine, which may be called xmin.
func Classify(language, body string, declared ...string) []Use {
	c := &classifier{tokens: sqltext.Significant(sqltext.Tokenize(body)), cursors: map[string]bool{}, named: map[string]bool{}}
	for _, n := range declared {
		c.named[n] = true
	}
	switch strings.ToLower(language) {
	case "plpgsql":
		c.plpgsql = true
		c.options(body)
		c.block()
	case "sql":
		for c.at < len(c.tokens) {
			c.sqlStatement()
		}
	default:
		return nil
	}
	c.calls()
	return c.placed(body)
}

// Calls lists all that looks like a call of a function in a body of SQL or
// PL/pgSQL, by the name as the server looks it up, in the order of the text.
func Calls(body string) []Use {
	c := &classifier{tokens: sqltext.Significant(sqltext.Tokenize(body)), named: map[string]bool{}, all: true}
	c.calls()
	return slices.DeleteFunc(c.placed(body), func(u Use) bool { return u.Kind != Function })
}

// placed are the uses in the order of the text, with their lines.
func (c *classifier) placed(body string) []Use {
	slices.SortFunc(c.uses, func(a, b Use) int { return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Kind, b.Kind)) })
	c.uses = slices.Compact(c.uses)
	line, at := 1, 0
	for i := range c.uses {
		u := &c.uses[i]
		line += strings.Count(body[at:u.Offset], "\n")
		u.Line, at = line, u.Offset
	}
	return c.uses
}

// classifier walks over the tokens of one body.
type classifier struct {
	tokens  []sqltext.Token // without white space and comments
	at      int
	plpgsql bool
	all     bool            // every call is listed
	cursors map[string]bool // bound cursors, by name
	named   map[string]bool // names that are the body's own: arguments, variables, aliases
	uses    []Use
}

func (c *classifier) use(kind Kind, i int) {
	c.uses = append(c.uses, Use{Kind: kind, Word: c.tokens[i].Text, Offset: c.tokens[i].Offset})
}

// peek is the token n after the present one; a token of no kind at the end.
func (c *classifier) peek(n int) sqltext.Token {
	if c.at+n < len(c.tokens) && c.at+n >= 0 {
		return c.tokens[c.at+n]
	}
	return sqltext.Token{Kind: -1}
}

// is says whether the tokens from the present one on are these words.
func (c *classifier) is(words ...string) bool { return c.match(c.at, words...) }

// match says whether the tokens from a position on are these words.
func (c *classifier) match(i int, words ...string) bool {
	for n, w := range words {
		if i+n >= len(c.tokens) || !c.tokens[i+n].Is(w) {
			return false
		}
	}
	return true
}

// statement is the end of the statement that begins here: the position of its
// semicolon, or the end of the text.
func (c *classifier) statement() int { return c.find(";") }

// find is the position of the next of some words that stands outside of
// parentheses, a semicolon's where that comes first, else the end of the text.
func (c *classifier) find(words ...string) int {
	depth := 0
	for i := c.at; i < len(c.tokens); i++ {
		t := c.tokens[i]
		switch {
		case t.Is("("), t.Is("["):
			depth++
		case t.Is(")"), t.Is("]"):
			depth = max(0, depth-1)
		case depth > 0:
		case t.Is(";"):
			return i
		default:
			if slices.ContainsFunc(words, t.Is) {
				return i
			}
		}
	}
	return len(c.tokens)
}

// after moves behind a position.
func (c *classifier) after(i int) { c.at = min(i+1, len(c.tokens)) }
