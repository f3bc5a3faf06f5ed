package plsql

import (
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen/sqltext"
)

// sqlStatement walks over one statement of a body in SQL.
func (c *classifier) sqlStatement() {
	switch {
	case c.is(";"), c.is("RETURN"):
		c.at++
		return
	case c.is("BEGIN", "ATOMIC"):
		c.at += 2
		return
	}
	word := ""
	if c.peek(0).Kind == sqltext.Word {
		word = strings.ToUpper(c.peek(0).Text)
	}
	switch word {
	case "EXECUTE":
		c.use(Execute, c.at)
	case "FETCH", "MOVE", "CLOSE":
		c.use(Cursor, c.at)
	case "DECLARE":
		if i := c.find("CURSOR"); i < c.statement() {
			c.use(Cursor, i)
		}
	}
	c.sql(word)
}

// sql walks over a statement of SQL that begins with a word.
func (c *classifier) sql(word string) {
	end := c.statement()
	switch word {
	case "LISTEN", "NOTIFY", "UNLISTEN":
		c.use(Notify, c.at)
	case "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "ABORT":
		c.use(Transaction, c.at)
	case "START", "BEGIN":
		c.use(Transaction, c.at)
		c.isolation(end)
	case "COPY":
		c.use(Copy, c.at)
	case "DO":
		c.use(Do, c.at)
	case "SET":
		c.set(end)
	case "CREATE":
		c.create(end)
	case "SELECT", "WITH", "TABLE", "VALUES":
		if !c.plpgsql { // where INTO names variables
			c.selectInto(end)
		}
	}
	c.after(end)
}

// isolation looks for ISOLATION LEVEL SERIALIZABLE.
func (c *classifier) isolation(end int) {
	for i := c.at; i+2 < end; i++ {
		if c.tokens[i].Is("ISOLATION") && c.tokens[i+1].Is("LEVEL") && c.tokens[i+2].Is("SERIALIZABLE") {
			c.use(Serializable, i+2)
		}
	}
}

// set reads SET [SESSION | LOCAL] name { TO | = } value, and SET TRANSACTION.
func (c *classifier) set(end int) {
	i := c.at + 1
	if i < end && (c.tokens[i].Is("SESSION") || c.tokens[i].Is("LOCAL")) {
		i++
	}
	if i >= end {
		return
	}
	name, _ := c.tokens[i].Ident()
	var value sqltext.Token
	if i+2 < end {
		value = c.tokens[i+2]
	}
	c.setting(i, name, value)
	c.isolation(end)
}

// setting notes a parameter that matters, by SET or set_config.
func (c *classifier) setting(at int, name string, value sqltext.Token) {
	switch strings.ToLower(name) {
	case "session_replication_role":
		c.use(ReplicationRole, at)
	case "default_transaction_isolation", "transaction_isolation":
		text, ok := value.Value()
		if !ok {
			text, _ = value.Ident()
		}
		if strings.EqualFold(text, "serializable") {
			c.use(Serializable, at)
		}
	}
}

// create tells temporary relations and CREATE TABLE ... AS.
func (c *classifier) create(end int) {
	i := c.at + 1
	for i < end && (c.tokens[i].Is("OR") || c.tokens[i].Is("REPLACE") || c.tokens[i].Is("GLOBAL") || c.tokens[i].Is("LOCAL") || c.tokens[i].Is("UNLOGGED")) {
		i++
	}
	if i < end && (c.tokens[i].Is("TEMP") || c.tokens[i].Is("TEMPORARY")) {
		c.use(TempTable, i)
		i++
	}
	if i >= end || !c.tokens[i].Is("TABLE") {
		return
	}
	at := c.at
	if as := c.find("AS"); as < end {
		c.use(CreateTableAs, at)
	}
}

// selectInto tells SELECT ... INTO [TEMP] table, of which only SQL has the
// meaning of CREATE TABLE AS.
func (c *classifier) selectInto(end int) {
	into := c.find("INTO")
	if into >= end || into == 0 || c.tokens[into-1].Is("INSERT") || c.tokens[into-1].Is("MERGE") {
		return
	}
	c.use(CreateTableAs, into)
	for i := into + 1; i < end && i < into+3; i++ {
		if c.tokens[i].Is("TEMP") || c.tokens[i].Is("TEMPORARY") {
			c.use(TempTable, i)
		}
	}
}

// calls looks over the whole body for functions and names that mean something
// wherever they stand.
func (c *classifier) calls() {
	for i := range c.tokens {
		if c.tokens[i].Is("AS") && i+1 < len(c.tokens) { // SELECT 1 AS xmin
			if name, ok := c.tokens[i+1].Ident(); ok {
				c.named[name] = true
			}
		}
	}
	for i, t := range c.tokens {
		name, ok := t.Ident()
		if !ok {
			continue
		}
		var next, before sqltext.Token
		if i+1 < len(c.tokens) {
			next = c.tokens[i+1]
		}
		if i > 0 {
			before = c.tokens[i-1]
		}
		switch {
		case next.Is("("):
			c.call(i, name, before)
		case systemColumns[name] && !c.named[name] && !next.Is(".") && !next.Is(":=") && next.Text != "=>":
			c.use(SystemColumn, i)
		case name == "pg_temp" && next.Is("."):
			c.use(TempTable, i)
		}
	}
}

var systemColumns = map[string]bool{"ctid": true, "xmin": true, "xmax": true, "cmin": true, "cmax": true, "tableoid": true}

// noCall are words after which a name with a parenthesis is no call: of
// something that is created, altered or filled, or an alias with its columns.
var noCall = map[string]bool{
	"TABLE": true, "FUNCTION": true, "PROCEDURE": true, "ROUTINE": true, "AGGREGATE": true, "VIEW": true, "INDEX": true, "TYPE": true,
	"INTO": true, "REFERENCES": true, "EXISTS": true, "AS": true, "WITH": true, "RECURSIVE": true, "CONSTRAINT": true, "COPY": true,
}

// call notes a call of a function that means something. The tokens before it
// may name its schema.
func (c *classifier) call(i int, name string, before sqltext.Token) {
	schema := ""
	if before.Is(".") && i >= 2 {
		schema, _ = c.tokens[i-2].Ident()
		before = sqltext.Token{}
		if i > 2 {
			before = c.tokens[i-3]
		}
	}
	if before.Kind == sqltext.Word && noCall[strings.ToUpper(before.Text)] || before.Is(")") || before.Is(".") {
		return
	}
	if c.all {
		c.uses = append(c.uses, Use{Kind: Function, Word: name, Offset: c.tokens[i].Offset, Schema: schema})
		return
	}
	if name == "set_config" && i+4 < len(c.tokens) {
		if parameter, ok := c.tokens[i+2].Value(); ok && c.tokens[i+3].Is(",") {
			c.setting(i, parameter, c.tokens[i+4])
		}
		return
	}
	kind, extension := meaning(name)
	if kind == "" {
		return
	}
	c.uses = append(c.uses, Use{Kind: kind, Word: c.tokens[i].Text, Offset: c.tokens[i].Offset, Schema: schema, Extension: extension})
}
