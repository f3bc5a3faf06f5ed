package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// values tries what fills columns that no row brings: generation expressions,
// defaults, identities.
func (b *behaviour) values(ctx context.Context, t *tried) {
	if !b.full {
		for _, c := range t.found.columns {
			if c.Generated != 0 || c.HasDefault || c.Identity != 0 {
				b.add(Check{
					Object: t.name.String() + "." + c.Name, Kind: "value", What: "what fills the column", Verdict: Skipped,
					Detail: "the target does not tell by what, and does not give back a number that a try would take of a sequence",
				})
			}
		}
		return
	}
	for _, r := range b.facts.values[t.name] {
		if ctx.Err() != nil {
			return
		}
		c := Check{Object: t.name.String() + "." + r["column"], Kind: r["how"]}
		if r["how"] == "generated" {
			c.What = "its expression computed again"
			b.generated(ctx, t, r, &c)
		} else {
			c.What = "a row that leaves it out"
			b.filled(ctx, t, r, &c)
		}
		b.add(c)
	}
}

// generated computes a column again, of all rows, or of some where that takes
// too long.
func (b *behaviour) generated(ctx context.Context, t *tried, r infoRow, c *Check) {
	sql := func(from string) string {
		// As text: not every type has an equality.
		return fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE %s::text IS DISTINCT FROM (%s)::%s::text) FROM %s",
			quote.Ident(r["column"]), r["expression"], r["type"], from)
	}
	some := ""
	rows, err := b.try(ctx, nil, sql(b.from(t)))
	if dial.SQLState(err) == "57014" {
		const most = 10_000
		some = fmt.Sprintf(" of the first %d rows, since all take too long", most)
		rows, err = b.try(ctx, nil, sql(fmt.Sprintf("(SELECT * FROM %s LIMIT %d) x", b.from(t), most)))
	}
	switch {
	case err != nil:
		c.fail(err)
	case string(rows[0][1]) != "0":
		c.Verdict, c.Detail = Mismatch, fmt.Sprintf("%s of %s rows%s hold another value", rows[0][1], rows[0][0], some)
	case string(rows[0][0]) == "0":
		c.skip("the table holds no row to compute it of")
	default:
		c.Verdict, c.Detail = Match, fmt.Sprintf("%s rows%s hold the same", rows[0][0], some)
	}
}

// filled inserts a copy of a row that leaves a column out. Numbers that it takes
// of sequences are given back: a sequence that the transaction restarts is, after
// it, as it was before.
func (b *behaviour) filled(ctx context.Context, t *tried, r infoRow, c *Check) {
	sequences := strings.Fields(r["sequences"])
	if r["sequences"] != "" {
		sequences = strings.Split(r["sequences"], "\n")
	}
	switch {
	case r["acts"] == "t":
		c.skip("its default calls a function that may act on more than the row")
		return
	case len(sequences) > 0 && !b.ddl:
		c.skip("an event trigger watches: the number that it takes of a sequence could not be given back unseen")
		return
	}
	place, ok := b.one(ctx, t, c, false, "")
	if !ok {
		return
	}
	before := b.quiet(t.name)
	for _, s := range sequences {
		next, err := b.try(ctx, nil, fmt.Sprintf("SELECT CASE WHEN NOT p.is_called THEN p.last_value "+
			"WHEN d.seqincrement > 0 AND p.last_value > d.seqmax - d.seqincrement THEN CASE WHEN d.seqcycle THEN d.seqmin END "+
			"WHEN d.seqincrement < 0 AND p.last_value < d.seqmin - d.seqincrement THEN CASE WHEN d.seqcycle THEN d.seqmax END "+
			"ELSE p.last_value + d.seqincrement END FROM %s p, pg_catalog.pg_sequence d WHERE d.seqrelid = p.tableoid", s))
		if err != nil {
			c.fail(err)
			return
		}
		if len(next) != 1 || next[0][0] == nil {
			c.skip("its sequence has come to its end: no more rows can be inserted without a value")
			return
		}
		before = append(before, fmt.Sprintf("ALTER SEQUENCE %s RESTART WITH %s", s, next[0][0]))
	}
	column := quote.Ident(r["column"])
	rows, err := b.try(ctx, before, b.without(t, place, r["column"]))
	how := "a copy of a row"
	if strings.HasPrefix(dial.SQLState(err), "23") { // its other keys are there already
		how = "a row that is there"
		rows, err = b.try(ctx, before, fmt.Sprintf("UPDATE %s SET %s = DEFAULT WHERE %s RETURNING %s::text", b.from(t), column, place, column))
	}
	var collides bool
	if state := dial.SQLState(err); state == "23505" && len(sequences) > 0 {
		collides = slices.ContainsFunc(t.rules, func(x rule) bool { return x.kind == "unique" && len(x.columns) == 1 && x.columns[0] == r["column"] })
	}
	switch {
	case collides:
		c.Verdict, c.Detail = Mismatch, fmt.Sprintf("the number that comes next is there already: %v", err)
	case strings.HasPrefix(dial.SQLState(err), "23"):
		c.skip(fmt.Sprintf("other rules refuse a row with the value that it takes: %v", err))
	case err != nil:
		c.fail(err)
	case len(rows) != 1:
		c.Verdict, c.Detail = Mismatch, "the target took no row"
	case rows[0][0] == nil && (len(sequences) > 0 || r["how"] == "identity"):
		c.Verdict, c.Detail = Mismatch, how+" got NULL"
	case rows[0][0] == nil:
		c.Verdict, c.Detail = Match, how+" got NULL by "+shorten(r["expression"])
	default:
		c.Verdict, c.Detail = Match, how+" got "+shorten(string(rows[0][0]))
	}
}

// without is a copy of a row with the default of one column, and its value.
func (b *behaviour) without(t *tried, place, column string) string {
	var rest []string
	for _, c := range t.columns {
		if c != column {
			rest = append(rest, c)
		}
	}
	overriding := ""
	if slices.ContainsFunc(t.found.columns, func(c ddlgen.ExpectedColumn) bool { return c.Identity != 0 && c.Name != column }) {
		overriding = "OVERRIDING SYSTEM VALUE "
	}
	list := quote.Idents(rest)
	sql := fmt.Sprintf("INSERT INTO %s (%s) %sSELECT %s FROM %s WHERE %s", quote.Name(t.name.Schema, t.name.Name), list, overriding, list, b.from(t), place)
	if len(rest) == 0 {
		sql = "INSERT INTO " + quote.Name(t.name.Schema, t.name.Name) + " DEFAULT VALUES"
	}
	return sql + " RETURNING " + quote.Ident(column) + "::text"
}

// shorten is a value as a line holds it.
func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
