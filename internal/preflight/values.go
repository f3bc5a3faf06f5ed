package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// suspicion is what the target would refuse or change of a column's values: a
// condition on the source, with %s for the column.
type suspicion struct {
	condition string
	what      string
	document  bool // as json they arrive
}

// jsonNumbers finds numbers that neither a 64-bit integer nor a double
// precision number holds. Few texts of documents are long enough for one.
const jsonNumbers = `(%[1]s::pg_catalog.text ~ '[0-9.]{16}' AND EXISTS (
	SELECT FROM pg_catalog.jsonb_path_query(%[1]s, 'strict $.** ? (@.type() == "number")') AS found (v),
		LATERAL (SELECT (v #>> '{}')::pg_catalog.numeric) AS number (n)
	WHERE NOT (n = pg_catalog.trunc(n) AND n BETWEEN -9223372036854775808 AND 9223372036854775807)
		AND CASE WHEN pg_catalog.abs(n) BETWEEN 1e-300 AND 1e300 THEN n <> n::pg_catalog.float8::pg_catalog.text::pg_catalog.numeric ELSE n <> 0 END))`

// suspicions are those of a column's type; base is the type without domains.
func suspicions(base catalog.Type, profile ddlgen.Profile) []suspicion {
	if base.Array || base.Kind != catalog.KindBase || base.Name.Schema != "pg_catalog" {
		return nil
	}
	switch base.Name.Name {
	case "numeric":
		digits := profile.NumericDigits
		if digits == 0 {
			return nil
		}
		return []suspicion{{
			condition: fmt.Sprintf(`(%%[1]s::pg_catalog.text ~ '[NI]' OR pg_catalog.length(pg_catalog.ltrim(pg_catalog.translate(%%[1]s::pg_catalog.text, '-.', ''), '0')) > %[1]d OR pg_catalog.scale(%%[1]s) > %[1]d)`, digits),
			what:      fmt.Sprintf("more than %d digits, NaN or infinities", digits),
		}}
	case "time":
		return []suspicion{{condition: `%[1]s = '24:00'`, what: "24:00, which the target has not"}}
	case "date", "timestamp", "timestamptz":
		if profile.TimeSpecials {
			return nil
		}
		return []suspicion{{
			condition: `(NOT pg_catalog.isfinite(%[1]s) OR %[1]s < '0001-01-01' OR %[1]s >= '200000-01-01')`,
			what:      "infinity, years BC or years from 200000 on",
		}}
	case "jsonb":
		if profile.JSONDigits {
			return nil
		}
		return []suspicion{{condition: jsonNumbers, what: "numbers of more digits than a 64-bit integer or a double precision number keeps", document: true}}
	}
	return nil
}

// textual are types whose values may be an empty line of COPY.
var textual = []string{"text", "varchar", "bpchar", "name", "char", "xml", "tsvector", "tsquery", "varbit"}

// UnfitValues looks through the rows of all tables of the model for values that
// a target of this profile would refuse or change, one query a table that has
// columns of such types. It reads what the source holds now, without a lock that
// outlives a query.
func UnfitValues(ctx context.Context, q Querier, db *catalog.Database, profile ddlgen.Profile) ([]ddlgen.Unfit, error) {
	if !profile.Map {
		return nil, nil
	}
	var out []ddlgen.Unfit
	for i := range db.Tables {
		t := &db.Tables[i]
		if t.Kind == catalog.TableForeign || t.IsPartition && parentIn(db, t) {
			continue
		}
		var columns []string
		var asked []suspicion
		ask := func(c *catalog.Column, s suspicion) { columns, asked = append(columns, c.Name), append(asked, s) }
		plain := 0
		for j := range t.Columns {
			c := &t.Columns[j]
			base := baseOf(db, c.Type)
			for _, s := range suspicions(base, profile) {
				ask(c, s)
			}
			if c.Generated == "" || !profile.Generated {
				plain++
			}
		}
		if plain == 1 && len(t.Columns) == 1 && !profile.EmptyLines {
			c := &t.Columns[0]
			if base := baseOf(db, c.Type); base.Kind == catalog.KindEnum || !base.Array && slices.Contains(textual, base.Name.Name) {
				ask(c, suspicion{condition: `%[1]s::pg_catalog.text = ''`, what: "an empty text, which the target takes for no row where it is the only column", document: true})
			}
		}
		found, err := count(ctx, q, t, columns, asked)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// count asks how many rows of a table are suspicious, by column.
func count(ctx context.Context, q Querier, t *catalog.Table, columns []string, asked []suspicion) ([]ddlgen.Unfit, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	terms := make([]string, len(asked))
	for i, s := range asked {
		terms[i] = "pg_catalog.count(*) FILTER (WHERE " + fmt.Sprintf(s.condition, quote.Ident(columns[i])) + ")"
	}
	from := "ONLY "
	if t.Kind == catalog.TablePartitioned {
		from = ""
	}
	r, err := q.Query(ctx, "SELECT ARRAY["+strings.Join(terms, ", ")+"] FROM "+from+quote.Name(t.Name.Schema, t.Name.Name))
	if err != nil {
		return nil, fmt.Errorf("looking for values of %s that the target would refuse: %w", t.Name, err)
	}
	counts, err := pgx.CollectExactlyOneRow(r, pgx.RowTo[[]int64])
	if err != nil {
		return nil, fmt.Errorf("looking for values of %s that the target would refuse: %w", t.Name, err)
	}
	var out []ddlgen.Unfit
	for i, n := range counts {
		if n == 0 {
			continue
		}
		rows := "1 row has"
		if n > 1 {
			rows = fmt.Sprintf("%d rows have", n)
		}
		out = append(out, ddlgen.Unfit{
			Column: catalog.ColumnRef{Table: t.Name, Column: columns[i]}, Document: asked[i].document, Why: rows + " " + asked[i].what,
		})
	}
	return out, nil
}

// parentIn says whether a partition is read with the table above it.
func parentIn(db *catalog.Database, t *catalog.Table) bool {
	return slices.ContainsFunc(t.Inherits, func(n catalog.Name) bool {
		return slices.ContainsFunc(db.Tables, func(up catalog.Table) bool { return up.Name == n })
	})
}

// baseOf takes the domains off a type.
func baseOf(db *catalog.Database, t catalog.Type) catalog.Type {
	for t.Kind == catalog.KindDomain && !t.Array {
		i := slices.IndexFunc(db.Domains, func(d catalog.Domain) bool { return d.Name == t.Name })
		if i < 0 {
			return t
		}
		t = db.Domains[i].Base
	}
	return t
}
