package ui

import (
	"time"

	"github.com/pg2db9/pg2db9/internal/event"
)

// sample is the state of a run with what follows from its recent past.
type sample struct {
	event.Snapshot
	rowRate  float64 // rows a second
	byteRate float64 // COPY TEXT bytes a second
	left     time.Duration
	leftOK   bool   // left is known
	limit    string // source, target, nothing, "" unknown
	stage    stage
}

// stage is the phase that runs.
type stage struct {
	phase  string
	items  int // 0 is unknown
	done   int
	failed int
}

// share is the part of the work that is done, 0 to 1; false where unknown.
func (s sample) share() (float64, bool) {
	switch {
	case !s.rowwise():
		if s.stage.items > 0 {
			return min(1, float64(s.stage.done)/float64(s.stage.items)), true
		}
	case s.TotalBytes > 0:
		return min(1, float64(s.DoneBytes)/float64(s.TotalBytes)), true
	case s.TotalParts > 0:
		return float64(s.DoneParts) / float64(s.TotalParts), true
	}
	return 0, false
}

// The phases whose progress is rows and bytes.
const (
	dataPhase   = "data"
	verifyPhase = "verify"
)

// rowwise reports whether the phase's progress is rows and bytes.
func (s sample) rowwise() bool {
	return s.stage.phase == dataPhase || s.stage.phase == verifyPhase && s.TotalParts > 0
}

// sampler turns snapshots into samples.
type sampler struct {
	rows, bytes, est rate
	limits           limits
}

func newSampler() *sampler {
	r := rate{window: rateWindow}
	return &sampler{rows: r, bytes: r, est: r, limits: limits{window: rateWindow}}
}

func (s *sampler) next(snap event.Snapshot, st stage) sample {
	s.rows.add(snap.At, snap.Rows)
	s.bytes.add(snap.At, snap.Bytes)
	s.est.add(snap.At, snap.DoneBytes)
	s.limits.add(snap)
	out := sample{
		Snapshot: snap, rowRate: s.rows.perSecond(), byteRate: s.bytes.perSecond(),
		limit: s.limits.by(), stage: st,
	}
	out.left, out.leftOK = s.est.remaining(snap.TotalBytes - snap.DoneBytes)
	if snap.TotalBytes == 0 {
		out.leftOK = false
	}
	return out
}
