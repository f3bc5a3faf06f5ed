package copier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// OnChanged is what becomes of tables that hold rows of an older moment than the
// snapshot shows, and differ from it.
type OnChanged string

// The ways.
const (
	ChangedReconcile OnChanged = "reconcile" // the rows that differ are found by key and sent; without a usable key as reload
	ChangedReload    OnChanged = "reload"    // emptied and loaded anew
	ChangedStop      OnChanged = "stop"      // an error, before anything is written
)

// Resume says how a run is taken up again.
type Resume struct {
	// SameSnapshot says that the snapshot shows the moment of the rows that the
	// target has already.
	SameSnapshot bool
	OnChanged    OnChanged
	// Reread says that the source's rows will be held against the target's once more, in
	// the snapshot: then each table must show that one, complete or not.
	Reread bool
	Redo   []catalog.Name // target tables that are loaded anew, whatever they hold
	// Unlink takes away what stands in the way of emptying and changing tables: foreign
	// keys that tie them to others, triggers upon them. Nil: nothing does.
	Unlink func(ctx context.Context, tables []catalog.Name) error
	Skip   []catalog.Name // target tables that are left as they are
	// OnlyFailed leaves what is not complete and was not given up either.
	OnlyFailed bool
}

// ErrSkipped is a table that the user left out of a resumed run.
var ErrSkipped = errors.New("left out by --skip")

// ChangedError is tables that hold rows of an older moment and may not be changed.
type ChangedError struct{ Tables []catalog.Name }

// Error implements error.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("the snapshot of the first try is gone, and %s of the target's tables hold rows that differ from the source of now: %s; "+
		"say --on-changed reconcile (sends the rows that differ) or reload (loads these tables anew)", fmt.Sprint(len(e.Tables)), fewNames(e.Tables))
}

func fewNames(names []catalog.Name) string {
	const most = 5
	s := ""
	for i, n := range names {
		if i == most {
			return s + fmt.Sprintf(" and %d more", len(names)-most)
		}
		if i > 0 {
			s += ", "
		}
		s += n.String()
	}
	return s
}

// recordedPart is a part as the ledger has it.
type recordedPart struct {
	part   Part
	taken  string
	epoch  int64
	failed string // why its table was given up
}

// takeUp continues a run by its ledger: every writer before is fenced off, what
// is committed is read, and parts are made for what is not. Nothing is sent
// before that.
func (c *copyRun) takeUp(ctx context.Context) error {
	if err := c.ledger.prepare(ctx); err != nil {
		return err
	}
	recorded, err := c.ledger.fenceAll(ctx)
	if err != nil {
		return err
	}
	if len(recorded) == 0 { // it came to its end before its parts were planned
		return c.planAll(ctx)
	}
	found, err := c.ledger.totals(ctx)
	if err != nil {
		return err
	}
	if c.ledger.started, err = c.ledger.targetStarted(ctx); err != nil {
		return err
	}
	t := &taking{copyRun: c, found: found, byTarget: map[catalog.Name][]recordedPart{}}
	for _, r := range recorded {
		t.byTarget[r.part.Target] = append(t.byTarget[r.part.Target], r)
		t.last = max(t.last, r.part.ID)
	}
	if err := t.decide(ctx); err != nil {
		return err
	}
	return t.carryOut(ctx)
}

// taking is takeUp under way.
type taking struct {
	*copyRun
	found    map[int64]total
	byTarget map[catalog.Name][]recordedPart
	last     int64 // the highest number of a part

	keep []int // transfers whose parts are gone on with
	anew []int // loaded anew
	mend []int // reconciled by key

	skipped []catalog.Name // left out, and to be emptied before they are loaded
	proved  []int          // those of keep that the new snapshot shows as they are
}

// complete says that all parts of a table are committed.
func (t *taking) complete(table catalog.Name) bool {
	parts := t.byTarget[table]
	return len(parts) > 0 && !slices.ContainsFunc(parts, func(r recordedPart) bool { return !t.found[r.part.ID].final })
}

// shows says that a table's parts are of this moment. The snapshot that a run is
// taken up with may be a newer one than theirs, though it is kept: a try before
// this one took it, and died before the tables were judged by it.
func (t *taking) shows(table catalog.Name, taken string) bool {
	return !slices.ContainsFunc(t.byTarget[table], func(r recordedPart) bool { return r.taken != taken })
}

// oneMoment says that the parts of all tables are of the same.
func (t *taking) oneMoment() bool {
	var first string
	for table, parts := range t.byTarget {
		if first == "" {
			first = parts[0].taken
		}
		if !t.shows(table, first) {
			return false
		}
	}
	return true
}

// begun says that the target holds rows of a table, as far as the ledger knows.
func (t *taking) begun(table catalog.Name) bool {
	return slices.ContainsFunc(t.byTarget[table], func(r recordedPart) bool { return t.found[r.part.ID].next > 0 })
}

// decide chooses for each transfer what becomes of it. It writes nothing.
func (t *taking) decide(ctx context.Context) error {
	lost, err := t.lostByRestart(ctx)
	if err != nil {
		return err
	}
	unsettled, err := t.ledger.unsettled(ctx)
	if err != nil {
		return err
	}
	// Where no row is missing and all are of one moment, that of the first try,
	// there is nothing to mix.
	all := !t.Resume.Reread && t.oneMoment() && !slices.ContainsFunc(t.Plan.Transfers, func(x ddlgen.Transfer) bool {
		return !t.complete(x.Target) || slices.Contains(t.Resume.Redo, x.Target) || lost[x.Target]
	})
	var older []int
	for i, x := range t.Plan.Transfers {
		switch {
		case t.leftOut(x.Target, lost[x.Target] || unsettled[x.Target]) != nil:
			t.broken[x.Target] = t.leftOut(x.Target, lost[x.Target] || unsettled[x.Target])
			if lost[x.Target] || unsettled[x.Target] { // the next try must know it too
				t.skipped = append(t.skipped, x.Target)
			}
		case slices.Contains(t.Resume.Redo, x.Target), lost[x.Target], unsettled[x.Target], len(t.byTarget[x.Target]) == 0:
			t.anew = append(t.anew, i)
		case t.halfReconciled(x.Target):
			older = append(older, i)
		case t.Resume.SameSnapshot && t.shows(x.Target, t.info().taken) || all:
			t.keep = append(t.keep, i)
		case !t.begun(x.Target) && !t.complete(x.Target):
			t.anew = append(t.anew, i) // its parts are cut by the blocks of a moment that is gone
		default:
			older = append(older, i)
		}
	}
	return t.judgeOlder(ctx, older)
}

// judgeOlder holds complete tables of an older moment against the snapshot.
// Those that are not as it shows them, and those that are not complete, are
// reconciled or loaded anew.
func (t *taking) judgeOlder(ctx context.Context, older []int) error {
	if len(older) == 0 {
		return nil
	}
	var complete []int
	var differ []int
	for _, i := range older {
		if t.complete(t.Plan.Transfers[i].Target) {
			complete = append(complete, i)
		} else {
			differ = append(differ, i)
		}
	}
	same, err := t.prove(ctx, complete)
	if err != nil {
		return err
	}
	for _, i := range complete {
		if same[i] {
			t.keep = append(t.keep, i)
			t.proved = append(t.proved, i)
		} else {
			differ = append(differ, i)
		}
	}
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	switch t.Resume.OnChanged {
	case ChangedStop:
		names := make([]catalog.Name, len(differ))
		for k, i := range differ {
			names[k] = t.Plan.Transfers[i].Target
		}
		return &ChangedError{Tables: names}
	case ChangedReconcile:
		t.mend = append(t.mend, differ...)
	default:
		t.anew = append(t.anew, differ...)
	}
	return nil
}

// sumOf is what the ledger says of a complete table.
func (t *taking) sumOf(table catalog.Name) digest.Sum {
	var sum digest.Sum
	for _, r := range t.byTarget[table] {
		found := t.found[r.part.ID]
		sum.Merge(found.sum)
		for _, row := range found.rejected { // the source has those too
			if one, err := digest.Parse(1, row.digest); err == nil {
				sum.Merge(one)
			}
		}
	}
	return sum
}

// lostByRestart are the tables that a restart of the target has emptied since.
func (t *taking) lostByRestart(ctx context.Context) (map[catalog.Name]bool, error) {
	out := map[catalog.Name]bool{}
	if !t.Profile.AsyncCommit || t.ledger.started == "" {
		return out, nil
	}
	names, err := t.ledger.restarted(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range t.Plan.Transfers {
		out[x.Target] = slices.Contains(names, x.Target.String()) && t.begun(x.Target)
	}
	return out, nil
}

// carryOut writes what was decided into the ledger, and empties what is loaded anew.
func (t *taking) carryOut(ctx context.Context) error {
	if err := t.unlink(ctx); err != nil {
		return err
	}
	if err := t.reconcileAll(ctx); err != nil {
		return err
	}
	fresh, err := t.plan(ctx, t.anew)
	if err != nil {
		return err
	}
	for _, i := range t.keep {
		for _, r := range t.byTarget[t.Plan.Transfers[i].Target] {
			t.parts = append(t.parts, t.continued(i, r))
		}
	}
	var old []int64
	var empty []catalog.Name
	for _, i := range t.anew {
		table := t.Plan.Transfers[i].Target
		empty = append(empty, table)
		for _, r := range t.byTarget[table] {
			old = append(old, r.part.ID)
		}
	}
	var proved []int64
	for _, i := range t.proved {
		for _, r := range t.byTarget[t.Plan.Transfers[i].Target] {
			proved = append(proved, r.part.ID)
		}
	}
	info := t.info()
	if err := t.ledger.again(ctx, info, old, proved, t.givenUpBefore(), fresh, slices.Concat(empty, t.skipped)); err != nil {
		return err
	}
	for _, p := range fresh {
		t.parts = append(t.parts, &partState{part: p, claim: claim{run: t.Run, part: p.ID, epoch: firstEpoch}})
	}
	slices.SortStableFunc(t.parts, func(a, b *partState) int { return cmp.Compare(b.part.Bytes, a.part.Bytes) })
	t.count()
	t.told()
	t.ahead = dialAhead(ctx, t.Target, t.writer, min(t.Jobs, len(t.pending())))
	if err := t.emptied(ctx); err != nil {
		return err
	}
	for _, table := range empty {
		if err := t.ledger.empty(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// unlink takes away what is in the way of tables that are changed or emptied.
func (t *taking) unlink(ctx context.Context) error {
	var tables []catalog.Name
	for _, i := range slices.Concat(t.anew, t.mend) {
		tables = append(tables, t.Plan.Transfers[i].Target)
	}
	if len(tables) == 0 || t.Resume.Unlink == nil {
		return nil
	}
	return t.Resume.Unlink(ctx, tables)
}

// continued is the state of a part that goes on where its last commit was.
func (t *taking) continued(transfer int, r recordedPart) *partState {
	r.part.Transfer = transfer
	sum := t.found[r.part.ID]
	s := &partState{
		part: r.part, claim: claim{run: t.Run, part: r.part.ID, epoch: r.epoch},
		next: sum.next, bytes: sum.bytes, sum: sum.sum, done: sum.final,
		// Awaited, a batch's COPY is acknowledged before its ledger row is sent. In a
		// window nobody may have seen its count: the table is counted at the end.
		uncounted: sum.next > 0 && t.Profile.Window > 1 && !t.Profile.Await,
	}
	s.refound(sum)
	s.acked = s.loaded()
	if s.done {
		s.read, s.framed = s.next, s.next
	}
	return s
}

// plan cuts some of the transfers into parts, numbered behind those that are.
func (t *taking) plan(ctx context.Context, transfers []int) ([]Part, error) {
	if len(transfers) == 0 {
		return nil, nil
	}
	some := *t.Plan
	some.Transfers = make([]ddlgen.Transfer, len(transfers))
	for k, i := range transfers {
		some.Transfers[k] = t.Plan.Transfers[i]
	}
	parts, err := PlanParts(ctx, t.Snapshot.Conn(), &some, t.Profile, t.Jobs, t.Split)
	if err != nil {
		return nil, err
	}
	for k := range parts {
		parts[k].ID += t.last
		parts[k].Transfer = transfers[parts[k].Transfer]
	}
	return parts, nil
}

// told says what is gone on with.
func (t *taking) told() {
	done, rows := 0, int64(0)
	for _, s := range t.parts {
		rows += s.next
		if s.done {
			done++
		}
	}
	text := fmt.Sprintf("run %s goes on: %d of %d parts are done, %d rows are there already", t.Run, done, len(t.parts), rows)
	if len(t.proved) > 0 {
		text += fmt.Sprintf("; %d tables were proved against the new snapshot", len(t.proved))
	}
	if n := len(t.anew); n > 0 {
		var again []catalog.Name
		for _, i := range t.anew {
			if name := t.Plan.Transfers[i].Target; t.begun(name) {
				again = append(again, name)
			}
		}
		if len(again) > 0 {
			text += fmt.Sprintf("; loaded anew: %s", fewNames(again))
		}
	}
	t.Bus.Emit(event.Note{Text: text})
}

// count tells the meters what is there already, and counts what is open.
func (c *copyRun) count() {
	var bytes int64
	c.open = make([]int, len(c.Plan.Transfers))
	c.totals = make([]event.TableDone, len(c.Plan.Transfers))
	for _, s := range c.parts {
		bytes += s.part.Bytes
		c.open[s.part.Transfer]++
	}
	c.Progress.Plan(len(c.parts), bytes)
	for _, s := range c.parts {
		if !s.done {
			continue
		}
		m := c.Progress.Start(s.part.event())
		m.Add(s.next, s.bytes)
		c.Progress.Finish(m, true)
		c.open[s.part.Transfer]--
		t := &c.totals[s.part.Transfer]
		t.Parts, t.Rows, t.Bytes = t.Parts+1, t.Rows+s.loaded(), t.Bytes+s.bytes
		if c.open[s.part.Transfer] == 0 && c.broken[s.part.Target] == nil {
			c.keys.complete(s.part.Target, t.Bytes)
		}
	}
}

// pending are the parts that are not done.
func (c *copyRun) pending() []*partState {
	return slices.DeleteFunc(slices.Clone(c.parts), func(s *partState) bool { return s.done })
}

// sourceName is what the ledger calls the source.
func (c *copyRun) sourceName() string {
	if c.Made != nil {
		return "made rows"
	}
	return c.Source.String()
}

// info is what the ledger keeps of the run.
func (c *copyRun) info() runInfo {
	return runInfo{
		command: c.Command, tool: c.Tool, source: c.sourceName(), profile: c.Profile.Name, schemaHash: c.Plan.Hash(),
		planHash: c.Plan.Fingerprint(), options: c.Options,
		snapshot: c.Snapshot.ID, taken: c.Snapshot.Taken.UTC().Format(time.RFC3339Nano),
	}
}
