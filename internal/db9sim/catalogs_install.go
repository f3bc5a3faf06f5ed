package db9sim

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

var (
	//go:embed catalogs/columns.sql
	catalogColumnsSQL string
	//go:embed catalogs/functions.sql
	catalogFunctionsSQL string
)

// wideShift is what an OID of the backend is larger by at a client.
const wideShift = "10000000000"

// install makes on the backend what rewritten statements refer to. The schema's
// name tells its contents, so that stand-ins with other rules can share a
// database, and one that is there already is not made again.
func (c *catalogs) install(ctx context.Context, conn *pgconn.PgConn) error {
	if !c.rules.on() {
		return nil
	}
	columns, err := read(ctx, conn, catalogColumnsSQL)
	if err != nil {
		return fmt.Errorf("reading the backend's catalogs: %w", err)
	}
	functions, err := read(ctx, conn, catalogFunctionsSQL)
	if err != nil {
		return fmt.Errorf("reading the backend's functions: %w", err)
	}
	body := c.viewsSQL(columns) + c.functionsSQL(functions)
	sum := sha256.Sum256([]byte(body))
	c.schema = "_db9sim_" + hex.EncodeToString(sum[:6])
	there, err := read(ctx, conn, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = "+quote.Literal(c.schema))
	if err != nil {
		return fmt.Errorf("looking for schema %s on the backend: %w", c.schema, err)
	}
	if len(there) > 0 {
		return nil
	}
	schema := quote.Ident(c.schema)
	script := "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('db9sim'));" +
		"CREATE SCHEMA IF NOT EXISTS " + schema + ";" +
		strings.ReplaceAll(body, "@schema@", schema) +
		"GRANT USAGE ON SCHEMA " + schema + " TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA " + schema + " TO PUBLIC; COMMIT"
	if _, err := conn.Exec(ctx, script).ReadAll(); err != nil {
		return fmt.Errorf("making the views of schema %s on the backend: %w", c.schema, err)
	}
	return nil
}

func read(ctx context.Context, conn *pgconn.PgConn, sql string) ([][]string, error) {
	result := conn.ExecParams(ctx, sql, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, result.Err
	}
	rows := make([][]string, 0, len(result.Rows))
	for _, r := range result.Rows {
		row := make([]string, len(r))
		for i, v := range r {
			row[i] = string(v)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// viewsSQL is the statements that make the views, from rows of schema, relation,
// column and type.
func (c *catalogs) viewsSQL(rows [][]string) string {
	c.relations, c.views = map[string][]string{}, map[string]bool{}
	var sql strings.Builder
	for len(rows) > 0 {
		schema, name := rows[0][0], rows[0][1]
		n := slices.IndexFunc(rows, func(r []string) bool { return r[0] != schema || r[1] != name })
		if n < 0 {
			n = len(rows)
		}
		c.relations[schema] = append(c.relations[schema], name)
		if !c.rules.relations || slices.Contains(ownCatalogs, name) && schema == "pg_catalog" ||
			slices.Contains(ownInformation, name) && schema == "information_schema" {
			c.views[schema+"."+name] = true
			c.view(&sql, schema, name, rows[:n])
		}
		rows = rows[n:]
	}
	return sql.String()
}

func (c *catalogs) view(sql *strings.Builder, schema, name string, columns [][]string) {
	var exprs []string
	for _, col := range columns {
		if e := c.expression(schema, name, col[2], col[3]); e != "" {
			exprs = append(exprs, e+" AS "+quote.Ident(col[2]))
		}
	}
	// CREATE OR REPLACE: two stand-ins may start at once.
	fmt.Fprintf(sql, "CREATE OR REPLACE VIEW @schema@.%s AS SELECT %s FROM %s c%s;\n",
		quote.Ident(viewName(schema, name)), strings.Join(exprs, ", "), quote.Name(schema, name), c.visible(schema, name, columns))
}

// expressionTrees says of which relation an expression of a catalog is.
var expressionTrees = map[string]string{
	"pg_attrdef.adbin": "c.adrelid", "pg_constraint.conbin": "c.conrelid", "pg_index.indexprs": "c.indrelid", "pg_index.indpred": "c.indrelid",
	"pg_class.relpartbound": "c.oid", "pg_type.typdefaultbin": "0", "pg_proc.proargdefaults": "0",
}

// expression is a column of a view, "" where DB9 has none.
func (c *catalogs) expression(schema, relation, column, typ string) string {
	full := relation + "." + column
	col := "c." + quote.Ident(column)
	if schema == "information_schema" {
		if c.rules.database && strings.HasSuffix(column, "_catalog") {
			return "(CASE WHEN " + col + " = pg_catalog.current_database() THEN 'postgres' ELSE " + col + " END)::information_schema.sql_identifier"
		}
		return col
	}
	switch {
	case c.rules.columns && full == "pg_type.typnotnull":
		return ""
	case c.rules.flags && full == "pg_attribute.atttypmod":
		return "(-1)::pg_catalog.int4"
	case c.rules.flags && (full == "pg_attribute.attidentity" || full == "pg_attribute.attgenerated"):
		return `''::pg_catalog."char"`
	case c.rules.database && full == "pg_database.datname":
		return "(CASE WHEN c.datname = pg_catalog.current_database() THEN 'postgres' ELSE c.datname END)::pg_catalog.name"
	case full == "pg_index.indisvalid": // rules gin-scan and hash-scan set it
		return "(c.indisvalid OR EXISTS (SELECT FROM pg_catalog.pg_class x JOIN pg_catalog.pg_am a ON a.oid = x.relam WHERE x.oid = c.indexrelid AND a.amname IN ('gin', 'gist', 'hash')))"
	case full == "pg_proc.prosrc":
		return "_db9sim.body(c.prosrc)"
	}
	switch typ {
	case "anyarray", "_pg_statistic": // no view can have them
		return col + "::pg_catalog.text"
	case "pg_node_tree":
		if of, ok := expressionTrees[full]; ok {
			return "pg_catalog.pg_get_expr(" + col + ", " + of + ")"
		}
		return "NULL::pg_catalog.text"
	case "oid", "regproc", "regclass", "regtype", "oidvector", "_oid":
		if c.rules.wide {
			return wideColumn(col, column, typ)
		}
	}
	return col
}

func wideColumn(col, column, typ string) string {
	switch {
	case typ == "oidvector" || typ == "_oid":
		return "ARRAY(SELECT " + wide("u.o") + " FROM pg_catalog.unnest(" + col + "::pg_catalog.oid[]) WITH ORDINALITY u (o, n) ORDER BY u.n)"
	case typ != "oid":
		return col + "::pg_catalog.text"
	case column == "oid": // never 0, and joined by
		return "(" + col + "::pg_catalog.int8 + " + wideShift + ")"
	}
	return wide(col)
}

func wide(oid string) string {
	return "(CASE " + oid + " WHEN 0 THEN 0 ELSE " + oid + "::pg_catalog.int8 + " + wideShift + " END)"
}

// visible keeps the stand-in's own objects out of a view.
func (c *catalogs) visible(schema, relation string, columns [][]string) string {
	const ours = ` LIKE '\_db9sim%'`
	const spaces = "ARRAY(SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname" + ours + ")"
	within := func(namespace string) string { return " WHERE " + namespace + " <> ALL (" + spaces + ")" }
	if schema == "pg_catalog" {
		switch relation {
		case "pg_namespace":
			return " WHERE c.nspname NOT" + ours
		case "pg_class":
			return within("c.relnamespace")
		case "pg_type":
			return within("c.typnamespace")
		case "pg_proc":
			return within("c.pronamespace")
		case "pg_attribute":
			return " WHERE c.attrelid <> ALL (ARRAY(SELECT r.oid FROM pg_catalog.pg_class r WHERE r.relnamespace = ANY (" + spaces + ")))"
		case "pg_trigger":
			return " WHERE c.tgfoid <> ALL (ARRAY(SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.pronamespace = ANY (" + spaces + ")))"
		case "pg_database":
			if c.rules.database {
				return " WHERE c.datname <> 'postgres' OR pg_catalog.current_database() = 'postgres'"
			}
			return ""
		}
	}
	for _, col := range columns {
		switch col[2] {
		case "schemaname", "table_schema", "schema_name", "routine_schema", "sequence_schema", "constraint_schema", "specific_schema", "udt_schema", "trigger_schema":
			return " WHERE c." + col[2] + "::pg_catalog.text NOT" + ours
		}
	}
	return ""
}

// functionsSQL is the statements that make functions on wide OIDs, from rows of
// name, types of parameters and type of the result.
func (c *catalogs) functionsSQL(rows [][]string) string {
	c.functions = map[string]bool{"pg_get_expr": true}
	oid := "pg_catalog.oid"
	if c.rules.wide {
		oid = "pg_catalog.int8"
	}
	var sql strings.Builder
	// What a view shows of an expression is its text.
	fmt.Fprintf(&sql, "CREATE OR REPLACE FUNCTION @schema@.pg_get_expr(pg_catalog.text, %s, pg_catalog.bool DEFAULT false) RETURNS pg_catalog.text LANGUAGE sql IMMUTABLE AS 'SELECT $1';\n", oid)
	if !c.rules.wide {
		return sql.String()
	}
	for _, r := range rows {
		if r[0] == "pg_get_expr" {
			continue
		}
		c.functions[r[0]] = true
		types := strings.Split(r[1], ",")
		wideFunction(&sql, r[0], types, r[2], oid)
		if slices.Contains(types, "regclass") { // by name too
			wideFunction(&sql, r[0], types, r[2], "pg_catalog.text")
		}
	}
	return sql.String()
}

// wideFunction makes one form of a function, with as in the place of OIDs.
func wideFunction(sql *strings.Builder, name string, types []string, result, as string) {
	params, args := make([]string, len(types)), make([]string, len(types))
	for i, typ := range types {
		arg := fmt.Sprintf("$%d", i+1)
		params[i], args[i] = "pg_catalog."+quote.Ident(typ), arg
		switch {
		case typ != "oid" && typ != "regclass":
		case as == "pg_catalog.text":
			params[i], args[i] = as, arg+"::pg_catalog."+typ
		default:
			params[i] = as
			args[i] = fmt.Sprintf("(CASE WHEN %[1]s >= %[2]s THEN %[1]s - %[2]s ELSE %[1]s END)::pg_catalog.oid", arg, wideShift)
			if typ == "regclass" {
				args[i] += "::pg_catalog.regclass"
			}
		}
	}
	fmt.Fprintf(sql, "CREATE OR REPLACE FUNCTION @schema@.%s(%s) RETURNS %s LANGUAGE sql STABLE AS $f$ SELECT pg_catalog.%[1]s(%[4]s) $f$;\n",
		quote.Ident(name), strings.Join(params, ", "), result, strings.Join(args, ", "))
}
