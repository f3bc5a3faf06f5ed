package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/copier/runs"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/sync"
	"github.com/pg2db9/pg2db9/internal/ui"
)

func cleanCommand() command {
	return command{
		name: cmdClean, usage: "remove the ledger and what broken runs left on the target, after showing it",
		about: "Shows what it would remove: the ledger (schema _pg2db9), or one run's share of it with --run, and the half-built indexes\n" +
			"of runs that were broken off. It removes them with --yes, or after a yes on a terminal. A run that is removed cannot be\n" +
			"continued. Nothing is removed while somebody works on a run; tables, rows and finished indexes are never touched.",
		options: optionNames(targetOptions, []string{"run", "yes", "json"}),
		run:     runClean,
	}
}

func runClean(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdClean, cfg, needs{target: true})
	if err != nil {
		return OK, err
	}
	defer opts.target.Close()
	ctx, done := p.untilInterrupt(ctx)
	defer done()
	var conn *pgx.Conn
	defer func() { closeConns(ctx, conn) }()
	removed, err := clean(ctx, p, opts, &conn)
	if cause := context.Cause(ctx); cause != nil && !removed {
		err = cause
	}
	return OK, err
}

func clean(ctx context.Context, p *program, opts *options, conn **pgx.Conn) (removed bool, err error) {
	if err := connected(ctx, conn, opts.target.WithApplication(asks), dial.Asker()); err != nil {
		return false, err
	}
	r, err := runs.Find(ctx, *conn, opts.Run, append(copier.LedgerTables(), sync.LedgerTables()...))
	if errors.Is(err, runs.ErrNoLedger) {
		p.cleaned(nil, false, err.Error()+": nothing is to be removed")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !p.json {
		var b strings.Builder
		remainsText(&b, opts, r)
		_, _ = io.WriteString(p.streams.Out, b.String())
	}
	if x := r.Alive(); x != nil {
		return false, &runs.AliveError{Run: x.ID, Owner: x.Owner.Name}
	}
	if !opts.Yes && !p.askYes() {
		p.cleaned(r, false, "nothing was removed: --yes removes it")
		return false, nil
	}
	if err := r.Remove(ctx, *conn); err != nil {
		return false, err
	}
	p.cleaned(r, true, "removed")
	return true, nil
}

// cleaned tells what was found and what became of it.
func (p *program) cleaned(r *runs.Remains, removed bool, message string) {
	if p.json {
		p.lines.Write("clean", ui.Object{{Key: "remains", Value: r}, {Key: "removed", Value: removed}})
		p.exitObject(OK, message, nil)
		return
	}
	_, _ = fmt.Fprintln(p.streams.Out, message)
}

// askYes asks on a terminal, where there is one.
func (p *program) askYes() bool { return p.confirm("Remove this?") }

// confirm asks a question on a terminal, where there is one.
func (p *program) confirm(question string) bool {
	if p.json || p.streams.In == nil || !p.streams.terminal(p.streams.In) {
		return false
	}
	_, _ = fmt.Fprintf(p.streams.Out, "%s Type yes: ", question)
	answer, err := bufio.NewReader(p.streams.In).ReadString('\n')
	return err == nil && strings.TrimSpace(answer) == "yes"
}

// remainsText shows what would be removed, and what is left as it is.
func remainsText(b *strings.Builder, opts *options, r *runs.Remains) {
	say := func(format string, args ...any) { fmt.Fprintln(b, ui.Printable(fmt.Sprintf(format, args...))) }
	say("to be removed from %s:", opts.target)
	if r.Run == "" {
		say("  the ledger: schema %s with its %s", runs.Schema, count(len(r.Tables), "table"))
	} else {
		say("  what the ledger keeps of run %s", r.Run)
	}
	for i := range r.Runs {
		x := &r.Runs[i]
		say("  run %s: %s, %s, %d of %s, %s", x.ID, x.Command, x.State, x.Parts.Done, count(int(x.Parts.All), "part"), count(int(x.Rows), "row"))
		if x.Unfinished() && !x.Owner.Alive {
			say("    WARNING: it is not finished, and cannot be continued when this is gone: %s", resumeCommand(opts, x))
		}
		if n := x.Rejected(); n > 0 {
			say("    WARNING: %s of those that the target refused, kept nowhere else: pg2db9 %s writes them to files", count(int(n), "row"), cmdRejectsExport)
		}
	}
	for _, x := range r.Indexes {
		say("  index %s.%s on %s, half built by run %s", x.Table.Schema, x.Name, x.Table, x.Run)
	}
	var left []string
	for i := range r.Runs {
		if x := &r.Runs[i]; x.Snapshot.KeptPID != 0 && x.Unfinished() {
			left = append(left, fmt.Sprintf("  the snapshot of run %s on %s, kept by %s (backend %d there): it ends by itself when no copier gave a sign for a while",
				x.ID, x.Source, x.Snapshot.KeptBy, x.Snapshot.KeptPID))
		}
	}
	if r.Probe && r.Run == "" {
		left = append(left, fmt.Sprintf("  schema %s, of a probe that was ended or is at work: the next probe removes it", runs.ProbeSchema))
	}
	for _, t := range r.Foreign {
		left = append(left, fmt.Sprintf("  table %s.%s, which is none of the ledger's", runs.Schema, t))
	}
	if len(left) > 0 {
		say("left as it is:")
		for _, s := range left {
			say("%s", s)
		}
	}
}
