package copier

import (
	"fmt"
	"time"
)

// The controller's numbers. They are windows and ratios, so that they hold for
// a target next door as for one across an ocean.
const (
	gain       = 1.05 // what a job more must bring to be kept: less is noise
	lateness   = 2.0  // times the usual latency at which the target is overloaded
	drift      = 1.02 // by which the usual latency may rise a window: links change in days
	restStep   = 6    // windows without growth after a step that brought nothing, or a fall
	restRefuse = 12   // the same after a refused connection
	restAtMost = 96
)

// measurement is what a run did in one window.
type measurement struct {
	rate    float64       // bytes a second that the target committed
	latency time.Duration // mean time to the answer of a COMMIT; 0 is unknown
	busy    bool          // every place was taken
	retries int           // errors that may pass
	refused bool          // a server had no connection left (53300)
	works   int           // when refused: the jobs that have theirs
}

// controller finds out how many jobs a target takes: one more while that brings
// something (additive increase), a quarter fewer at errors and when answers come
// late (multiplicative decrease), as many as there are connections where a server
// refuses one. It is pure: time is counted in windows.
type controller struct {
	least, most int
	limit       int

	before float64       // the rate before the last job more, which is to be judged; 0: none is
	usual  time.Duration // latency when all is well: the least seen, rising slowly
	best   float64       // the highest rate seen since the last fall
	rest   int           // windows until the next job more
	pause  int           // windows of the next rest: it doubles while tries are in vain
}

func newController(start, least, most int) *controller {
	start = max(start, 1)
	if least == 0 {
		least = start
	}
	most = max(most, start)
	return &controller{least: min(least, start), most: most, limit: start}
}

// next takes a window and returns how many jobs may work from now on, and why
// where that changes.
func (c *controller) next(m measurement) (limit int, why string) {
	was := c.limit
	why = c.step(m)
	if c.limit == was {
		why = ""
	}
	switch {
	case m.latency == 0:
	case c.usual == 0:
		c.usual = m.latency
	default:
		c.usual = min(m.latency, time.Duration(float64(c.usual)*drift))
	}
	return c.limit, why
}

func (c *controller) step(m measurement) string {
	late := c.usual > 0 && float64(m.latency) > lateness*float64(c.usual)
	switch {
	case m.refused:
		c.fall(max(1, min(c.limit, m.works)), restRefuse)
		return "a server has no more connections"
	case m.retries > 0:
		c.fall(c.less(), restStep)
		return fmt.Sprintf("%d errors that may pass", m.retries)
	case late && m.rate <= c.best*gain:
		c.fall(c.less(), restStep)
		return fmt.Sprintf("an answer takes %s, %s is usual", m.latency.Round(time.Millisecond), c.usual.Round(time.Millisecond))
	}
	c.best = max(c.best, m.rate)
	if c.before > 0 && m.rate < c.before*gain { // the last job more brought nothing
		c.before = 0
		c.limit = max(c.least, c.limit-1)
		c.sleep(restStep)
		return "one more was no faster"
	}
	if c.before > 0 {
		c.before, c.pause = 0, 0
	}
	if c.rest > 0 {
		c.rest--
		return ""
	}
	if m.busy && c.limit < c.most {
		c.before = m.rate
		c.limit++
		return "the target takes more"
	}
	return ""
}

// less is a quarter fewer jobs, at least one, and never below the bound; a limit
// that refused connections have pushed below it stays.
func (c *controller) less() int {
	return max(min(c.least, c.limit), c.limit-max(1, c.limit/4))
}

func (c *controller) fall(to, rest int) {
	c.limit, c.before, c.best = to, 0, 0
	c.sleep(rest)
}

// sleep sets the windows until the next try, twice as many as the last time.
func (c *controller) sleep(windows int) {
	c.pause = min(max(windows, 2*c.pause), restAtMost)
	c.rest = c.pause
}
