package pgtest

import "testing"

// NewProxyTo is a proxy before any address, such as a stand-in's: what net.Dial
// takes. It has no URL.
func NewProxyTo(tb testing.TB, network, addr string) *Proxy {
	tb.Helper()
	return newProxy(tb, network, addr)
}

// mark is a number of bytes that somebody waits for.
type mark struct {
	bytes   int64
	reached chan struct{}
}

// meter counts the bytes of one direction over all connections of a proxy.
type meter struct {
	total int64
	marks []mark
}

func (m *meter) add(n int) {
	m.total += int64(n)
	left := m.marks[:0]
	for _, k := range m.marks {
		if m.total < k.bytes {
			left = append(left, k)
			continue
		}
		close(k.reached)
	}
	m.marks = left
}

// Moved is how many bytes have come in one direction, over all connections.
func (p *Proxy) Moved(d Direction) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.meters[d].total
}

// Reached is closed when n bytes more than by now have come in one direction,
// over all connections.
func (p *Proxy) Reached(d Direction, n int64) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := mark{bytes: p.meters[d].total + n, reached: make(chan struct{})}
	p.meters[d].marks = append(p.meters[d].marks, k)
	return k.reached
}

// moved notes bytes that have come.
func (p *Proxy) moved(d Direction, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meters[d].add(n)
}

// EndHoles ends the connections that rules have made black holes of, as a server
// does that finds out.
func (p *Proxy) EndHoles() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.conns {
		if l.hole.Load() {
			l.end(Reset)
		}
	}
}

// Disarm takes back all rules that have not hit yet.
func (p *Proxy) Disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		r.left = 0
	}
}
