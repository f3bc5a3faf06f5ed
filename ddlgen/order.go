package ddlgen

import (
	"cmp"
	"container/heap"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// orderStatements sorts statements by phase, and inside a phase so that each comes after
// what it names in After; where that leaves a choice, the order in which they
// were made decides. An After that no statement of the phase or of an earlier one
// answers is a defect of this package.
//
// It works on numbers and moves each statement once: of very many tables the
// statements are most of a plan.
func orderStatements(statements []Statement) error {
	o := &ordering{statements: statements}
	if err := o.readEdges(); err != nil {
		return err
	}
	o.settlePhases()
	o.byPhase()
	for start := 0; start < len(o.order); {
		phase := statements[o.order[start]].Phase
		end := start
		for end < len(o.order) && statements[o.order[end]].Phase == phase {
			end++
		}
		if err := o.orderPhase(start, end); err != nil {
			return err
		}
		start = end
	}
	permute(statements, o.order)
	return nil
}

// ordering is the order of statements in the making.
type ordering struct {
	statements []Statement
	edges      []edge  // by what is waited for
	order      []int32 // positions of statements, in the order that they will have
}

// edge says that a statement waits for another; both by position.
type edge struct{ before, after int32 }

func (o *ordering) readEdges() error {
	seed := maphash.MakeSeed()
	var ids positions
	for i := range o.statements {
		ids.put(maphash.String(seed, o.statements[i].ID), i)
	}
	for i := range o.statements {
		s := &o.statements[i]
		slices.Sort(s.After)
		s.After = slices.Compact(s.After)
		for _, id := range s.After {
			j := ids.find(maphash.String(seed, id), func(i int) bool { return o.statements[i].ID == id })
			if j < 0 {
				return fmt.Errorf("%s waits for %s, which is not in the plan", s.ID, id)
			}
			o.edges = append(o.edges, edge{int32(j), int32(i)}) //nolint:gosec // nobody has 2^31 statements
		}
	}
	slices.SortFunc(o.edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.before, b.before), cmp.Compare(a.after, b.after)) })
	return nil
}

// behind are the edges from a statement to those that wait for it.
func (o *ordering) behind(i int32) []edge {
	from, _ := slices.BinarySearchFunc(o.edges, i, func(e edge, i int32) int { return cmp.Compare(e.before, i) })
	to := from
	for to < len(o.edges) && o.edges[to].before == i {
		to++
	}
	return o.edges[from:to]
}

// settlePhases lets what waits for a statement that was moved to a later phase
// follow it, and takes out of After what an earlier phase has done.
func (o *ordering) settlePhases() {
	moved := make([]int32, 0, len(o.edges))
	for _, e := range o.edges {
		moved = append(moved, e.before)
	}
	moved = slices.Compact(moved)
	for len(moved) > 0 {
		j := moved[len(moved)-1]
		moved = moved[:len(moved)-1]
		for _, e := range o.behind(j) {
			s := &o.statements[e.after]
			if s.Phase < o.statements[j].Phase && s.Phase > PhaseData {
				s.Phase = o.statements[j].Phase
				moved = append(moved, e.after)
			}
		}
	}
	earlier := map[edge]bool{}
	o.edges = slices.DeleteFunc(o.edges, func(e edge) bool {
		gone := o.statements[e.before].Phase < o.statements[e.after].Phase
		if gone {
			earlier[e] = true
		}
		return gone
	})
	for e := range earlier {
		id := o.statements[e.before].ID
		s := &o.statements[e.after]
		s.After = slices.DeleteFunc(s.After, func(x string) bool { return x == id })
	}
}

// byPhase sorts by phase, in the order in which statements were made.
func (o *ordering) byPhase() {
	o.order = make([]int32, 0, len(o.statements))
	for phase := PhaseUnset; phase <= LastPhase; phase++ {
		for i := range o.statements {
			if o.statements[i].Phase == phase {
				o.order = append(o.order, int32(i))
			}
		}
	}
}

// orderPhase sorts the statements of one phase, which stand side by side in
// order, by what they wait for.
func (o *ordering) orderPhase(start, end int) error {
	phase := o.order[start:end]
	waits := make([]int32, len(phase))
	rank := func(i int32) int { // order is ascending inside of a phase so far
		at, ok := slices.BinarySearch(phase, i)
		if !ok {
			return -1
		}
		return at
	}
	for at, i := range phase {
		waits[at] = int32(len(o.statements[i].After)) //nolint:gosec // of one statement
	}
	for _, i := range phase {
		for _, e := range o.behind(i) {
			if rank(e.after) < 0 {
				return fmt.Errorf("%s waits for %s, which is not in its phase", o.statements[e.after].ID, o.statements[i].ID)
			}
		}
	}
	ready := &ints{}
	for at, n := range waits {
		if n == 0 {
			heap.Push(ready, at)
		}
	}
	out := make([]int32, 0, len(phase))
	done := make([]bool, len(phase))
	for stuck := 0; len(out) < len(phase); {
		if ready.Len() == 0 {
			// A circle: two tables with columns of each other's row type. The
			// first of them goes without waiting; the server says what it lacks.
			for done[stuck] {
				stuck++
			}
			o.waitForNoMore(phase[stuck], func(i int32) bool { return done[rank(i)] })
			waits[stuck] = 0
			heap.Push(ready, stuck)
		}
		at := heap.Pop(ready).(int) //nolint:forcetypeassert // ints holds nothing else
		if done[at] {
			continue
		}
		done[at] = true
		out = append(out, phase[at])
		for _, e := range o.behind(phase[at]) {
			j := rank(e.after)
			if waits[j]--; waits[j] == 0 {
				heap.Push(ready, j)
			}
		}
	}
	copy(phase, out)
	return nil
}

// waitForNoMore leaves a statement waiting only for those that are done.
func (o *ordering) waitForNoMore(i int32, done func(i int32) bool) {
	s := &o.statements[i]
	kept := map[string]bool{}
	for _, e := range o.edges {
		if e.after == i && done(e.before) {
			kept[o.statements[e.before].ID] = true
		}
	}
	s.After = slices.DeleteFunc(s.After, func(id string) bool { return !kept[id] })
}

// permute moves the entries of a list to the places that order gives them: what
// order names first comes first. It leaves order in an unusable state.
func permute(list []Statement, order []int32) {
	for i := range order {
		at := i
		first := list[i]
		for {
			from := int(order[at])
			order[at] = int32(at)
			if from == i {
				list[at] = first
				break
			}
			list[at] = list[from]
			at = from
		}
	}
}

// ints is a heap of positions.
type ints []int

func (h ints) Len() int           { return len(h) }
func (h ints) Less(i, j int) bool { return h[i] < h[j] }
func (h ints) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ints) Push(x any)        { *h = append(*h, x.(int)) } //nolint:forcetypeassert // heap.Interface

func (h *ints) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// markFindings puts on each statement the codes found for its objects.
func markFindings(statements []Statement, fs []finding.Finding, atSource func(finding.Object) finding.Object) {
	codes := map[finding.Object][]finding.Code{}
	for _, f := range fs {
		codes[f.Object] = append(codes[f.Object], f.Code)
	}
	for i := range statements {
		s := &statements[i]
		var found []finding.Code
		for o := range s.Objects() {
			found = append(found, codes[atSource(o)]...)
		}
		slices.Sort(found)
		s.Findings = slices.Compact(found)
	}
}

func sortTransfers(ts []Transfer) {
	slices.SortFunc(ts, func(a, b Transfer) int { return a.Target.Compare(b.Target) })
}
