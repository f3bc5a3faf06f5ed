package copier

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// repairKeys is how many rows one statement reads by key.
const repairKeys = 500

// readRows reads rows of the source again, whole, and hands each on with its
// fields as COPY TEXT has them. They are asked for by key; where the source does
// not find a row by the canonical text of its key, and of tables without a key,
// all rows are read, and those taken that are wanted.
func (r *repairer) readRows(ctx context.Context, t *ddlgen.Transfer, rows []RepairRow, take func(RepairRow, [][]byte) error) error {
	find, err := newRowFinder(t)
	if err != nil {
		return err
	}
	var rest []RepairRow
	for some := range slices.Chunk(rows, repairKeys) {
		where := find.where(some)
		if where == "" {
			rest = append(rest, some...)
			continue
		}
		find.want(some)
		if err := r.scan(ctx, t, where, find, take); err != nil {
			return err
		}
		rest = append(rest, find.missed()...)
	}
	if len(rest) == 0 {
		return nil
	}
	find.want(rest)
	if err := r.scan(ctx, t, "", find, take); err != nil {
		return err
	}
	if n := countRows(find.missed()); n > 0 {
		return fmt.Errorf("%d rows that differ are not found on the source in its snapshot: run the command again", n)
	}
	return nil
}

// scan reads all relations of a table.
func (r *repairer) scan(ctx context.Context, t *ddlgen.Transfer, where string, find *rowFinder, take func(RepairRow, [][]byte) error) error {
	exprs := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		exprs[i] = c.Select
	}
	for _, rel := range t.Relations {
		var conditions []string
		for _, c := range []string{where, t.WhereOf(rel)} {
			if c != "" {
				conditions = append(conditions, c)
			}
		}
		sql := fmt.Sprintf("COPY (SELECT %s FROM ONLY %s", strings.Join(exprs, ", "), quote.Name(rel.Schema, rel.Name))
		if len(conditions) > 0 {
			sql += " WHERE " + strings.Join(conditions, " AND ")
		}
		lines := &lineWriter{take: func(line []byte) error { return find.found(line, take) }}
		if _, err := r.source.PgConn().CopyTo(ctx, lines, sql+") TO STDOUT"); err != nil {
			if lines.err != nil {
				return lines.err // not the source's doing
			}
			return fmt.Errorf("reading rows of %s again on the source: %w", rel, &sourceError{err})
		}
	}
	return nil
}

// lineWriter hands lines on as they come.
type lineWriter struct {
	take func(line []byte) error
	open []byte
	err  error
}

// Write implements io.Writer.
func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for w.err == nil {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			w.open = append(w.open, p...)
			return n, nil
		}
		line := p[:end]
		if len(w.open) > 0 {
			line = append(w.open, line...)
		}
		w.err = w.take(line)
		w.open, p = w.open[:0], p[end+1:]
	}
	return 0, w.err
}

// rowFinder knows wanted rows again, by their key or else by their hash.
type rowFinder struct {
	t      *ddlgen.Transfer
	canon  *digest.RowCanon
	key    []int // fields of the key
	wanted map[string]RepairRow
}

func newRowFinder(t *ddlgen.Transfer) (*rowFinder, error) {
	forms := make([]digest.Canon, len(t.Columns))
	for i, c := range t.Columns {
		forms[i] = c.Canon
	}
	canon, err := digest.ForRow(forms)
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", t.Target, err)
	}
	f := &rowFinder{t: t, canon: canon}
	for _, name := range t.Key {
		f.key = append(f.key, slices.IndexFunc(t.Columns, func(c ddlgen.ColumnTransfer) bool { return c.Target == name }))
	}
	if slices.Contains(f.key, -1) { // a part of the key does not travel
		f.key = nil
	}
	return f, nil
}

func (f *rowFinder) want(rows []RepairRow) {
	f.wanted = make(map[string]RepairRow, len(rows))
	for _, r := range rows {
		name := f.name(r)
		if len(r.Key) == 0 { // copies that were refused one by one are wanted together
			r.Copies += f.wanted[name].Copies
		}
		f.wanted[name] = r
	}
}

// missed are the wanted rows that did not come.
func (f *rowFinder) missed() []RepairRow {
	list := make([]RepairRow, 0, len(f.wanted))
	for _, r := range f.wanted {
		list = append(list, r)
	}
	return list
}

// name is what a row is known by.
func (f *rowFinder) name(r RepairRow) string {
	if len(r.Key) == 0 {
		return fmt.Sprintf("%x %x", r.Hash[0], r.Hash[1])
	}
	var b strings.Builder
	for _, v := range r.Key {
		appendName(&b, v)
	}
	return b.String()
}

func appendName(b *strings.Builder, v *string) {
	if v == nil {
		b.WriteString("-")
		return
	}
	b.WriteString(strconv.Itoa(len(*v)) + ":" + *v)
}

// nameOf is what a line in canonical form is known by.
func (f *rowFinder) nameOf(line []byte) string {
	if len(f.key) == 0 {
		hi, lo := digest.Hash(line)
		return f.name(RepairRow{Hash: [2]uint64{hi, lo}})
	}
	fields := bytes.Split(line, []byte{'\t'})
	var b strings.Builder
	for _, k := range f.key {
		appendName(&b, plainField(fields[k]))
	}
	return b.String()
}

// plainField is a field of COPY TEXT without its escapes; nil is NULL.
func plainField(field []byte) *string {
	if string(field) == digest.Null {
		return nil
	}
	text := string(digest.AppendUnescaped(nil, field))
	return &text
}

// found hands a line on if it is wanted, as often as it is. Its fields are good
// until take returns.
func (f *rowFinder) found(line []byte, take func(RepairRow, [][]byte) error) error {
	name := f.nameOf(f.canon.Row(line))
	row, ok := f.wanted[name]
	if !ok {
		return nil
	}
	copies := row.Copies
	delete(f.wanted, name)
	var fields [][]byte
	if len(f.t.Columns) > 0 {
		fields = bytes.Split(line, []byte{'\t'})
	}
	row.Copies = 1
	for range copies {
		if err := take(row, fields); err != nil {
			return err
		}
	}
	return nil
}

// where asks for rows by their key. It is empty where the text of a key's column
// may not be what the source compares by.
func (f *rowFinder) where(rows []RepairRow) string {
	if len(f.key) == 0 {
		return ""
	}
	exprs := make([]string, len(f.key))
	for i, k := range f.key {
		c := f.t.Columns[k]
		if c.Canon != digest.Text && c.Select != quote.Ident(c.Source) {
			return ""
		}
		exprs[i] = "(" + c.Select + ")"
	}
	values := make([]string, len(rows))
	for i, r := range rows {
		literals := make([]string, len(r.Key))
		for n, v := range r.Key {
			literals[n] = literalOf(v)
		}
		values[i] = strings.Join(literals, ", ")
		if len(literals) > 1 {
			values[i] = "(" + values[i] + ")"
		}
	}
	left := strings.Join(exprs, ", ")
	if len(exprs) > 1 {
		left = "(" + left + ")"
	}
	return left + " IN (" + strings.Join(values, ", ") + ")"
}

func literalOf(v *string) string {
	if v == nil {
		return "NULL"
	}
	return quote.Literal(*v)
}
