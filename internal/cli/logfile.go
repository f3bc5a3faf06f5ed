package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lmittmann/tint"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// logFile is the file of --log-file. A log that cannot be written, as on a full
// disk, is told at the end and stops nothing: the rows matter more.
type logFile struct {
	mu  sync.Mutex
	f   *os.File
	err error // of the first write that failed; nothing is written after it
}

// openLog opens the file, to which is appended: nil where none is asked for.
func openLog(command string, opts *options) (*logFile, error) {
	if opts.LogFile == "" {
		return nil, nil //nolint:nilnil // no log is a choice of the user's
	}
	f, err := os.OpenFile(opts.LogFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, usagef(command, "%s: the log %q cannot be written: %v", opts.Where("log-file"), opts.LogFile, causeOf(err))
	}
	return &logFile{f: f}, nil
}

// Write implements io.Writer for slog, which gives one record a call.
func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		_, l.err = l.f.Write(b)
	}
	return len(b), nil
}

// close says what kept the log from being whole.
func (l *logFile) close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.f.Close(); l.err == nil {
		l.err = err
	}
	return causeOf(l.err)
}

// causeOf is an error of a file without its name, which stands beside it.
func causeOf(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// startLogs makes the job's loggers: one for stderr and the file, and one for the
// events, which stderr has in another form, and the file alone.
func (j *job) startLogs() {
	j.runID.Store(&j.id)
	var l slog.Level
	if err := l.UnmarshalText([]byte(j.opts.LogLevel)); err != nil {
		l = slog.LevelWarn
	}
	replace := j.scrub()
	var stderr slog.Handler
	if s := j.p.streams; s.terminal(s.Err) {
		stderr = tint.NewTextHandler(j.ui.Writer(), &tint.Options{Level: l, NoColor: s.Getenv("NO_COLOR") != "", ReplaceAttr: replace})
	} else {
		stderr = slog.NewJSONHandler(j.ui.Writer(), &slog.HandlerOptions{Level: l, ReplaceAttr: replace})
	}
	file := slog.DiscardHandler
	if j.logFile != nil {
		if !j.opts.Given("log-level") {
			l = slog.LevelInfo
		}
		file = slog.NewJSONHandler(j.logFile, &slog.HandlerOptions{Level: l, ReplaceAttr: replace})
	}
	j.log = slog.New(ofRun{slog.NewMultiHandler(stderr, file), &j.runID})
	j.told = slog.New(ofRun{file, &j.runID})
}

// scrub takes out of records what is, or can be, a password.
func (j *job) scrub() func([]string, slog.Attr) slog.Attr {
	var known []string
	for _, e := range []*dial.Endpoint{j.opts.source, j.opts.target} {
		// Shorter ones are words that a log is full of.
		if e != nil && len(e.Secret()) >= 8 {
			known = append(known, e.Secret(), "***")
		}
	}
	secrets := strings.NewReplacer(known...)
	return func(_ []string, a slog.Attr) slog.Attr {
		switch v := a.Value.Resolve(); v.Kind() {
		case slog.KindString:
			a.Value = slog.StringValue(secrets.Replace(redact(v.String())))
		case slog.KindAny:
			switch x := v.Any().(type) {
			case error:
				a.Value = slog.StringValue(secrets.Replace(redact(ui.ErrorText(x))))
			case fmt.Stringer:
				a.Value = slog.StringValue(secrets.Replace(redact(x.String())))
			}
		default:
		}
		return a
	}
}

// ofRun puts the run's id into every record. It is the ledger's, which a job
// that continues a run learns only there.
type ofRun struct {
	slog.Handler
	id *atomic.Pointer[string]
}

// Handle implements slog.Handler.
func (h ofRun) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(slog.String("run", *h.id.Load()))
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h ofRun) WithAttrs(attrs []slog.Attr) slog.Handler {
	return ofRun{h.Handler.WithAttrs(attrs), h.id}
}

// WithGroup implements slog.Handler.
func (h ofRun) WithGroup(name string) slog.Handler { return ofRun{h.Handler.WithGroup(name), h.id} }

// endLog records the end, and says where the log could not be written.
func (j *job) endLog(code Code) Code {
	j.told.Info("run ended", "code", int(code), "meaning", code.String(), "message", j.rep.Message)
	if err := j.logFile.close(); err != nil {
		code = worst(code, Failed)
		_, _ = io.WriteString(j.p.streams.Err, fmt.Sprintf("pg2db9: writing the log %q: %v; the log is not whole, nothing else was touched by that\n", j.opts.LogFile, err))
	}
	return code
}
