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
	Schema, Table, Digest, Columns string

	Bytes *string // hexadecimal; nil where only the hash is asked for
}

// readRejects reads the rows that the target refused, of the last run of each
// table. A target without a ledger has none.
func (v *run) readRejects(ctx context.Context, comparisons []*comparison) error {
	if v.p.Copied != nil { // the copier's account has left them out
		return nil
	}
	found, err := v.askRejects(ctx, comparisons)
	if class := dial.Classify(err); (class == dial.Lost || class == dial.Retry) && ctx.Err() == nil {
		found, err = v.askRejects(ctx, comparisons)
	}
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName, pgerrcode.UndefinedColumn, pgerrcode.InsufficientPrivilege:
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the rows that the target refused while it was copied: %w", err)
	}
	for c, e := range found {
		c.excused = e
	}
	return nil
}

// askRejects reads the refused rows of the tables that are compared, each reduced
// to its hash and its key as it passes. Keys, and so the rows themselves, are asked
// for only where rows are looked for.
func (v *run) askRejects(ctx context.Context, comparisons []*comparison) (map[*comparison]*excuses, error) {
	tables, names := map[catalog.Name]*comparison{}, []string{}
	for _, c := range comparisons {
		tables[c.transfer.Target] = c
		names = append(names, strings.TrimSpace(quote.Literal(c.transfer.Target.Name)))
	}
	bytes := "CAST(NULL AS text)"
	if v.p.Level.has(LevelRows) {
		bytes = "pg_catalog.encode(j.bytes, 'hex')"
	}
	sql := strings.NewReplacer("/* bytes */", bytes, "/* names */", strings.Join(compacted(names), ", ")).Replace(rejectsSQL)
	s, err := v.target.get(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { //nolint:contextcheck // closing has a deadline of its own
		if s.conn.IsClosed() {
			v.target.drop(s)
		} else {
			v.target.put(s)
		}
	}()
	rows, err := s.conn.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	found := map[*comparison]*excuses{}
	var r rejectRow
	_, err = pgx.ForEachRow(rows, []any{&r.Schema, &r.Table, &r.Digest, &r.Columns, &r.Bytes}, func() error {
		c := tables[catalog.Name{Schema: r.Schema, Name: r.Table}]
		if c == nil {
			return nil
		}
		one, err := digest.Parse(1, r.Digest)
		if err != nil {
			return fmt.Errorf("a row in _pg2db9.reject: %w", err)
		}
		if found[c] == nil {
			found[c] = &excuses{}
		}
		found[c].add(excusedRow{hi: one.Hi, lo: one.Lo, key: rejectKey(c, r)})
		return nil
	})
	return found, err
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
