package scan

import (
	"context"
	"sync"
	"time"
)

// pace keeps all jobs together under a rate: what was read is paid for by
// waiting before the next piece.
type pace struct {
	rate Rate
	mu   sync.Mutex
	next time.Time // when the next piece may begin
}

// wait returns when the next piece may begin.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	d := time.Until(p.next)
	p.mu.Unlock()
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

// paid records what was read.
func (p *pace) paid(bytes, rows int64) {
	var cost float64 // seconds
	if p.rate.Bytes > 0 {
		cost = float64(bytes) / float64(p.rate.Bytes)
	}
	if p.rate.Rows > 0 {
		cost = max(cost, float64(rows)/float64(p.rate.Rows))
	}
	if cost == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(cost * float64(time.Second)))
}
