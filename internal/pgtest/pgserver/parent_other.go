//go:build unix && !linux

package pgserver

import (
	"os/exec"
	"strconv"
	"syscall"
)

// dieWithParent does nothing here: a later run's sweep ends what is left.
func dieWithParent(*syscall.SysProcAttr) {}

// commandLine is what a process was started as, "" when there is none.
func commandLine(pid int) string {
	line, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:noctx,gosec // short; a number
	if err != nil {
		return ""
	}
	return string(line)
}
