package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/copier/runs"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// view is what one look saw, and what follows from it.
type view struct {
	Ledger  bool           `json:"ledger"` // there is one
	Message string         `json:"message,omitempty"`
	At      time.Time      `json:"at"` // by the target's clock
	Runs    []runView      `json:"runs"`
	Target  *runs.Sessions `json:"target,omitempty"`
	Source  *runs.Sessions `json:"source,omitempty"` // where it was named
}

// runView is a run with what is known beyond its ledger.
type runView struct {
	runs.Run
	BytesPerSecond int64    `json:"bytes_per_second"` // of COPY TEXT; 0: unknown
	RowsPerSecond  int64    `json:"rows_per_second"`
	SecondsLeft    *float64 `json:"seconds_left"`       // of the rows; nil: unknown
	LastBatchAge   *float64 `json:"last_batch_seconds"` // nil: no batch is committed
	SnapshotAge    *float64 `json:"snapshot_seconds"`   // nil: none was taken
	Holder         *holder  `json:"snapshot_holder,omitempty"`
	Stalled        []string `json:"stalled"` // why nothing moves, as far as it is known
	Next           string   `json:"next,omitempty"`
}

// holder is what the source says of the snapshot's backend.
type holder struct {
	Lives   bool   `json:"lives"`
	XminAge int64  `json:"xmin_age"`
	Why     string `json:"unknown,omitempty"` // the source could not be asked
}

// stallAfter is the age of the last byte from which a run at work is called
// stalled. A batch under profile db9 takes seconds.
const stallAfter = 30 * time.Second

// progressRate remembers what earlier looks saw of a run. Its times are the target's, so
// that no two clocks are compared.
type progressRate struct{ points []pacePoint }

type pacePoint struct {
	at               time.Time
	rows, bytes, est int64
}

// paceWindow is how far back the rate looks.
const paceWindow = 30 * time.Second

// rates are the growth per second since the oldest look in the window; over the
// whole run where there was no other look.
func (p *progressRate) rates(r *runs.Run, at time.Time) (rows, bytes, est float64) {
	now := pacePoint{at, r.Rows, r.Bytes, r.EstimatedDone}
	first := pacePoint{at: r.Started}
	if n := len(p.points); n > 0 && p.points[n-1].bytes <= now.bytes {
		first = p.points[0]
	} else {
		p.points = nil
		if end := r.Changed; !r.Owner.Alive && end.Before(at) { // it stands still since
			at = end
		}
	}
	p.points = append(p.points, now)
	for len(p.points) > 1 && now.at.Sub(p.points[0].at) > paceWindow {
		p.points = p.points[1:]
	}
	secs := at.Sub(first.at).Seconds()
	if secs <= 0 {
		return 0, 0, 0
	}
	return float64(now.rows-first.rows) / secs, float64(now.bytes-first.bytes) / secs, float64(now.est-first.est) / secs
}

// measure tells rate, remaining time and ages. None of them is below zero,
// whatever the clocks say.
func (x *runView) measure(p *progressRate, at time.Time) {
	rows, bytes, est := p.rates(&x.Run, at)
	x.RowsPerSecond, x.BytesPerSecond = int64(rows), int64(bytes)
	if left := x.Estimated - x.EstimatedDone; x.Owner.Alive && left > 0 && est > 0 {
		secs := float64(left) / est
		x.SecondsLeft = &secs
	}
	if x.LastBatch != nil {
		x.LastBatchAge = age(*x.LastBatch, at)
	}
	x.Stalled = []string{}
}

func age(then, now time.Time) *float64 {
	secs := max(0, now.Sub(then).Seconds())
	return &secs
}

// ageSnapshot tells how old the snapshot is: by the source's clock where the
// source is asked, else as nearly as the target's clock tells.
func (x *runView) ageSnapshot(ctx context.Context, source *pgx.Conn, at time.Time) {
	if x.Snapshot.Taken.IsZero() || !x.Unfinished() {
		return
	}
	x.SnapshotAge = age(x.Snapshot.Taken, at)
	if source == nil {
		return
	}
	h, err := runs.AskHolder(ctx, source, x.Snapshot)
	if err != nil {
		x.Holder = &holder{Why: redact(ui.ErrorText(err))}
		return
	}
	x.SnapshotAge = age(x.Snapshot.Taken, h.Now)
	if x.Snapshot.KeptPID != 0 {
		x.Holder = &holder{Lives: h.Lives, XminAge: h.XminAge}
	}
}

// diagnose says of the runs at work what they wait for.
func (v *view) diagnose() {
	for i := range v.Runs {
		x := &v.Runs[i]
		if x.Ended() || x.State == runs.StateDone {
			continue
		}
		if x.Owner.Silent() {
			x.Stalled = append(x.Stalled, fmt.Sprintf("its owner %s gave no sign since %s ago: it was ended, or cannot reach the target", x.Owner.Name, ui.Span(v.At.Sub(*x.Owner.Lease))))
		}
		x.Stalled = append(x.Stalled, blocked("target", v.Target)...)
		x.Stalled = append(x.Stalled, blocked("source", v.Source)...)
		old := x.LastBatchAge == nil && v.At.Sub(x.Started) > stallAfter || x.LastBatchAge != nil && *x.LastBatchAge > stallAfter.Seconds()
		if len(x.Stalled) == 0 && x.Owner.Alive && x.Parts.Done < x.Parts.All && old {
			x.Stalled = append(x.Stalled, v.waits())
		}
	}
}

// waits says in which way a run without a blocker waits.
func (v *view) waits() string {
	word := "no batch was committed for a while"
	if s := summary(v.Target); s != "" {
		word += "; on the target: " + s
	}
	if s := summary(v.Source); s != "" {
		word += "; on the source: " + s
	}
	return word
}

// blocked names sessions that wait for others.
func blocked(side string, s *runs.Sessions) []string {
	if s == nil {
		return nil
	}
	var out []string
	for _, x := range s.Sessions {
		if len(x.BlockedBy) == 0 {
			continue
		}
		by := make([]string, len(x.BlockedBy))
		for i, pid := range x.BlockedBy {
			by[i] = who(pid, s.Blockers)
		}
		what := "a lock"
		if x.Lock != "" {
			what = x.Lock
		}
		out = append(out, fmt.Sprintf("on the %s session %d waits since %s for %s, held by %s", side, x.PID, ui.Span(x.Since), what, strings.Join(by, ", ")))
	}
	return out
}

// who names a session that is in the way.
func who(pid int64, all []runs.Blocker) string {
	i := slices.IndexFunc(all, func(b runs.Blocker) bool { return b.PID == pid })
	if i < 0 {
		return fmt.Sprintf("session %d of pg2db9", pid)
	}
	b := all[i]
	var about []string
	for _, s := range []string{b.Application, b.Role, b.Client, b.State} {
		if s != "" {
			about = append(about, s)
		}
	}
	return fmt.Sprintf("session %d (%s, since %s)", pid, strings.Join(about, ", "), ui.Span(b.Since))
}

// summary counts sessions by what they do.
func summary(s *runs.Sessions) string {
	if s == nil || s.Told != "" {
		return ""
	}
	counts := map[string]int{}
	var order []string
	for _, x := range s.Sessions {
		word := doing(x)
		if counts[word] == 0 {
			order = append(order, word)
		}
		counts[word]++
	}
	slices.Sort(order)
	for i, word := range order {
		order[i] = fmt.Sprintf("%d %s", counts[word], word)
	}
	return strings.Join(order, ", ")
}

// doing is what a session does, in words.
func doing(x runs.Session) string {
	switch {
	case x.State == "":
		return "not told (other role)"
	case x.WaitType == "Client" && x.State == "idle":
		return "idle"
	case x.WaitType == "Client":
		return x.State + ", waiting for pg2db9 (" + x.WaitEvent + ")"
	case x.WaitType != "":
		return fmt.Sprintf("%s, waiting for %s/%s", x.State, x.WaitType, x.WaitEvent)
	}
	return x.State
}
