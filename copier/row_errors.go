package copier

import (
	"fmt"
	"sync"

	"github.com/pg2db9/pg2db9/internal/event"
)

// tellRefused tells once of a table that rows of it are refused.
func (c *copyRun) tellRefused(s *partState, why refusal) {
	if _, told := c.toldOf.LoadOrStore(s.part.Target, true); told {
		return
	}
	c.Bus.Emit(event.Note{Text: fmt.Sprintf("the target refuses a row of %s (%s: %s): such rows are kept in _pg2db9.reject, all others are loaded", s.part.Target, why.state, why.message)})
}

// stopForRows lets a refused row stop the run as an interrupt does, where the
// user wants that. The returned function ends the watch.
func (c *copyRun) stopForRows() func() {
	c.userStop, c.halt = c.Stop, func() {}
	if c.OnRowError != RowStop {
		return func() {}
	}
	over, stop := make(chan struct{}), make(chan struct{})
	c.halt = sync.OnceFunc(func() { close(stop) })
	c.Stop = stop
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-c.userStop:
			c.halt()
		case <-over:
		}
	})
	return func() {
		close(over)
		watch.Wait()
	}
}

// haltFor stops the run where err is a refused row.
func (c *copyRun) haltFor(err error) {
	if _, refused := refusalOf(err); refused {
		c.halt()
	}
}
