package cli

import (
	"context"
	"os"

	"github.com/pg2db9/pg2db9/internal/event"
)

// OS are the process's own streams, environment and signals. The caller calls
// done when the program is over.
func OS() (s Streams, done func()) {
	signals, done := osSignals()
	self, err := os.Executable()
	if err != nil {
		self = ""
	}
	return Streams{Self: self, In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Signals: signals, Hangups: hangups}, done
}

// listen acts on signals until ctx ends: the first interrupt lets what is in
// flight come to its end, the second cancels; a third kind asks for a line of
// progress. While nothing is written there is nothing to bring to an end, and
// the first interrupt cancels already.
func (j *job) listen(ctx context.Context, cancel context.CancelCauseFunc) {
	defer close(j.listening)
	stopped := false
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-j.p.streams.Signals:
			switch {
			case isProgressSignal(s):
				j.ui.Kick()
			case stopped || !j.written.Load():
				j.bus.Emit(event.Note{Text: "interrupted: stopping at once"})
				cancel(errInterrupted)
				return
			default:
				stopped = true
				j.bus.Emit(event.Note{Text: "interrupted: what is in flight is brought to its end; a second interrupt stops at once"})
				close(j.stop)
			}
		}
	}
}

// stopped reports whether the user asked for an end.
func (j *job) stopped() bool {
	select {
	case <-j.stop:
		return true
	default:
		return false
	}
}

// untilStop is a context that the first interrupt ends already, for work that
// leaves nothing half done.
func (j *job) untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-j.stop:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}
