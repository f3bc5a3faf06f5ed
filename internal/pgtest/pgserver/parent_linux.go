package pgserver

import (
	"os"
	"strconv"
	"syscall"
)

// dieWithParent has the kernel end the postmaster when the thread that started
// it ends, which is when our process does, however it does.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }

// commandLine is what a process was started as, "" when there is none.
func commandLine(pid int) string {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return ""
	}
	return string(line)
}
