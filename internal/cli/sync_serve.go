package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/metrics"
	"github.com/pg2db9/pg2db9/internal/sync"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/internal/sync/schedule"
	"github.com/pg2db9/pg2db9/internal/sync/serve"
	"github.com/pg2db9/pg2db9/internal/ui"
)

const cmdSyncServe = "sync serve"

// listenNowhere is the word for no health endpoint.
const listenNowhere = "none"

func syncServeCommand() command {
	return command{
		name: cmdSyncServe, usage: "keep tables of the target current at the times that a job file says", jobs: true,
		about: "Runs the groups and tables of the job file of --config at the times of their schedules, one after the other, until it is asked\n" +
			"to stop. A table that fails is tried again after 30 seconds, then at growing distances up to 15 minutes, and does not stop\n" +
			"the others. The first interrupt lets what is in flight come to its end and ends with 0; the second ends at once. SIGHUP reads\n" +
			"the job file again; one that is wrong keeps the one before, and says so.\n\n" +
			"At /healthz of --listen it answers whether it is at work, and what is due next; with --metrics at /metrics what\n" +
			"became of each table, for Prometheus. Neither tells a secret, and neither asks for one: the address is loopback's.\n\n" +
			"Options that commands share are read from the file of PG2DB9_CONFIG, if it is set.",
		options: optionNames(serverOptions, mappingOptions, planOptions, probeOptions, []string{"jobs", "retry-for", "listen", "metrics"}, outputOptions),
		run:     runSyncServe,
	}
}

func runSyncServe(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	file, err := scheduledFile(cfg)
	if err != nil {
		return OK, err
	}
	if cfg.Listen == listenNowhere {
		if cfg.Listen = ""; cfg.Metrics {
			return OK, usagef(cmdSyncServe, "%s: there is no address to answer at: %s is none", cfg.Where("metrics"), cfg.Where("listen"))
		}
	} else if _, _, err := net.SplitHostPort(cfg.Listen); err != nil {
		return OK, usagef(cmdSyncServe, "%s: must be host:port or none, not %q", cfg.Where("listen"), cfg.Listen)
	}
	opts, err := newOptions(ctx, cmdSyncServe, cfg, needs{source: true, target: true})
	if err != nil {
		return OK, err
	}
	collectOften(sync.GCPercent)
	return p.startJob(ctx, cmdSyncServe, opts, func(j *job) []step {
		return []step{j.connect, j.surveySource, j.probe, func(ctx context.Context) error { return j.serveSyncs(ctx, file) }}
	})
}

// scheduledFile reads the job file of a process that runs it at its times.
func scheduledFile(cfg *config.Config) (*jobfile.File, error) {
	file, err := jobFile(cmdSyncServe, cfg)
	if err != nil {
		return nil, err
	}
	if len(schedule.Units(file)) == 0 {
		return nil, &jobfile.Error{Path: file.Path, Reason: "no group and no table has a schedule: nothing would ever run"}
	}
	return file, nil
}

// serveSyncs runs the job file until it is asked to stop.
func (j *job) serveSyncs(ctx context.Context, file *jobfile.File) error {
	closeConns(ctx, j.source, j.target) // months will pass
	j.source, j.target = nil, nil
	j.written.Store(true) // the first interrupt lets runs come to their end

	params := serve.Params{
		File: file, Load: func(context.Context) (*jobfile.File, error) { return scheduledFile(j.opts.Config) },
		Run: func(ctx context.Context, f *jobfile.File, sel sync.Selection) (*sync.Report, error) {
			sel.Each = true
			return j.runner(f).Run(ctx, sel)
		},
		Known: j.knownSyncs, Clock: j.p.streams.Clock, Stop: j.stop, Listen: j.opts.Listen, Version: version(), Tell: serveTeller{j},
	}
	if params.Clock == nil {
		params.Clock = schedule.Wall{}
	}
	if j.opts.Metrics {
		params.Metrics = metrics.NewSync(version(), params.Clock.Now)
	}
	reload, done := j.reloads(ctx)
	defer done()
	params.Reload = reload
	err := serve.Serve(ctx, params)
	if err == nil {
		j.served, j.synced, j.message = true, true, "stopped, as asked; what was begun has come to its end"
	}
	return err
}

// reloads hears the signals that ask for the file to be read again.
func (j *job) reloads(ctx context.Context) (<-chan struct{}, func()) {
	if j.p.streams.Hangups == nil {
		return nil, func() {}
	}
	asked, quiet := j.p.streams.Hangups()
	out, over := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(over)
		forwardHangups(ctx, asked, out)
	}()
	return out, func() {
		cancel()
		<-over
		quiet()
	}
}

func forwardHangups(ctx context.Context, asked <-chan os.Signal, out chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
		}
		select {
		case <-ctx.Done():
			return
		case out <- struct{}{}:
		}
	}
}

// knownSyncs is what the target's ledger says of tables.
func (j *job) knownSyncs(ctx context.Context) ([]sync.Status, error) {
	conn, err := j.opts.target.Connect(ctx, dial.Asker())
	if err != nil {
		return nil, err
	}
	defer closeConns(ctx, conn)
	return sync.ReadStatus(ctx, conn)
}

// serveTeller tells what happens: lines for people on stderr, JSON lines on stdout.
type serveTeller struct{ j *job }

var _ serve.Teller = serveTeller{}

// say tells one thing: an object with --json, else a line.
func (t serveTeller) say(kind string, fields ui.Object, format string, args ...any) {
	text := redact(fmt.Sprintf(format, args...))
	if t.j.p.json {
		t.j.p.lines.Write(kind, append(fields, ui.Field{Key: "text", Value: text}))
	} else {
		_, _ = fmt.Fprintln(t.j.ui.Writer(), ui.Printable(text))
	}
	t.j.told.Info("sync serve", "what", kind, "text", text)
}

// Listening implements serve.Teller.
func (t serveTeller) Listening(addr string) {
	t.say("listening", ui.Object{{Key: "address", Value: addr}}, "answering at http://%s/healthz", addr)
}

// noteWords are what is said of notes; those that are not here are not told.
var noteWords = map[schedule.What]string{
	schedule.Overlaps: "%s: due at %s, and its last run is still under way",
	schedule.Waits:    "%s: every table of it failed and waits; it is tried again at %s",
	schedule.LeftOut:  "%s: was due at %s, and is left out (missed: skip)",
	schedule.Late:     "%s: was due at %s, and is made up for (missed: once)",
	schedule.IsBusy:   "%s: another run is at work on the target; it is tried again at %s",
	schedule.Failing:  "%s: tried again at %s",
}

// Noted implements serve.Teller.
func (t serveTeller) Noted(n schedule.Note) {
	words, told := noteWords[n.What]
	if n.What == schedule.Recovered {
		words, told = "%s: it failed before, and is current again", true
	}
	if !told {
		return
	}
	what := n.Unit
	fields := ui.Object{{Key: "what", Value: string(n.What)}, {Key: "unit", Value: n.Unit}, {Key: "at", Value: momentText(n.At)}}
	if n.Table.Name != "" {
		what = n.Table.String()
		fields = append(fields, ui.Field{Key: "table", Value: n.Table.String()})
	}
	if n.What == schedule.Recovered {
		t.say("schedule", fields, words, what)
		return
	}
	t.say("schedule", fields, words, what, momentText(n.At))
}

// Ran implements serve.Teller.
func (t serveTeller) Ran(run schedule.Run, rep *sync.Report, err error) {
	good, seconds, id := 0, 0.0, ""
	if rep != nil {
		id, seconds = rep.Run, rep.Ended.Sub(rep.Began).Round(time.Millisecond).Seconds()
		for i := range rep.Tables {
			t.j.tellSynced(&rep.Tables[i])
			if rep.Tables[i].Good() {
				good++
			}
		}
	}
	message := ""
	if err != nil {
		message = redact(ui.ErrorText(err))
	}
	text := fmt.Sprintf("%s (%s, due at %s): %d of %s current", run.Unit.Name, run.Reason, momentText(run.Due), good, count(len(run.Tables), "table"))
	if message != "" {
		text += ": " + message
	}
	t.say("served", ui.Object{
		{Key: "run", Value: id},
		{Key: "unit", Value: run.Unit.Name},
		{Key: "reason", Value: string(run.Reason)},
		{Key: "due", Value: momentText(run.Due)},
		{Key: "tables", Value: len(run.Tables)},
		{Key: "good", Value: good},
		{Key: "seconds", Value: max(seconds, 0)},
		{Key: "error", Value: message},
	}, "%s", text)
}

// Reloaded implements serve.Teller.
func (t serveTeller) Reloaded(f *jobfile.File, err error) {
	if err != nil {
		message := redact(ui.ErrorText(err))
		t.say("reloaded", ui.Object{{Key: "good", Value: false}, {Key: "error", Value: message}}, "the job file was read again, and is wrong; the one before is kept: %s", message)
		return
	}
	t.say("reloaded", ui.Object{{Key: "good", Value: true}, {Key: "error", Value: ""}}, "the job file was read again: %s, %s on a schedule", count(len(f.Tables), "table"), count(len(schedule.Units(f)), "unit"))
}
