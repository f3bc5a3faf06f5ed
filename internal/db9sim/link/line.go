package link

import (
	"sync"
	"time"
)

// line is a serial line of a rate: what is given to it leaves in order, each
// piece when its last byte has passed. It needs no clock of its own, so a
// sender that wakes late loses nothing.
type line struct {
	mu   sync.Mutex
	rate int64     // bytes a second; 0 takes no time
	free time.Time // when the last piece has left
}

// send says when n bytes that are there at a moment have left.
func (l *line) send(at time.Time, n int) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.Before(l.free) {
		at = l.free
	}
	if l.rate > 0 {
		at = at.Add(timeFor(n, l.rate))
		l.free = at
	}
	return at
}

// Shared is what the connections of one link have in common: the bounds of
// Config.TotalRate, and their number.
type Shared struct {
	up, down line
	mu       sync.Mutex
	count    uint64
	conns    map[*Conn]bool
	wg       sync.WaitGroup // of the connections' goroutines
	closed   bool
}

// NewShared makes it for the connections of one link.
func NewShared(cfg Config) *Shared {
	return &Shared{up: line{rate: cfg.TotalRate}, down: line{rate: cfg.TotalRate}, conns: map[*Conn]bool{}}
}

// Close ends all connections at once, those in black holes too, and waits for
// what worked on them.
func (s *Shared) Close() {
	s.mu.Lock()
	s.closed = true
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.abort()
	}
	s.wg.Wait()
}

// add counts a connection and says which it is; false when all has ended.
func (s *Shared) add(c *Conn) (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if !s.closed {
		s.conns[c] = true
	}
	return s.count, !s.closed
}

func (s *Shared) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// deadline is a moment that can move while somebody waits for it, such as the
// deadline of a connection.
type deadline struct {
	mu      sync.Mutex
	at      time.Time
	changed chan struct{}
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = t
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

// wait gives a timer of the moment, nil if there is none, and what tells that
// it has moved.
func (d *deadline) wait() (timer *time.Timer, expired <-chan time.Time, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	if d.at.IsZero() {
		return nil, nil, d.changed
	}
	timer = time.NewTimer(time.Until(d.at))
	return timer, timer.C, d.changed
}
