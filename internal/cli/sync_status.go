package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jackc/pgx/v5"
	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/sync"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

const (
	cmdSyncStatus  = "sync status"
	cmdSyncHistory = "sync history"
)

func syncStatusCommand() command {
	return command{
		name: cmdSyncStatus, usage: "show how current the tables of the target are", jobs: true,
		about: "Reads the ledger on the target alone, and writes nothing: of each table that was synced the moment of the source that it\n" +
			"shows, its last run and its last good one, and who is at work on it. With the job file of --config, tables that never ran are\n" +
			"shown too, and when each is due next.",
		options: optionNames(targetOptions, []string{"json"}),
		run:     runSyncStatus,
	}
}

func syncHistoryCommand() command {
	return command{
		name: cmdSyncHistory, usage: "show the runs of tables that the target's ledger knows", files: "[TABLE]",
		about: "Reads the ledger on the target alone, and writes nothing: runs of all tables or of one, the last first, with rows, bytes and\n" +
			"what went wrong. Options stand before the table.",
		options: optionNames(targetOptions, []string{"limit", "json"}),
		run:     runSyncHistory,
	}
}

// askTarget connects to the target alone, for a question to its ledger or what is
// done by one connection.
func (p *program) askTarget(ctx context.Context, command string, cfg *config.Config, ask func(context.Context, *pgx.Conn) error) (Code, error) {
	opts, err := newOptions(ctx, command, cfg, needs{target: true})
	if err != nil {
		return OK, err
	}
	defer opts.target.Close()
	ctx, done := p.untilInterrupt(ctx)
	defer done()
	var conn *pgx.Conn
	defer func() { closeConns(ctx, conn) }()
	err = connected(ctx, &conn, opts.target.WithApplication(asks), dial.Asker())
	if err == nil {
		err = ask(ctx, conn)
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return OK, err
}

// syncView is what is shown of one table.
type syncView struct {
	sync.Status
	Group string     `json:"group,omitempty"` // of the job file, or of the last run
	Age   *float64   `json:"age_seconds"`     // of the data; null: nothing was reached yet
	Next  *time.Time `json:"next"`            // null: on no schedule, or no job file is named
	Known bool       `json:"known"`           // the ledger keeps its state: a run has begun to write
}

func runSyncStatus(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	var file *jobfile.File
	if cfg.JobFile != "" {
		var err error
		if file, err = jobFile(cmdSyncStatus, cfg); err != nil {
			return OK, err
		}
	}
	return p.askTarget(ctx, cmdSyncStatus, cfg, func(ctx context.Context, conn *pgx.Conn) error {
		known, err := sync.ReadStatus(ctx, conn)
		if err != nil {
			return err
		}
		views := syncViews(file, known, p.now())
		for i := range views { // one that never came as far as its state may have failed
			if v := &views[i]; !v.Known {
				last, err := sync.History(ctx, conn, &v.Table, 1)
				if err != nil {
					return err
				}
				if len(last) > 0 {
					v.Last = &last[0]
				}
			}
		}
		p.showSyncs(views)
		return nil
	})
}

func (p *program) now() time.Time {
	if p.streams.Clock != nil {
		return p.streams.Clock.Now()
	}
	return time.Now()
}

// syncViews joins the ledger with a job file: the file's tables in its order,
// then those that only the ledger knows.
func syncViews(file *jobfile.File, known []sync.Status, now time.Time) []syncView {
	var out []syncView
	if file != nil {
		for _, t := range file.Tables {
			v := syncView{Status: sync.Status{Table: t.Table, Target: t.Table, Mode: t.Mode}, Group: t.Group, Next: nextRun(file, t, now)}
			if i := slices.IndexFunc(known, func(s sync.Status) bool { return s.Table == t.Table }); i >= 0 {
				v.Status, v.Known = known[i], true
			}
			out = append(out, v)
		}
	}
	for i := range known {
		if file != nil && file.Table(known[i].Table) != nil {
			continue
		}
		v := syncView{Status: known[i], Known: true}
		if v.Last != nil {
			v.Group = v.Last.Group
		}
		out = append(out, v)
	}
	for i := range out {
		if v := &out[i]; !v.Moment.IsZero() {
			age := now.Sub(v.Moment).Round(time.Millisecond).Seconds()
			v.Age = &age
		}
	}
	return out
}

// nextRun is when a table is due next by its job file, without jitter.
func nextRun(file *jobfile.File, t jobfile.Table, now time.Time) *time.Time {
	timing := t.Timing
	if g := file.Group(t.Group); g != nil {
		timing = g.Timing
	}
	next, err := timing.Schedule.Next(now, file.Timezone)
	if err != nil {
		return nil
	}
	next = next.UTC()
	return &next
}

// showTable prints a table, and below it what is too long for one.
func (p *program) showTable(t table.Writer, below []string) {
	for line := range strings.Lines(t.Render() + "\n") {
		_, _ = fmt.Fprintln(p.streams.Out, strings.TrimRight(line, " \n"))
	}
	for _, line := range below {
		_, _ = fmt.Fprintln(p.streams.Out, ui.Printable(line))
	}
}

func (p *program) showSyncs(views []syncView) {
	if p.json {
		for i := range views {
			p.lines.Write("sync_status", ui.Object{{Key: "table", Value: views[i].Table.String()}, {Key: "status", Value: views[i]}})
		}
		return
	}
	if len(views) == 0 {
		_, _ = fmt.Fprintln(p.streams.Out, "the ledger on the target knows of no table that was synced")
		return
	}
	now := p.now()
	t := report.NewTable("table", "mode", "group", "shows", "last run", "result", "rows", "last good", "next")
	var below []string
	for i := range views {
		v := &views[i]
		row := table.Row{v.Table.String(), string(v.Mode), v.Group, "nothing yet", "never", "", "", "never", ""}
		if v.Age != nil {
			row[3] = ago(now, v.Moment)
		}
		if e := v.Last; e != nil {
			row[4], row[5], row[6] = ago(now, e.Began), lastResult(v), humanize.Comma(e.Sent)
			if e.Err != "" {
				below = append(below, fmt.Sprintf("%s: %s", v.Table, redact(e.Err)))
			}
		}
		if !v.Success.IsZero() {
			row[7] = ago(now, v.Success)
		}
		if v.Next != nil {
			row[8] = "in " + ui.Span(v.Next.Sub(now))
		}
		t.AppendRow(printable(row))
	}
	p.showTable(t, below)
}

// lastResult says how a table's last run ended, or who is at it.
func lastResult(v *syncView) string {
	switch {
	case v.Running != "":
		return "under way (" + v.Running + ")"
	case v.Last.Ended.IsZero():
		return "broken off"
	}
	return string(v.Last.Verdict)
}

func ago(now, t time.Time) string { return ui.Span(max(now.Sub(t), 0)) + " ago" }

// printable keeps the names of a row on its line.
func printable(row table.Row) table.Row {
	for i, cell := range row {
		if s, ok := cell.(string); ok {
			row[i] = ui.Printable(s)
		}
	}
	return row
}

func runSyncHistory(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	var of *catalog.Name
	switch {
	case cfg.Limit < 0:
		return OK, usagef(cmdSyncHistory, "%s: must be 0 or more, not %d", cfg.Where("limit"), cfg.Limit)
	case len(cfg.Files) > 1:
		return OK, usagef(cmdSyncHistory, "one table is shown at a time, or all")
	case len(cfg.Files) == 1:
		parts, err := catalog.ParseName(cfg.Files[0])
		if err == nil && len(parts) > 2 {
			err = fmt.Errorf("a table is named schema.table")
		}
		if err != nil {
			return OK, usagef(cmdSyncHistory, "%q: %v", cfg.Files[0], err)
		}
		of = &catalog.Name{Schema: "public", Name: parts[len(parts)-1]}
		if len(parts) == 2 {
			of.Schema = parts[0]
		}
	}
	return p.askTarget(ctx, cmdSyncHistory, cfg, func(ctx context.Context, conn *pgx.Conn) error {
		entries, err := sync.History(ctx, conn, of, cfg.Limit)
		if err != nil {
			return err
		}
		p.showHistory(entries)
		return nil
	})
}

func (p *program) showHistory(entries []sync.Entry) {
	if p.json {
		for i := range entries {
			entries[i].Err = redact(entries[i].Err)
			p.lines.Write("sync_history", ui.Object{{Key: "entry", Value: entries[i]}})
		}
		return
	}
	if len(entries) == 0 {
		_, _ = fmt.Fprintln(p.streams.Out, "the ledger on the target knows of no such run")
		return
	}
	t := report.NewTable("began", "table", "mode", "result", "took", "read", "inserted", "updated", "deleted", "sent", "run")
	var below []string
	for i := range entries {
		e := &entries[i]
		took, result := "", string(e.Verdict)
		switch {
		case !e.Ended.IsZero():
			took = ui.Span(e.Ended.Sub(e.Began))
		default:
			result = "not ended"
		}
		t.AppendRow(printable(table.Row{
			e.Began.UTC().Format("2006-01-02 15:04:05Z"), e.Table.String(), string(e.Mode), result, took,
			humanize.Comma(e.Read), humanize.Comma(e.Inserted), humanize.Comma(e.Updated), humanize.Comma(e.Deleted), bytesText(e.Bytes), e.Run,
		}))
		if e.Err != "" {
			below = append(below, fmt.Sprintf("%s, %s: %s", e.Run, e.Table, redact(e.Err)))
		}
	}
	p.showTable(t, below)
}
