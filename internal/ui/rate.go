package ui

import (
	"time"

	"github.com/pg2db9/pg2db9/internal/event"
)

// rateWindow is how far back the recent rate looks: long enough to smooth
// batches, short enough to follow a change of what limits.
const rateWindow = 30 * time.Second

// rate estimates how fast a counter grows, from its recent past only: the mean
// since the start says little about the rest of a run whose tables differ.
type rate struct {
	window time.Duration
	points []point // oldest first
}

type point struct {
	at    time.Time
	value int64
}

// add records the counter's value. A value below the last one (a part that
// starts again) begins the window anew.
func (r *rate) add(at time.Time, value int64) {
	if n := len(r.points); n > 0 {
		last := r.points[n-1]
		if !at.After(last.at) {
			return
		}
		if value < last.value {
			r.points = r.points[:0]
		}
	}
	r.points = append(r.points, point{at, value})
	// One point older than the window is kept: the rate spans the whole of it.
	drop := 0
	for drop+2 < len(r.points) && at.Sub(r.points[drop+1].at) >= r.window {
		drop++
	}
	r.points = append(r.points[:0], r.points[drop:]...)
}

// perSecond is the growth per second over the window, 0 while unknown.
func (r *rate) perSecond() float64 {
	n := len(r.points)
	if n < 2 {
		return 0
	}
	first, last := r.points[0], r.points[n-1]
	return float64(last.value-first.value) / last.at.Sub(first.at).Seconds()
}

// remaining is how long the counter needs to grow by left; false while the
// rate is unknown or nothing moves.
func (r *rate) remaining(left int64) (time.Duration, bool) {
	if left <= 0 {
		return 0, true
	}
	perSec := r.perSecond()
	if perSec <= 0 {
		return 0, false
	}
	sec := float64(left) / perSec
	if sec > 1e8 { // three years: no estimate, and near the end of Duration
		return 0, false
	}
	return time.Duration(sec * float64(time.Second)), true
}

// limits finds out what the running parts wait for most of the time.
type limits struct {
	window time.Duration
	seen   []waits
}

type waits struct {
	at                      time.Time
	source, target, working int
	network, retry          int
	user                    int // the user's own limits
}

// add records what the running parts are waiting for at a moment.
func (l *limits) add(s event.Snapshot) {
	w := waits{at: s.At}
	for _, r := range s.Running {
		switch r.Waits {
		case event.WaitSource:
			w.source++
		case event.WaitTarget:
			w.target++
		case event.WaitRate, event.WaitGuard:
			w.user++
		case event.WaitNetwork:
			w.network++
		case event.WaitRetry:
			w.retry++
		case event.WaitNothing:
			w.working++
		}
	}
	l.seen = append(l.seen, w)
	drop := 0
	for drop+1 < len(l.seen) && s.At.Sub(l.seen[drop].at) > l.window {
		drop++
	}
	l.seen = append(l.seen[:0], l.seen[drop:]...)
}

// The words for what limits.
const (
	limitSource  = "source"
	limitTarget  = "target"
	limitNetwork = "network" // what round trips take
	limitRetry   = "retry"
	limitNothing = "nothing"
	limitRate    = "rate"
	limitGuard   = "guard"
	limitUser    = "options" // --max-rate, or the source guard's
)

// by names what the parts waited for in more than half of the
// samples; "nothing" when neither, "" before the first sample of a running part.
func (l *limits) by() string {
	var source, target, user, network, retry, all int
	for _, w := range l.seen {
		source += w.source
		target += w.target
		user += w.user
		network += w.network
		retry += w.retry
		all += w.source + w.target + w.user + w.network + w.retry + w.working
	}
	switch {
	case all == 0:
		return ""
	case source*2 > all:
		return limitSource
	case target*2 > all:
		return limitTarget
	case user*2 > all:
		return limitUser
	case network*2 > all:
		return limitNetwork
	case retry*2 > all:
		return limitRetry
	}
	return limitNothing
}
