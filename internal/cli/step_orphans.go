package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/scan"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// orphans tells of each foreign key that was refused for rows that refer to
// nothing: how many they are, some of them, and the query that lists them. A
// target that has NOT VALID gets the key as that: it holds for all that is written
// from now on. The run is partial either way.
func (j *job) orphans(ctx context.Context, a *copier.Applied) {
	for i := range a.Failed {
		f := &a.Failed[i]
		s := f.Statement
		if dial.SQLState(f.Err) != pgerrcode.ForeignKeyViolation || s.Refers == nil || s.Table == nil || s.RefTable == nil || j.stopped() {
			continue
		}
		j.found([]finding.Finding{j.orphan(ctx, s)})
	}
}

// orphan is the finding of one such key.
func (j *job) orphan(ctx context.Context, s ddlgen.Statement) finding.Finding {
	r := scan.Reference{
		Table: *s.Table, Ref: *s.RefTable, Columns: s.Refers.Columns, RefColumns: s.Refers.RefColumns,
		MatchFull: s.Refers.MatchFull, Only: s.Refers.Only, RefOnly: s.Refers.RefOnly,
	}
	key := j.keyOf(s)
	found := finding.Finding{Code: scan.Orphan, Severity: finding.Left, Object: s.Object}
	found.Message = j.countOrphans(ctx, r, key) + "; all of them, on the target: " + r.Query(key...)
	validate := validation(s).SQL
	switch why := j.notValid(ctx, s); why {
	case "":
		found.Severity = finding.Change
		found.Message = "it is NOT VALID on the target: " + found.Message
		found.Remedy = "delete or correct the rows on the target, then: " + validate
	default:
		found.Message = "it is not on the target (" + why + "): " + found.Message
		found.Remedy = "delete or correct the rows on the target, then: " + s.SQL
	}
	return found
}

// keyOf names the columns that tell rows of the key's table apart.
func (j *job) keyOf(s ddlgen.Statement) []string {
	for _, t := range j.plan.Transfers {
		if t.Target == *s.Table {
			return t.Key
		}
	}
	return nil
}

// mostOrphans is how many rows are named.
const mostOrphans = "5"

// countOrphans counts the rows and names some of them. What cannot be asked is
// said: the query stands beside it.
func (j *job) countOrphans(ctx context.Context, r scan.Reference, key []string) string {
	ctx, done := j.untilStop(ctx)
	defer done()
	var n int64
	var sample []string
	conn, err := j.opts.target.Connect(ctx, copier.ControlSettings(j.profile))
	if err == nil {
		defer closeConns(ctx, conn)
		err = conn.QueryRow(ctx, r.CountQuery()).Scan(&n)
	}
	if err == nil {
		sample, err = sampleOrphans(ctx, conn, r, key)
	}
	if err != nil {
		return fmt.Sprintf("rows refer to nothing in %s; they could not be counted (%s)", r.Ref, redact(ui.ErrorText(err)))
	}
	refer := "rows refer"
	if n == 1 {
		refer = "row refers"
	}
	return fmt.Sprintf("%d %s to nothing in %s; for example %s", n, refer, r.Ref, strings.Join(sample, "; "))
}

// sampleOrphans are some of the rows: "id=7, customer=99".
func sampleOrphans(ctx context.Context, conn *pgx.Conn, r scan.Reference, key []string) ([]string, error) {
	names := append(key[:len(key):len(key)], r.Columns...)
	rows, err := conn.Query(ctx, r.SampleQuery(mostOrphans, key...))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values := make([]*string, len(names))
		to := make([]any, len(names))
		for i := range values {
			to[i] = &values[i]
		}
		if err := row.Scan(to...); err != nil {
			return "", err
		}
		parts := make([]string, len(names))
		for i, v := range values {
			text := "NULL"
			if v != nil {
				text = shortened(*v)
			}
			parts[i] = names[i] + "=" + text
		}
		return strings.Join(parts, ", "), nil
	})
}

// shortened keeps a value to a length that can be read.
func shortened(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// notValid makes a foreign key NOT VALID; else it says why it does not stand.
func (j *job) notValid(ctx context.Context, s ddlgen.Statement) string {
	switch {
	case !j.profile.NotValid:
		return "the target has no NOT VALID"
	case strings.HasSuffix(s.SQL, validateWord+quote.Ident(s.Object.Name)):
		return "" // it stands so, and could not be validated
	}
	s.SQL += " NOT VALID"
	a, err := copier.Apply(ctx, copier.ApplyParams{
		Target: j.opts.target, Settings: copier.ControlSettings(j.profile), Statements: []ddlgen.Statement{s}, Jobs: 1, Patience: j.patience(), Stop: j.stop,
	})
	switch {
	case a != nil && len(a.Done) == 1:
		j.bus.Emit(event.Note{Text: fmt.Sprintf("%s is NOT VALID: rows that stand on the target break it", s.Object)})
		return ""
	case a != nil && len(a.Failed) == 1:
		return "NOT VALID was refused: " + redact(ui.ErrorText(a.Failed[0].Err))
	case err != nil:
		return redact(ui.ErrorText(err))
	}
	return strconv.Quote("NOT VALID") + " was not executed"
}

const validateWord = " VALIDATE CONSTRAINT "

// validation is the statement for a foreign key that stands NOT VALID.
func validation(s ddlgen.Statement) ddlgen.Statement {
	s.SQL = "ALTER TABLE " + quote.Name(s.Table.Schema, s.Table.Name) + validateWord + quote.Ident(s.Object.Name)
	return s
}
