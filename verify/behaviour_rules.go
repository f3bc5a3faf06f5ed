package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// notNull tries a row with NULL in a column. NOT NULL is looked at before keys,
// so that a copy of a row that is there does.
func (b *behaviour) notNull(ctx context.Context, t *tried, column string, generated bool) Check {
	c := Check{Object: t.name.String() + "." + column, Kind: "not null", What: "a row with NULL there"}
	if generated {
		c.skip("the column is generated: no row brings it")
		return c
	}
	if place, ok := b.one(ctx, t, &c, false, ""); ok {
		_, err := b.try(ctx, b.quiet(t.name), b.copyOf(t, place, map[string]string{column: "NULL"}))
		if judge(&c, refusal{pgerrcode.NotNullViolation, []string{column}}, err) {
			b.passed(&c, err)
		}
	}
	return c
}

// passed says that a row came as far as the keys, which a PostgreSQL looks at
// when NOT NULL and the checks have let the row through.
func (b *behaviour) passed(c *Check, err error) bool {
	if state := dial.SQLState(err); !b.full || state != pgerrcode.UniqueViolation && state != pgerrcode.ForeignKeyViolation && state != pgerrcode.ExclusionViolation {
		return false
	}
	c.Verdict, c.Detail = Mismatch, rowTaken
	return true
}

// unique tries a row that is there a second time. Where another key refuses it
// first, another row gets the values of this key alone.
func (b *behaviour) unique(ctx context.Context, t *tried, r rule, c *Check) {
	want := refusal{pgerrcode.UniqueViolation, b.indexNames(t.name, r.name)}
	if r.kind == "exclusion" {
		want.state = pgerrcode.ExclusionViolation
	}
	var conditions []string
	if r.plain {
		for _, k := range r.columns {
			conditions = append(conditions, quote.Ident(k)+" IS NOT NULL")
		}
	}
	if r.expr != "" {
		conditions = append(conditions, "("+r.expr+")")
	}
	condition := strings.Join(conditions, " AND ")
	place, ok := b.one(ctx, t, c, false, condition)
	if !ok {
		return
	}
	before := append(b.quiet(t.name), b.immediate()...)
	_, err := b.try(ctx, before, b.copyOf(t, place, nil))
	if !judge(c, want, err) {
		if c.Verdict == Mismatch && (!r.plain || r.kind == "exclusion") && b.stands(t, r.name) {
			c.skip("a second row like one that is there was taken: it need not refuse that one")
		}
		return
	}
	if !b.stands(t, r.name) {
		c.Verdict, c.Detail = Mismatch, "it is not on the target"
		return
	}
	moved := t.moved(r)
	if len(moved) == 0 {
		return
	}
	places, values, err := b.rows(ctx, t, 2, condition, quoteAll(moved)...)
	if err != nil {
		c.fail(err)
		return
	}
	if len(places) < 2 {
		c.Detail += ", and no second row is there to try it with"
		return
	}
	sets := make([]string, len(moved))
	for i, k := range moved {
		if sets[i] = quote.Ident(k) + " = NULL"; values[0][i] != nil {
			sets[i] = quote.Ident(k) + " = " + strings.TrimSpace(quote.Literal(string(values[0][i])))
		}
	}
	_, err = b.try(ctx, before, fmt.Sprintf("UPDATE %s SET %s WHERE %s", b.from(t), strings.Join(sets, ", "), places[1]))
	if dial.SQLState(err) == identityByDefaultAlone {
		_, err = b.try(ctx, before, b.replaced(t, places[1], moved, values[0]))
	}
	if err == nil && !r.plain { // NULL may be in the key
		return
	}
	judge(c, want, err)
}

// identityByDefaultAlone is what an UPDATE of an identity column that is ALWAYS
// generated is refused with.
const identityByDefaultAlone = "428C9"

// replaced takes a row away and puts it back with other values in some columns:
// what an UPDATE may not do to an identity column.
func (b *behaviour) replaced(t *tried, place string, columns []string, values [][]byte) string {
	list := make([]string, len(t.columns))
	for i, c := range t.columns {
		list[i] = quote.Ident(c)
		if at := slices.Index(columns, c); at >= 0 {
			list[i] = fmt.Sprintf("CAST(%s AS %s)", strings.TrimSpace(quote.Literal(string(values[at]))), t.types[c])
			if values[at] == nil {
				list[i] = "NULL"
			}
		}
	}
	return fmt.Sprintf("WITH d AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM d",
		b.from(t), place, quote.Name(t.name.Schema, t.name.Name), quote.Idents(t.columns), strings.Join(list, ", "))
}

// moved are the columns that give a row the key of another; none where some of
// them are the server's to fill.
func (t *tried) moved(r rule) []string {
	if r.kind == "exclusion" {
		return nil
	}
	var out []string
	for _, c := range t.found.columns {
		if slices.Contains(r.columns, c.Name) || !r.plain && mentions(r.def, c.Name) {
			if c.Generated != 0 {
				return nil
			}
			out = append(out, c.Name)
		}
	}
	return out
}

// stands says whether the target has an index of that name, as far as it tells.
func (b *behaviour) stands(t *tried, name string) bool {
	return !b.full || slices.ContainsFunc(b.facts.indexes[t.name], func(r infoRow) bool { return r["name"] == name })
}

// immediate has constraints act at once that would act at the end.
func (b *behaviour) immediate() []string {
	if b.full {
		return []string{"SET CONSTRAINTS ALL IMMEDIATE"}
	}
	return nil
}

// check tries a row that a check must refuse, and no other check of the table:
// one that is there, with another value in one of its columns. Which value that
// is the target says itself, by the check's own expression.
func (b *behaviour) check(ctx context.Context, t *tried, r rule, c *Check) {
	place, ok := b.one(ctx, t, c, false, "")
	if !ok {
		return
	}
	var others []string
	for _, o := range t.rules {
		if o.kind == "check" && o.name != r.name && o.expr != "" {
			others = append(others, fmt.Sprintf("(%s) IS NOT FALSE", o.expr))
		}
	}
	var failed error
	for _, column := range t.columns {
		if !mentions(r.expr, column) {
			continue
		}
		for _, value := range candidates(t.types[column]) {
			list := make([]string, len(t.found.columns))
			for i, x := range t.found.columns {
				if list[i] = quote.Ident(x.Name); x.Name == column {
					list[i] = value + " AS " + quote.Ident(column)
				}
			}
			sql := fmt.Sprintf("SELECT 1 FROM (SELECT %s FROM %s WHERE %s) x WHERE %s",
				strings.Join(list, ", "), b.from(t), place, strings.Join(append([]string{"NOT (" + r.expr + ")"}, others...), " AND "))
			rows, err := b.try(ctx, nil, sql)
			if err != nil {
				failed = err // of a value that the expression cannot take
				continue
			}
			if len(rows) == 0 {
				continue
			}
			_, err = b.try(ctx, b.quiet(t.name), b.copyOf(t, place, map[string]string{column: value}))
			if !judge(c, refusal{pgerrcode.CheckViolation, []string{r.name}}, err) || b.passed(c, err) {
				return
			}
		}
	}
	switch {
	case c.Verdict == Skipped: // each is refused by something else
	case failed != nil && dial.SQLState(failed) == "":
		c.fail(failed)
	default:
		c.skip("no value was found that it must refuse and nothing else would")
	}
}

// foreignKey tries to have a row refer to one that is not there.
func (b *behaviour) foreignKey(ctx context.Context, t *tried, r rule, c *Check) {
	if r.refers.RefTable == nil || len(r.refers.Refers.RefColumns) != len(r.columns) {
		c.skip("the plan does not say what it refers to")
		return
	}
	var conditions []string
	for _, k := range r.columns[1:] {
		conditions = append(conditions, quote.Ident(k)+" IS NOT NULL")
	}
	place, ok := b.one(ctx, t, c, true, strings.Join(conditions, " AND "))
	if !ok {
		return
	}
	first, parent := r.columns[0], quote.Name(r.refers.RefTable.Schema, r.refers.RefTable.Name)
	var checks []string
	for _, o := range t.rules {
		if o.kind == "check" && o.expr != "" && mentions(o.expr, first) {
			checks = append(checks, fmt.Sprintf("(%s) IS NOT FALSE", o.expr))
		}
	}
	for _, value := range candidates(t.types[first]) {
		condition := append([]string{fmt.Sprintf("NOT EXISTS (SELECT 1 FROM %s p WHERE p.%s = x.%s)", parent, quote.Ident(r.refers.Refers.RefColumns[0]), quote.Ident(first))}, checks...)
		list := make([]string, len(t.found.columns))
		for i, x := range t.found.columns {
			if list[i] = quote.Ident(x.Name); x.Name == first {
				list[i] = value + " AS " + quote.Ident(first)
			}
		}
		rows, err := b.try(ctx, nil, fmt.Sprintf("SELECT 1 FROM (SELECT %s FROM %s WHERE %s) x WHERE %s", strings.Join(list, ", "), b.from(t), place, strings.Join(condition, " AND ")))
		if err != nil && dial.SQLState(err) == "" {
			c.fail(err)
			return
		}
		if err != nil || len(rows) == 0 {
			continue
		}
		_, err = b.try(ctx, b.immediate(), fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", b.from(t), quote.Ident(first), value, place))
		if dial.SQLState(err) == identityByDefaultAlone {
			c.skip("an identity column stands in it, which takes no value by UPDATE")
			return
		}
		if !judge(c, refusal{pgerrcode.ForeignKeyViolation, []string{r.name}}, err) {
			return
		}
	}
	if c.Verdict == Unknown {
		c.skip("no value was found that no row has there")
	}
}

// mentions says whether an expression may read a column: too often rather than
// too rarely.
func mentions(expr, column string) bool {
	return strings.Contains(expr, column) || strings.Contains(expr, quote.Ident(column))
}

// candidates are values of a type, as SQL, that many conditions do not take.
func candidates(typ string) []string {
	base, _, _ := strings.Cut(typ, "(")
	var list []string
	switch strings.TrimSpace(base) {
	case "smallint":
		list = []string{"-32768", "32767", "-1", "0", "1"}
	case "integer":
		list = []string{"-2147483648", "2147483647", "-1", "0", "1"}
	case "bigint":
		list = []string{"-9223372036854775808", "9223372036854775807", "-1", "0", "1"}
	case "numeric", "real", "double precision":
		list = []string{"-9", "9", "-1", "0", "1", "-99999999", "99999999"}
	case "text", "character varying", "character":
		list = []string{"", " ", "~", "pg2db9", strings.Repeat("~", 300), "9"}
	case "boolean":
		list = []string{"false", "true"}
	case "date", "timestamp without time zone", "timestamp with time zone", "timestamp":
		list = []string{"0001-01-01", "9999-12-31", "1970-01-01"}
	case "interval":
		list = []string{"-100 years", "0", "100 years"}
	case "uuid":
		list = []string{"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff"}
	case "json", "jsonb":
		list = []string{"null", "{}", "[]", "0", `""`}
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprintf("CAST(%s AS %s)", strings.TrimSpace(quote.Literal(v)), typ)
	}
	return out
}
