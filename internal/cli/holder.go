package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/internal/config"
)

// sourceOptions reach the source: the keeper gets them by its environment, which
// other users cannot read, as they can arguments.
var sourceOptions = []string{
	"source", "source-url-command", "source-password-command", "network-timeout",
	"source-ssh", "source-ssh-key", "source-ssh-passphrase-command", "ssh-known-hosts",
}

func holderCommand() command {
	return command{
		name: cmdHolder, usage: "hold a snapshot of the source open while its copier may come back", hidden: true,
		about: "Started by clone and copy, which --keep-snapshot tells how long it waits after the last sign of them.\n" +
			"It joins the snapshot of --snapshot, exports it again, says so in one line, and ends by itself.",
		options: optionNames(sourceOptions, []string{"snapshot", "run", "keep-snapshot", "max-snapshot-age"}),
		run:     runHolder,
	}
}

func runHolder(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	opts, err := newOptions(ctx, cmdHolder, cfg, needs{source: true})
	if err != nil {
		return OK, err
	}
	if cfg.Snapshot == "" || cfg.Run == "" {
		return OK, usagef(cmdHolder, "--snapshot and --run are needed: clone and copy start this command")
	}
	defer opts.source.Close()
	p.told = true // it has one line to say, and nobody to say it to afterwards
	settings := copier.KeeperSettings()
	err = copier.KeepSnapshot(ctx, copier.KeepParams{
		Source: opts.source, Settings: settings, Run: cfg.Run, Snapshot: cfg.Snapshot,
		Patience: time.Duration(cfg.KeepSnapshot) * time.Second, MaxAge: time.Duration(cfg.MaxSnapshotAge) * time.Second,
		Ready: func(k copier.Kept) error {
			host, err := os.Hostname()
			if err != nil {
				host = "localhost"
			}
			k.By = fmt.Sprintf("%s:%d", host, os.Getpid())
			line, err := json.Marshal(k)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.streams.Out, "%s\n", line)
			return err
		},
	})
	if err != nil {
		_, _ = fmt.Fprintf(p.streams.Err, "pg2db9: %s\n", redact(err.Error()))
		return Failed, nil
	}
	return OK, nil
}

// startKeeper starts this program once more, in a session of its own, and waits
// until it holds the snapshot.
func (j *job) startKeeper(ctx context.Context) (k copier.Kept, err error) {
	const patience = 30 * time.Second
	cmd := exec.Command(j.p.streams.Self, cmdHolder, //nolint:gosec,noctx // itself; it outlives this process by design
		"--snapshot", j.snapshot.ID, "--run", j.id, "--keep-snapshot", strconv.Itoa(j.opts.KeepSnapshot), "--max-snapshot-age", strconv.Itoa(j.opts.MaxSnapshotAge))
	cmd.Env = j.keeperEnv()
	ofItsOwn(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return k, err
	}
	var said tail
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return k, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it did not say that it holds the snapshot within %s", patience))
	defer cancel()
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(out).ReadString('\n')
		if s == "" { // it has ended: what it said of why is all there then
			_ = cmd.Wait()
			line <- s
			return
		}
		line <- s
		_ = cmd.Wait() // when it ends, long after: no zombie
	}()
	select {
	case s := <-line:
		if err := json.Unmarshal([]byte(s), &k); err != nil {
			return k, fmt.Errorf("it ended: %s", redact(strings.TrimSpace(said.String())))
		}
		return k, nil
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		return k, context.Cause(ctx)
	}
}

// keeperEnv is this process's environment with the options that reach the
// source, wherever they came from.
func (j *job) keeperEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG2DB9_") || strings.HasPrefix(kv, "PG2DB9_TEST_") {
			env = append(env, kv)
		}
	}
	for _, o := range config.Options(sourceOptions...) {
		if value := j.opts.Reveal(o); value != "" && j.opts.Given(o.Name) {
			env = append(env, o.Env()+"="+value)
		}
	}
	return env
}

// tail keeps the last bytes that a program said.
type tail struct{ b []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	const most = 4 << 10
	t.b = append(t.b, p...)
	if len(t.b) > most {
		t.b = t.b[len(t.b)-most:]
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }
