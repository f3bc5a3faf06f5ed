package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// UnfitValues looks through the rows of all tables of the model for values that
// a target of this profile would refuse or change, one query a table that has
// columns of such types. It reads what the source holds now, without a lock that
// outlives a query. Which values those are is in the type map (ddlgen).
func UnfitValues(ctx context.Context, q Querier, db *catalog.Database, profile ddlgen.Profile, m *usermap.Mapping) ([]ddlgen.Unfit, error) {
	if !profile.Map {
		return nil, nil
	}
	var out []ddlgen.Unfit
	asked := ddlgen.RefusedValues(db, profile, m)
	for len(asked) > 0 {
		n := 1
		for n < len(asked) && asked[n].Table == asked[0].Table {
			n++
		}
		found, err := count(ctx, q, asked[:n])
		if err != nil {
			return nil, err
		}
		out, asked = append(out, found...), asked[n:]
	}
	return out, nil
}

// count asks how many rows of a table have such values, by column and kind.
func count(ctx context.Context, q Querier, columns []ddlgen.Refused) ([]ddlgen.Unfit, error) {
	t := columns[0].Table
	var terms []string
	for _, c := range columns {
		for _, a := range c.Affected {
			terms = append(terms, "pg_catalog.count(*) FILTER (WHERE "+a.Where+")")
		}
	}
	from := "ONLY "
	if t.Kind == catalog.TablePartitioned {
		from = ""
	}
	from += quote.Name(t.Name.Schema, t.Name.Name)
	if columns[0].Where != "" {
		from += " WHERE (" + columns[0].Where + ")"
	}
	r, err := q.Query(ctx, "SELECT ARRAY["+strings.Join(terms, ", ")+"] FROM "+from)
	if err != nil {
		return nil, fmt.Errorf("looking for values of %s that the target would refuse: %w", t.Name, err)
	}
	counts, err := pgx.CollectExactlyOneRow(r, pgx.RowTo[[]int64])
	if err != nil {
		return nil, fmt.Errorf("looking for values of %s that the target would refuse: %w", t.Name, err)
	}
	var out []ddlgen.Unfit
	for _, c := range columns {
		u := ddlgen.Unfit{Column: catalog.ColumnRef{Table: t.Name, Column: c.Column}, Document: true}
		var why []string
		for i, a := range c.Affected {
			n := counts[i]
			if n == 0 {
				continue
			}
			rows := "1 row has "
			if n > 1 {
				rows = fmt.Sprintf("%d rows have ", n)
			}
			why = append(why, rows+a.What)
			u.Document = u.Document && a.Document
		}
		counts = counts[len(c.Affected):]
		if len(why) > 0 {
			u.Why = strings.Join(why, ", ")
			out = append(out, u)
		}
	}
	return out, nil
}
