package verify

import (
	"context"
	"errors"
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

// View is the verdict on one view of the target.
//
// It is about the definition: the view is there, of its kind, with its columns
// and their types, and the query behind it is the one that was sent; where the
// target's catalog is not PostgreSQL's, it is also asked for no rows, which
// proves that its query runs. The rows of a
// materialized view are counted on both sides, and told of, but decide nothing:
// the target's are those of its query over what was copied, while the source's
// are those of its last REFRESH. That it can be counted at all proves that it
// was filled.
type View struct {
	Target       catalog.Name `json:"target"`
	Source       catalog.Name `json:"source"`
	Materialized bool         `json:"materialized,omitempty"`
	Verdict      Verdict      `json:"verdict"`
	Detail       string       `json:"detail"`

	Differences []Difference `json:"differences,omitempty"`
	Assumed     []string     `json:"assumed,omitempty"` // what the target does not tell: nobody has seen it

	// Rows of a materialized view; Uncounted of any other, and where nobody counted.
	SourceRows int64 `json:"source_rows"` // in the snapshot, as its last REFRESH left them
	TargetRows int64 `json:"target_rows"`
}

// expectViews lays out the verdicts on the plan's views: Unknown until they are
// known. Those whose statement was not executed are not looked for.
func (v *run) expectViews() {
	v.report.Views = []View{}
	for i := range v.p.Plan.Views {
		e := &v.p.Plan.Views[i]
		if v.p.Missing[e.Statement] {
			continue
		}
		v.views = append(v.views, e)
		v.report.Views = append(v.report.Views, View{
			Target: e.Name, Source: e.Source, Materialized: e.Materialized, SourceRows: Uncounted, TargetRows: Uncounted, Detail: "not looked at",
		})
	}
	v.report.ExpectedViews = len(v.report.Views)
}

// viewSchemas are the schemas of the views.
func (v *run) viewSchemas() []string {
	var out []string
	for i := range v.report.Views {
		out = append(out, v.report.Views[i].Target.Schema)
	}
	return out
}

// checkViews reads the views back.
func (v *run) checkViews(ctx context.Context, conn *pgx.Conn, schemas []string) error {
	queries, err := v.viewQueries(ctx, conn, schemas)
	if err != nil {
		return err
	}
	for i, e := range v.views {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		v.checkView(ctx, conn, e, queries, &v.report.Views[i])
	}
	return nil
}

func (v *run) checkView(ctx context.Context, conn *pgx.Conn, e *ddlgen.ExpectedView, queries map[catalog.Name]string, out *View) {
	found := v.found[e.Name]
	if v.p.Profile.FullCatalog {
		v.compareView(e, found, out)
	} else if err := v.runView(ctx, conn, e, found, out); err != nil {
		out.Verdict, out.Detail = Errored, fmt.Sprintf("it could not be asked for its rows: %v", err)
		return
	}
	if len(out.Differences) == 0 {
		query, told := queries[e.Name]
		if err := v.checkQuery(ctx, conn, e, query, told, out); err != nil {
			out.Verdict, out.Detail = Errored, fmt.Sprintf("its query could not be compared with the one that was sent: %v", err)
			return
		}
	}
	out.Verdict = Match
	if len(out.Differences) > 0 {
		out.Verdict = Mismatch
	}
	if out.Verdict == Match && e.Refresh != "" && !v.p.Missing[e.Refresh] {
		v.countTarget(ctx, conn, e, out)
	}
	if out.Verdict != Errored {
		out.Detail = out.words(e.Refresh)
	}
}

// compareView holds a view against the target's catalog.
func (v *run) compareView(e *ddlgen.ExpectedView, found *foundTable, out *View) {
	kind := kindNames["v"]
	if e.Materialized {
		kind = kindNames["m"]
	}
	if found == nil {
		out.differ("", "table", kind, "none")
		return
	}
	if is := kindNames[found.kind]; is != kind {
		out.differ("", "table", kind, is)
		return
	}
	names := make([]string, len(found.columns))
	for i, c := range found.columns {
		names[i] = c.Name
	}
	if !out.sameColumns(e, names) {
		return
	}
	for i, c := range e.Columns {
		is := found.columns[i].Type
		if slices.Contains(c.Types, is) || v.p.Profile.Map && sameWord(c.Types, parseType(is)) {
			continue
		}
		out.differ(c.Name, "type", strings.Join(c.Types, " or "), is)
	}
}

// sameColumns compares the names of the columns, in their order.
func (out *View) sameColumns(e *ddlgen.ExpectedView, names []string) bool {
	for i := range max(len(e.Columns), len(names)) {
		switch {
		case i >= len(names):
			out.differ(e.Columns[i].Name, "column", strings.Join(e.Columns[i].Types, " or "), "none")
		case i >= len(e.Columns):
			out.differ(names[i], "column", "none", "one of this name")
		case names[i] != e.Columns[i].Name:
			out.differ(e.Columns[i].Name, "position", strconv.Itoa(i+1), names[i]+" in its place")
		}
	}
	return len(out.Differences) == 0
}

// sameWord says whether a type is one of those expected, modifiers left out: a
// view's query keeps them or not.
func sameWord(expected []string, is typeWord) bool {
	return slices.ContainsFunc(expected, func(text string) bool {
		w := parseType(text)
		return w.name == is.name && w.array == is.array
	})
}

// runView asks a view for no rows, where no catalog of PostgreSQL's tells of it:
// that names the columns, and proves that the query runs. Types are those that
// information_schema tells. An error is one of the connection.
func (v *run) runView(ctx context.Context, conn *pgx.Conn, e *ddlgen.ExpectedView, found *foundTable, out *View) error {
	names, err := columnNames(ctx, conn, "SELECT * FROM "+quote.Name(e.Name.Schema, e.Name.Name)+" LIMIT 0")
	switch dial.SQLState(err) {
	case "":
		if err != nil {
			return err
		}
	case pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName:
		out.differ("", "table", "view", "none")
		return nil
	case pgerrcode.ObjectNotInPrerequisiteState:
		if e.Materialized && (e.Refresh == "" || v.p.Missing[e.Refresh]) {
			out.Assumed = append(out.Assumed, "its columns, since it holds no rows")
			return nil
		}
		fallthrough
	default:
		out.differ("", "query", "one that runs", err.Error())
		return nil
	}
	if !out.sameColumns(e, names) {
		return nil
	}
	for i, c := range e.Columns {
		if found == nil || i >= len(found.info) {
			out.Assumed = append(out.Assumed, "type of column "+c.Name)
			continue
		}
		word, known := found.info[i].word()
		switch {
		case !known:
			out.Assumed = append(out.Assumed, "type of column "+c.Name)
		case !sameWord(c.Types, word):
			out.differ(c.Name, "type", strings.Join(c.Types, " or "), word.String())
		}
	}
	return nil
}

// columnNames runs a query that gives no rows, for the names of its columns.
func columnNames(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	var names []string
	results := conn.PgConn().Exec(ctx, sql)
	for results.NextResult() {
		for _, f := range results.ResultReader().FieldDescriptions() {
			names = append(names, f.Name)
		}
		if _, err := results.ResultReader().Close(); err != nil {
			return nil, errors.Join(err, results.Close())
		}
	}
	return names, results.Close()
}

// countTarget counts the rows of a materialized view that was filled.
func (v *run) countTarget(ctx context.Context, conn *pgx.Conn, e *ddlgen.ExpectedView, out *View) {
	n, err := countRows(ctx, conn, e.Name)
	switch {
	case dial.SQLState(err) == pgerrcode.ObjectNotInPrerequisiteState:
		out.differ("", "rows", "some, or none", "it has not been populated")
		out.Verdict = Mismatch
	case err != nil:
		out.Verdict, out.Detail = Errored, fmt.Sprintf("its rows could not be counted: %v", err)
	default:
		out.TargetRows = n
	}
}

func countRows(ctx context.Context, conn *pgx.Conn, n catalog.Name) (int64, error) {
	results, err := conn.PgConn().Exec(ctx, "SELECT count(*) FROM "+quote.Name(n.Schema, n.Name)).ReadAll()
	if err != nil {
		return Uncounted, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return Uncounted, errProtocol
	}
	return strconv.ParseInt(string(results[0].Rows[0][0]), 10, 64)
}

// CountViews counts the rows of the source's materialized views that the plan
// fills, on a connection inside of a transaction that reads the snapshot. Those
// that cannot be counted are left out, with the reason.
func CountViews(ctx context.Context, conn *pgx.Conn, plan *ddlgen.Plan) (rows map[catalog.Name]int64, failed map[catalog.Name]error, err error) {
	rows, failed = map[catalog.Name]int64{}, map[catalog.Name]error{}
	for _, e := range plan.Views {
		if e.Refresh == "" {
			continue
		}
		if _, err := conn.Exec(ctx, "SAVEPOINT pg2db9_count"); err != nil {
			return rows, failed, fmt.Errorf("counting the rows of materialized view %s on the source: %w", e.Source, err)
		}
		n, why := countRows(ctx, conn, e.Source)
		if why == nil {
			rows[e.Source] = n
			continue
		}
		failed[e.Source] = why
		if _, err := conn.Exec(ctx, "ROLLBACK TO SAVEPOINT pg2db9_count"); err != nil {
			return rows, failed, fmt.Errorf("counting the rows of materialized view %s on the source: %w", e.Source, why)
		}
	}
	return rows, failed, nil
}

// countSource counts where the source is read anyway.
func (v *run) countSource(ctx context.Context, conn *pgx.Conn) error {
	rows, failed, err := CountViews(ctx, conn, v.p.Plan)
	v.p.ViewRows = rows
	for _, e := range v.views {
		if why := failed[e.Source]; why != nil {
			v.note(fmt.Sprintf("the rows of materialized view %s were not counted on the source: %v", e.Source, why))
		}
	}
	return err
}

// weighViews sets the counts of both sides beside each other.
func (v *run) weighViews() {
	for i, e := range v.views {
		out := &v.report.Views[i]
		n, counted := v.p.ViewRows[e.Source]
		if !counted || out.TargetRows < 0 {
			continue
		}
		out.SourceRows = n
		out.Detail = out.words(e.Refresh)
		if n != out.TargetRows {
			v.note(fmt.Sprintf("materialized view %s has %s on the target and %d on the source: the target's are those of its query over the rows that were copied, "+
				"the source's those of its last REFRESH, which may be older", e.Name, rowCount(out.TargetRows), n))
		}
	}
}

// spoilView is spoil for a view, whose detail says that it was not looked at.
func spoilView(out *View, err error) {
	if err != nil && out.Verdict == Unknown {
		out.Verdict, out.Detail = Errored, fmt.Sprintf("not looked at: %v", err)
	}
}

func (out *View) differ(column, what, expected, found string) {
	out.Differences = append(out.Differences, Difference{Column: column, What: what, Expected: expected, Found: found})
}

// words says what was seen of a view.
func (out *View) words(refresh string) string {
	var facts []string
	for _, d := range out.Differences {
		switch {
		case d.What == "table" && d.Found == "none":
			facts = append(facts, "it is not on the target")
		case d.What == "query":
			facts = append(facts, "the target does not run its query: "+d.Found)
		case d.What == whatQuery:
			facts = append(facts, fmt.Sprintf("its query is not the one that was sent: expected %s, found %s", oneLine(d.Expected), oneLine(d.Found)))
		case d.What == "rows":
			facts = append(facts, d.Found)
		default:
			facts = append(facts, d.String())
		}
	}
	if len(facts) > 0 {
		return strings.Join(facts, "; ")
	}
	facts = append(facts, "its definition is as planned")
	switch {
	case out.TargetRows >= 0 && out.SourceRows < 0:
		facts = append(facts, rowCount(out.TargetRows)+" on the target")
	case out.TargetRows >= 0 && out.SourceRows == out.TargetRows:
		facts = append(facts, rowCount(out.TargetRows)+" on both sides")
	case out.TargetRows >= 0:
		facts = append(facts, fmt.Sprintf("%s on the target, %d on the source since its last REFRESH", rowCount(out.TargetRows), out.SourceRows))
	case out.Materialized && refresh == "":
		facts = append(facts, "without rows, as planned")
	}
	if n := len(out.Assumed); n > 0 {
		facts = append(facts, "not told by the target, so assumed: "+out.Assumed[0])
	}
	return strings.Join(facts, "; ")
}

// oneLine is a query on one line.
func oneLine(sql string) string { return strings.Join(strings.Fields(sql), " ") }
