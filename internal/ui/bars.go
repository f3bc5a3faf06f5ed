package ui

import (
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/pg2db9/pg2db9/internal/event"
)

// bars shows a run on a terminal: one bar for each running part, and below
// them one for the whole.
type bars struct {
	err     io.Writer
	p       *mpb.Progress
	overall *bar
	parts   map[int64]*bar
	over    bool
}

var _ printer = (*bars)(nil)

// bar is one line: a bar whose text is computed when the meters are sampled,
// never while the terminal is drawn.
type bar struct {
	bar  *mpb.Bar
	name atomic.Pointer[string]
	tail atomic.Pointer[string]
}

const (
	barWidth = 24
	// lineWidth is that of a line where the terminal does not tell its own.
	lineWidth = 160
	// scale is the resolution of a bar; what it measures has several units.
	scale = 1000
	// nameWidth is what a part's name is cut to.
	nameWidth = 40
	// overallPriority draws the overall bar below all others.
	overallPriority = math.MaxInt32
)

func newBars(w io.Writer) *bars {
	// The mode was chosen by whoever knows that w is a terminal.
	p := mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh(), mpb.WithWidth(lineWidth))
	return &bars{err: w, p: p, parts: map[int64]*bar{}}
}

// add draws a new bar; nil when the container is already closed.
func (b *bars) add(priority int) *bar {
	n := &bar{}
	empty := ""
	n.name.Store(&empty)
	n.tail.Store(&empty)
	mb, err := b.p.Add(scale, mpb.BarStyle().Build(),
		mpb.BarPriority(priority), mpb.BarWidth(barWidth),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return *n.name.Load() }, decor.WC{C: decor.DindentRight | decor.DSyncWidth})),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *n.tail.Load() })),
	)
	if err != nil {
		return nil
	}
	n.bar = mb
	return n
}

func (n *bar) set(name, tail string, share float64) {
	if n == nil {
		return
	}
	name, tail = Printable(name), Printable(tail)
	n.name.Store(&name)
	n.tail.Store(&tail)
	// A bar that reaches its total would be over: it stays a step below.
	n.bar.SetCurrent(min(int64(share*scale), scale-1))
}

func (b *bars) progress(s sample) {
	if b.over || s.stage.phase == "" {
		return
	}
	if b.overall == nil {
		b.overall = b.add(overallPriority)
	}
	share, _ := s.share()
	b.overall.set(s.stage.phase, overallTail(s), share)

	alive := map[int64]bool{}
	for _, r := range s.Running {
		alive[r.Part.ID] = true
		n := b.parts[r.Part.ID]
		if n == nil {
			n = b.add(int(r.Part.ID))
			b.parts[r.Part.ID] = n
		}
		n.set(ellipsis(partName(r.Part), nameWidth), partTail(r), partShare(r))
	}
	b.dropParts(alive)
}

// dropParts takes the bars of parts away that do not run any more.
func (b *bars) dropParts(alive map[int64]bool) {
	for id, n := range b.parts {
		if !alive[id] {
			n.drop()
			delete(b.parts, id)
		}
	}
}

func (n *bar) drop() {
	if n != nil {
		n.bar.Abort(true)
	}
}

func partShare(r event.Running) float64 {
	if r.Part.Bytes <= 0 {
		return 0
	}
	return min(1, float64(r.Bytes)/float64(r.Part.Bytes))
}

func partTail(r event.Running) string {
	s := fmt.Sprintf(" %s rows, %s", count(r.Rows), size(r.Bytes))
	switch r.Waits {
	case event.WaitSource:
		s += ", waits for source"
	case event.WaitTarget:
		s += ", waits for target"
	case event.WaitRate:
		s += ", waits for its turn (--max-rate)"
	case event.WaitGuard:
		s += ", waits for a quieter source"
	case event.WaitNetwork:
		s += ", waits for the network"
	case event.WaitRetry:
		s += ", waits for its next try"
	case event.WaitNothing:
	}
	return s
}

// overallTail is what stands behind the overall bar.
func overallTail(s sample) string {
	if !s.rowwise() {
		if s.stage.items > 0 {
			return fmt.Sprintf(" %s of %s", count(int64(s.stage.done)), count(int64(s.stage.items)))
		}
		return ""
	}
	return fmt.Sprintf(" %s rows, %s, %s/s, %d of %d parts, %s", count(s.Rows), size(s.Bytes), size(int64(s.byteRate)),
		s.DoneParts, s.TotalParts, outlook(s))
}

func ellipsis(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// event prints above the bars what should stay on the screen.
func (b *bars) event(e event.Event) {
	switch e := e.(type) {
	case event.PhaseStarted:
		if b.overall != nil {
			b.overall.set(e.Phase, "", 0)
		}
	case event.PhaseDone:
		b.dropParts(nil)
	default:
	}
	_, phase := e.(event.PhaseDone)
	_, run := e.(event.RunStarted)
	if !phase && !run && !important(e) {
		return
	}
	if line := eventLine(e); line != "" {
		_, _ = fmt.Fprintln(b.writer(), Printable(line))
	}
}

func (b *bars) writer() io.Writer {
	if b.over || b.overall == nil {
		return b.err // nothing is drawn yet, or any more
	}
	return b.p
}

func (b *bars) close() {
	b.over = true
	b.dropParts(nil)
	if b.overall != nil {
		b.overall.drop()
	}
	b.p.Wait()
}
