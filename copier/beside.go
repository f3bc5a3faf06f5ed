package copier

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
)

// keysBeside are keys and indexes that the workers build beside the copies of
// other tables, as soon as the rows of their own are all there. They are built on
// the workers' connections: whatever is done, there are no more of those than
// jobs. One that fails is left to Apply, which tries it again and says why.
type keysBeside struct {
	mu      sync.Mutex
	changed chan struct{} // closed when ready or open has changed, and made anew
	of      map[catalog.Name][]ddlgen.Statement
	ready   [][]ddlgen.Statement // each list in its order, by one worker
	open    int                  // parts and lists under way: their ends may make others ready
	done    []string             // IDs
}

// newKeysBeside takes the statements that can be executed when the rows of their
// table are there, whatever becomes of other tables.
func newKeysBeside(statements []ddlgen.Statement) *keysBeside {
	k := &keysBeside{changed: make(chan struct{}), of: map[catalog.Name][]ddlgen.Statement{}}
	tables := map[string]catalog.Name{}
	for _, s := range statements {
		own := s.Table != nil && s.Phase == ddlgen.PhaseKeys && !s.NoTx && !slices.ContainsFunc(s.After, func(id string) bool {
			of, ok := tables[id]
			return !ok || of != *s.Table
		})
		if own {
			tables[s.ID] = *s.Table
			k.of[*s.Table] = append(k.of[*s.Table], s)
		}
	}
	return k
}

func (k *keysBeside) tell() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// begin counts a part that is under way.
func (k *keysBeside) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open++
}

// end counts a part, or a list, that has come to its end.
func (k *keysBeside) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open--
	k.tell()
}

// complete makes the keys of a table ready. Its constraints lock it against each
// other, and come first, one by one; its indexes may be built at once.
func (k *keysBeside) complete(table catalog.Name) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.of[table]
	if len(list) == 0 {
		return
	}
	delete(k.of, table)
	first := slices.IndexFunc(list, func(s ddlgen.Statement) bool { return s.Object.Kind == "index" && len(s.After) == 0 })
	if first < 0 {
		first = len(list)
	}
	if first > 0 {
		k.ready = append(k.ready, list[:first])
	}
	for _, s := range list[first:] {
		k.ready = append(k.ready, []ddlgen.Statement{s})
	}
	k.tell()
}

// take gives a list that is ready; nil where there is none.
func (k *keysBeside) take() []ddlgen.Statement {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.ready) == 0 {
		return nil
	}
	list := k.ready[0]
	k.ready = k.ready[1:]
	k.open++
	return list
}

// wait is take that waits while parts under way may make more ready.
func (k *keysBeside) wait(ctx context.Context, stop <-chan struct{}) []ddlgen.Statement {
	for {
		k.mu.Lock()
		none, changed := len(k.ready) == 0 && k.open == 0, k.changed
		k.mu.Unlock()
		if none || ctx.Err() != nil || isClosed(stop) {
			return nil
		}
		if list := k.take(); list != nil {
			return list
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-stop:
		}
	}
}

// build executes the statements of a list on the worker's connection to the
// target. What does not succeed is left to Apply.
func (w *worker) build(ctx context.Context, list []ddlgen.Statement) {
	defer w.keys.end()
	w.settleOwn(ctx)
	for _, s := range list {
		if ctx.Err() != nil || isClosed(w.Stop) {
			return
		}
		started := time.Now()
		if err := w.execute(ctx, s.SQL); err != nil {
			if w.Log != nil {
				w.Log.InfoContext(ctx, "a key could not be built beside the copies, and is tried again after them", "statement", s.ID, "error", err)
			}
			return
		}
		w.keys.mu.Lock()
		w.keys.done = append(w.keys.done, s.ID)
		w.keys.mu.Unlock()
		w.Bus.Emit(event.StatementDone{ID: s.ID, Phase: s.Phase.String(), Object: s.Object, Elapsed: time.Since(started)})
	}
}

// execute runs one statement in a transaction whose commit is durable. The rows
// that it was built on, committed before it without waiting for the disk, are
// durable with it: their records stand before its own in the target's log.
func (w *worker) execute(ctx context.Context, sql string) error {
	if err := w.connectTarget(ctx, &w.link); err != nil {
		return err
	}
	defer w.to.wire.watch(ctx)()
	durable := ""
	if w.Profile.AsyncCommit {
		durable = "SET LOCAL synchronous_commit = on;"
	}
	if err := w.to.wire.send(&pgproto3.Query{String: durable + sql}); err != nil {
		w.drop()
		return err
	}
	r, err := w.to.answer(ctx)
	switch {
	case err != nil:
		w.drop()
		return err
	case r.err != nil:
		w.drop() // its reader has seen an error, and takes the connection for failed
		return r.failure()
	case r.status != 'I':
		w.drop()
		return fmt.Errorf("the target answered with transaction status %q", r.status)
	}
	return nil
}
