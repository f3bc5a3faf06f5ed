//go:build unix

package dial

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// killWithChildren makes the end of a command's context end what it started
// too: a shell alone would leave a hanging program behind.
func killWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
