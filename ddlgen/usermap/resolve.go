package usermap

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// nameBytes is the length that a name may have, in bytes, on PostgreSQL and DB9.
const nameBytes = 63

// Resolve holds a Spec against the model of a source, and gives what applies to
// the selected part of it: what is asked of a table that is not selected is no
// mistake, and does nothing. Everything that can be known from the model alone
// is checked; errors are *Error, the first in the order of the file.
func Resolve(s *Spec, whole, selected *catalog.Database) (*Mapping, error) {
	if s.Empty() {
		return nil, nil //nolint:nilnil // nothing is mapped
	}
	r := newResolver(whole, selected)
	for _, step := range []func(*Spec) error{r.schemas, r.tableNames, r.excluded, r.columns, r.types, r.noData, r.rows} {
		if err := step(s); err != nil {
			return nil, err
		}
	}
	r.inherit()
	if err := r.extra(s); err != nil {
		return nil, err
	}
	if err := r.keys(); err != nil {
		return nil, err
	}
	m := r.mapping()
	if err := r.collisions(m); err != nil {
		return nil, err
	}
	return m, nil
}

// resolver is one Resolve under way.
type resolver struct {
	whole, db *catalog.Database
	at        map[catalog.Name]*catalog.Table // of the whole model
	in        map[catalog.Name]bool           // selected
	refs      []catalog.TableRef
	schema    map[string]Schema
	table     map[catalog.Name]*work
}

// work is what is asked of one table.
type work struct {
	t       *catalog.Table
	to      catalog.Name
	place   string
	noData  string
	where   string
	rows    string
	ownRows bool // said of the table itself, not of one above it
	columns map[string]*wish
	extra   []Extra
}

// wish is what is asked of one column.
type wish struct {
	column  *catalog.Column
	place   string
	to      string
	exclude bool
	keys    bool
	typ     *Type
	sel     string
	loss    string
	two     *[2]Column
	general bool // by its type alone: a wish for the column itself counts more
}

func newResolver(whole, db *catalog.Database) *resolver {
	r := &resolver{
		whole: whole, db: db, at: map[catalog.Name]*catalog.Table{}, in: map[catalog.Name]bool{},
		schema: map[string]Schema{}, table: map[catalog.Name]*work{},
	}
	for i := range whole.Tables {
		t := &whole.Tables[i]
		r.at[t.Name] = t
		ref := catalog.TableRef{Name: t.Name, Kind: t.Kind, IsPartition: t.IsPartition}
		if t.IsPartition && len(t.Inherits) > 0 {
			ref.Parent = &t.Inherits[0]
		}
		r.refs = append(r.refs, ref)
	}
	for i := range db.Tables { // as selected: a partition may stand alone there
		t := &db.Tables[i]
		r.at[t.Name], r.in[t.Name] = t, true
	}
	return r
}

func (r *resolver) work(n catalog.Name) *work {
	w := r.table[n]
	if w == nil {
		w = &work{t: r.at[n], to: n, columns: map[string]*wish{}}
		if s, ok := r.schema[n.Schema]; ok {
			w.to.Schema = s.Target
		}
		r.table[n] = w
	}
	return w
}

func fail(place, format string, args ...any) error {
	return &Error{Where: place, Reason: fmt.Sprintf(format, args...)}
}

func checkName(place, name string) error {
	switch {
	case name == "":
		return fail(place, "the name is empty")
	case len(name) > nameBytes:
		return fail(place, "the name %q has %d bytes; %d are allowed", name, len(name), nameBytes)
	case strings.ContainsRune(name, 0):
		return fail(place, "the name holds a zero byte")
	}
	return nil
}

func checkSchema(place, name string) error {
	if strings.HasPrefix(name, "pg_") || name == "information_schema" || name == "_pg2db9" {
		return fail(place, "schema %s is not the user's to write to", name)
	}
	return checkName(place, name)
}

func (r *resolver) schemas(s *Spec) error {
	for _, w := range s.Schemas {
		from, err := parseName(w.From)
		if err != nil || len(from) != 1 {
			return fail(w.Where, "%s is not the name of a schema", w.From)
		}
		to, err := parseName(w.To)
		if err != nil || len(to) != 1 {
			return fail(w.Where, "%s is not the name of a schema", w.To)
		}
		if !slices.ContainsFunc(r.whole.Schemas, func(x catalog.Schema) bool { return x.Name == from[0] }) {
			return fail(w.Where, "the source has no schema %s", from[0])
		}
		if err := checkSchema(w.Where, to[0]); err != nil {
			return err
		}
		if old, twice := r.schema[from[0]]; twice {
			return fail(w.Where, "schema %s is mapped twice, also in %s", from[0], old.Place)
		}
		if from[0] != to[0] {
			r.schema[from[0]] = Schema{Source: from[0], Target: to[0], Place: w.Where}
		}
	}
	return nil
}

// find is the table of that name; of a name without a schema there must be one.
func (r *resolver) find(place, text string) (*catalog.Table, error) {
	parts, err := parseName(text)
	if err != nil || len(parts) > 2 {
		return nil, fail(place, "%s is not the name of a table", text)
	}
	if len(parts) == 2 {
		n := catalog.Name{Schema: parts[0], Name: parts[1]}
		if t := r.at[n]; t != nil {
			return t, nil
		}
		return nil, r.noTable(place, n)
	}
	var found []*catalog.Table
	for i := range r.whole.Tables {
		if t := &r.whole.Tables[i]; t.Name.Name == parts[0] {
			found = append(found, r.at[t.Name])
		}
	}
	switch len(found) {
	case 0:
		return nil, r.noTable(place, catalog.Name{Name: parts[0]})
	case 1:
		return found[0], nil
	}
	return nil, fail(place, "there is a table %s in several schemas: name the schema as well", parts[0])
}

func (r *resolver) noTable(place string, n catalog.Name) error {
	for _, v := range r.whole.Views {
		if v.Name == n {
			return fail(place, "%s is a view: only tables can be mapped", n)
		}
	}
	_, err := catalog.MatchTables(catalog.Pattern(n), place, r.refs)
	var near *catalog.UnmatchedPatternError
	if errors.As(err, &near) && len(near.Near) > 0 {
		return fail(place, "the source has no table %s; did you mean %s?", n, strings.Join(near.Near, " or "))
	}
	return fail(place, "the source has no table %s", n)
}

func (r *resolver) tableNames(s *Spec) error {
	for _, w := range s.Tables {
		t, err := r.find(w.Where, w.Table)
		if err != nil {
			return err
		}
		if w.To == "" || !r.in[t.Name] {
			continue
		}
		to, err := parseName(w.To)
		if err != nil || len(to) > 2 {
			return fail(w.Where, "%s is not the name of a table", w.To)
		}
		x := r.work(t.Name)
		if x.place != "" {
			return fail(w.Where, "table %s is named twice, also in %s", t.Name, x.place)
		}
		if len(to) == 2 {
			if err := checkSchema(w.Where, to[0]); err != nil {
				return err
			}
			x.to.Schema = to[0]
		}
		x.to.Name = to[len(to)-1]
		if err := checkName(w.Where, x.to.Name); err != nil {
			return err
		}
		x.place = w.Where
	}
	return nil
}

// place is where a pattern's complaint belongs to, as catalog writes it.
func (r *resolver) pattern(place string, err error) error {
	var unmatched *catalog.UnmatchedPatternError
	var bad *catalog.PatternError
	switch {
	case errors.As(err, &unmatched):
		msg := fmt.Sprintf("%s matches nothing", unmatched.Pattern)
		if len(unmatched.Near) > 0 {
			msg += "; did you mean " + strings.Join(unmatched.Near, " or ") + "?"
		}
		return &Error{Where: place, Reason: msg, Err: err}
	case errors.As(err, &bad):
		return &Error{Where: place, Reason: fmt.Sprintf("%s cannot be read: %v", bad.Pattern, bad.Err), Err: err}
	}
	return err
}

func (r *resolver) excluded(s *Spec) error {
	for _, w := range s.Exclude {
		found, err := catalog.MatchColumns(w.Pattern, w.Where, r.whole.Tables)
		if err != nil {
			return r.pattern(w.Where, err)
		}
		chosen := map[catalog.ColumnRef]bool{}
		for _, c := range found {
			chosen[c] = true
		}
		for _, c := range found {
			if !r.in[c.Table] {
				continue
			}
			if up, ok := r.above(c.Table, c.Column); ok {
				if !chosen[catalog.ColumnRef{Table: up, Column: c.Column}] {
					return fail(w.Where, "column %s of %s comes from %s: it stays behind there, with all below, or not at all", c.Column, c.Table, up)
				}
				continue
			}
			x := r.work(c.Table)
			if old := x.columns[c.Column]; old != nil {
				old.keys = old.keys || w.Keys
				continue
			}
			x.columns[c.Column] = &wish{column: columnOf(x.t, c.Column), place: w.Where, exclude: true, keys: w.Keys}
		}
	}
	return nil
}

// above is the table that a column of a partition or child comes from.
func (r *resolver) above(n catalog.Name, column string) (catalog.Name, bool) {
	t := r.at[n]
	for _, up := range t.Inherits {
		if r.in[up] && columnOf(r.at[up], column) != nil {
			if top, ok := r.above(up, column); ok {
				return top, true
			}
			return up, true
		}
	}
	return catalog.Name{}, false
}

func columnOf(t *catalog.Table, name string) *catalog.Column {
	i := slices.IndexFunc(t.Columns, func(c catalog.Column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Columns[i]
}

func (r *resolver) columns(s *Spec) error {
	for _, w := range s.Columns {
		t, err := r.find(w.Where, w.Table)
		if err != nil {
			return err
		}
		name, err := parseName(w.Column)
		if err != nil || len(name) != 1 {
			return fail(w.Where, "%s is not the name of a column", w.Column)
		}
		c := columnOf(t, name[0])
		if c == nil {
			_, err := catalog.MatchColumns(catalog.Pattern(catalog.Name{Name: name[0]}), w.Where, []catalog.Table{*t})
			var near *catalog.UnmatchedPatternError
			if errors.As(err, &near) && len(near.Near) > 0 {
				return fail(w.Where, "table %s has no column %s; did you mean %s?", t.Name, name[0], strings.Join(near.Near, " or "))
			}
			return fail(w.Where, "table %s has no column %s", t.Name, name[0])
		}
		if !r.in[t.Name] {
			continue
		}
		if up, ok := r.above(t.Name, c.Name); ok {
			return fail(w.Where, "column %s of %s comes from %s: map it there", c.Name, t.Name, up)
		}
		x := r.work(t.Name)
		if old := x.columns[c.Name]; old != nil {
			if old.exclude && w.Exclude {
				old.keys = old.keys || w.Keys
				continue
			}
			return fail(w.Where, "column %s of %s is mapped twice, also in %s", c.Name, t.Name, old.place)
		}
		k := &wish{column: c, place: w.Where, exclude: w.Exclude, keys: w.Keys}
		x.columns[c.Name] = k
		if w.To != "" {
			to, err := parseName(w.To)
			if err != nil || len(to) != 1 {
				return fail(w.Where, "%s is not the name of a column", w.To)
			}
			k.to = to[0]
			if err := checkName(w.Where, k.to); err != nil {
				return err
			}
		}
		if err := r.convert(k, t, w.As); err != nil {
			return err
		}
	}
	return nil
}

// inherit gives partitions and children what is asked of the tables above
// them: columns always, rows where nothing is asked of themselves.
func (r *resolver) inherit() {
	byParent := map[catalog.Name][]*catalog.Table{}
	for i := range r.db.Tables {
		t := &r.db.Tables[i]
		for _, up := range t.Inherits {
			byParent[up] = append(byParent[up], t)
		}
	}
	var down func(n catalog.Name)
	down = func(n catalog.Name) {
		from := r.table[n]
		for _, t := range byParent[n] {
			if from != nil {
				x := r.work(t.Name)
				for name, k := range from.columns {
					if c := columnOf(t, name); c != nil {
						own := *k
						own.column = c
						x.columns[name] = &own
					}
				}
				if t.IsPartition {
					if x.noData == "" {
						x.noData = from.noData
					}
					if !x.ownRows && from.where != "" {
						x.where, x.rows = from.where, from.rows
					}
				}
			}
			down(t.Name)
		}
	}
	for i := range r.db.Tables {
		if t := &r.db.Tables[i]; !slices.ContainsFunc(t.Inherits, func(up catalog.Name) bool { return r.in[up] }) {
			down(t.Name)
		}
	}
}

// mapping writes down what was asked, sorted.
func (r *resolver) mapping() *Mapping {
	m := &Mapping{}
	for _, s := range r.schema {
		m.Schemas = append(m.Schemas, s)
	}
	slices.SortFunc(m.Schemas, func(a, b Schema) int { return cmp.Compare(a.Source, b.Source) })
	for i := range r.db.Tables {
		t := &r.db.Tables[i]
		w := r.table[t.Name]
		if w == nil {
			continue
		}
		out := Table{Source: t.Name, Target: w.to, Place: w.place, NoData: w.noData, Where: w.where, Rows: w.rows, Extra: w.extra}
		for j := range t.Columns {
			if k := w.columns[t.Columns[j].Name]; k != nil {
				out.Columns = append(out.Columns, k.write()...)
			}
		}
		m.Tables = append(m.Tables, out)
	}
	slices.SortFunc(m.Tables, func(a, b Table) int { return a.Source.Compare(b.Source) })
	r.moves(m)
	return m
}

func (k *wish) write() []Column {
	if k.two != nil {
		return k.two[:]
	}
	to := k.to
	if to == "" {
		to = k.column.Name
	}
	return []Column{{Source: k.column.Name, Target: to, Place: k.place, Exclude: k.exclude, Type: k.typ, Select: k.sel, Loss: k.loss}}
}

// moves lets indexes and owned sequences stand in the schema of their table,
// as PostgreSQL wants them.
func (r *resolver) moves(m *Mapping) {
	move := func(n, table catalog.Name) {
		t := m.Table(table)
		if t == nil {
			return
		}
		to := n
		if s, ok := r.schema[n.Schema]; ok {
			to.Schema = s.Target
		}
		if to.Schema != t.Target.Schema {
			m.Moves = append(m.Moves, Move{Source: n, Target: catalog.Name{Schema: t.Target.Schema, Name: n.Name}})
		}
	}
	for i := range r.db.Indexes {
		move(r.db.Indexes[i].Name, r.db.Indexes[i].Table)
	}
	for i := range r.db.Sequences {
		if s := &r.db.Sequences[i]; s.Owner != nil {
			move(s.Name, s.Owner.Table)
		}
	}
	slices.SortFunc(m.Moves, func(a, b Move) int { return a.Source.Compare(b.Source) })
}
