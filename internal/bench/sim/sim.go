// Package sim foretells on paper how long a copy takes: parts, connections, round
// trips and caps, without a server and without chance.
package sim

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// Params is a copy on paper. Times are seconds, rates bytes of COPY TEXT a second.
type Params struct {
	Parts []int64 // bytes of each, in the order in which they are begun
	Jobs  int

	Connect   float64 // until a job's connections are there
	RoundTrip float64
	PartTrips float64 // round trips that a part costs beside its rows
	PartTime  float64 // seconds that a part costs beside its rows and round trips

	// One stream: its rate while it sends, and what it waits for between batches.
	Rate       float64
	BatchBytes int64   // 0: a part is one batch
	BatchTrips float64 // round trips between two batches in which nothing is sent
	BatchTime  float64 // seconds that a batch takes beside its rows and round trips

	// All streams: what they can send together (0 is no bound), or how that is by
	// their number where it was measured.
	Cap   float64
	Curve []Point

	Before, After float64 // seconds that the run takes before its first part and after its last
}

// Point is what a number of streams was measured to send together, bytes a second.
type Point struct {
	Streams int
	Rate    float64
}

// Result is how a copy on paper goes.
type Result struct {
	Seconds float64 // of all of it
	Busy    float64 // share of the jobs' time in which they have a part
	Tail    float64 // seconds from the first job without work to the last that ends
}

// alone is the rate of one stream by itself, its waits between batches included.
func (p *Params) alone() float64 {
	if p.BatchBytes <= 0 {
		return p.Rate
	}
	batch := float64(p.BatchBytes)
	return batch / (batch/p.Rate + p.BatchTrips*p.RoundTrip + p.BatchTime)
}

// each is what each of n streams sends.
func (p *Params) each(n int) float64 {
	if len(p.Curve) > 0 {
		return curve(p.Curve, n) / float64(n)
	}
	r := p.alone()
	if p.Cap > 0 {
		r = min(r, p.Cap/float64(n))
	}
	return r
}

// curve is the rate of n streams together: between two measured numbers on the
// line between them, below the first in proportion, beyond the last as it was there:
// what was not measured is not promised.
func curve(points []Point, n int) float64 {
	points = slices.SortedFunc(slices.Values(points), func(a, b Point) int { return cmp.Compare(a.Streams, b.Streams) })
	for i, x := range points {
		switch {
		case n > x.Streams:
			continue
		case n == x.Streams:
			return x.Rate
		case i == 0:
			return x.Rate * float64(n) / float64(x.Streams)
		}
		a := points[i-1]
		return a.Rate + (x.Rate-a.Rate)*float64(n-a.Streams)/float64(x.Streams-a.Streams)
	}
	return points[len(points)-1].Rate
}

// job is one job with a part: it waits, or it sends.
type job struct {
	size  float64 // bytes of the part
	until float64 // where it waits: the moment; where it sends: the service that it needs
}

// queue orders jobs by until.
type queue []*job

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, k int) bool { return q[i].until < q[k].until }
func (q queue) Swap(i, k int)      { q[i], q[k] = q[k], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(*job)) } //nolint:forcetypeassert // the heap's own
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// Run plays a copy through. All streams that send at a moment are served alike.
func Run(p Params) Result {
	var waiting, sending queue
	// served is how many bytes a stream has got that was there from the beginning.
	now, served, busy, first := p.Connect, 0.0, 0.0, -1.0
	next := 0
	take := func() { // a job takes its next part, if there is one
		if next == len(p.Parts) {
			if first < 0 {
				first = now
			}
			return
		}
		heap.Push(&waiting, &job{size: float64(p.Parts[next]), until: now + p.PartTrips*p.RoundTrip + p.PartTime})
		next++
	}
	jobs := max(1, min(p.Jobs, len(p.Parts)))
	for range jobs {
		take()
	}
	for len(waiting)+len(sending) > 0 {
		wait, done, rate := math.Inf(1), math.Inf(1), 0.0
		if len(waiting) > 0 {
			wait = waiting[0].until
		}
		if n := len(sending); n > 0 {
			rate = p.each(n)
			done = now + (sending[0].until-served)/rate
		}
		then := min(wait, done)
		served += rate * (then - now)
		busy += float64(len(sending)) * (then - now)
		now = then
		if done <= wait {
			heap.Pop(&sending)
			take()
			continue
		}
		j, _ := heap.Pop(&waiting).(*job)
		j.until = served + j.size
		heap.Push(&sending, j)
	}
	r := Result{Seconds: p.Before + now + p.After}
	if first >= 0 {
		r.Tail = now - first
	}
	if now > 0 {
		r.Busy = busy / (now * float64(jobs))
	}
	return r
}

// Even cuts bytes into parts of one size.
func Even(bytes, part int64) []int64 {
	n := max(1, (bytes+part-1)/part)
	out := make([]int64, n)
	for i := range out {
		out[i] = bytes / n
	}
	return out
}
