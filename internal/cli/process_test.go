package cli

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is the program as a process of its own, which can be killed.
type process struct {
	cmd  *exec.Cmd
	err  *buffer
	done chan error

	target string // its URL, where it is not the bundle's
}

// start starts the program. It is killed at the end of the test at the latest.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &process{cmd: exec.CommandContext(t.Context(), self, args...), err: &buffer{}, done: make(chan error, 1)}
	p.cmd.Dir = t.TempDir() // nothing that it leaves there may be needed
	p.cmd.Env = append(os.Environ(), asProgram+"=1", "PG2DB9_RETRY_FOR=3", "GOCOVERDIR="+t.TempDir())
	p.cmd.Stdout, p.cmd.Stderr = p.err, p.err
	require.NoError(t, p.cmd.Start())
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() { p.kill(t) })
	return p
}

// kill ends the process as kill -9 does, and waits for it.
func (p *process) kill(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Kill()
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(20 * time.Second):
		t.Error("a killed process did not end")
	}
}

// eventually waits for a condition on a server.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 60*time.Second, 20*time.Millisecond, what)
}
