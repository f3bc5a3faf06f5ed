package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// whatQuery is the query behind a view, as another than was sent.
const whatQuery = "definition"

// promisedQuery is the query of a view as it was sent.
func (v *run) promisedQuery(e *ddlgen.ExpectedView) string {
	for i := range v.p.Plan.Statements {
		s := &v.p.Plan.Statements[i]
		if s.ID != e.Statement {
			continue
		}
		_, query, _ := strings.Cut(s.SQL, " AS\n")
		return strings.TrimSpace(strings.TrimSuffix(query, "\n  WITH NO DATA"))
	}
	return ""
}

// checkQuery holds the query behind a view against the one that was sent. Where
// their texts differ, a PostgreSQL writes the one that was sent in its own way,
// and another target, whose way nobody knows, is asked whether both give the
// same rows. The error is one of the connection.
func (v *run) checkQuery(ctx context.Context, conn *pgx.Conn, e *ddlgen.ExpectedView, found string, told bool, out *View) error {
	promised := v.promisedQuery(e)
	switch {
	case promised == "":
		return nil
	case !told:
		out.Assumed = append(out.Assumed, "its query")
		return nil
	case sameSQL(promised, found):
		return nil
	case !v.p.Profile.FullCatalog && e.Materialized: // its rows are those of its last REFRESH
		out.Assumed = append(out.Assumed, "its query, whose text is not the one that was sent")
		return nil
	case !v.p.Profile.FullCatalog:
		return compareQueries(ctx, conn, e, promised, out)
	}
	own, err := ownWords(ctx, conn, promised)
	switch {
	case err != nil && mayNot(err):
		out.Assumed = append(out.Assumed, "its query, which could not be written in the target's own words ("+err.Error()+")")
	case err != nil && pgerrcode.IsSyntaxErrororAccessRuleViolation(dial.SQLState(err)):
		out.differ("", whatQuery, promised, found)
	case err != nil: // it says nothing of the query
		return err
	case !sameSQL(own, found):
		out.differ("", whatQuery, own, found)
	}
	return nil
}

// mayNot says that the user who verifies may not make a temporary view: that
// says nothing of the query.
func mayNot(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.InsufficientPrivilege, pgerrcode.ReadOnlySQLTransaction, pgerrcode.ObjectNotInPrerequisiteState:
		return true
	}
	return false
}

// ownWords is a query as the server itself writes it: that of a temporary view,
// in a transaction that is rolled back.
func ownWords(ctx context.Context, conn *pgx.Conn, query string) (text string, err error) {
	const name = "pg2db9_own_words"
	results, err := conn.PgConn().Exec(ctx, "BEGIN READ WRITE; CREATE TEMPORARY VIEW "+name+" AS "+query+
		"; SELECT pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class AS c WHERE c.relname = '"+name+"' AND c.relnamespace = pg_catalog.pg_my_temp_schema()").ReadAll()
	_, rollback := conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
	switch {
	case err != nil:
		return "", err
	case rollback != nil:
		return "", rollback
	case len(results) != 3 || len(results[2].Rows) != 1:
		return "", errProtocol
	}
	return string(results[2].Rows[0][0]), nil
}

// compareQueries asks the target for the rows that a view and the query that was
// sent for it do not share.
func compareQueries(ctx context.Context, conn *pgx.Conn, e *ddlgen.ExpectedView, promised string, out *View) error {
	names, texts := make([]string, len(e.Columns)), make([]string, len(e.Columns))
	for i, c := range e.Columns {
		names[i] = quote.Ident(c.Name)
		texts[i] = "CAST(q." + names[i] + " AS text)"
	}
	is := "SELECT " + strings.Join(texts, ", ") + " FROM " + quote.Name(e.Name.Schema, e.Name.Name) + " AS q"
	was := "SELECT " + strings.Join(texts, ", ") + " FROM (" + strings.TrimSuffix(promised, ";") + ") AS q (" + strings.Join(names, ", ") + ")"
	if len(names) == 0 {
		out.Assumed = append(out.Assumed, "its query")
		return nil
	}
	sql := "SELECT count(*) FROM ((" + is + " EXCEPT ALL " + was + ") UNION ALL (" + was + " EXCEPT ALL " + is + ")) AS d"
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	switch {
	case err != nil && dial.SQLState(err) == "":
		return err
	case err != nil:
		out.Assumed = append(out.Assumed, "its query, since it could not be compared with the one that was sent ("+err.Error()+")")
		return nil //nolint:nilerr // what the target refuses to say is assumed, and listed
	case len(results) != 1 || len(results[0].Rows) != 1:
		return errProtocol
	}
	if n := string(results[0].Rows[0][0]); n != "0" {
		out.differ("", whatQuery, "the one that was sent", fmt.Sprintf("another, which gives other rows (%s differ)", n))
	} else {
		out.Assumed = append(out.Assumed, "its query: the text is not the one that was sent, but it gives the same rows")
	}
	return nil
}

// viewQueries are the queries behind the views of the target, by the view that
// tells of both kinds, or of one. What the target does not tell is not in it.
func (v *run) viewQueries(ctx context.Context, conn *pgx.Conn, schemas []string) (map[catalog.Name]string, error) {
	out := map[catalog.Name]string{}
	if len(v.views) == 0 {
		return out, nil
	}
	for _, view := range []struct{ name, column string }{{"pg_catalog.pg_views", "viewname"}, {"pg_catalog.pg_matviews", "matviewname"}} {
		for _, schema := range schemas {
			rows, err := readView(ctx, conn, view.name, "schemaname", schema)
			if err != nil && lacks(err) {
				break
			}
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				if r["definition"] != "" {
					out[catalog.Name{Schema: schema, Name: r[view.column]}] = r["definition"]
				}
			}
		}
	}
	return out, nil
}
