package event

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Waits says what a worker is waiting for.
type Waits int32

// What a worker waits for at a moment.
const (
	WaitNothing Waits = iota // it is working
	WaitSource               // bytes from the source
	WaitTarget               // the target to take bytes or to answer
	WaitRate                 // its turn under the rate that the user set
	WaitGuard                // the source to have a quieter time
	WaitNetwork              // an answer that cannot have come yet, by what a round trip takes
	WaitRetry                // its next try, and the connections for it
)

// Meter counts one running part. The worker adds, listeners read; all methods
// may be called from any goroutine.
type Meter struct {
	part    Part
	started time.Time
	rows    atomic.Int64
	bytes   atomic.Int64
	wait    atomic.Int32
	whole   atomic.Bool
	onWay   atomic.Int64 // until when it waits for the network, in ns since started
}

// Add counts rows and bytes of COPY TEXT handed to the target.
func (m *Meter) Add(rows, bytes int64) {
	if m == nil {
		return
	}
	m.rows.Add(rows)
	m.bytes.Add(bytes)
}

// Sent is how many rows and bytes were counted so far.
func (m *Meter) Sent() (rows, bytes int64) {
	if m == nil {
		return 0, 0
	}
	return m.rows.Load(), m.bytes.Load()
}

// Wait records what the worker waits for from now on.
func (m *Meter) Wait(w Waits) {
	if m != nil {
		m.onWay.Store(0)
		m.wait.Store(int32(w))
	}
}

// WaitAnswer records that the worker waits for the answer of a side to what it
// asked then. As long as a round trip takes it is the network that it waits for.
func (m *Meter) WaitAnswer(w Waits, asked time.Time, trip time.Duration) {
	if m != nil {
		m.wait.Store(int32(w))
		m.onWay.Store(int64(asked.Add(trip).Sub(m.started)))
	}
}

// Whole records that all of the part was sent: its worker goes on with others while
// the answers are under way.
func (m *Meter) Whole() {
	if m != nil {
		m.whole.Store(true)
	}
}

// waits is what the worker waits for at a moment.
func (m *Meter) waits(at time.Time) Waits {
	w := Waits(m.wait.Load())
	if (w == WaitSource || w == WaitTarget) && int64(at.Sub(m.started)) < m.onWay.Load() {
		return WaitNetwork
	}
	return w
}

// Reset sets the counters back: the part starts again from its last commit.
func (m *Meter) Reset(rows, bytes int64) {
	if m == nil {
		return
	}
	m.whole.Store(false)
	m.rows.Store(rows)
	m.bytes.Store(bytes)
}

// Progress holds the meters of a run. The zero value is ready; a nil Progress counts nothing.
type Progress struct {
	mu         sync.Mutex
	running    map[int64]*Meter
	doneRows   int64
	doneBytes  int64
	doneParts  int
	totalParts int
	totalBytes int64 // estimated source bytes of all parts
	doneEst    int64 // estimated source bytes of the finished parts
	held       string
	building   int // keys beside the copies: lists under way
	built      int // statements done
}

// Keys counts keys that are built beside the copies: lists under way, and
// statements that are done.
func (p *Progress) Keys(building, built int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.building, p.built = p.building+building, p.built+built
}

// Hold says why reading is held back as a whole; "" where it is not.
func (p *Progress) Hold(why string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = why
}

// Plan sets what is to be done: parts and their estimated source bytes.
func (p *Progress) Plan(parts int, bytes int64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.totalParts, p.totalBytes = parts, bytes
}

// More says that parts were cut further: so many more, of the same bytes.
func (p *Progress) More(parts int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.totalParts += parts
}

// Start returns a meter for a part that begins.
func (p *Progress) Start(part Part) *Meter {
	if p == nil {
		return nil
	}
	m := &Meter{part: part, started: time.Now()}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == nil {
		p.running = map[int64]*Meter{}
	}
	p.running[part.ID] = m
	return m
}

// Finish takes a part's meter out of the running ones; done counts its rows and
// bytes towards the total, else they are forgotten.
func (p *Progress) Finish(m *Meter, done bool) {
	if p == nil || m == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, m.part.ID)
	if done {
		p.doneRows += m.rows.Load()
		p.doneBytes += m.bytes.Load()
		p.doneEst += m.part.Bytes
		p.doneParts++
	}
}

// Running is one running part in a Snapshot.
type Running struct {
	Part    Part
	Rows    int64
	Bytes   int64
	Waits   Waits
	Whole   bool // all of it was sent, and not all is answered: no worker is at it
	Elapsed time.Duration
}

// Snapshot is the state of a run at a moment: the one source of bars, plain
// lines, JSON lines and reports.
type Snapshot struct {
	At         time.Time
	Rows       int64 // handed to the target, finished and running parts
	Bytes      int64 // COPY TEXT bytes handed to the target
	DoneParts  int
	TotalParts int
	DoneBytes  int64     // estimated source bytes done: finished parts, and running ones up to their estimate
	TotalBytes int64     // estimated source bytes in all
	Running    []Running // by part number
	Held       string    // why reading is held back, "" where it is not
	Building   int       // keys and indexes that are built beside the copies at this moment
	Built      int       // and that were
}

// Snapshot samples all meters.
func (p *Progress) Snapshot() Snapshot {
	if p == nil {
		return Snapshot{At: time.Now()}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Snapshot{
		At: time.Now(), Rows: p.doneRows, Bytes: p.doneBytes,
		DoneParts: p.doneParts, TotalParts: p.totalParts,
		DoneBytes: p.doneEst, TotalBytes: p.totalBytes, Held: p.held,
		Building: p.building, Built: p.built,
	}
	for _, m := range p.running {
		r := Running{
			Part: m.part, Rows: m.rows.Load(), Bytes: m.bytes.Load(),
			Waits: m.waits(s.At), Whole: m.whole.Load(), Elapsed: s.At.Sub(m.started),
		}
		s.Rows += r.Rows
		s.Bytes += r.Bytes
		s.DoneBytes += min(r.Bytes, m.part.Bytes)
		s.Running = append(s.Running, r)
	}
	slices.SortFunc(s.Running, func(a, b Running) int { return cmp.Compare(a.Part.ID, b.Part.ID) })
	return s
}
