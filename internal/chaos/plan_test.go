package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// kind is what happens.
type kind string

// The kinds of accident.
const (
	killCopier      kind = "kill -9 of the copier"
	killHolder      kind = "kill -9 of the snapshot holder"
	endSource       kind = "end of a backend on the source"
	endTarget       kind = "end of a backend on the target"
	sourceFast      kind = "restart of the source, fast"
	sourceImmediate kind = "restart of the source, immediate"
	targetFast      kind = "restart of the target, fast"
	targetImmediate kind = "restart of the target, immediate"
	cutSource       kind = "connection to the source cut"
	cutTarget       kind = "connection to the target cut"
	holeSource      kind = "black hole before the source"
	holeTarget      kind = "black hole before the target"
	lateCommit      kind = "late COMMIT"
	lostAnswer      kind = "lost answer to a COMMIT"
	fullDisk        kind = "full disk"
	newPassword     kind = "expired password"
	truncate        kind = "TRUNCATE on the source"
	alter           kind = "ALTER TABLE on the source"
	vacuumFull      kind = "VACUUM FULL on the source"
	detach          kind = "partition detached on the source"
)

// kinds are all, in the order in which seeds take them.
var kinds = []kind{
	killCopier, killHolder, endSource, endTarget, sourceFast, sourceImmediate, targetFast, targetImmediate, cutSource, cutTarget,
	holeSource, holeTarget, lateCommit, lostAnswer, fullDisk, newPassword, truncate, alter, vacuumFull, detach,
}

// moment is when something happens in the life of a process: when a share of
// the bytes has gone to the target, or when a phase begins.
type moment struct {
	share float64
	phase string
}

func (m moment) String() string {
	if m.phase != "" {
		return "at phase " + m.phase
	}
	return fmt.Sprintf("at %.0f %% of the bytes", 100*m.share)
}

// accident is something that a seed has in store.
type accident struct {
	kind    kind
	moment  moment
	process int     // in which of the seed's processes, from 0
	number  int     // a choice of the kind's own
	struck  bool    // it has happened
	share   float64 // for the kind's own use
}

func (a accident) String() string {
	return fmt.Sprintf("%s (process %d, %s, choice %d)", a.kind, a.process+1, a.moment, a.number)
}

// plan is all that a seed chooses.
type plan struct {
	seed      uint64
	shape     shape
	db9       bool
	jobs      int
	writes    bool
	batch     int // rows of a batch, under profile db9; 0 is the profile as it is
	keep      int // --keep-snapshot, -1: not given
	onChanged string
	yield     int // --yield-locks in seconds, 0: not given
	link      db9sim.LinkConfig
	accidents []*accident
}

func (p plan) String() string {
	var faults []string
	for _, a := range p.accidents {
		faults = append(faults, a.String())
	}
	return fmt.Sprintf("seed %d: shape %s, profile %s, %d jobs, batches of %d rows, source written to: %v, --keep-snapshot %d, --on-changed %s, --yield-locks %d; %s",
		p.seed, p.shape.name, p.profile(), p.jobs, p.batch, p.writes, p.keep, p.onChanged, p.yield, strings.Join(faults, "; "))
}

func (p plan) profile() string {
	if p.db9 {
		return "db9"
	}
	return "postgres"
}

// has returns the accident of a kind, nil if the seed has none.
func (p plan) has(k kind) *accident {
	for _, a := range p.accidents {
		if a.kind == k {
			return a
		}
	}
	return nil
}

// newPlan makes a seed's choices.
func newPlan(seed uint64, scale float64) plan {
	random := rand.New(rand.NewPCG(seed, 8))
	all := shapes(scale)
	p := plan{
		seed: seed, db9: seed/uint64(len(kinds))%2 == uint64(random.IntN(2)), shape: all[random.IntN(len(all))], jobs: 1 + random.IntN(6),
		writes: random.IntN(2) == 0, batch: 200 + random.IntN(1500), keep: -1, onChanged: []string{"reconcile", "reload"}[random.IntN(2)],
	}
	if random.IntN(4) == 0 {
		p.keep = 0
	}
	first := kinds[seed%uint64(len(kinds))]
	p.add(random, first)
	switch {
	case random.IntN(3) == 0:
	case first == killHolder || first == truncate || first == alter || first == vacuumFull || first == detach:
		p.add(random, killCopier) // while the copier lives its locks and its connections stand
	default:
		p.add(random, kinds[random.IntN(len(kinds))])
	}
	if p.has(killHolder) != nil {
		p.keep = -1
	}
	if random.IntN(8) > 0 { // else who wants a table for himself waits for a minute, and so does the copier
		p.yield = 1 + random.IntN(3)
	}
	if p.has(detach) != nil {
		p.shape = all[2]
	}
	if p.has(fullDisk) != nil { // and then all else that its log says goes nowhere
		p.jobs = min(p.jobs, 3)
	}
	return p
}

// phases are moments beside those of the rows.
var phases = []string{"snapshot", "catalog", "tables", "keys", "verify"}

func (p *plan) add(random *rand.Rand, k kind) {
	if p.has(k) != nil {
		return
	}
	a := &accident{kind: k, number: random.IntN(1000), share: random.Float64()}
	a.moment.share = 0.03 + 0.9*random.Float64()
	if late := []kind{killHolder, truncate, alter, vacuumFull, detach}; random.IntN(6) == 0 && !slices.Contains(late, k) { // those are of the time of the rows
		a.moment = moment{phase: phases[random.IntN(len(phases))]}
	}
	if len(p.accidents) > 0 && p.accidents[0].kind == killCopier && random.IntN(2) == 0 {
		a.process = 1
	}
	p.accidents = append(p.accidents, a)
}
