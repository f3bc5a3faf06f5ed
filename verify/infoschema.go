package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// infoRow is a row of a catalog view: what it tells by column name. NULL and
// columns that the server's view lacks are not in it.
type infoRow map[string]string

// readView reads all columns that a catalog view of the target has, of the rows
// about one schema. All are text: OIDs, which may be wider than PostgreSQL's,
// are neither asked for nor read; and a view that lacks columns is no error.
func readView(ctx context.Context, conn *pgx.Conn, view, schemaColumn, schema string) ([]infoRow, error) {
	sql := "SELECT * FROM " + view + " WHERE " + schemaColumn + " = " + strings.TrimSpace(quote.Literal(schema))
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading %s of the target: %w", view, err)
	}
	if len(results) != 1 {
		return nil, fmt.Errorf("reading %s of the target: %w", view, errProtocol)
	}
	rows := make([]infoRow, 0, len(results[0].Rows))
	for _, values := range results[0].Rows {
		row := infoRow{}
		for i, v := range values {
			if v != nil {
				row[results[0].FieldDescriptions[i].Name] = string(v)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// lacks says that a server has no such view, or not with the columns asked for.
func lacks(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.UndefinedColumn, pgerrcode.UndefinedFunction, pgerrcode.InvalidSchemaName,
		pgerrcode.FeatureNotSupported:
		return true
	}
	return false
}

// infoColumn is a row of information_schema.columns.
type infoColumn struct{ row infoRow }

func (c *infoColumn) text(name string) string { return c.row[name] }

// tableTypes are pg_class.relkind by information_schema's words.
var tableTypes = map[string]string{"BASE TABLE": "r", "VIEW": "v", "FOREIGN": "f", "FOREIGN TABLE": "f"}

// readInfoTables reads all tables of the schemas as information_schema tells
// of them, two queries a schema.
func readInfoTables(ctx context.Context, conn *pgx.Conn, schemas []string) (map[catalog.Name]*foundTable, error) {
	tables := map[catalog.Name]*foundTable{}
	for _, schema := range schemas {
		rows, err := readView(ctx, conn, "information_schema.columns", "table_schema", schema)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(rows, func(a, b infoRow) int { return cmp.Compare(ordinal(a), ordinal(b)) })
		for _, r := range rows {
			name := catalog.Name{Schema: schema, Name: r["table_name"]}
			if tables[name] == nil {
				tables[name] = &foundTable{kind: "r"}
			}
			t := tables[name]
			t.info = append(t.info, infoColumn{r})
			t.columns = append(t.columns, ddlgen.ExpectedColumn{Name: r["column_name"]})
		}
		// Of tables without columns, and of what is no table, the other view tells.
		rows, err = readView(ctx, conn, "information_schema.tables", "table_schema", schema)
		if err != nil && !lacks(err) {
			return nil, err
		}
		for _, r := range rows {
			name := catalog.Name{Schema: schema, Name: r["table_name"]}
			if tables[name] == nil {
				tables[name] = &foundTable{}
			}
			if tables[name].kind = tableTypes[strings.ToUpper(r["table_type"])]; tables[name].kind == "" {
				tables[name].kind = "r"
			}
		}
	}
	return tables, nil
}

func ordinal(r infoRow) int {
	n, err := strconv.Atoi(r["ordinal_position"])
	if err != nil {
		return 0
	}
	return n
}

// known lets the found columns say what they tell, in the plan's own words where
// it is the same by another name. What is not told is taken for as promised, and
// listed: nobody has seen it.
func (t *foundTable) known(want ddlgen.ExpectedTable) (assumed []string) {
	for i := range t.columns {
		f := &t.columns[i]
		at := slices.IndexFunc(want.Columns, func(w ddlgen.ExpectedColumn) bool { return w.Name == f.Name })
		var w ddlgen.ExpectedColumn
		if at >= 0 {
			w = want.Columns[at]
		}
		assumed = append(assumed, t.info[i].fill(f, w)...)
	}
	return assumed
}

func (c *infoColumn) fill(f *ddlgen.ExpectedColumn, w ddlgen.ExpectedColumn) (assumed []string) {
	take := func(what string) { assumed = append(assumed, fmt.Sprintf("%s of column %s", what, f.Name)) }
	word, ok := c.word()
	f.Type = word.String()
	switch {
	case !ok:
		f.Type = w.Type
		take("type")
	case w.Name != "" && parseType(w.Type).holds(word):
		f.Type = w.Type
	}
	switch c.text("is_nullable") {
	case "YES":
	case "NO":
		f.NotNull = true
	default:
		f.NotNull = w.NotNull
		take("NOT NULL")
	}
	f.HasDefault = c.text("column_default") != ""
	switch c.text("is_identity") {
	case "YES":
		f.Identity, f.HasDefault = w.Identity, false
		switch c.text("identity_generation") {
		case "ALWAYS":
			f.Identity = catalog.IdentityAlways
		case "BY DEFAULT":
			f.Identity = catalog.IdentityByDefault
		}
	default:
		// An identity column may be a sequence behind a default.
		if w.Identity != 0 && f.HasDefault {
			f.Identity, f.HasDefault = w.Identity, false
		}
	}
	switch c.text("is_generated") {
	case "ALWAYS":
		f.HasDefault = false
		f.Generated = w.Generated
		if f.Generated == 0 {
			f.Generated = catalog.GeneratedStored
		}
	case "NEVER":
	default:
		if f.Generated = w.Generated; w.Generated != 0 {
			take("generation")
		}
	}
	return assumed
}

// CheckColumns reads the plan's tables as the target has made them and returns
// those that are not fit for their rows, each with what differs: a table or
// column is missing, or a column is of another type than the plan gave it, as
// where a type that the target does not know became text in silence. assumed
// is not empty where the target does not tell.
func CheckColumns(ctx context.Context, conn *pgx.Conn, plan *ddlgen.Plan) (unfit map[catalog.Name]error, assumed string, err error) {
	wanted, err := promises(plan)
	if err != nil {
		return nil, "", err
	}
	tables, err := readInfoTables(ctx, conn, schemasOf(wanted))
	if err != nil {
		if lacks(err) {
			return nil, fmt.Sprintf("the columns of the new tables are taken for as planned, since the target does not tell: %v", err), nil
		}
		return nil, "", err
	}
	unfit = map[catalog.Name]error{}
	var untold int
	for _, w := range wanted {
		found := tables[w.expected.Name]
		if found != nil {
			untold += len(found.known(w.expected))
		}
		var wrong []string
		for _, d := range compareShape(w.expected, found, w.partial).Differences {
			if d.What == "table" || d.What == "column" || d.What == "type" {
				wrong = append(wrong, d.String())
			}
		}
		if len(wrong) > 0 {
			unfit[w.expected.Name] = fmt.Errorf("the target has made it otherwise than it was told, so no row was sent: %s; "+
				"exclude the table, or map the column's type on the source", strings.Join(wrong, "; "))
		}
	}
	if untold > 0 {
		assumed = fmt.Sprintf("the target does not tell %d properties of columns: they are taken for as planned", untold)
	}
	return unfit, assumed, nil
}

func schemasOf(wanted []promise) []string {
	var schemas []string
	for _, w := range wanted {
		schemas = append(schemas, w.expected.Name.Schema)
	}
	slices.Sort(schemas)
	return slices.Compact(schemas)
}
