package verify

import (
	"context"
	_ "embed" // queries
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify/digest"
)

//go:embed queries/rejects.sql
var rejectsSQL string

// Excused are rows of a table that are not as on the source, as was announced.
type Excused struct {
	Why    string `json:"why"`
	Column string `json:"column,omitempty"` // on the target
	Rows   int64  `json:"rows"`
}

// whyRejected is why a row that the target refused is excused.
const whyRejected = "refused by the target, and kept in _pg2db9.reject"

// excuses are the rows of one table that the target refused while it was copied,
// each of which excuses one row that is missing.
type excuses struct {
	rows  []excusedRow
	sum   digest.Sum // of all
	byRow map[[2]uint64][]int
	byKey map[string][]int
	used  int64
}

type excusedRow struct {
	hi, lo uint64
	key    string // as bucketing.appendKey gives it; empty is not known
	taken  bool
}

func (e *excuses) add(r excusedRow) {
	if e.byRow == nil {
		e.byRow, e.byKey = map[[2]uint64][]int{}, map[string][]int{}
	}
	at := [2]uint64{r.hi, r.lo}
	e.byRow[at] = append(e.byRow[at], len(e.rows))
	if r.key != "" {
		e.byKey[r.key] = append(e.byKey[r.key], len(e.rows))
	}
	e.rows = append(e.rows, r)
	var one digest.Sum
	one.AddHash(r.hi, r.lo)
	e.sum.Merge(one)
}

// take says how many of the copies of a row that is missing are excused.
func (e *excuses) take(r *row, copies int64) (n int64) {
	if e == nil {
		return 0
	}
	for _, list := range [][]int{e.byRow[[2]uint64{r.hi, r.lo}], e.byKey[string(r.key)]} {
		for _, i := range list {
			if x := &e.rows[i]; n < copies && !x.taken {
				x.taken = true
				n++
			}
		}
	}
	e.used += n
	return n
}

func (e *excuses) taken() int64 {
	if e == nil {
		return 0
	}
	return e.used
}

func (e *excuses) list() []Excused {
	if e.taken() == 0 {
		return nil
	}
	return []Excused{{Why: whyRejected, Rows: e.used}}
}

// explain says whether the sums differ by exactly the refused rows: then all of
// them are excused, and no row has to be looked for.
func (e *excuses) explain(source, target digest.Sum) bool {
	if e == nil || len(e.rows) == 0 {
		return false
	}
	source.Less(e.sum)
	if source != target {
		return false
	}
	e.used = int64(len(e.rows))
	return true
}

type rejectRow struct {
	Schema  string  `db:"target_schema"`
	Table   string  `db:"target_name"`
	Digest  string  `db:"digest"`
	Columns string  `db:"columns"`
	Bytes   *string `db:"bytes"` // hexadecimal
}

// readRejects reads the rows that the target refused, of the last run of each
// table. A target without a ledger has none.
func (v *run) readRejects(ctx context.Context, comparisons []*comparison) error {
	if v.p.Copied != nil { // the copier's account has left them out
		return nil
	}
	list, err := v.askRejects(ctx)
	if class := dial.Classify(err); (class == dial.Lost || class == dial.Retry) && ctx.Err() == nil {
		list, err = v.askRejects(ctx)
	}
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName, pgerrcode.UndefinedColumn, pgerrcode.InsufficientPrivilege:
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the rows that the target refused while it was copied: %w", err)
	}
	tables := map[catalog.Name]*comparison{}
	for _, c := range comparisons {
		tables[c.transfer.Target] = c
	}
	for _, r := range list {
		c := tables[catalog.Name{Schema: r.Schema, Name: r.Table}]
		if c == nil {
			continue
		}
		one, err := digest.Parse(1, r.Digest)
		if err != nil {
			return fmt.Errorf("a row in _pg2db9.reject: %w", err)
		}
		if c.excused == nil {
			c.excused = &excuses{}
		}
		c.excused.add(excusedRow{hi: one.Hi, lo: one.Lo, key: rejectKey(c, r)})
	}
	return nil
}

func (v *run) askRejects(ctx context.Context) (list []rejectRow, err error) {
	s, err := v.target.get(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.conn.Query(ctx, rejectsSQL, pgx.QueryExecModeSimpleProtocol)
	if err == nil {
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[rejectRow])
	}
	if s.conn.IsClosed() {
		v.target.drop(s)
	} else {
		v.target.put(s)
	}
	return list, err
}

// rejectKey is the key of a refused row, where its columns are those that travel.
func rejectKey(c *comparison, r rejectRow) string {
	var columns []struct{ Name string }
	if r.Bytes == nil || json.Unmarshal([]byte(r.Columns), &columns) != nil || len(columns) != len(c.transfer.Columns) {
		return ""
	}
	for i, column := range columns {
		if column.Name != c.transfer.Columns[i].Target {
			return ""
		}
	}
	canon, err := digest.ForRow(c.canons)
	if err != nil {
		return ""
	}
	b := &bucketing{keys: keyFields(c.transfer)}
	return string(b.appendKey(nil, canon.Row(unhex(*r.Bytes))))
}

func unhex(s string) []byte {
	s = strings.TrimPrefix(s, `\x`)
	out := make([]byte, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		out = append(out, digitOf(s[i])<<4|digitOf(s[i+1]))
	}
	return out
}

// countLosses counts the rows of each table that its transfers change as
// announced: their canonical forms excuse them, and nothing else.
func (v *run) countLosses(ctx context.Context, c *comparison) ([]Excused, error) {
	t := c.transfer
	var list []Excused
	var counts []string
	for _, column := range t.Columns {
		for _, a := range column.Affected {
			if a.Refused {
				continue
			}
			list = append(list, Excused{Why: a.What, Column: column.Target})
			counts = append(counts, "pg_catalog.count(*) FILTER (WHERE "+a.Where+")")
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	for _, relation := range t.Relations {
		sql := "SELECT " + strings.Join(counts, ", ") + " FROM ONLY " + quote.Name(relation.Schema, relation.Name)
		if where := t.WhereOf(relation); where != "" {
			sql += " WHERE " + where
		}
		s, err := v.source.get(ctx)
		if err != nil {
			return nil, err
		}
		results, err := s.conn.PgConn().Exec(ctx, sql).ReadAll()
		if err == nil && (len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != len(list)) {
			err = fmt.Errorf("%w: a row of counts", errProtocol)
		}
		if err != nil {
			v.source.drop(s)
			return nil, fmt.Errorf("counting the announced losses of %s: %w", relation, err)
		}
		v.source.put(s)
		for i, text := range results[0].Rows[0] {
			list[i].Rows += int64(max(0, number(text)))
		}
	}
	var some []Excused
	for _, e := range list {
		if e.Rows > 0 {
			some = append(some, e)
		}
	}
	return some, nil
}

// lossy says whether a transfer changes values as announced.
func lossy(t *ddlgen.Transfer) bool {
	for _, c := range t.Columns {
		for _, a := range c.Affected {
			if !a.Refused {
				return true
			}
		}
	}
	return false
}
