package pgtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Rule is what a proxy does to a connection, once, at a place in the bytes of
// one direction.
type Rule struct {
	Action Action
	Dir    Direction

	// After is how many bytes of a connection pass first.
	After int64

	// Match, if set, finds the place in the bytes seen: the end of what has
	// passed and what is about to. It returns its index, -1 if it is not
	// there. What is before it passes, it and what follows does not.
	Match func(seen []byte) int

	// Skip is how many connections are let through first, and Times how many
	// are hit; 0 is one. A cancel request is a connection too.
	Skip, Times int
}

// Contains matches a text.
func Contains(text string) func([]byte) int {
	return func(seen []byte) int { return bytes.Index(seen, []byte(text)) }
}

// Tag matches the server's answer to a command: Tag("COMMIT") with Cut is a
// commit that happened and that its client never hears of.
func Tag(tag string) func([]byte) int {
	msg := binary.BigEndian.AppendUint32([]byte{'C'}, uint32(4+len(tag)+1))
	return Contains(string(append(append(msg, tag...), 0)))
}

// Proxy is another address of a cluster, on loopback TCP without TLS, where
// connections can be broken from outside of the client.
type Proxy struct {
	cluster       *Cluster
	network, addr string // of the server
	listener      net.Listener
	wg            sync.WaitGroup
	ctx           context.Context //nolint:containedctx // ends with the proxy, which is an object of one test
	cancel        context.CancelFunc

	mu     sync.Mutex
	conns  map[*link]bool
	rules  []*rule
	meters map[Direction]*meter
	count  int
	refuse bool
}

// rule is a Rule with what has become of it.
type rule struct {
	Rule
	from    int // connections that were there before it
	left    int
	hits    map[int]bool // connections that had it
	fired   chan struct{}
	release chan struct{}
}

// Hit is what a test holds of a rule.
type Hit struct{ r *rule }

// Fired is closed when the rule has hit its first connection.
func (h Hit) Fired() <-chan struct{} { return h.r.fired }

// Release ends the stall of a rule, for all that wait in it.
func (h Hit) Release() { close(h.r.release) }

// NewProxy starts a proxy that ends with the test.
func NewProxy(tb testing.TB, c *Cluster) *Proxy {
	tb.Helper()
	cfg, err := pgx.ParseConfig(c.URL("postgres"))
	if err != nil {
		tb.Fatalf("start a proxy: %v", err)
	}
	network, addr := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	p := newProxy(tb, network, addr)
	p.cluster = c
	return p
}

func newProxy(tb testing.TB, network, addr string) *Proxy {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("start a proxy: %v", err)
	}
	p := &Proxy{network: network, addr: addr, listener: l, conns: map[*link]bool{}, meters: map[Direction]*meter{ToClient: {}, ToServer: {}}}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(tb.Context()))
	p.wg.Go(p.accept)
	tb.Cleanup(func() {
		p.cancel()
		_ = l.Close()
		p.End(Cut)
		p.wg.Wait()
	})
	return p
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL connects to a database by way of the proxy.
func (p *Proxy) URL(database string) string {
	if p.cluster.server != nil {
		return p.cluster.server.URLAt(p.Addr(), database)
	}
	cfg, err := pgx.ParseConfig(p.cluster.external)
	if err != nil {
		return "" // NewProxy parsed it
	}
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(cfg.User, cfg.Password), Host: p.Addr(),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Add adds a rule for the connections that are made from now on.
func (p *Proxy) Add(r Rule) Hit {
	p.mu.Lock()
	defer p.mu.Unlock()
	added := &rule{Rule: r, from: p.count, left: max(1, r.Times), hits: map[int]bool{}, fired: make(chan struct{}), release: make(chan struct{})}
	p.rules = append(p.rules, added)
	return Hit{added}
}

// Refuse makes the proxy end new connections at once, or take them again.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// End ends all connections that are open, with Cut or Reset.
func (p *Proxy) End(a Action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.conns {
		l.end(a)
	}
}

// Swallow makes black holes of all connections that are open.
func (p *Proxy) Swallow() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for l := range p.conns {
		errs = append(errs, swallow(l.client))
	}
	return errors.Join(errs...)
}

// Count is how many connections were made.
func (p *Proxy) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		refuse := p.refuse
		p.mu.Unlock()
		if refuse {
			linger(client)
			_ = client.Close()
			continue
		}
		server, err := new(net.Dialer).DialContext(p.ctx, p.network, p.addr)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.join(client, server)
	}
}

// join moves bytes between the two until either ends.
func (p *Proxy) join(client, server net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	l := &link{client: client, server: server, closed: make(chan struct{})}
	p.conns[l] = true
	up := &pump{proxy: p, link: l, number: p.count, dir: ToServer, from: client, to: server}
	down := &pump{proxy: p, link: l, number: p.count, dir: ToClient, from: server, to: client}
	p.wg.Go(func() {
		var both sync.WaitGroup
		both.Go(up.run)
		both.Go(down.run)
		both.Wait()
		l.end(Cut)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, l)
	})
	if p.ctx.Err() != nil {
		l.end(Cut)
	}
}

// link is a connection through the proxy.
type link struct {
	client, server net.Conn
	hole           atomic.Bool // a rule has made it a black hole
	once           sync.Once
	closed         chan struct{}
}

func (l *link) end(a Action) {
	l.once.Do(func() {
		if a == Reset {
			linger(l.client)
			linger(l.server)
		}
		close(l.closed)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

// overlap is how many bytes that have passed a Match still sees, so that a
// text in two pieces is found.
const overlap = 512

// pump moves the bytes of one direction.
type pump struct {
	proxy    *Proxy
	link     *link
	number   int // of the connection
	dir      Direction
	from, to net.Conn

	passed int64  // bytes
	tail   []byte // the last of them
	drop   bool
}

func (m *pump) run() {
	buf := make([]byte, 64<<10)
	for {
		n, err := m.from.Read(buf)
		m.proxy.moved(m.dir, n)
		if n > 0 && !m.pass(buf[:n]) {
			return
		}
		if err != nil {
			if errors.Is(err, io.EOF) && !m.drop {
				m.link.end(Cut)
			}
			m.link.end(Reset)
			return
		}
	}
}

// pass forwards bytes up to where a rule says otherwise, and does what it
// says. It is false when the connection has ended.
func (m *pump) pass(data []byte) bool {
	for len(data) > 0 {
		r, at := m.proxy.find(m, data)
		if at > 0 && !m.drop {
			if _, err := m.to.Write(data[:at]); err != nil {
				m.link.end(Reset)
				return false
			}
		}
		m.remember(data[:at])
		data = data[at:]
		if r == nil {
			continue
		}
		switch r.Action {
		case Cut, Reset:
			m.link.end(r.Action)
			return false
		case Drop:
			m.drop = true
		case BlackHole:
			if swallow(m.link.client) != nil {
				m.link.end(Cut) // which no test takes for silence
				return false
			}
			m.link.hole.Store(true)
		case Stall:
			select {
			case <-r.release:
			case <-m.link.closed:
				return false
			}
		}
	}
	return true
}

func (m *pump) remember(data []byte) {
	m.passed += int64(len(data))
	m.tail = append(m.tail, data...)
	if extra := len(m.tail) - overlap; extra > 0 {
		m.tail = append(m.tail[:0], m.tail[extra:]...)
	}
}

// find gives the first rule that hits these bytes, and how many pass before.
func (p *Proxy) find(m *pump, data []byte) (hit *rule, at int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at = len(data)
	for _, r := range p.rules {
		if r.left == 0 || r.hits[m.number] || r.Dir != m.dir || m.number <= r.from+r.Skip {
			continue
		}
		if i := r.place(m, data); i >= 0 && i < at {
			hit, at = r, i
		}
	}
	if hit != nil {
		hit.left--
		hit.hits[m.number] = true
		select {
		case <-hit.fired:
		default:
			close(hit.fired)
		}
	}
	return hit, at
}

// place is how many bytes of data pass before the rule hits, -1 if it does not.
func (r *rule) place(m *pump, data []byte) int {
	start := max(0, r.After-m.passed)
	if start >= int64(len(data)) {
		return -1
	}
	if r.Match == nil {
		return int(start)
	}
	tail := m.tail
	if start > 0 {
		tail = nil
	}
	i := r.Match(append(append([]byte(nil), tail...), data[start:]...))
	if i < 0 {
		return -1
	}
	return int(start) + max(0, i-len(tail))
}
