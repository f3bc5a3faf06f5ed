//go:build unix

package cli

import (
	"os/exec"
	"syscall"
)

// ofItsOwn keeps a process from the signals of this one's terminal and session:
// it is there for the case that they end this one.
func ofItsOwn(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
