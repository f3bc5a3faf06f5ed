package copier

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// place tells apart where processes are numbered: by the kernel, since it was
// started, and the name space of its process numbers. "" where that is not told.
func place() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + space
}

// processGone says that no process of the place has the number. One that may not
// be asked lives.
func processGone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
