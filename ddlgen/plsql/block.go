package plsql

import (
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen/sqltext"
)

// options skips the lines like "#variable_conflict use_column" at the top.
func (c *classifier) options(body string) {
	for t := c.peek(0); t.Kind == sqltext.Other && strings.HasPrefix(t.Text, "#"); t = c.peek(0) {
		end := len(body)
		if i := strings.IndexByte(body[t.Offset:], '\n'); i >= 0 {
			end = t.Offset + i
		}
		for c.at < len(c.tokens) && c.tokens[c.at].Offset < end {
			c.at++
		}
	}
}

// block walks over the statements of PL/pgSQL. It needs no stack: what a word
// means follows from its standing at the beginning of a statement, as it does
// for the server's own scanner.
func (c *classifier) block() {
	for c.at < len(c.tokens) {
		c.plStatement()
	}
}

// plStatement walks over one statement, or over the head of one that holds
// others.
func (c *classifier) plStatement() {
	word := strings.ToUpper(c.peek(0).Text)
	if c.peek(0).Kind != sqltext.Word {
		word = ""
	}
	switch word { // reserved: never the name of a variable
	case "":
		c.unnamed()
		return
	case "DECLARE":
		c.at++
		c.declarations()
		return
	case "BEGIN", "ELSE":
		c.at++
		return
	case "END":
		c.after(c.statement())
		return
	case "IF", "WHEN":
		c.after(c.find("THEN"))
		return
	case "ELSIF", "ELSEIF":
		if !c.assigned() {
			c.after(c.find("THEN"))
			return
		}
	case "CASE":
		if end := c.find("WHEN"); end > c.at {
			c.at = end
		} else {
			c.at++
		}
		return
	case "LOOP":
		c.use(Loop, c.at)
		c.at++
		return
	case "WHILE":
		c.use(While, c.at)
		c.after(c.find("LOOP"))
		return
	case "FOR":
		c.forLoop()
		return
	case "FOREACH":
		c.use(Foreach, c.at)
		c.after(c.find("LOOP"))
		return
	case "EXECUTE":
		c.use(Execute, c.at)
		c.after(c.statement())
		return
	}
	if c.assigned() {
		c.after(c.statement())
		return
	}
	c.unreserved(word)
}

// unnamed walks over what does not begin with a word: labels, stray
// semicolons, assignments to a quoted variable.
func (c *classifier) unnamed() {
	switch t := c.peek(0); {
	case t.Text == "<<":
		for c.at < len(c.tokens) && c.tokens[c.at].Text != ">>" && !c.tokens[c.at].Is(";") {
			c.at++
		}
		c.at++
	case t.Is(";"):
		c.at++
	default:
		c.after(c.statement())
	}
}

// assigned says whether the word here is a variable that gets a value, whatever
// it means elsewhere: the server tells so by what follows.
func (c *classifier) assigned() bool {
	next := c.peek(1)
	return next.Is(":=") || next.Is("[") || next.Is(".") || next.Kind == sqltext.Other && strings.HasPrefix(next.Text, "=")
}

// unreserved walks over the statements whose first word may be a name too, and
// over SQL.
func (c *classifier) unreserved(word string) {
	switch word {
	case "EXCEPTION":
		if c.peek(1).Is("WHEN") {
			c.use(Exception, c.at)
			c.at++
			return
		}
	case "CONTINUE":
		c.use(Continue, c.at)
	case "OPEN":
		c.use(Cursor, c.at)
		c.dynamic("FOR", "EXECUTE")
	case "FETCH", "MOVE", "CLOSE":
		c.use(Cursor, c.at)
	case "RETURN":
		if c.is("RETURN", "QUERY", "EXECUTE") {
			c.use(Execute, c.at+2)
		}
	case "GET":
		if c.is("GET", "DIAGNOSTICS") || c.is("GET", "CURRENT", "DIAGNOSTICS") || c.is("GET", "STACKED", "DIAGNOSTICS") {
			c.use(Diagnostics, c.at)
		}
	case "EXIT", "RAISE", "PERFORM", "ASSERT", "NULL", "CALL":
	default:
		c.sql(word)
		return
	}
	c.after(c.statement())
}

// dynamic notes the last of some words where they follow each other in the
// statement.
func (c *classifier) dynamic(words ...string) {
	for i := c.at; i < c.statement(); i++ {
		if c.match(i, words...) {
			c.use(Execute, i+len(words)-1)
			return
		}
	}
}

// forLoop walks over the head of FOR ... LOOP, which may run a string or a
// cursor.
func (c *classifier) forLoop() {
	end := c.find("LOOP")
	if in := c.find("IN"); in < end && in+1 < end {
		first := c.tokens[in+1]
		name, isName := first.Ident()
		alone := in+2 == end || c.tokens[in+2].Is("(")
		switch {
		case first.Is("EXECUTE"):
			c.use(Execute, in+1)
		case isName && alone && c.cursors[name]:
			c.use(Cursor, in+1)
		}
	}
	c.after(end)
}

// declarations walks over what stands between DECLARE and BEGIN.
func (c *classifier) declarations() {
	for c.at < len(c.tokens) {
		if c.is("BEGIN") {
			return // the block's own: a variable cannot be called so
		}
		if c.is("DECLARE") || c.is(";") {
			c.at++
			continue
		}
		if c.peek(0).Text == "<<" { // a label that stands too late ends nothing
			c.unnamed()
			continue
		}
		c.declaration()
		c.after(c.statement())
	}
}

func (c *classifier) declaration() {
	name, ok := c.peek(0).Ident()
	if !ok {
		return
	}
	c.named[name] = true
	i := 1
	for c.peek(i).Is("NO") || c.peek(i).Is("SCROLL") || c.peek(i).Is("CONSTANT") {
		i++
	}
	if c.peek(i).Is("CURSOR") {
		c.cursors[name] = true
		c.use(Cursor, c.at+i)
		return
	}
	if c.peek(i).Is("pg_catalog") && c.peek(i+1).Is(".") {
		i += 2
	}
	if typ, ok := c.peek(i).Ident(); ok && typ == "refcursor" && !c.peek(i+1).Is(".") {
		c.use(Cursor, c.at+i)
	}
}
