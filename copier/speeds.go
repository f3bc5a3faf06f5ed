package copier

import (
	"slices"
	"sync"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/event"
)

const (
	tooSlow    = 2           // times the median at which a part is slow
	fewEnded   = 3           // parts that must have ended before there is a median
	mostSlow   = 16          // times: a relation is not called slower than that
	shortPart  = time.Second // a part below this is never slow: what it waits for says nothing of its rows
	clearShare = 0.1         // of a running part's rows, from which on its rate tells when it will end
)

// speeds is how fast parts are copied. Parts differ in size by plan, so their times
// are compared by the byte of weight.
type speeds struct {
	short time.Duration // see shortPart

	mu      sync.Mutex
	running map[*partState]underWay
	ended   []float64 // seconds by the byte of the parts that ended, ascending
	of      map[catalog.Name]relationSpeed
}

// underWay is a part that is being copied.
type underWay struct {
	part    Part
	meter   *event.Meter
	started time.Time
}

// relationSpeed is what is known of one relation's parts.
type relationSpeed struct {
	slowest float64 // seconds by the byte, of the parts that ended and were no short ones
	weight  int64   // bytes of the parts that ended
	sent    int64   // bytes of COPY TEXT that they were
}

func newSpeeds() *speeds {
	return &speeds{short: shortPart, running: map[*partState]underWay{}, of: map[catalog.Name]relationSpeed{}}
}

// begin is told that a part begins, end that it ended; ok says that all its rows
// are committed.
func (p *speeds) begin(s *partState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[s] = underWay{part: s.part, meter: s.meter, started: s.started}
}

func (p *speeds) end(s *partState, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, s)
	if ok && s.part.Bytes > 0 {
		p.took(s.part, s.bytes, s.elapsed)
	}
}

// took records a part that ended. Relations of one part tell nothing of others:
// the fixed cost of a small table is all that it takes.
func (p *speeds) took(part Part, sent int64, elapsed time.Duration) {
	if part.cuts == nil {
		return
	}
	rate := elapsed.Seconds() / float64(part.Bytes)
	i, _ := slices.BinarySearch(p.ended, rate)
	p.ended = slices.Insert(p.ended, i, rate)
	r := p.of[part.Relation]
	r.weight, r.sent = r.weight+part.Bytes, r.sent+sent
	if elapsed >= p.short {
		r.slowest = max(r.slowest, rate)
	}
	p.of[part.Relation] = r
}

// slow says how many times slower than the median the parts of relations are, of
// those where a part lasts, or by its rate will last, more than twice that.
func (p *speeds) slow(now time.Time) map[catalog.Name]float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.ended) < fewEnded {
		return nil
	}
	median := p.ended[len(p.ended)/2]
	out := map[catalog.Name]float64{}
	note := func(relation catalog.Name, rate float64) {
		if times := rate / median; median > 0 && times > tooSlow {
			out[relation] = min(max(out[relation], times), mostSlow)
		}
	}
	for name, r := range p.of {
		note(name, r.slowest)
	}
	for _, u := range p.running {
		if last := u.lasts(p.of[u.part.Relation], now); u.part.Bytes > 0 && last >= p.short {
			note(u.part.Relation, last.Seconds()/float64(u.part.Bytes))
		}
	}
	return out
}

// lasts is how long a running part will have lasted at least; where others of
// its relation tell how many bytes a part sends, by its rate.
func (u underWay) lasts(r relationSpeed, now time.Time) time.Duration {
	elapsed := now.Sub(u.started)
	_, sent := u.meter.Sent()
	if r.sent == 0 || u.part.Bytes == 0 {
		return elapsed
	}
	share := float64(sent) / (float64(u.part.Bytes) * float64(r.sent) / float64(r.weight))
	if share < clearShare || share >= 1 {
		return elapsed
	}
	return time.Duration(float64(elapsed) / share)
}
