package copier

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// KeyRange is a range of a relation's unique key, whose columns are NOT NULL:
// the rows at Lower or above it and below Upper, in the order of the key's index,
// that is of the columns' own collations on the source. A bound may name fewer
// values than the key has columns; then it is before all rows that begin so.
type KeyRange struct {
	Columns []string // of the relation, in the key's order
	Lower   []string // values as text; nil: from the first row
	Upper   []string // nil: to the last
}

// String says for people which rows the range holds.
func (r *KeyRange) String() string {
	list := func(values []string) string {
		short := make([]string, len(values))
		for i, v := range values {
			short[i] = fmt.Sprintf("%.40s", v)
		}
		return "(" + strings.Join(short, ", ") + ")"
	}
	s := "keys (" + strings.Join(r.Columns, ", ") + ")"
	if r.Lower != nil {
		s += " from " + list(r.Lower)
	}
	if r.Upper != nil {
		s += " below " + list(r.Upper)
	}
	return s
}

// where are the conditions that the rows of the range meet, and order is what
// they are ordered by: by all of the key, so that a part that is read again comes
// in the same order. The columns are named with their table: a bare name in ORDER
// BY would be the column that goes out, which may be another expression.
func (r *KeyRange) where(table string) (conditions []string) {
	for _, b := range []struct {
		op     string
		values []string
	}{{">=", r.Lower}, {"<", r.Upper}} {
		if b.values == nil {
			continue
		}
		columns, values := make([]string, len(b.values)), make([]string, len(b.values))
		for i, v := range b.values {
			// Without a type: it becomes the column's own, and compares as that does.
			columns[i], values[i] = keyColumn(table, r.Columns[i]), strings.TrimSpace(quote.Literal(v))
		}
		left, right := columns[0], values[0]
		if len(columns) > 1 {
			left, right = "ROW("+strings.Join(columns, ", ")+")", "ROW("+strings.Join(values, ", ")+")"
		}
		conditions = append(conditions, left+" "+b.op+" "+right)
	}
	return conditions
}

func (r *KeyRange) order(table string) string {
	columns := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		columns[i] = keyColumn(table, c)
	}
	return strings.Join(columns, ", ")
}

func keyColumn(table, column string) string { return quote.Ident(table) + "." + quote.Ident(column) }

// The ledger keeps each bound of a range as [["column", "value"], …], with null
// for a value that the bound does not name. A part's row tells all of it then.

// boundText writes a bound for the ledger; ok is false where it is open.
func boundText(columns, values []string) (text string, ok bool) {
	if values == nil {
		return "", false
	}
	pairs := make([][2]*string, len(columns))
	for i := range columns {
		pairs[i][0] = &columns[i]
		if i < len(values) {
			pairs[i][1] = &values[i]
		}
	}
	b, err := json.Marshal(pairs)
	if err != nil {
		panic(err) // texts can be written
	}
	return string(b), true
}

// readBound reads what boundText wrote.
func readBound(text string) (columns, values []string, err error) {
	var pairs [][2]*string
	if err := json.Unmarshal([]byte(text), &pairs); err != nil {
		return nil, nil, fmt.Errorf("a part's bound %.80q in _pg2db9.part cannot be read: %w", text, err)
	}
	for i, p := range pairs {
		switch {
		case p[0] == nil || i == 0 && p[1] == nil || p[1] != nil && len(values) < i:
			return nil, nil, fmt.Errorf("a part's bound %.80q in _pg2db9.part cannot be read: it names no value, or no column", text)
		case p[1] != nil:
			values = append(values, *p[1])
		}
		columns = append(columns, *p[0])
	}
	if len(columns) == 0 {
		return nil, nil, fmt.Errorf("a part's bound %.80q in _pg2db9.part cannot be read: it is empty", text)
	}
	return columns, values, nil
}

// readRange reads the two bounds of a part's row; nil where both are open.
func readRange(lower, upper *string) (*KeyRange, error) {
	if lower == nil && upper == nil {
		return nil, nil //nolint:nilnil // no range is a kind of part
	}
	r := &KeyRange{}
	var err error
	if lower != nil {
		if r.Columns, r.Lower, err = readBound(*lower); err != nil {
			return nil, err
		}
	}
	if upper != nil {
		if r.Columns, r.Upper, err = readBound(*upper); err != nil {
			return nil, err
		}
	}
	return r, nil
}
