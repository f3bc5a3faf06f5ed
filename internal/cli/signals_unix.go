//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

func osSignals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	return c, func() { signal.Stop(c) }
}

// isProgressSignal reports the signal that asks for a line of progress.
func isProgressSignal(s os.Signal) bool { return s == syscall.SIGUSR1 }

// hangups hears SIGHUP, which ends any other command as it ends any program.
func hangups() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
