package copier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
)

const (
	lastRounds = 2 // parts a job that the work left is to be in at least, so that jobs end together
	mostPieces = mostSlow
)

// queue gives out parts, those that will last longest first. Parts that nobody
// has begun are cut further when parts of their relation turn out slow, and at
// the end of the run, where one that lasts would leave the other jobs idle.
type queue struct {
	run    *copyRun
	sizes  cut
	record func(ctx context.Context, narrowed []Part, claims []claim, added []Part) error

	mu      sync.Mutex // held while the ledger records a cut: nobody begins a part of it before
	waiting []*waitingPart
	left    float64                  // costs of those that wait
	slow    map[catalog.Name]float64 // how many times slower than others relations are, as far as known
	err     error                    // the ledger could not be brought in step with the parts
}

// waitingPart is a part that nobody has begun.
type waitingPart struct {
	*partState
	slow  float64 // as the queue's; 1 is not
	cutBy float64 // and what it was cut for already
}

// cost is how long the part will last beside others, in bytes of usual rows.
func (w *waitingPart) cost() float64 { return float64(w.part.Bytes) * w.slow }

func newQueue(c *copyRun, parts []*partState) *queue {
	q := &queue{run: c, record: c.recut, slow: map[catalog.Name]float64{}, sizes: newCut(nil, c.Profile.BatchBytes, c.Jobs, 0, c.Split)}
	for _, s := range parts {
		w := &waitingPart{partState: s, slow: 1, cutBy: 1}
		q.waiting, q.left = append(q.waiting, w), q.left+w.cost()
	}
	return q
}

// next is the next part to copy; nil where there is none, or the run is to end.
func (q *queue) next(ctx context.Context) *partState {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) > 0 && q.err == nil && ctx.Err() == nil && !isClosed(q.run.Stop) {
		if q.err = q.run.snapshotGone(); q.err != nil { // no part that waits can be read
			break
		}
		if q.run.isBroken(q.waiting[0].part.Target) {
			q.take()
			continue
		}
		if q.err = q.cutFurther(ctx); q.err != nil {
			break
		}
		return q.take()
	}
	return nil
}

// idle says that no part is to be begun any more.
func (q *queue) idle(ctx context.Context) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) == 0 || q.err != nil || ctx.Err() != nil || isClosed(q.run.Stop)
}

// share is what waits, for each job.
func (q *queue) share() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return int64(q.left) / int64(max(q.run.Jobs, 1))
}

// back gives a part back that nothing was done for: it is the next.
func (q *queue) back(s *partState) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &waitingPart{partState: s, slow: max(1, q.slow[s.part.Relation]), cutBy: mostPieces}
	q.waiting, q.left = append([]*waitingPart{w}, q.waiting...), q.left+w.cost()
}

func (q *queue) take() *partState {
	w := q.waiting[0]
	q.waiting, q.left = q.waiting[1:], q.left-w.cost()
	return w.partState
}

// cutFurther cuts parts that wait where that is of use. Most often it is not,
// and then there may be many that wait.
func (q *queue) cutFurther(ctx context.Context) error {
	changed := false
	for relation, times := range q.run.speeds.slow(time.Now()) {
		if times > q.slow[relation] {
			q.slow[relation], changed = times, true
		}
	}
	if changed {
		q.left = 0
		for _, w := range q.waiting {
			w.slow = max(1, q.slow[w.part.Relation])
			q.left += w.cost()
		}
		q.sort()
	}
	// Over a long link the parts are planned to become smaller towards the end, and
	// to ask the ledger for more would take round trips.
	share := q.left / float64(lastRounds*q.run.Jobs)
	ending := q.run.Jobs > 1 && !q.sizes.shrink && q.waiting[0].cost() > share
	if !changed && !ending {
		return nil
	}
	var pieces [][]Part
	var of []*waitingPart
	for _, w := range q.waiting {
		n := w.slow / w.cutBy
		if ending && w.cost() > share/2 {
			n = max(n, w.cost()/(share/2))
		}
		n = min(n, mostPieces, float64(w.part.Bytes)/float64(q.sizes.smallest))
		if n < 2 || w.doubt || w.next > 0 || w.part.cuts == nil {
			continue
		}
		if cut := w.part.pieces(int64(n)); len(cut) > 1 {
			pieces, of = append(pieces, cut), append(of, w)
		}
	}
	if len(of) == 0 {
		return nil
	}
	return q.replace(ctx, of, pieces)
}

// replace puts the pieces of parts in their place, when the ledger has recorded
// that it was done.
func (q *queue) replace(ctx context.Context, of []*waitingPart, pieces [][]Part) error {
	var narrowed, added []Part
	var claims []claim
	id := q.run.lastPart()
	for i, cut := range pieces {
		narrowed, claims = append(narrowed, cut[0]), append(claims, of[i].claim)
		for _, p := range cut[1:] {
			id++
			p.ID = id
			added = append(added, p)
		}
	}
	if err := q.record(ctx, narrowed, claims, added); err != nil {
		return fmt.Errorf("cutting parts that were not begun: %w", err)
	}
	for i, p := range narrowed {
		of[i].part, of[i].cutBy = p, of[i].slow
	}
	for _, s := range q.run.addParts(added) {
		slow := max(1, q.slow[s.part.Relation])
		q.waiting = append(q.waiting, &waitingPart{partState: s, slow: slow, cutBy: slow})
	}
	q.sort()
	return nil
}

// sort puts the parts that will last longest first, else in their order.
func (q *queue) sort() {
	slices.SortStableFunc(q.waiting, func(a, b *waitingPart) int { return cmp.Compare(b.cost(), a.cost()) })
}

// lastPart is the highest number of a part.
func (c *copyRun) lastPart() (id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.parts {
		id = max(id, s.part.ID)
	}
	return id
}

// recut brings the ledger in step with parts that are cut further.
func (c *copyRun) recut(ctx context.Context, narrowed []Part, claims []claim, added []Part) error {
	c.ledgerMu.Lock()
	defer c.ledgerMu.Unlock()
	return c.ledger.recut(ctx, narrowed, claims, added, c.Snapshot.Taken.UTC().Format(time.RFC3339Nano))
}

// addParts takes parts into the run's account.
func (c *copyRun) addParts(parts []Part) []*partState {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*partState
	for _, p := range parts {
		s := &partState{part: p, claim: claim{run: c.Run, part: p.ID, epoch: firstEpoch}}
		out = append(out, s)
		c.open[p.Transfer]++
	}
	c.parts = append(c.parts, out...)
	c.Progress.More(len(parts))
	return out
}
