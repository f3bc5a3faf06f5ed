package copier

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// removals collects the rows of the target that a batch takes away.
//
// Where the target is PostgreSQL they are named by their place: its keys are
// often made only after the rows, and without one each DELETE by key would read
// the whole table. The transaction that read the places is open still, so no
// other row can have taken one. Elsewhere they are named by their key, in the
// one form that every planner answers by its index: equal in the first columns
// of the key, in a list in the last.
type removals struct {
	table  string
	key    []keyset.Column
	placed bool

	rows       int64
	bytes      int64 // of the statements, about
	places     strings.Builder
	statements []string // by key: finished ones, without the condition that all have
	equal      string   // by key: what the rows of the open statement have in common
	last       []string // by key: the open statement's values of the last column
}

// mostKeys is how many rows one DELETE by key names.
const mostKeys = 500

func newRemovals(t *ddlgen.Transfer, placed bool) *removals {
	r := &removals{table: quote.Name(t.Target.Schema, t.Target.Name), key: keyset.New(t, false).Key, placed: placed}
	return r
}

// add names a row to take away.
func (r *removals) add(row *keyedRow) {
	r.rows++
	if r.placed {
		if r.places.Len() > 0 {
			r.places.WriteByte(',')
		}
		r.places.WriteByte('"')
		r.places.Write(row.place)
		r.places.WriteByte('"')
		r.bytes += int64(len(row.place)) + int64(len(`"",`))
		return
	}
	literals := make([]string, len(r.key))
	for i, k := range r.key {
		literals[i] = k.Literal(string(digest.AppendUnescaped(nil, row.values[i])))
	}
	var equal strings.Builder
	for i, k := range r.key[:len(r.key)-1] {
		equal.WriteString(k.Name + " = " + literals[i] + " AND ")
	}
	if equal.String() != r.equal || len(r.last) == mostKeys {
		r.cut()
		r.equal = equal.String()
		r.bytes += int64(len(r.table) + len(r.equal) + 300) // with the condition that all have
	}
	r.last = append(r.last, literals[len(literals)-1])
	r.bytes += int64(len(literals[len(literals)-1]) + len(", "))
}

// cut ends the open statement by key.
func (r *removals) cut() {
	if len(r.last) > 0 {
		r.statements = append(r.statements, fmt.Sprintf("DELETE FROM %s WHERE %s%s IN (%s)", r.table, r.equal, r.key[len(r.key)-1].Name, strings.Join(r.last, ", ")))
	}
	r.last, r.equal = nil, ""
}

// sql is the statements, each under a condition.
func (r *removals) sql(condition string) []string {
	if r.rows > 0 && r.placed {
		return []string{fmt.Sprintf("DELETE FROM ONLY %s WHERE ctid = ANY ('{%s}'::pg_catalog.tid[]) AND %s", r.table, r.places.String(), condition)}
	}
	r.cut()
	list := make([]string, len(r.statements))
	for i, s := range r.statements {
		list[i] = s + " AND " + condition
	}
	return list
}

func (r *removals) reset() {
	r.rows, r.bytes, r.statements, r.last, r.equal = 0, 0, nil, nil, ""
	r.places.Reset()
}
