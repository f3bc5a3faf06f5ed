package pgserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// How long a server may take to come up (it may have to recover first) and to
// go down.
const (
	startTimeout = 60 * time.Second
	stopTimeout  = 60 * time.Second
)

// Mode is how a cluster is stopped.
type Mode int

// The modes of pg_ctl stop.
const (
	Fast      Mode = iota + 1 // ends sessions, writes a checkpoint
	Immediate                 // as a crash would
	Smart                     // waits for clients to leave
)

func (m Mode) String() string {
	switch m {
	case Fast:
		return "fast"
	case Immediate:
		return "immediate"
	case Smart:
		return "smart"
	}
	return "Mode(" + strconv.Itoa(int(m)) + ")"
}

func (m Mode) signal() (os.Signal, error) {
	switch m {
	case Fast:
		return syscall.SIGINT, nil
	case Immediate:
		return syscall.SIGQUIT, nil
	case Smart:
		return syscall.SIGTERM, nil
	}
	return nil, fmt.Errorf("stop a cluster in %s: %w", m, errors.ErrUnsupported)
}

// process is one life of a postmaster.
type process struct {
	pid  int
	proc *os.Process
	done chan struct{} // closed when it has ended and was waited for
}

// Start starts a stopped cluster, and returns when it takes connections.
func (c *Cluster) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc != nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errors.New("PostgreSQL did not start in "+startTimeout.String()))
	defer cancel()
	acc, err := serverAccount()
	if err != nil {
		return err
	}
	p, err := c.launch(acc)
	if err != nil {
		return fmt.Errorf("start PostgreSQL %d: %w", c.bin.Major, err)
	}
	if err := c.awaitReady(ctx, p); err != nil {
		_ = p.proc.Signal(syscall.SIGQUIT)
		<-p.done
		return fmt.Errorf("start PostgreSQL %d: %w: %s", c.bin.Major, err, c.logTail())
	}
	c.proc = p
	return nil
}

// launch runs the postmaster under a goroutine that owns it. The goroutine
// keeps its thread: the kernel's parent-death signal goes by thread.
func (c *Cluster) launch(acc *account) (*process, error) {
	log, err := os.OpenFile(c.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer func() { _ = log.Close() }()
	// Not a CommandContext: it outlives the call that starts it.
	cmd := exec.Command(c.bin.path("postgres"), "-D", c.Dir()) //nolint:noctx // see above
	cmd.Dir = c.dir
	cmd.Env = environment(c.dir)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = acc.attr()
	dieWithParent(cmd.SysProcAttr)
	p := &process{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid, p.proc = cmd.Process.Pid, cmd.Process
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, err
	}
	return p, nil
}

// awaitReady waits until postmaster.pid says that connections are taken.
func (c *Cluster) awaitReady(ctx context.Context, p *process) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if c.ready(p.pid) {
			return nil
		}
		select {
		case <-p.done:
			return errors.New("the server ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// ready reads postmaster.pid: the pid first, the state on the eighth line. A
// file of an earlier life has another pid.
func (c *Cluster) ready(pid int) bool {
	data, err := os.ReadFile(filepath.Join(c.Dir(), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := bytes.Split(data, []byte("\n"))
	return len(lines) >= 8 && string(lines[0]) == strconv.Itoa(pid) && bytes.HasPrefix(lines[7], []byte("ready"))
}

// Stop stops the cluster if it runs and waits until it has ended.
func (c *Cluster) Stop(ctx context.Context, mode Mode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc == nil {
		return nil
	}
	sig, err := mode.signal()
	if err != nil {
		return err
	}
	p := c.proc
	if err := p.proc.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), stopTimeout, errors.New("PostgreSQL did not stop in "+stopTimeout.String()))
	defer cancel()
	select {
	case <-p.done:
		c.proc = nil
		return nil
	case <-ctx.Done():
		err := context.Cause(ctx)
		if kerr := p.proc.Kill(); kerr != nil {
			return errors.Join(err, kerr)
		}
		<-p.done
		c.proc = nil
		return fmt.Errorf("%w; it was killed: %s", err, c.logTail())
	}
}

func (c *Cluster) logTail() string {
	log, err := os.ReadFile(c.LogFile())
	if err != nil {
		return err.Error()
	}
	return tail(log)
}
