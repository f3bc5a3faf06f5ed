package db9sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// point is where a fault can strike.
type point string

// The points.
const (
	atConnect      point = "connect"
	atStatement    point = "statement" // detail: the statement's tag, such as "CREATE TABLE"
	atBegin        point = "begin"
	atCopyStart    point = "copy-start"
	atCopyData     point = "copy-data" // detail: bytes so far
	atCopyDone     point = "copy-done"
	atLedger       point = "ledger" // an INSERT after a COPY in one transaction
	atBeforeCommit point = "before-commit"
	atAfterCommit  point = "after-commit"
)

var points = []point{
	atConnect, atStatement, atBegin, atCopyStart, atCopyData, atCopyDone, atLedger, atBeforeCommit, atAfterCommit,
}

// What a fault can do besides answering with an SQLSTATE.
const (
	actReset     = "reset"               // the client's connection is reset; the backend rolls back
	actBlackHole = "blackhole"           // nothing arrives any more, and nobody is told
	actStall     = "stall"               // nothing arrives for Delay
	actLost      = "commit-lost"         // the COMMIT is done, the connection is reset before its answer
	actLate      = "commit-late"         // the connection is reset, the COMMIT is done Delay later
	actRollback  = "rollback-for-commit" // the transaction is rolled back, and answered so
)

// messages are DB9's, or TiKV's, words for the errors that faults answer with.
var messages = map[string]string{
	"40001": "could not serialize access: Write conflict, txn is retryable",
	"40P01": "deadlock detected",
	"57014": "canceling statement due to statement timeout",
	"25P03": "terminating connection due to idle-in-transaction timeout",
	"XX000": "tikv: region is unavailable",
}

// fatalCodes end the connection.
var fatalCodes = []string{"25P03", "57P01", "57P02", "57P03", "57P05", "08006", "53300"}

// defaultFaultDelay is how long a stall lasts and how late a late COMMIT is.
const defaultFaultDelay = 2 * time.Second

// Fault says what goes wrong, where, and when.
type Fault struct {
	// Point is where: connect, statement, begin, copy-start, copy-data,
	// copy-done, ledger (an INSERT after a COPY in one transaction),
	// before-commit or after-commit.
	Point string
	// Action is reset, blackhole, stall, an SQLSTATE such as 40001, or, at
	// before-commit, commit-lost, commit-late or rollback-for-commit.
	// commit-late may also stand at copy-done and ledger: the client hears
	// nothing from there on, and if its COMMIT is on its way already, it is late.
	Action string
	// Tag is the beginning of the commands that count at point statement, such
	// as "CREATE TABLE"; "" is all.
	Tag string
	// After is how many bytes of a COPY pass before copy-data is passed.
	After int64
	// Nth is the time the point is passed, from 1 and over all connections, at
	// which the fault strikes first; 0 leaves it to Probability.
	Nth int
	// Probability is that of each passing. For one seed the decisions of the
	// n-th connection are the same in every run.
	Probability float64
	// Times is how often it strikes at most; 0 is once, below 0 is always.
	Times int
	// Delay is how long a stall lasts and how late a late COMMIT is; 0 is 2 s.
	Delay time.Duration
}

// ParseFault reads a fault as the command line has it, such as
// "before-commit:commit-late,nth=3,delay=5s" or
// "statement:40001,tag=CREATE INDEX,p=0.1,times=-1".
func ParseFault(text string) (Fault, error) {
	fail := func(err error) (Fault, error) {
		return Fault{}, fmt.Errorf("reading the fault %q: %w; expected POINT:ACTION[,nth=N][,p=PROBABILITY][,times=N][,after=BYTES][,delay=DURATION][,tag=COMMAND]", text, err)
	}
	parts := strings.Split(text, ",")
	var f Fault
	f.Point, f.Action, _ = strings.Cut(parts[0], ":")
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "nth":
			f.Nth, err = strconv.Atoi(value)
		case "p":
			f.Probability, err = strconv.ParseFloat(value, 64)
		case "times":
			f.Times, err = strconv.Atoi(value)
		case "after":
			f.After, err = strconv.ParseInt(value, 10, 64)
		case "delay":
			f.Delay, err = time.ParseDuration(value)
		case "tag":
			f.Tag = value
		default:
			err = fmt.Errorf("no setting %q", name)
		}
		if err != nil {
			return fail(err)
		}
	}
	if f.Nth == 0 && f.Probability == 0 {
		f.Nth = 1
	}
	if err := f.check(); err != nil {
		return fail(err)
	}
	return f, nil
}

// check says what is wrong with a fault.
func (f Fault) check() error {
	if !slices.Contains(points, point(f.Point)) {
		return fmt.Errorf("no point %q: it is one of %v", f.Point, points)
	}
	switch f.Action {
	case actReset, actBlackHole, actStall:
	case actLost, actRollback:
		if point(f.Point) != atBeforeCommit {
			return fmt.Errorf("%s happens at before-commit", f.Action)
		}
	case actLate:
		if p := point(f.Point); p != atBeforeCommit && p != atCopyDone && p != atLedger {
			return fmt.Errorf("%s happens at before-commit, copy-done or ledger", f.Action)
		}
	default:
		if len(f.Action) != 5 || strings.Trim(f.Action, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return fmt.Errorf("no action %q: it is reset, blackhole, stall, commit-lost, commit-late, rollback-for-commit or an SQLSTATE", f.Action)
		}
	}
	switch {
	case f.Nth == 0 && f.Probability == 0:
		return errors.New("it never strikes: it needs Nth or Probability")
	case f.Nth < 0 || f.Probability < 0 || f.Probability > 1 || f.After < 0 || f.Delay < 0:
		return errors.New("a number is out of its range")
	}
	return nil
}

// fault is one to be injected now.
type fault struct {
	action string
	delay  time.Duration
}

// refusal is the error that a fault answers with.
func (f fault) refusal(p point) *refusal {
	r := refuse(f.action, "%s", or(messages[f.action], "an injected fault"))
	r.detail = fmt.Sprintf("Injected by db9sim at %s.", p)
	r.fatal = slices.Contains(fatalCodes, f.action)
	return r
}

// Injection is a fault that has struck.
type Injection struct {
	Connection int // its number, from 1
	Point      string
	Action     string
	Detail     string // of the point, such as the statement's command
}

// faults decides what goes wrong, for all connections.
type faults struct {
	seed uint64

	mu          sync.Mutex
	connections int
	armed       []*armedFault
	log         []Injection
}

type armedFault struct {
	Fault
	passed int // how often its point was
	left   int // how often it may still strike; below 0 is always
}

func newFaults(list []Fault, seed uint64) (*faults, error) {
	f := &faults{seed: seed}
	for i, one := range list {
		if err := one.check(); err != nil {
			return nil, fmt.Errorf("fault %d (%s:%s): %w", i+1, one.Point, one.Action, err)
		}
		if one.Delay == 0 {
			one.Delay = defaultFaultDelay
		}
		left := one.Times
		if left == 0 {
			left = 1
		}
		f.armed = append(f.armed, &armedFault{Fault: one, left: left})
	}
	return f, nil
}

// Injected lists the faults that have struck, in their order.
func (s *Sim) Injected() []Injection {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return slices.Clone(s.faults.log)
}

// faultState is what faults know of one connection.
type faultState struct {
	number int
	passed map[int]uint64 // per fault, for decisions that other connections do not change
	copied int64          // bytes of the COPY that runs
	commit *fault         // what its COMMIT will meet
}

func (f *faults) connection() faultState {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.connections++
	return faultState{number: f.connections, passed: map[int]uint64{}}
}

// at says what goes wrong at a point this time.
func (f *faults) at(c *faultState, p point, detail string) (fault, bool) {
	if len(f.armed) == 0 {
		return fault{}, false
	}
	var before, after int64 // of bytes copied
	switch p {
	case atCopyStart:
		c.copied = 0
	case atCopyData:
		before = c.copied
		c.copied, _ = strconv.ParseInt(detail, 10, 64) // the caller's own number
		after = c.copied
	default:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var chosen *armedFault
	for i, a := range f.armed {
		switch {
		case point(a.Point) != p,
			p == atStatement && !strings.HasPrefix(detail, strings.ToUpper(a.Tag)),
			p == atCopyData && (before > a.After || after <= a.After):
			continue
		}
		a.passed++
		c.passed[i]++
		if chosen == nil && a.left != 0 && a.strikes(f.seed, c, i) {
			chosen = a
		}
	}
	if chosen == nil {
		return fault{}, false
	}
	chosen.left--
	f.log = append(f.log, Injection{Connection: c.number, Point: chosen.Point, Action: chosen.Action, Detail: detail})
	return fault{action: chosen.Action, delay: chosen.Delay}, true
}

// strikes decides about one passing. What is random depends on the seed, the
// connection and how often it was here, and on nothing else.
func (a *armedFault) strikes(seed uint64, c *faultState, index int) bool {
	if a.Nth > 0 {
		return a.passed >= a.Nth
	}
	stream := uint64(c.number)<<32 | uint64(index)                              //nolint:gosec // both are counted from 0
	r := rand.New(rand.NewPCG(seed^c.passed[index]*0x9e3779b97f4a7c15, stream)) //nolint:gosec // a fault that can be had again
	return r.Float64() < a.Probability
}
