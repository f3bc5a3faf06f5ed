package dial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	// commandTimeout bounds one run of a command that prints a secret.
	commandTimeout = 30 * time.Second
	// commandOutput is how much it may print (bytes): no secret is near it.
	commandOutput = 64 << 10
	// answerShared is how old an answer may be that another connect was given. A
	// server that comes back is connected to by all jobs at once: one process for
	// them is enough, and services that hand tokens out count the requests.
	answerShared = time.Second
)

// command is a program of the user's that prints a password or a URL.
type command struct {
	option  string // "--target-password-command"
	line    string
	timeout time.Duration
	shared  time.Duration
	turn    chan struct{} // held by the one who asks

	// Under turn.
	answer string
	at     time.Time
	serial int // of the answer; 0 is none
}

func newCommand(option, line string) *command {
	return &command{option: option, line: line, timeout: commandTimeout, shared: answerShared, turn: make(chan struct{}, 1)}
}

// CommandError is a command for a secret that gave none. What the command
// printed is not in it: that could be the secret.
type CommandError struct {
	Option string // "--target-password-command"
	Reason string
}

// Error implements error.
func (e *CommandError) Error() string {
	return fmt.Sprintf("the command of %s %s; run it by hand to see what it says: pg2db9 shows nothing that it prints, which could be the secret",
		e.Option, e.Reason)
}

// ask returns an answer that is no older than shared, and its number. The
// answer numbered refused, which a server did not take, is not given again.
func (c *command) ask(ctx context.Context, refused int) (answer string, serial int, err error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", 0, context.Cause(ctx)
	}
	if c.serial > refused && time.Since(c.at) < c.shared {
		return c.answer, c.serial, nil
	}
	answer, err = c.run(ctx)
	if err != nil {
		return "", 0, err
	}
	c.answer, c.at, c.serial = answer, time.Now(), c.serial+1
	return c.answer, c.serial, nil
}

// run starts the command and returns its first line.
func (c *command) run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, &CommandError{c.option, fmt.Sprintf("gave no answer within %s", c.timeout)})
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	shell := []string{"sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C"}
	}
	cmd := exec.CommandContext(ctx, shell[0], shell[1], c.line) //nolint:gosec // the user's own command
	out := bounded{full: func() {
		stop(&CommandError{c.option, fmt.Sprintf("printed more than %d bytes, where one line is expected", commandOutput)})
	}}
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second // for what it leaves behind that holds the pipe open
	killWithChildren(cmd)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.As(err, &exit):
		return "", &CommandError{c.option, fmt.Sprintf("ended with exit status %d", exit.ExitCode())}
	case errors.Is(err, exec.ErrWaitDelay):
		return "", &CommandError{c.option, "ended, but something that it started still holds its output open"}
	case err != nil:
		return "", &CommandError{c.option, "could not be started (" + err.Error() + ")"}
	}
	line, _, _ := strings.Cut(out.buf.String(), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", &CommandError{c.option, "printed nothing on its first line"}
	}
	return line, nil
}

// bounded keeps what is written to it up to commandOutput, and refuses more.
type bounded struct {
	buf  bytes.Buffer // not embedded: its ReadFrom would take all
	full func()
}

var errFull = errors.New("too much output")

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.buf.Len()+len(p) > commandOutput {
		b.full()
		return 0, errFull
	}
	return b.buf.Write(p)
}
