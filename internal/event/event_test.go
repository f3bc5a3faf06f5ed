package event_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/event"
)

type list []event.Event

func (l *list) On(e event.Event) { *l = append(*l, e) }

// Every event reaches every listener, in the order of Emit, also from many
// goroutines; a nil bus and a nil progress take everything.
func TestBusDropsNothing(t *testing.T) {
	t.Parallel()
	var a, b list
	bus := event.NewBus(&a, &b)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				bus.Emit(event.Note{Text: "x"})
			}
		})
	}
	wg.Wait()
	require.Len(t, a, 800)
	require.Equal(t, a, b)
	var none *event.Bus
	none.Emit(event.Note{})
	var nothing *event.Progress
	m := nothing.Start(event.Part{})
	m.Add(1, 1)
	m.Wait(event.WaitSource)
	m.Reset(0, 0)
	nothing.Finish(m, true)
	require.Zero(t, nothing.Snapshot().Rows)
}

// A snapshot counts finished and running parts once, and a part that failed not
// at all.
func TestProgressSnapshot(t *testing.T) {
	t.Parallel()
	p := &event.Progress{}
	p.Plan(3, 300)
	a, b, c := p.Start(event.Part{ID: 1, Bytes: 100}), p.Start(event.Part{ID: 2, Bytes: 100}), p.Start(event.Part{ID: 3, Bytes: 100})
	a.Add(10, 150)
	b.Add(5, 50)
	c.Add(7, 70)
	c.Wait(event.WaitTarget)
	p.Finish(a, true)
	p.Finish(b, false)
	s := p.Snapshot()
	require.Equal(t, []int64{17, 220, 170, 300}, []int64{s.Rows, s.Bytes, s.DoneBytes, s.TotalBytes})
	require.Equal(t, []int{1, 3, 1}, []int{s.DoneParts, s.TotalParts, len(s.Running)})
	require.Equal(t, event.WaitTarget, s.Running[0].Waits)
	c.Reset(2, 20)
	require.Equal(t, int64(12), p.Snapshot().Rows)
}
