package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// dryTable is a table of a dry run.
type dryTable struct {
	target, source catalog.Name
	bytes, rows    int64 // rows -1: unknown
	parts          []copier.Part
	where          []string // the user's conditions, each once
	noData         string
}

// chosen says which rows go, where not all do.
func (t dryTable) chosen() string {
	if len(t.where) == 0 {
		return ""
	}
	return ", of these the rows where " + strings.Join(t.where, "; ")
}

// dryRun ends the run here where --dry-run asks for it, with what the run would
// do: these tables, cut into these parts, with these statements before and
// after (F4). The output is an SQL script but for the rows.
func (j *job) dryRun(ctx context.Context) error {
	if !j.opts.DryRun {
		return nil
	}
	tables, err := j.dryTables(ctx)
	if err != nil {
		return err
	}
	before, after := j.before(), j.after()
	j.message = fmt.Sprintf("dry run: %s and %s would be worked on; nothing was written", count(len(tables), "table"), count(len(before)+len(after), "statement"))
	if j.p.json {
		for _, t := range tables {
			j.p.lines.Write("table", dryFields(t, slices.Contains(j.emptied(), t.target)))
		}
		for _, s := range slices.Concat(before, after) {
			j.p.lines.Write("statement", statementFields(&s))
		}
		return errDone
	}
	j.beginScript()
	w := j.p.streams.Out
	printStatements(w, before)
	_, _ = fmt.Fprintf(w, "\n-- phase: data\n")
	for _, t := range tables {
		rows := "rows unknown"
		if t.rows >= 0 {
			rows = "about " + humanize.Comma(t.rows) + " rows"
		}
		word := "copy"
		switch {
		case t.noData != "":
			_, _ = fmt.Fprintf(w, "-- leave the rows of %s behind (%s)\n", ui.Printable(t.target.String()), ui.Printable(t.noData))
			continue
		case slices.Contains(j.emptied(), t.target):
			word = "empty and copy"
		}
		_, _ = fmt.Fprintf(w, "-- %s %s: %s, %s, %s%s\n", word, ui.Printable(t.target.String()), humanize.Bytes(uint64(max(0, t.bytes))), rows, count(len(t.parts), "part"), ui.Printable(t.chosen()))
	}
	printStatements(w, after)
	if n := len(j.plan.Sequences); n > 0 && j.command == cmdClone {
		_, _ = fmt.Fprintf(w, "\n-- phase: sequences\n-- set %s\n", count(n, "sequence"))
	}
	printFindings(w, j.allFindings())
	return errDone
}

// emptied are the tables that the run empties first.
func (j *job) emptied() []catalog.Name {
	if j.opts.OnExisting != config.Truncate || j.existing == nil {
		return nil
	}
	return j.existing.Tables(j.plan)
}

// dryTables gathers sizes and parts.
func (j *job) dryTables(ctx context.Context) ([]dryTable, error) {
	parts, err := copier.PlanParts(ctx, j.snapshot.Conn(), j.plan, j.profile, j.jobs, copier.Split{By: copier.SplitBy(j.opts.SplitBy)})
	if err != nil {
		return nil, err
	}
	known := map[catalog.Name]catalog.Table{}
	for _, t := range j.db.Tables {
		known[t.Name] = t
	}
	var out []dryTable
	for _, x := range j.plan.Transfers {
		t := dryTable{target: x.Target, source: x.Source, noData: x.NoData}
		for _, w := range x.Where {
			if w != "" && !slices.Contains(t.where, w) {
				t.where = append(t.where, w)
			}
		}
		for _, rel := range x.Relations {
			r := known[rel]
			t.bytes += r.HeapBytes + r.ToastBytes
			if r.RowsGuess < 0 || t.rows < 0 {
				t.rows = -1
			} else {
				t.rows += r.RowsGuess
			}
		}
		for _, p := range parts {
			if p.Target == x.Target {
				t.parts = append(t.parts, p)
			}
		}
		out = append(out, t)
	}
	return out, nil
}

func dryFields(t dryTable, emptied bool) ui.Object {
	parts := make([]map[string]any, 0, len(t.parts))
	for _, p := range t.parts {
		parts = append(parts, map[string]any{"relation": p.Relation.String(), "estimated_bytes": p.Bytes})
	}
	return ui.Object{
		{Key: "target", Value: t.target.String()},
		{Key: "source", Value: t.source.String()},
		{Key: "bytes", Value: t.bytes},
		{Key: "rows", Value: t.rows},
		{Key: "emptied", Value: emptied},
		{Key: "parts", Value: parts},
		{Key: "where", Value: t.where},
		{Key: "no_data", Value: t.noData},
	}
}
