package verify

import (
	"bytes"
	"math/big"
	"strings"
	"time"
	"unicode"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// columnTallies count what changed, column by column, and what all changes of a
// column have in common.
type columnTallies struct {
	transfer *ddlgen.Transfer
	columns  []columnTally
}

type columnTally struct {
	rows int64
	hows []string // those that hold of every change so far
}

func newColumnTallies(t *ddlgen.Transfer) *columnTallies {
	return &columnTallies{transfer: t, columns: make([]columnTally, len(t.Columns))}
}

// add takes two rows of one key.
func (c *columnTallies) add(source, target *row) {
	a, b := source.cells(len(c.columns)), target.cells(len(c.columns))
	for i := range c.columns {
		if a[i].equal(b[i]) {
			continue
		}
		t := &c.columns[i]
		t.rows++
		if t.rows > 1 && len(t.hows) == 0 {
			continue // nothing can come back
		}
		hows := changesOf(a[i], b[i])
		if t.rows == 1 {
			t.hows = hows
			continue
		}
		kept := t.hows[:0]
		for _, h := range t.hows {
			for _, o := range hows {
				if h == o {
					kept = append(kept, h)
				}
			}
		}
		t.hows = kept
	}
}

// list is the tally for the report, columns in their order.
func (c *columnTallies) list() []ColumnTally {
	var list []ColumnTally
	for i, t := range c.columns {
		if t.rows == 0 {
			continue
		}
		how := ""
		if len(t.hows) > 0 {
			how = t.hows[0]
		}
		list = append(list, ColumnTally{Column: c.transfer.Columns[i].Target, Rows: t.rows, How: how})
	}
	return list
}

// changesOf says in which ways a value became another, the most telling first.
func changesOf(a, b cell) []string {
	switch {
	case b.null():
		return []string{"to NULL"}
	case a.null():
		return []string{"from NULL"}
	case !a.whole || !b.whole:
		if b.length < a.length && b.whole && bytes.HasPrefix(a.text, b.text[:min(len(a.text), len(b.text))]) {
			return []string{"cut off"}
		}
		return nil
	}
	x, y := string(plain(a)), string(plain(b))
	var hows []string
	if how := momentChange(x, y); how != nil {
		return how
	}
	if how := numberChange(x, y); how != nil {
		return how
	}
	if y == "" {
		hows = append(hows, "emptied")
	}
	if strings.TrimRight(x, " ") == strings.TrimRight(y, " ") {
		if len(y) < len(x) {
			hows = append(hows, "trailing blanks lost")
		} else {
			hows = append(hows, "padded with blanks")
		}
	}
	if strings.TrimSpace(x) == y {
		hows = append(hows, "trimmed")
	}
	switch {
	case x == y:
	case y == strings.ToLower(x):
		hows = append(hows, "lower case")
	case y == strings.ToUpper(x):
		hows = append(hows, "upper case")
	case strings.EqualFold(x, y):
		hows = append(hows, "case")
	}
	if strings.Contains(y, "\uFFFD") && !strings.Contains(x, "\uFFFD") {
		hows = append(hows, "characters replaced")
	}
	if y != "" && len(y) < len(x) && strings.HasPrefix(x, y) {
		hows = append(hows, "cut off")
	}
	if len(x) > 0 && len(y) > len(x) && strings.HasPrefix(y, x) {
		hows = append(hows, "lengthened")
	}
	if squeezed(x) == squeezed(y) {
		hows = append(hows, "blanks")
	}
	return hows
}

func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// numberChange compares numbers; nil where one is none.
func numberChange(x, y string) []string {
	if !looksNumeric(x) || !looksNumeric(y) {
		return nil
	}
	a, ok := new(big.Rat).SetString(x)
	b, ok2 := new(big.Rat).SetString(y)
	if !ok || !ok2 {
		return nil
	}
	hows := []string{}
	scale := fraction(y)
	if scale > 0 { // 14.30 was rounded to one digit
		scale = fraction(strings.TrimRight(y, "0"))
	}
	if a.Cmp(b) == 0 {
		return append(hows, "scale")
	}
	if fraction(x) > scale {
		if r, ok := new(big.Rat).SetString(a.FloatString(scale)); ok && r.Cmp(b) == 0 {
			hows = append(hows, "rounded")
		}
		if r, ok := new(big.Rat).SetString(x[:len(x)-fraction(x)+scale]); ok && !strings.ContainsAny(x, "eE") && r.Cmp(b) == 0 {
			hows = append(hows, "digits cut off")
		}
	}
	if new(big.Rat).Neg(a).Cmp(b) == 0 {
		hows = append(hows, "sign")
	}
	if b.Sign() == 0 {
		hows = append(hows, "to 0")
	}
	d := new(big.Rat).Sub(b, a)
	if d.IsInt() && d.Num().IsInt64() {
		text := d.Num().String()
		if d.Sign() > 0 {
			text = "+" + text
		}
		hows = append(hows, "by "+text)
	}
	return hows
}

// mostDigits is the length of a number that is worth the arithmetic.
const mostDigits = 400

func looksNumeric(s string) bool {
	if s == "" || len(s) > mostDigits {
		return false
	}
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9', c == '.':
		case c == '-' && i == 0:
		case (c == 'e' || c == 'E') && i > 0 && len(s) < 30:
		case (c == '-' || c == '+') && i > 0 && (s[i-1] == 'e' || s[i-1] == 'E'):
		default:
			return false
		}
	}
	return true
}

// fraction is the number of digits behind the point.
func fraction(s string) int {
	if strings.ContainsAny(s, "eE") {
		return 0
	}
	_, f, _ := strings.Cut(s, ".")
	return len(f)
}

// momentChange compares moments; nil where one is none.
func momentChange(x, y string) []string {
	if len(x) < 10 || len(y) < 10 || x[4] != '-' || y[4] != '-' {
		return nil
	}
	a, ok := momentPosition([]byte(x))
	b, ok2 := momentPosition([]byte(y))
	if !ok || !ok2 {
		return nil
	}
	hows := []string{}
	d := time.Duration(b-a) * time.Microsecond //nolint:gosec // wraps as it should
	digits := fraction(strings.TrimSuffix(y, "+00"))
	if fraction(strings.TrimSuffix(x, "+00")) > digits {
		unit := time.Second
		for range digits {
			unit /= 10
		}
		if d.Abs() <= unit/2 {
			hows = append(hows, "rounded")
		}
		if a-a%uint64(unit.Microseconds()) == b { //nolint:gosec // positive
			hows = append(hows, "digits cut off")
		}
	}
	return append(hows, "by "+shiftText(d))
}

func shiftText(d time.Duration) string {
	if d > 0 {
		return "+" + d.String()
	}
	return d.String()
}
