package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/copier/runs"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/sync"
	"github.com/pg2db9/pg2db9/internal/ui"
)

func statusCommand() command {
	return command{
		name: cmdStatus, usage: "show the runs that the ledger on the target knows, from any machine",
		about: "Reads the ledger alone, and writes nothing: runs with their owners, parts, rows, bytes, rate and remaining time, what\n" +
			"failed and the command that continues, the age of the snapshot, and what pg2db9's sessions wait for. With --source\n" +
			"the source is asked too: whether the snapshot's holder lives, and who is in the way there.\n\n" +
			"With --watch it looks every 2 seconds, until the run has come to its end or an interrupt comes.",
		options: optionNames(serverOptions, []string{"run", "watch", "json"}),
		run:     runStatus,
	}
}

// lookEvery is how often --watch looks, and watchPatience for how long it goes
// on without an answer.
const (
	lookEvery     = 2 * time.Second
	watchPatience = time.Minute
)

// asks is the name of sessions that only ask: they are none of a run's.
const asks = "pg2db9 status"

// watcher is one status command at work.
type watcher struct {
	p    *program
	opts *options

	target, source *pgx.Conn
	pace           map[string]*progressRate // by run

	ended bool // the run that is watched
}

func runStatus(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdStatus, cfg, needs{target: true})
	if err != nil {
		return OK, err
	}
	defer opts.source.Close()
	defer opts.target.Close()
	ctx, done := p.untilInterrupt(ctx)
	defer done()
	w := &watcher{p: p, opts: opts, pace: map[string]*progressRate{}}
	defer w.close(ctx)
	if !opts.Watch {
		return OK, w.once(ctx)
	}
	err = w.watch(ctx)
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return OK, nil // it was asked to look until then
	}
	return OK, err
}

// once looks, and shows what it saw.
func (w *watcher) once(ctx context.Context) error {
	v, err := w.look(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	w.show(v)
	return nil
}

// watch looks again and again. A target that does not answer for a while is
// waited for: what is watched waits for it too.
func (w *watcher) watch(ctx context.Context) error {
	var silent time.Time // since when there was no answer
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		err := w.once(ctx)
		c := dial.Classify(err)
		switch {
		case err == nil && w.ended, ctx.Err() != nil:
			return nil
		case err == nil:
			silent = time.Time{}
		case c != dial.Lost && c != dial.Retry:
			return err
		default:
			if silent.IsZero() {
				silent = time.Now()
			}
			if time.Since(silent) > watchPatience {
				return err
			}
			_, _ = fmt.Fprintf(w.p.streams.Err, "pg2db9: %s; looking again\n", redact(ui.ErrorText(err)))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look reads the ledger, and asks both servers what their sessions do.
func (w *watcher) look(ctx context.Context) (*view, error) {
	if err := connected(ctx, &w.target, w.opts.target.WithApplication(asks), dial.Asker()); err != nil {
		return nil, err
	}
	ledger, err := runs.Read(ctx, w.target, w.opts.Run)
	if errors.Is(err, runs.ErrNoLedger) {
		w.ended = true
		return &view{Message: err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	v := &view{Ledger: true, At: ledger.At}
	if v.Target, err = runs.AskSessions(ctx, w.target, w.opts.target.Application()); err != nil {
		return nil, fmt.Errorf("on the target: %w", err)
	}
	if err := w.askSource(ctx, v); err != nil {
		return nil, err
	}
	for i := range ledger.Runs {
		r := &ledger.Runs[i]
		x := runView{Run: *r, Next: w.next(r)}
		x.measure(w.paceOf(r.ID), ledger.At)
		x.ageSnapshot(ctx, w.source, ledger.At)
		v.Runs = append(v.Runs, x)
	}
	v.diagnose()
	w.ended = len(v.Runs) == 0 || v.Runs[0].Ended()
	return v, nil
}

// askSource asks the source where it is named. What it does not tell is said,
// and hides nothing of the target's.
func (w *watcher) askSource(ctx context.Context, v *view) error {
	if w.opts.source == nil {
		return nil
	}
	err := connected(ctx, &w.source, w.opts.source.WithApplication(asks), dial.Reader())
	if err == nil {
		v.Source, err = runs.AskSessions(ctx, w.source, w.opts.source.Application())
	}
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		v.Source = &runs.Sessions{Told: "the source could not be asked: " + redact(ui.ErrorText(err)), Sessions: []runs.Session{}, Blockers: []runs.Blocker{}}
	}
	return nil
}

func (w *watcher) paceOf(run string) *progressRate {
	if w.pace[run] == nil {
		w.pace[run] = &progressRate{}
	}
	return w.pace[run]
}

// next is the command that continues a run; "" where there is nothing to
// continue, or somebody is at it.
func (w *watcher) next(r *runs.Run) string {
	if !r.Unfinished() || r.Owner.Alive {
		return ""
	}
	if r.Command == sync.Command {
		return "pg2db9 sync run --config FILE" // the next run goes on, whoever begins it
	}
	return resumeCommand(w.opts, r)
}

// resumeCommand continues a run, from this machine: with what shaped its plan,
// and without a secret.
func resumeCommand(opts *options, r *runs.Run) string {
	j := &job{command: r.Command, opts: opts}
	servers := j.serverFlags()
	if opts.source == nil {
		servers = append(servers, "--source", `"$`+config.Options("source")[0].Env()+`"`)
	}
	var asked runOptions
	var plan []string
	if json.Unmarshal([]byte(r.Options), &asked) == nil { // else somebody changed it, and --resume says so
		for _, o := range asked.Plan {
			name, value, _ := strings.Cut(o, "=")
			plan = append(plan, "--"+name, shellWord(value))
		}
	}
	return commandLine(r.Command, servers, plan, []string{"--resume"})
}

// connected makes a connection where there is none that lives.
func connected(ctx context.Context, conn **pgx.Conn, e *dial.Endpoint, s dial.Settings) error {
	if *conn != nil && !(*conn).IsClosed() {
		return nil
	}
	c, err := e.Connect(ctx, s)
	if err == nil {
		*conn = c
	}
	return err
}

func (w *watcher) close(ctx context.Context) { closeConns(ctx, w.source, w.target) }

// closeConns says good-bye to servers that may not answer any more.
func closeConns(ctx context.Context, conns ...*pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	for _, c := range conns {
		if c != nil {
			_ = c.Close(ctx)
		}
	}
}

// untilInterrupt is a context that the first interrupt ends, for commands that
// have nothing in flight.
func (p *program) untilInterrupt(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case s := <-p.streams.Signals:
				if !isProgressSignal(s) {
					cancel(errInterrupted)
				}
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}
