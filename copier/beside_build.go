package copier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/event"
)

// round is one going through the parts. It is over when no worker copies any
// more: one that builds keys is not waited for, since the snapshot would be.
type round struct {
	idle func() bool // no part is to be begun any more

	mu      sync.Mutex
	working int
	workers int // that have not ended
	ended   bool
	over    chan struct{}
}

// leave counts a worker that does not copy any more, or not now.
func (r *round) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.working--
	if r.working == 0 && !r.ended && r.idle() {
		r.ended = true
		close(r.over)
	}
}

// end counts a worker that has ended, whatever the reason: when none is left, no
// part will be copied any more, and what waits is not complete.
func (r *round) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.workers--; r.workers == 0 && !r.ended {
		r.ended = true
		close(r.over)
	}
}

// join counts a worker that copies again; false where the round is over.
func (r *round) join() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.working++
	}
	return !r.ended
}

// toKeys ends the worker's part in the rows, for now at least: what it has under way
// is brought to its end, and nothing of it keeps the snapshot.
func (w *worker) toKeys(ctx context.Context) {
	w.settleOwn(ctx)
	if w.from != nil {
		w.from.close()
		w.from = nil
		w.link.count()
	}
	w.round.leave()
}

// build executes the statements of a list on the worker's connection to the
// target. What does not succeed is left to Apply.
func (w *worker) build(ctx context.Context, list *keyList) {
	defer w.keys.give(list)
	for _, s := range list.statements {
		w.keys.mu.Lock()
		stopped := w.keys.stopped()
		w.keys.mu.Unlock()
		if ctx.Err() != nil || stopped {
			return
		}
		started := time.Now()
		w.keys.begun(ctx, s.ID)
		if err := w.execute(ctx, s); err != nil {
			if ctx.Err() == nil {
				w.Bus.Emit(event.Note{Text: fmt.Sprintf("%s could not be built beside the copies, and is tried again after them: %v", s.Object, err)})
			}
			return
		}
		w.keys.built(ctx, s.ID)
		w.Bus.Emit(event.StatementDone{ID: s.ID, Phase: s.Phase.String(), Object: s.Object, Elapsed: time.Since(started)})
	}
}

// execute runs one statement as Apply would: on a PostgreSQL under the settings of
// ControlSettings, in a transaction whose commit is durable. The rows that it was
// built on, committed before it without waiting for the disk, are durable with it:
// their records stand before its own in the target's log. The statement has a
// message of its own, so that the server shows what it is doing. A run that is
// cancelled cancels it on the server too.
func (w *worker) execute(ctx context.Context, s ddlgen.Statement) error {
	if err := w.connectTarget(ctx, &w.link); err != nil {
		return err
	}
	t := w.to
	defer t.wire.watch(ctx)()
	defer func(was time.Duration) { t.patience = was }(t.patience)
	t.patience = 0 // an index takes as long as it takes
	sent := false
	err := func() error {
		if w.Profile.Map {
			sent = true
			return t.one(ctx, s.SQL, 'I')
		}
		settings := fmt.Sprintf("BEGIN;SET LOCAL lock_timeout = %d;SET LOCAL lc_monetary TO DEFAULT", ddlLockTimeout.Milliseconds())
		if w.Profile.AsyncCommit {
			settings += ";SET LOCAL synchronous_commit = on"
		}
		if err := t.one(ctx, settings, 'T'); err != nil {
			return err
		}
		if err := t.one(ctx, s.SQL, 'T'); err != nil {
			return err
		}
		sent = true
		return t.one(ctx, "COMMIT", 'I')
	}()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		t.wire.cancelStatement(ctx)
	}
	w.drop() // its reader has seen an error, and takes the connection for failed
	if sent && (dial.Classify(err) == dial.Lost || ctx.Err() != nil) {
		w.keys.doubt(s.ID)
	}
	if doneAlready(s, err) { // somebody else's
		return err
	}
	return errors.Join(err, w.unbuild(ctx, s))
}

// unbuild takes away what a target whose index builds commit in pieces may have
// kept of one that failed.
func (w *worker) unbuild(ctx context.Context, s ddlgen.Statement) error {
	if !w.Profile.Map || s.Object.Kind != "index" || !strings.HasPrefix(s.SQL, "CREATE ") || ctx.Err() != nil {
		return nil
	}
	if err := w.connectTarget(ctx, &w.link); err != nil {
		return err
	}
	defer w.to.wire.watch(ctx)()
	err := w.to.one(ctx, "DROP INDEX IF EXISTS "+quote.Name(s.Object.Schema, s.Object.Name), 'I')
	if err != nil {
		w.drop()
		return fmt.Errorf("dropping %s, which may be half built: %w", s.Object, err)
	}
	return nil
}

// one sends one message of which nothing is outstanding, and takes its answer.
func (t *targetConn) one(ctx context.Context, sql string, status byte) error {
	if err := t.wire.send(&pgproto3.Query{String: sql}); err != nil {
		return fmt.Errorf("%w: %w", dial.ErrLost, err)
	}
	r, err := t.answer(ctx)
	switch {
	case err != nil:
		return err
	case r.err != nil:
		return r.failure()
	case r.status != status:
		return fmt.Errorf("the target answered with transaction status %q, not %q", r.status, status)
	}
	return nil
}
