package probe

import (
	"context"
	"sync"

	"github.com/jackc/pgerrcode"
)

// askConflicts: two transactions change two rows in crossing order. One of them
// must be told, by a code that says that it may be tried again.
func askConflicts(ctx context.Context, l *lab) answer {
	a, b := l.open(ctx), l.open(ctx)
	a.must(ctx, "CREATE TABLE "+in("p32")+" (n integer PRIMARY KEY, v integer)", "INSERT INTO "+in("p32")+" VALUES (1, 0), (2, 0)")
	update := func(s *session, n string) reply {
		return s.any(ctx, "UPDATE "+in("p32")+" SET v = v + 1 WHERE n = "+n)
	}
	a.must(ctx, "BEGIN")
	b.must(ctx, "BEGIN")
	if ra, rb := update(a, "1"), update(b, "2"); !ra.ok() || !rb.ok() {
		return doubtful("", "updates of different rows: "+ra.said()+", "+rb.said())
	}
	var wg sync.WaitGroup
	cross := func(s *session, n string, first *reply) {
		*first = update(s, n)
		end := s.any(ctx, "COMMIT")
		if first.ok() && !end.ok() {
			*first = end
		}
	}
	var ra, rb reply
	wg.Go(func() { cross(a, "2", &ra) })
	wg.Go(func() { cross(b, "1", &rb) })
	wg.Wait()
	r := ra
	if r.ok() {
		r = rb
	}
	switch r.code() {
	case "":
		return verdict(false, "none", "both transactions were committed")
	case pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected:
		return verdict(true, r.code(), r.code()+" for one of two")
	case pgerrcode.QueryCanceled, pgerrcode.LockNotAvailable:
		return doubtful(r.code(), r.said())
	}
	return verdict(false, r.code(), r.said())
}
