package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/probe"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// prove says what the report proves, and what both servers say when they are
// asked without pg2db9.
func (d *demo) prove(ctx context.Context, code int) error {
	r, err := readReport(d.reportFile(".json"))
	if errors.Is(err, fs.ErrNotExist) && code != 0 {
		d.say("\npg2db9 ended with %d, before there was anything to report.\n", code)
		return nil
	}
	if err != nil {
		return err
	}
	if code != 0 {
		d.say("\npg2db9 ended with %d: %s\n", code, r.Message)
		return nil
	}
	d.say("\nWhat was proved:\n")
	d.proved(r)
	if !d.rehearse {
		if err := d.ask(ctx); err != nil {
			return err
		}
	}
	return d.facts(r)
}

// facts says what the target showed of itself, and that a stand-in is no DB9.
func (d *demo) facts(r *report.Report) error {
	if d.sim == nil {
		return nil
	}
	if !r.Profile.Simulated || r.Profile.Probe == nil {
		return errors.New("the report does not say that the target was a stand-in, or what it answered")
	}
	d.say("\nWhat the target showed of itself when it was probed (pg2db9 goes by it, not by a version):\n")
	for _, outcome := range []struct {
		is   probe.Outcome
		says string
	}{
		{probe.Proved, "proved"},
		{probe.Refuted, "refuted, so done otherwise"},
		{probe.Assumed, "assumed, on the safe side"},
	} {
		var names []string
		for _, f := range r.Profile.Probe.Facts {
			if f.Outcome == outcome.is {
				names = append(names, f.Name)
			}
		}
		d.say("  - %s: %d: %s\n", outcome.says, len(names), strings.Join(names, ", "))
	}
	d.say("  - simulated: the target was the stand-in (rules %s) before a PostgreSQL, so nothing here is verified on DB9\n", d.rules)
	return nil
}

func readReport(path string) (*report.Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	var r report.Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	return &r, nil
}

// proved counts what the report has a match for. Partitioned tables have no
// rows of their own: nobody counts theirs.
func (d *demo) proved(r *report.Report) {
	var tables, alike, sequences int
	var read, counted int64
	for _, t := range r.Tables {
		if t.Read < 0 {
			continue
		}
		tables++
		read, counted = read+t.Read, counted+t.Counted
		if t.Verdict == "match" && t.SourceDigest != "" && t.SourceDigest == t.TargetDigest {
			alike++
		}
	}
	for _, s := range r.Sequences {
		if s.Verdict == "match" {
			sequences++
		}
	}
	d.say("  - rows: %s read from the source, %s counted on the target\n", humanize.Comma(read), humanize.Comma(counted))
	d.say("  - contents: %d of %d tables and partitions have the same 128-bit digest on both sides\n", alike, tables)
	d.say("  - sequences: %d of %d go on where the source's do\n", sequences, len(r.Sequences))
	d.say("  - objects: %d carried, of which %d changed; %d left: each is named in the report\n", r.Counts.Carried, r.Counts.Changed, r.Counts.Left)
}

// tables lists what both sides hold under the same name, whatever became of the
// partitions: a partitioned table counts as one.
const tables = `
SELECT n.nspname, c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('shop', 'Odd Names')
 ORDER BY 1, 2`

// sums are two figures that an owner of the shop would look at first: one of a
// partitioned table, one of a generated column.
const sums = `SELECT (SELECT sum(amount) FROM shop.payment)::text, (SELECT sum(amount) FROM shop.order_item)::text`

// held is what one server says that it holds.
type held struct {
	rows            map[string]int64
	payments, items string
}

// ask asks both servers the same questions, and ends the demo if the answers
// differ: then the proof above would be worth nothing.
func (d *demo) ask(ctx context.Context) error {
	source, err := look(ctx, d.source.URL(database))
	if err != nil {
		return fmt.Errorf("ask the source: %w", err)
	}
	target, err := look(ctx, d.target.URL(database))
	if err != nil {
		return fmt.Errorf("ask the target: %w", err)
	}
	var total int64
	for name, n := range source.rows {
		if target.rows[name] != n {
			return fmt.Errorf("table %s has %d rows on the source and %d on the target, and pg2db9 said that all is well", name, n, target.rows[name])
		}
		total += n
	}
	if len(target.rows) != len(source.rows) || target.payments != source.payments || target.items != source.items {
		return fmt.Errorf("source and target differ, and pg2db9 said that all is well: %+v, %+v", source, target)
	}
	d.say("  - asked without pg2db9, both servers say the same: %d tables, %s rows, payments of %s, items of %s\n",
		len(source.rows), humanize.Comma(total), target.payments, target.items)
	return nil
}

func look(ctx context.Context, url string) (h held, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return h, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	r, err := conn.Query(ctx, tables)
	if err != nil {
		return h, err
	}
	names, err := pgx.CollectRows(r, pgx.RowToStructByPos[struct{ Schema, Name string }])
	if err != nil {
		return h, err
	}
	h.rows = map[string]int64{}
	for _, t := range names {
		name := pgx.Identifier{t.Schema, t.Name}.Sanitize()
		var n int64
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM "+name).Scan(&n); err != nil {
			return h, fmt.Errorf("count %s: %w", name, err)
		}
		h.rows[name] = n
	}
	return h, conn.QueryRow(ctx, sums).Scan(&h.payments, &h.items)
}
