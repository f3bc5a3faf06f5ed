package link

import (
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// segment is a piece on its way. Its moment is when it has left the
// connection's own line, and then when it arrives.
type segment struct {
	data []byte
	at   time.Time
	end  error // what the receiver sees after the data, nil if it goes on
}

// pipe is one direction of a connection: what is pushed waits for the
// connection's line and for the one that all share, travels, and is delivered,
// all in order.
type pipe struct {
	cfg    Config
	limit  int
	own    line
	shared *line
	random *rand.Rand // of run alone

	mu      sync.Mutex
	waiting []segment // for the shared line; at is when they may have it
	flying  []segment // at is when they arrive
	last    time.Time // when the last one that flies arrives
	held    int       // bytes pushed and not yet taken by the receiver
	stalled time.Time // nothing arrives before
	ended   bool      // nothing more can be pushed
	dropped bool      // what is pushed vanishes
	wake    chan struct{}
	room    chan struct{} // closed when there may be room again, nil if none waits
	stop    chan struct{}
	once    sync.Once
}

func newPipe(cfg Config, shared *line, random *rand.Rand) *pipe {
	return &pipe{
		cfg: cfg, limit: cfg.limit(), own: line{rate: cfg.Rate}, shared: shared, random: random,
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
}

// push sends a copy of data, and waits until the pipe holds few enough bytes,
// or for the deadline. It returns how many bytes it took.
func (p *pipe) push(data []byte, until *deadline) (n int, err error) {
	size := p.cfg.piece()
	for len(data) > 0 {
		part := data[:min(size, len(data))]
		if err := p.reserve(len(part), until); err != nil {
			return n, err
		}
		p.send(part)
		n += len(part)
		data = data[len(part):]
	}
	return n, nil
}

// reserve waits until the pipe has room.
func (p *pipe) reserve(n int, until *deadline) error {
	for {
		p.mu.Lock()
		if p.ended {
			p.mu.Unlock()
			return net.ErrClosed
		}
		if p.dropped || p.held == 0 || p.held+n <= p.limit {
			p.held += n
			p.mu.Unlock()
			return nil
		}
		if p.room == nil {
			p.room = make(chan struct{})
		}
		room := p.room
		p.mu.Unlock()
		if err := p.await(room, until); err != nil {
			return err
		}
	}
}

// await waits for something to happen, the deadline, or the end of the pipe.
func (p *pipe) await(happens <-chan struct{}, until *deadline) error {
	var expired <-chan time.Time
	var changed <-chan struct{}
	if until != nil {
		var timer *time.Timer
		timer, expired, changed = until.wait()
		if timer != nil {
			defer timer.Stop()
		}
	}
	select {
	case <-happens:
	case <-changed:
	case <-p.stop:
		return net.ErrClosed
	case <-expired:
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (p *pipe) send(part []byte) {
	data := append([]byte(nil), part...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dropped {
		p.take(len(part))
		return
	}
	p.waiting = append(p.waiting, segment{data: data, at: p.own.send(time.Now(), len(part))})
	p.poke()
}

// finish sends the end of the direction behind all that was pushed.
func (p *pipe) finish(end error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.ended = true
	p.waiting = append(p.waiting, segment{at: p.own.send(time.Now(), 0), end: end})
	p.freed()
	p.poke()
}

// reset loses what has not left yet, and sends a reset behind the rest.
func (p *pipe) reset(end error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.waiting = append(p.waiting[:0], segment{at: time.Now(), end: end})
	p.freed()
	p.poke()
}

// drop loses what is on its way, and all that will be pushed.
func (p *pipe) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped, p.waiting, p.flying, p.held = true, nil, nil, 0
	p.freed()
}

// stall keeps everything from arriving before a moment.
func (p *pipe) stall(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.stalled) {
		p.stalled = until
	}
}

// close ends the pipe where it is.
func (p *pipe) close() { p.once.Do(func() { close(p.stop) }) }

// took tells that the receiver has n bytes.
func (p *pipe) took(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.take(n)
}

func (p *pipe) take(n int) {
	p.held = max(0, p.held-n)
	p.freed()
}

func (p *pipe) freed() {
	if p.room != nil {
		close(p.room)
		p.room = nil
	}
}

func (p *pipe) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run delivers until the pipe is closed, its end was delivered, or deliver
// fails.
func (p *pipe) run(deliver func(segment) error) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, due, after := p.step(time.Now())
		if due {
			if err := deliver(next); err != nil || next.end != nil {
				return
			}
			continue
		}
		timer.Reset(after)
		select {
		case <-p.wake:
		case <-timer.C:
		case <-p.stop:
			return
		}
	}
}

// step moves what has left its lines, and returns what has arrived, or how
// long nothing happens.
func (p *pipe) step(now time.Time) (next segment, due bool, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.waiting) > 0 && !p.waiting[0].at.After(now) {
		s := p.waiting[0]
		p.waiting = p.waiting[1:]
		s.at = p.shared.send(s.at, len(s.data)).Add(p.travel())
		if s.at.Before(p.last) {
			s.at = p.last
		}
		p.last = s.at
		p.flying = append(p.flying, s)
	}
	after = time.Hour
	if len(p.flying) > 0 {
		at := p.flying[0].at
		if at.Before(p.stalled) {
			at = p.stalled
		}
		if !at.After(now) {
			next, p.flying = p.flying[0], p.flying[1:]
			return next, true, 0
		}
		after = at.Sub(now)
	}
	if len(p.waiting) > 0 {
		after = min(after, p.waiting[0].at.Sub(now))
	}
	return segment{}, false, after
}

// travel is how long the next piece is on its way.
func (p *pipe) travel() time.Duration {
	if p.cfg.Jitter <= 0 {
		return p.cfg.Delay
	}
	j := time.Duration(p.random.Int64N(2*int64(p.cfg.Jitter)+1)) - p.cfg.Jitter
	return max(0, p.cfg.Delay+j)
}
