package scan

import (
	"context"
	"sync"
	"time"
)

// pace keeps all jobs together under a rate: each piece has its time, and the
// next one begins when that is over.
type pace struct {
	rate Rate
	mu   sync.Mutex
	next time.Time // when the next piece may begin
}

// wait returns when a piece may begin, and takes its time from those that follow.
func (p *pace) wait(ctx context.Context, bytes, rows int64) error {
	d := p.take(bytes, rows)
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// take takes time for what is read, and says how long it is until then.
func (p *pace) take(bytes, rows int64) time.Duration {
	var cost float64 // seconds
	if p.rate.Bytes > 0 {
		cost = float64(bytes) / float64(p.rate.Bytes)
	}
	if p.rate.Rows > 0 {
		cost = max(cost, float64(rows)/float64(p.rate.Rows))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	d := p.next.Sub(now)
	p.next = p.next.Add(time.Duration(cost * float64(time.Second)))
	return d
}
