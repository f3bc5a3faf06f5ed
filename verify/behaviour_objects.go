package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// indexes looks whether each is built, and finds a row by those that compare.
func (b *behaviour) indexes(ctx context.Context) {
	promised := map[string]bool{}
	for _, o := range promisedObjects(b.v.p.Plan, b.v.p.Missing) {
		if o.what == whatIndex || strings.HasPrefix(o.def, "PRIMARY KEY") || strings.HasPrefix(o.def, "UNIQUE") {
			promised[catalog.Name{Schema: o.table.Schema, Name: o.name}.String()] = true
		}
	}
	var names []catalog.Name
	for n := range b.facts.indexes {
		names = append(names, n)
	}
	slices.SortFunc(names, catalog.Name.Compare)
	for _, n := range names {
		for _, r := range b.facts.indexes[n] {
			if ctx.Err() != nil {
				return
			}
			name := catalog.Name{Schema: n.Schema, Name: r["name"]}.String()
			if !b.planned(n) && !promised[name] {
				continue // somebody's own
			}
			delete(promised, name)
			c := Check{Object: name, Kind: "index", What: "built, and a row found by it"}
			b.index(ctx, n, r, &c)
			b.add(c)
		}
	}
	rest := make([]string, 0, len(promised))
	for name := range promised {
		rest = append(rest, name)
	}
	slices.Sort(rest)
	for _, name := range rest {
		c := Check{Object: name, Kind: "index", What: "built", Verdict: Mismatch, Detail: "it is not on the target"}
		if !b.full {
			c.skip("the target does not tell whether it is built")
		}
		b.add(c)
	}
}

// planned says whether a table is the plan's.
func (b *behaviour) planned(n catalog.Name) bool {
	return slices.ContainsFunc(b.v.wanted, func(w promise) bool { return w.expected.Name == n })
}

// ownKey is a row's key as text, and its type by the name in the catalog: what
// format_type writes, character and bit, is read as character(1) and bit(1).
const ownKey = `SELECT k.key::text, (
	SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname)
	FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
	WHERE t.oid = pg_catalog.pg_typeof(k.key))
FROM (SELECT %s AS key FROM %s WHERE %s LIMIT 1) k`

// index finds a row by an index that compares, where the server has chosen it.
func (b *behaviour) index(ctx context.Context, table catalog.Name, r infoRow, c *Check) {
	switch {
	case r["built"] != "t":
		c.Verdict, c.Detail = Mismatch, "it is not valid: its build did not come to its end; REINDEX it, or drop and create it"
		return
	case r["method"] != "btree" && r["method"] != "hash", r["kind"] == "p":
		c.Verdict, c.Detail = Match, "valid and ready; no row was looked up by it"
		return
	}
	// Neither its order nor its type matters: the row that is looked for is one of its own.
	key, from := "("+r["key"]+")", quote.Name(table.Schema, table.Name)
	where := key + " IS NOT NULL"
	if r["predicate"] != "" {
		where += " AND (" + r["predicate"] + ")"
	}
	if r["kind"] == "r" {
		from = "ONLY " + from
	}
	rows, err := b.try(ctx, nil, fmt.Sprintf(ownKey, key, from, where))
	if dial.SQLState(err) == "55000" { // a materialized view without rows
		rows, err = nil, nil
	}
	if err != nil {
		c.fail(err)
		return
	}
	if len(rows) == 0 {
		c.Verdict, c.Detail = Match, "valid and ready; it holds no row to look up"
		return
	}
	look := fmt.Sprintf("SELECT 1 FROM %s WHERE %s = CAST(%s AS %s)", from, key, quote.Literal(string(rows[0][0])), rows[0][1])
	if r["predicate"] != "" {
		look += " AND (" + r["predicate"] + ")"
	}
	before := []string{"SET LOCAL enable_seqscan = off"}
	plan, err := b.try(ctx, before, "EXPLAIN (COSTS OFF) "+look)
	if err != nil {
		c.fail(err)
		return
	}
	used := slices.ContainsFunc(plan, func(line [][]byte) bool {
		return strings.Contains(string(line[0]), " "+quoteIfNeeded(r["name"])+" ") || strings.HasSuffix(string(line[0]), " "+quoteIfNeeded(r["name"]))
	})
	if !used {
		c.Verdict, c.Detail = Match, "valid and ready; the server chose another way to a row"
		return
	}
	switch found, err := b.try(ctx, before, look+" LIMIT 1"); {
	case err != nil:
		c.fail(err)
	case len(found) == 0:
		c.Verdict, c.Detail = Mismatch, "a row that is in the table is not found by it: REINDEX it"
	default:
		c.Verdict, c.Detail = Match, "valid, and a row was found by it"
	}
}

// quoteIfNeeded writes a name as EXPLAIN does.
func quoteIfNeeded(name string) string {
	if strings.ToLower(name) == name && !strings.ContainsAny(name, " \".-") {
		return name
	}
	return strings.TrimSpace(quote.Ident(name))
}

// viewCounts asks each view for its rows: that proves that it runs.
func (b *behaviour) viewCounts(ctx context.Context) {
	for i, e := range b.v.views {
		if ctx.Err() != nil {
			return
		}
		c := Check{Object: e.Name.String(), Kind: "view", What: "its rows counted"}
		if e.Materialized {
			c.Kind = "materialized view"
		}
		rows, err := b.try(ctx, nil, "SELECT count(*) FROM "+quote.Name(e.Name.Schema, e.Name.Name))
		state := dial.SQLState(err)
		switch {
		case e.Circular && err != nil && state != "":
			c.skip(fmt.Sprintf("it needs itself, as at the source: %v", err))
		case e.Materialized && state == "55000" && e.Refresh == "":
			c.Verdict, c.Detail = Match, "without rows, as planned"
		case state == "57014" || err != nil && state == "":
			c.fail(err)
		case err != nil:
			c.Verdict, c.Detail = Mismatch, fmt.Sprintf("the target does not answer it: %v", err)
		default:
			c.Verdict, c.Detail = Match, string(rows[0][0])+" rows"
			if n := b.v.report.Views[i].SourceRows; e.Materialized && n >= 0 {
				c.Detail += fmt.Sprintf("; %d on the source since its last REFRESH", n)
			}
		}
		b.add(c)
	}
}

// routines calls those that are safe on both sides, and holds the answers beside
// each other. On the source that is a transaction that cannot write.
func (b *behaviour) routines(ctx context.Context) error {
	if len(b.v.p.Plan.Calls) == 0 {
		return nil
	}
	var source *behaviour
	if b.v.p.Source != nil {
		source = &behaviour{v: b.v, settings: readerSettings(b.v.p.Profile), full: true}
		defer source.drop()
		conn, err := b.v.p.Source.Connect(ctx, source.settings)
		if err == nil {
			source.conn = conn
			_, err = conn.PgConn().Exec(ctx, fmt.Sprintf("SET default_transaction_read_only = on; SET lock_timeout = '%dms'; SET statement_timeout = '%dms'",
				tryLock.Milliseconds(), tryTime.Milliseconds())).ReadAll()
		}
		if err != nil {
			source.drop()
			b.add(Check{Object: "the source", Kind: "routine", What: "asked for its answers", Verdict: Errored, Detail: err.Error()})
			return context.Cause(ctx)
		}
	}
	for i := range b.v.p.Plan.Calls {
		call := &b.v.p.Plan.Calls[i]
		if b.v.p.Missing[call.Statement] {
			continue
		}
		c := Check{Object: call.Object.Path(), Kind: "routine", What: "a call with NULLs on both sides"}
		switch {
		case call.SQL == "":
			c.skip(call.Why)
		case source == nil:
			c.skip("the source is not at hand")
		case source.conn == nil || source.conn.IsClosed():
			c.Verdict, c.Detail = Errored, "the connection to the source broke at a call before"
		default:
			b.routine(ctx, source, call, &c)
		}
		b.add(c)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

func (b *behaviour) routine(ctx context.Context, source *behaviour, call *ddlgen.Call, c *Check) {
	readOnly := []string{"SET TRANSACTION READ ONLY"}
	here, err := b.try(ctx, readOnly, call.SQL)
	there, why := source.try(ctx, readOnly, call.SQL)
	state, sourceState := dial.SQLState(err), dial.SQLState(why)
	switch {
	case err != nil && (state == "" || state == "57014"):
		c.fail(err)
	case why != nil && (sourceState == "" || sourceState == "57014"):
		c.fail(why)
	case err != nil && state == sourceState:
		c.Verdict, c.Detail = Match, "both sides refuse it with SQLSTATE "+state
	case sourceState == "42883" || sourceState == "42704":
		c.skip(fmt.Sprintf("the source has it by another name or with other types: %v", why))
	case err != nil:
		c.Verdict, c.Detail = Mismatch, fmt.Sprintf("the target refuses it: %v", err)
	case why != nil:
		c.Verdict, c.Detail = Mismatch, fmt.Sprintf("the source refuses it, and the target does not: %v", why)
	case answer(here) == answer(there):
		c.Verdict, c.Detail = Match, "both sides answer "+shorten(answer(here))
	default:
		again, err := b.try(ctx, readOnly, call.SQL)
		both := fmt.Sprintf("%s on the source, %s on the target", shorten(answer(there)), shorten(answer(here)))
		switch {
		case err != nil:
			c.fail(err)
		case answer(again) != answer(here):
			c.skip("it answers otherwise each time: " + both)
		case strings.HasPrefix(call.SQL, "SELECT * FROM ") && len(here) == len(there):
			c.skip("its rows come in no order: " + both)
		case b.v.p.Profile.Map:
			c.skip("the target writes values in its own way, so that it is not known whether these are the same: " + both)
		default:
			c.Verdict, c.Detail = Mismatch, both
		}
	}
}

// answer is the rows of a call in one text.
func answer(rows [][][]byte) string {
	if len(rows) == 0 {
		return "no row"
	}
	var out []string
	for _, r := range rows {
		for _, v := range r {
			if v == nil {
				out = append(out, "NULL")
			} else {
				out = append(out, "'"+string(v)+"'")
			}
		}
	}
	return strings.Join(out, ", ")
}
