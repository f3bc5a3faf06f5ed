package ddlgen

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// ordered sorts statements by phase, and inside a phase so that each comes
// after what it names in After; where that leaves a choice, the order in which
// they were made decides. An After that no statement of the phase or of an
// earlier one answers is a defect of this package.
func ordered(statements []Statement) ([]Statement, error) {
	settlePhases(statements)
	slices.SortStableFunc(statements, func(a, b Statement) int { return cmp.Compare(a.Phase, b.Phase) })
	for start := 0; start < len(statements); {
		end := start
		for end < len(statements) && statements[end].Phase == statements[start].Phase {
			end++
		}
		phase, err := orderPhase(statements[start:end])
		if err != nil {
			return nil, err
		}
		copy(statements[start:end], phase)
		start = end
	}
	return statements, nil
}

// settlePhases lets what waits for a statement that was moved to a later phase
// follow it, and takes out of After what an earlier phase has done.
func settlePhases(statements []Statement) {
	at := make(map[string]int, len(statements))
	waiting := make([][]int, len(statements))
	for i := range statements {
		at[statements[i].ID] = i
	}
	for i := range statements {
		for _, id := range statements[i].After {
			if j, ok := at[id]; ok {
				waiting[j] = append(waiting[j], i)
			}
		}
	}
	moved := make([]int, 0, len(statements))
	for i := range statements {
		moved = append(moved, i)
	}
	for len(moved) > 0 {
		j := moved[len(moved)-1]
		moved = moved[:len(moved)-1]
		for _, i := range waiting[j] {
			s := &statements[i]
			if s.Phase < statements[j].Phase && s.Phase > PhaseData {
				s.Phase = statements[j].Phase
				moved = append(moved, i)
			}
		}
	}
	for i := range statements {
		s := &statements[i]
		s.After = slices.DeleteFunc(s.After, func(id string) bool {
			j, ok := at[id]
			return ok && statements[j].Phase < s.Phase
		})
	}
}

func orderPhase(statements []Statement) ([]Statement, error) {
	at := make(map[string]int, len(statements))
	for i, s := range statements {
		at[s.ID] = i
	}
	waits := make([]int, len(statements))
	frees := make([][]int, len(statements))
	for i := range statements {
		s := &statements[i]
		slices.Sort(s.After)
		s.After = slices.Compact(s.After)
		for _, id := range s.After {
			j, ok := at[id]
			if !ok {
				return nil, fmt.Errorf("%s waits for %s, which is not in its phase", s.ID, id)
			}
			waits[i]++
			frees[j] = append(frees[j], i)
		}
	}
	ready := &ints{}
	for i, n := range waits {
		if n == 0 {
			heap.Push(ready, i)
		}
	}
	out := make([]Statement, 0, len(statements))
	done := make([]bool, len(statements))
	for stuck := 0; len(out) < len(statements); {
		if ready.Len() == 0 {
			// A circle: two tables with columns of each other's row type. The
			// first of them goes without waiting; the server says what it lacks.
			for done[stuck] {
				stuck++
			}
			s := &statements[stuck]
			s.After = slices.DeleteFunc(s.After, func(id string) bool { return !done[at[id]] })
			waits[stuck] = 0
			heap.Push(ready, stuck)
		}
		i := heap.Pop(ready).(int) //nolint:forcetypeassert // ints holds nothing else
		if done[i] {
			continue
		}
		done[i] = true
		out = append(out, statements[i])
		for _, j := range frees[i] {
			if waits[j]--; waits[j] == 0 {
				heap.Push(ready, j)
			}
		}
	}
	return out, nil
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
		found := slices.Clone(codes[atSource(s.Object)])
		for _, o := range s.Carries {
			found = append(found, codes[atSource(o)]...)
		}
		slices.Sort(found)
		s.Findings = slices.Compact(found)
	}
}

func sortTransfers(ts []Transfer) {
	slices.SortFunc(ts, func(a, b Transfer) int { return a.Target.Compare(b.Target) })
}
