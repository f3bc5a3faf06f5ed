// Package pace keeps all jobs of a run together under a rate.
package pace

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
)

// Rate bounds how fast something is read, in bytes and rows a second over all
// jobs; 0 is no bound.
type Rate struct{ Bytes, Rows int64 }

// ParseRate reads "20MB/s", "20MB", "50000 rows/s" and the empty text, which is
// no bound.
func ParseRate(s string) (Rate, error) {
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "/s"))
	if text == "" {
		return Rate{}, nil
	}
	number, isRows := strings.CutSuffix(text, "rows")
	n, err := humanize.ParseBytes(strings.TrimSpace(number))
	if err != nil || n == 0 || n > 1<<60 {
		return Rate{}, fmt.Errorf("%q is neither bytes (20MB/s) nor rows (50000rows/s) a second", s)
	}
	if isRows {
		return Rate{Rows: int64(n)}, nil
	}
	return Rate{Bytes: int64(n)}, nil
}

// ParseSize reads a number of bytes ("16MB", "1GiB", "4096") and the empty text,
// which is 0.
func ParseSize(s string) (int64, error) {
	text := strings.TrimSpace(s)
	if text == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > 1<<60 {
		return 0, fmt.Errorf("%q is no number of bytes (64MB)", s)
	}
	return int64(n), nil
}

// catchUp is how much time that was not used may be made up for. Timers fire a
// little late, and pieces of some milliseconds each would add that up.
const catchUp = 100 * time.Millisecond

// Pace gives each piece its time: the next one begins when that is over. A nil
// Pace is no bound.
type Pace struct {
	rate Rate
	mu   sync.Mutex
	next time.Time // when the next piece may begin
}

// New returns the pace of a rate; nil where that is no bound.
func New(r Rate) *Pace {
	if r == (Rate{}) {
		return nil
	}
	return &Pace{rate: r, next: time.Now()}
}

// Wait returns when a piece may begin, and takes its time from those that follow.
func (p *Pace) Wait(ctx context.Context, bytes, rows int64) error {
	d := p.Take(bytes, rows)
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

// Take takes time for what is to be read, and says how long it is until then.
func (p *Pace) Take(bytes, rows int64) time.Duration {
	begin, _ := p.take(bytes, rows)
	return begin
}

// Pay takes time for what was read already, and says how long it is until that
// is over.
func (p *Pace) Pay(bytes, rows int64) time.Duration {
	_, end := p.take(bytes, rows)
	return end
}

func (p *Pace) take(bytes, rows int64) (begin, end time.Duration) {
	if p == nil {
		return 0, 0
	}
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
	if late := now.Add(-catchUp); p.next.Before(late) {
		p.next = late
	}
	begin = p.next.Sub(now)
	p.next = p.next.Add(time.Duration(cost * float64(time.Second)))
	return begin, p.next.Sub(now)
}
