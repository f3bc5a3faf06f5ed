package db9sim

import "sync"

// places bounds the connections that are open at once.
type places struct {
	mu   sync.Mutex
	left int
	all  bool // no bound
}

func newPlaces(rules *RuleSet, most int) *places {
	if most == 0 {
		most = maxConnections
	}
	return &places{left: most, all: !rules.On("connection-cap")}
}

// take gives a place and what gives it back, or false if there is none.
func (p *places) take() (release func(), ok bool) {
	if p.all {
		return func() {}, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 {
		return nil, false
	}
	p.left--
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.left++
	}), true
}
