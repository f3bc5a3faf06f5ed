package copier

import (
	"bytes"
	"context"
)

// findings takes what a merge finds, in the order of the key. It may keep nothing
// of the rows when it returns. Writing the target is one of them; one that only
// lists is another.
type findings interface {
	same(ctx context.Context, source *keyedRow) error            // the target holds the row as it is
	missing(ctx context.Context, source *keyedRow) error         // the target has no row of this key
	changed(ctx context.Context, source, target *keyedRow) error // the target's row of this key is another
	extra(ctx context.Context, target *keyedRow) error           // the source has no such row, or it is there already
}

// merge walks through both sides in the order of the key, and tells what it
// finds. It holds one row a side.
func merge(ctx context.Context, source, target keyedRows, key *sortKey, f findings) error {
	s, err := source.next(ctx)
	if err != nil {
		return err
	}
	t, err := target.next(ctx)
	for err == nil && (s != nil || t != nil) {
		var order int
		switch {
		case s != nil && s.again:
			return key.refuse("the source holds %.60q more than once", s.values)
		case s == nil || t != nil && t.again:
			order = 1
		case t == nil:
			order = -1
		default:
			order = bytes.Compare(s.key, t.key)
		}
		switch {
		case order < 0:
			err = f.missing(ctx, s)
		case order > 0:
			err = f.extra(ctx, t)
		case s.sum == t.sum:
			err = f.same(ctx, s)
		default:
			err = f.changed(ctx, s, t)
		}
		if err == nil && order >= 0 {
			t, err = target.next(ctx)
		}
		if err == nil && order <= 0 {
			s, err = source.next(ctx)
		}
	}
	return err
}
