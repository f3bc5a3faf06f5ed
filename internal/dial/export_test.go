package dial

import "time"

// WithCommandTimes returns a copy whose commands have other times: how long one
// may run, and how old an answer may be.
func (e *Endpoint) WithCommandTimes(timeout, shared time.Duration) *Endpoint {
	other := *e
	for _, c := range []**command{&other.url, &other.password} {
		if *c != nil {
			changed := newCommand((*c).option, (*c).line)
			changed.timeout, changed.shared = timeout, shared
			*c = changed
		}
	}
	return &other
}

// Milliseconds is milliseconds.
var Milliseconds = milliseconds
