package copier

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
)

// besideLeast is the size of a table's rows, as COPY TEXT, from which its keys are
// built beside the copies where light statements share flights: those of smaller
// tables are done sooner in a flight of Apply's.
const besideLeast = 1 << 20

// KeysBeside are keys and indexes that the workers build beside the copies of
// other tables, when the rows of their own are all there, and after them until
// there are none more. They are built on the workers' connections, in their places:
// whatever is done, there are no more of those than jobs. One that fails is left to
// Apply, which tries it again and says why.
type KeysBeside struct {
	least    int64 // bytes of a table's rows
	record   func(ctx context.Context, s Step)
	progress *event.Progress
	stops    [2]<-chan struct{} // of the rows, and the user's: no statement is begun any more

	mu       sync.Mutex
	changed  chan struct{} // closed when something below has changed, and made anew
	of       map[catalog.Name][]ddlgen.Statement
	ready    []keyList             // heaviest first
	undone   map[catalog.Name]bool // tables whose rows have to be sent again
	open     int                   // parts under way: their ends may make lists ready
	building int                   // lists that workers have taken
	most     int                   // and how many that may be
	ceased   bool                  // no list is given any more
	done     []string              // IDs
	doubtful map[string]bool

	workers sync.WaitGroup
}

// keyList are statements of one table, for one worker in their order. then are
// lists that wait for its end.
type keyList struct {
	table      catalog.Name
	bytes      int64
	statements []ddlgen.Statement
	then       []keyList
}

// newKeysBeside takes the statements that can be executed when the rows of their
// table are there, whatever becomes of other tables.
func newKeysBeside(p *Params) *KeysBeside {
	k := &KeysBeside{
		changed: make(chan struct{}), of: map[catalog.Name][]ddlgen.Statement{}, undone: map[catalog.Name]bool{}, doubtful: map[string]bool{}, most: max(p.Jobs, 1),
		record: p.Record, progress: p.Progress, stops: [2]<-chan struct{}{p.Stop, nil},
	}
	if !p.Profile.Await && p.Profile.Window > 1 {
		k.least = besideLeast
	}
	tables := map[string]catalog.Name{}
	for _, s := range p.Keys {
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

// Wait waits until nothing is built any more, and says what was: the IDs of the
// statements that were executed, and those of which nobody knows whether they were,
// since the connection broke. Nil holds nothing.
func (k *KeysBeside) Wait() (done []string, doubtful map[string]bool) {
	if k == nil {
		return nil, nil
	}
	k.workers.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.done, k.doubtful
}

// Built is how many statements are executed so far.
func (k *KeysBeside) Built() int {
	if k == nil {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.done)
}

// tell wakes those who wait. The lock is held.
func (k *KeysBeside) tell() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// begin counts a part that is under way.
func (k *KeysBeside) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open++
}

// end counts a part that has come to its end.
func (k *KeysBeside) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open--
	k.tell()
}

// complete makes the keys of a table ready. Its constraints lock it against each
// other, and against indexes that are built: they come first, one by one. Then its
// indexes may be built at once.
func (k *KeysBeside) complete(table catalog.Name, bytes int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := k.of[table]
	if len(all) == 0 || bytes < k.least {
		return
	}
	delete(k.of, table)
	first := slices.IndexFunc(all, func(s ddlgen.Statement) bool { return s.Object.Kind == "index" && len(s.After) == 0 })
	if first < 0 {
		first = len(all)
	}
	var indexes []keyList
	for _, s := range all[first:] {
		indexes = append(indexes, keyList{table: table, bytes: bytes, statements: []ddlgen.Statement{s}})
	}
	if first > 0 {
		indexes = []keyList{{table: table, bytes: bytes, statements: all[:first], then: indexes}}
	}
	k.add(indexes)
}

// add makes lists ready, but those of tables that are incomplete again.
func (k *KeysBeside) add(lists []keyList) {
	k.ready = slices.DeleteFunc(append(k.ready, lists...), func(l keyList) bool { return k.undone[l.table] })
	slices.SortStableFunc(k.ready, func(a, b keyList) int { return cmp.Compare(b.bytes, a.bytes) })
	k.tell()
}

// incomplete leaves to Apply what is not begun of a table whose rows have to be
// sent again.
func (k *KeysBeside) incomplete(table catalog.Name) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.undone[table] = true
	k.add(nil)
}

// cease leaves to Apply all that is not begun.
func (k *KeysBeside) cease() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ceased = true
	k.tell()
}

// early gives a list of a table of at least so many bytes while parts wait to be
// copied: at most half of the jobs build then, so that the rows go on, and the
// snapshot is not held for the sake of indexes.
func (k *KeysBeside) early(bytes int64) *keyList {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.building >= k.most/2 || len(k.ready) == 0 || k.ready[0].bytes < max(bytes, besideLeast) {
		return nil
	}
	return k.take()
}

// take gives the heaviest list that is ready; nil where there is none, or as many
// are built as may be at once: each takes the memory that the server gives to an
// index build. The lock is held.
func (k *KeysBeside) take() *keyList {
	if len(k.ready) == 0 || k.building >= k.most || k.stopped() {
		return nil
	}
	list := k.ready[0]
	k.ready = k.ready[1:]
	k.building++
	k.progress.Keys(1, 0)
	return &list
}

// give ends a list that was taken.
func (k *KeysBeside) give(list *keyList) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.building--
	k.progress.Keys(-1, 0)
	k.add(list.then)
}

// stopped says that no statement may be begun. The lock is held.
func (k *KeysBeside) stopped() bool {
	return k.ceased || isClosed(k.stops[0]) || isClosed(k.stops[1])
}

// wait gives a list, and waits for one while parts under way, or what is built, may
// make some ready.
func (k *KeysBeside) wait(ctx context.Context) *keyList {
	for {
		k.mu.Lock()
		list, changed := k.take(), k.changed
		over := list == nil && len(k.ready) == 0 && k.open == 0 && k.building == 0 || k.stopped()
		k.mu.Unlock()
		if list != nil || over || ctx.Err() != nil {
			return list
		}
		select {
		case <-changed:
		case <-ctx.Done():
		case <-k.stops[0]:
		case <-k.stops[1]:
		}
	}
}

// begun takes down a statement before it is sent: whether it was executed is then
// seen on the target, whatever becomes of this process.
func (k *KeysBeside) begun(ctx context.Context, id string) {
	if k.record != nil {
		k.record(ctx, Step{ID: id, State: StepBegun})
	}
}

// built takes down a statement that was executed.
func (k *KeysBeside) built(ctx context.Context, id string) {
	k.mu.Lock()
	k.done = append(k.done, id)
	k.progress.Keys(0, 1)
	k.mu.Unlock()
	if k.record != nil {
		k.record(ctx, Step{ID: id, State: StepDone})
	}
}

// doubt takes down a statement that was sent, and never answered.
func (k *KeysBeside) doubt(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.doubtful[id] = true
}
