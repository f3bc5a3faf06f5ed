//go:build !unix

package cli

import (
	"os"
	"os/signal"
)

func osSignals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt)
	return c, func() { signal.Stop(c) }
}

// isProgressSignal reports the signal that asks for a line of progress: there
// is none here.
func isProgressSignal(os.Signal) bool { return false }

// hangups hears nothing: there is no such signal here.
func hangups() (<-chan os.Signal, func()) { return nil, func() {} }
