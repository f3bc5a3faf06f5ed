package keyset

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// Pages is how a table is read by SELECT: in the order of its key, a bounded
// number of rows a statement, each statement beginning behind the last key of
// the one before. Without a key it is one statement.
type Pages struct {
	Table  catalog.Name
	Only   bool     // read without the rows of its children
	Exprs  []string // the columns as they are compared
	Key    []Column
	Extra  []string // key columns that are not among Exprs, selected behind them
	Low    *int64   // the first key column is at least this; nil is open
	High   *int64   // and below this; nil is open
	Within string   // SQL condition on the rows; empty is all
	RowLen int64    // bytes of COPY TEXT that a row has, as far as known; 0 is not known
}

// Column is a column of the key.
type Column struct {
	Name    string // quoted
	Integer bool   // its values are written as they are, others as quoted text
	Field   int    // its place in the rows
}

// New plans the pages of a transfer's target.
func New(t *ddlgen.Transfer, only bool) *Pages {
	p := &Pages{Table: t.Target, Only: only}
	for _, c := range t.Columns {
		p.Exprs = append(p.Exprs, c.ReadBack)
	}
	for _, name := range t.Key {
		k := Column{Name: quote.Ident(name)}
		k.Field = slices.Index(p.Exprs, k.Name)
		if k.Field < 0 {
			k.Field = len(p.Exprs) + len(p.Extra)
			p.Extra = append(p.Extra, k.Name)
		}
		if i := slices.IndexFunc(t.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Target == name }); i >= 0 {
			switch t.Columns[i].TargetType {
			case "smallint", "integer", "bigint":
				k.Integer = true
			}
		}
		p.Key = append(p.Key, k)
	}
	if len(p.Exprs)+len(p.Extra) == 0 { // a table without columns has rows too
		p.Extra = []string{"NULL"}
	}
	return p
}

// Position is a place between two rows in the order of the key: behind every
// row that begins with the same level-1 values and is not greater in the next.
// The zero position is before all rows.
type Position struct {
	Key   []string // values of the last row that was read, as text
	Level int      // of the key's columns, how many are held against Key; counts down to 1
}

// Next is the position after a page of so many rows, of which last is the last
// one's key; done says that no row can follow.
func (p *Pages) Next(at Position, rows, limit int64, last []string) (_ Position, done bool) {
	switch {
	case len(p.Key) == 0:
		return at, true
	case rows >= limit:
		return Position{Key: last, Level: len(p.Key)}, false
	case at.Level <= 1:
		return at, true
	}
	return Position{Key: at.Key, Level: at.Level - 1}, false
}

// SQL is the statement for the page behind a position, of at most limit rows.
//
// Rows behind (a, b) are read by two statements, k1 = a AND k2 > b and then
// k1 > a, not by one: row comparison is not known of every target, and an OR of
// the two is a scan from the index's begin to most planners.
func (p *Pages) SQL(at Position, limit int64) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	b.WriteString(strings.Join(slices.Concat(p.Exprs, p.Extra), ", "))
	b.WriteString(p.from())
	if where := p.where(at); len(where) > 0 {
		b.WriteString(" WHERE ")
		b.WriteString(strings.Join(where, " AND "))
	}
	if len(p.Key) > 0 {
		b.WriteString(" ORDER BY ")
		for i, k := range p.Key {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(k.Name)
		}
		fmt.Fprintf(&b, " LIMIT %d", limit)
	}
	return b.String()
}

// BorderSQL is the statement for the rows at a position that a page ended at:
// two of them say that the key is not unique there, and that the second may
// have been cut off by the page's LIMIT. It is empty where no page ended.
func (p *Pages) BorderSQL(at Position) string {
	if at.Level == 0 || at.Level < len(p.Key) {
		return ""
	}
	equal := make([]string, len(p.Key))
	for i, k := range p.Key {
		equal[i] = k.Name + " = " + k.Literal(at.Key[i])
	}
	return "SELECT " + p.Key[0].Name + p.from() + " WHERE " + strings.Join(equal, " AND ") + " LIMIT 2"
}

func (p *Pages) from() string {
	only := ""
	if p.Only {
		only = "ONLY "
	}
	return " FROM " + only + quote.Name(p.Table.Schema, p.Table.Name)
}

func (p *Pages) where(at Position) []string {
	var all []string
	if at.Level == 0 && p.Low != nil {
		all = append(all, fmt.Sprintf("%s >= %s", p.Key[0].Name, integerLiteral(*p.Low)))
	}
	for i := range at.Level {
		op := "="
		if i == at.Level-1 {
			op = ">"
		}
		all = append(all, fmt.Sprintf("%s %s %s", p.Key[i].Name, op, p.Key[i].Literal(at.Key[i])))
	}
	if at.Level <= 1 && p.High != nil {
		all = append(all, fmt.Sprintf("%s < %s", p.Key[0].Name, integerLiteral(*p.High)))
	}
	if p.Within != "" {
		all = append(all, p.Within)
	}
	return all
}

// Literal is a value of the column, as its text was read, in SQL.
func (k Column) Literal(value string) string {
	if n, err := strconv.ParseInt(value, 10, 64); k.Integer && err == nil {
		return integerLiteral(n)
	}
	return strings.TrimSpace(quote.Literal(value))
}

// integerLiteral quotes the one bigint that is no integer constant: its digits
// without the sign are one too large.
func integerLiteral(n int64) string {
	if n == math.MinInt64 {
		return quote.Literal(strconv.FormatInt(n, 10))
	}
	return strconv.FormatInt(n, 10)
}

// Splittable says whether ranges of the key can be read at once.
func (p *Pages) Splittable() bool { return len(p.Key) > 0 && p.Key[0].Integer }

// Ranges cuts the pages into n at most, by equal widths of the first key column
// between its least and its greatest value. The first is open below and the
// last above, so that every value is in one: rows that should not be there, too.
func (p *Pages) Ranges(least, greatest int64, n int) []*Pages {
	width := uint64(greatest) - uint64(least) //nolint:gosec // the difference of two int64 is a uint64
	if greatest < least || n < 2 || width < uint64(n) {
		return []*Pages{p}
	}
	step := width/uint64(n) + 1
	var list []*Pages
	var low *int64
	for from := uint64(0); from <= width; {
		part := *p
		part.Low = low
		left := width - from
		if from += step; left >= step {
			border := int64(uint64(least) + from) //nolint:gosec // wraps as it should
			part.High, low = &border, &border
		}
		list = append(list, &part)
		if left < step {
			break
		}
	}
	return list
}

// Label names the range.
func (p *Pages) Label() string {
	switch {
	case len(p.Key) == 0:
		return "whole, in one statement"
	case p.Low == nil && p.High == nil:
		return "whole, by key"
	case p.Low == nil:
		return fmt.Sprintf("%s below %d", p.Key[0].Name, *p.High)
	case p.High == nil:
		return fmt.Sprintf("%s from %d", p.Key[0].Name, *p.Low)
	}
	return fmt.Sprintf("%s from %d to %d", p.Key[0].Name, *p.Low, *p.High-1)
}

// BordersSQL asks for the least and the greatest value of the first key column.
func (p *Pages) BordersSQL() string {
	return fmt.Sprintf("SELECT min(%[1]s), max(%[1]s)%[2]s", p.Key[0].Name, p.from())
}
