package verify

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

// pages is how a table is read by SELECT: in the order of its key, a bounded
// number of rows a statement, each statement beginning behind the last key of
// the one before. Without a key it is one statement.
type pages struct {
	table  catalog.Name
	only   bool     // read without the rows of its children
	exprs  []string // what is digested
	key    []keyColumn
	extra  []string // key columns that are not among exprs, selected behind them
	low    *int64   // the first key column is at least this; nil is open
	high   *int64   // and below this; nil is open
	rowLen int64    // bytes of COPY TEXT that a row has, as far as known; 0 is not known
}

// keyColumn is a column of the key.
type keyColumn struct {
	name    string // quoted
	integer bool   // its values are written as they are, others as quoted text
	field   int    // its place in the rows
}

// newPages plans the pages of a transfer's target.
func newPages(t *ddlgen.Transfer, only bool) *pages {
	p := &pages{table: t.Target, only: only}
	for _, c := range t.Columns {
		p.exprs = append(p.exprs, c.ReadBack)
	}
	for _, name := range t.Key {
		k := keyColumn{name: quote.Ident(name)}
		k.field = slices.Index(p.exprs, k.name)
		if k.field < 0 {
			k.field = len(p.exprs) + len(p.extra)
			p.extra = append(p.extra, k.name)
		}
		if i := slices.IndexFunc(t.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Target == name }); i >= 0 {
			switch t.Columns[i].TargetType {
			case "smallint", "integer", "bigint":
				k.integer = true
			}
		}
		p.key = append(p.key, k)
	}
	if len(p.exprs)+len(p.extra) == 0 { // a table without columns has rows too
		p.extra = []string{"NULL"}
	}
	return p
}

// position is a place between two rows in the order of the key: behind every
// row that begins with the same level-1 values and is not greater in the next.
// The zero position is before all rows.
type position struct {
	key   []string // values of the last row that was digested, as text
	level int      // of the key's columns, how many are held against key; counts down to 1
}

// next is the position after a page of so many rows, of which last is the last
// one's key; done says that no row can follow.
func (p *pages) next(at position, rows, limit int64, last []string) (_ position, done bool) {
	switch {
	case len(p.key) == 0:
		return at, true
	case rows >= limit:
		return position{key: last, level: len(p.key)}, false
	case at.level <= 1:
		return at, true
	}
	return position{key: at.key, level: at.level - 1}, false
}

// sql is the statement for the page behind a position, of at most limit rows.
//
// Rows behind (a, b) are read by two statements, k1 = a AND k2 > b and then
// k1 > a, not by one: row comparison is not known of every target, and an OR of
// the two is a scan from the index's begin to most planners.
func (p *pages) sql(at position, limit int64) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	b.WriteString(strings.Join(slices.Concat(p.exprs, p.extra), ", "))
	b.WriteString(p.from())
	if where := p.where(at); len(where) > 0 {
		b.WriteString(" WHERE ")
		b.WriteString(strings.Join(where, " AND "))
	}
	if len(p.key) > 0 {
		b.WriteString(" ORDER BY ")
		for i, k := range p.key {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(k.name)
		}
		fmt.Fprintf(&b, " LIMIT %d", limit)
	}
	return b.String()
}

// borderSQL is the statement for the rows at a position that a page ended at:
// two of them say that the key is not unique there, and that the second may
// have been cut off by the page's LIMIT. It is empty where no page ended.
func (p *pages) borderSQL(at position) string {
	if at.level == 0 || at.level < len(p.key) {
		return ""
	}
	equal := make([]string, len(p.key))
	for i, k := range p.key {
		equal[i] = k.name + " = " + k.literal(at.key[i])
	}
	return "SELECT " + p.key[0].name + p.from() + " WHERE " + strings.Join(equal, " AND ") + " LIMIT 2"
}

func (p *pages) from() string {
	only := ""
	if p.only {
		only = "ONLY "
	}
	return " FROM " + only + quote.Name(p.table.Schema, p.table.Name)
}

func (p *pages) where(at position) []string {
	var all []string
	if at.level == 0 && p.low != nil {
		all = append(all, fmt.Sprintf("%s >= %s", p.key[0].name, integerLiteral(*p.low)))
	}
	for i := range at.level {
		op := "="
		if i == at.level-1 {
			op = ">"
		}
		all = append(all, fmt.Sprintf("%s %s %s", p.key[i].name, op, p.key[i].literal(at.key[i])))
	}
	if at.level <= 1 && p.high != nil {
		all = append(all, fmt.Sprintf("%s < %s", p.key[0].name, integerLiteral(*p.high)))
	}
	return all
}

func (k keyColumn) literal(value string) string {
	if n, err := strconv.ParseInt(value, 10, 64); k.integer && err == nil {
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

// splittable says whether ranges of the key can be read at once.
func (p *pages) splittable() bool { return len(p.key) > 0 && p.key[0].integer }

// ranges cuts the pages into n at most, by equal widths of the first key column
// between its least and its greatest value. The first is open below and the
// last above, so that every value is in one: rows that should not be there, too.
func (p *pages) ranges(least, greatest int64, n int) []*pages {
	width := uint64(greatest) - uint64(least) //nolint:gosec // the difference of two int64 is a uint64
	if greatest < least || n < 2 || width < uint64(n) {
		return []*pages{p}
	}
	step := width/uint64(n) + 1
	var list []*pages
	var low *int64
	for from := uint64(0); from <= width; {
		part := *p
		part.low = low
		left := width - from
		if from += step; left >= step {
			border := int64(uint64(least) + from) //nolint:gosec // wraps as it should
			part.high, low = &border, &border
		}
		list = append(list, &part)
		if left < step {
			break
		}
	}
	return list
}

// label names the range.
func (p *pages) label() string {
	switch {
	case len(p.key) == 0:
		return "whole, in one statement"
	case p.low == nil && p.high == nil:
		return "whole, by key"
	case p.low == nil:
		return fmt.Sprintf("%s below %d", p.key[0].name, *p.high)
	case p.high == nil:
		return fmt.Sprintf("%s from %d", p.key[0].name, *p.low)
	}
	return fmt.Sprintf("%s from %d to %d", p.key[0].name, *p.low, *p.high-1)
}

func (p *pages) bordersSQL() string {
	return fmt.Sprintf("SELECT min(%[1]s), max(%[1]s)%[2]s", p.key[0].name, p.from())
}
