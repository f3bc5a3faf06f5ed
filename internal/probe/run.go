package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// The defaults of Params.
const (
	defaultConnections = 4
	defaultTimeout     = 30 * time.Second
	fewestConnections  = 2 // some probes need two at once
)

// Params says what to ask whom.
type Params struct {
	Target *dial.Endpoint

	Chosen      Selection
	Connections int           // at once; 0 is 4, fewer than 2 are 2
	Timeout     time.Duration // for one probe; 0 is 30 s

	Rate bool // measure too how fast rows are taken; where all probes are chosen

	Now func() time.Time // nil is the machine's clock
}

// Run asks the target. It returns an error only where the target cannot be
// reached at all or ctx ended: every other trouble is a probe in doubt. What
// the probes made is taken away in any case, or named in the result, which is
// returned beside an error too.
func Run(ctx context.Context, p Params) (*Result, error) {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Timeout <= 0 {
		p.Timeout = defaultTimeout
	}
	if p.Connections == 0 {
		p.Connections = defaultConnections
	}
	p.Connections = max(p.Connections, fewestConnections)

	p.Target = p.Target.GoingOn() // what comes after a timeout is a question here

	started := p.Now()
	r := &Result{Probed: started.UTC(), Target: p.Target.String()}
	if err := greet(ctx, p, r); err != nil {
		return r, err
	}
	run := &run{Params: p, facts: make([]Fact, len(probes))}
	if slices.ContainsFunc(probes, func(x probe) bool { return x.scratch && p.Chosen.has(x) }) {
		bounded, cancel := within(ctx, p.Timeout, "the scratch schema")
		run.scratch = scratch(bounded, &lab{target: p.Target})
		cancel()
		defer func() { r.Seconds = p.Now().Sub(started).Seconds() }()
		defer func() {
			if !errors.Is(run.scratch, errForeign) {
				r.Left = drop(ctx, &lab{target: p.Target}, run.roles)
			}
		}()
	}
	run.all(ctx)
	r.Facts = run.facts
	if p.Rate {
		r.Rate = run.rate(ctx)
	}
	r.Seconds = p.Now().Sub(started).Seconds()
	if err := ctx.Err(); err != nil {
		return r, fmt.Errorf("probing the target: %w", context.Cause(ctx))
	}
	return r, nil
}

// greet finds out whether there is a server at all.
func greet(ctx context.Context, p Params, r *Result) error {
	ctx, cancel := within(ctx, p.Timeout, "the target")
	defer cancel()
	conn, err := p.Target.Connect(ctx, dial.Settings{})
	if err != nil {
		return err
	}
	s := &session{conn: conn.PgConn()}
	defer s.close(ctx)
	r.Version = s.any(ctx, "SELECT version()").value()
	return nil
}

func within(ctx context.Context, d time.Duration, what string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("no answer from %s within %s", what, d))
}

// run is one call of Run.
type run struct {
	Params
	scratch error // why there is no scratch schema
	facts   []Fact

	mu    sync.Mutex
	roles []string // that may still be there
}

// all makes the probes, as many at once as there are connections for.
func (r *run) all(ctx context.Context) {
	free := semaphore.NewWeighted(int64(r.Connections))
	var g errgroup.Group
	for i, p := range probes {
		r.facts[i] = p.fact()
		switch {
		case !r.Chosen.has(p):
			r.facts[i].Outcome, r.facts[i].Evidence = Skipped, "skipped by the user"
			continue
		case p.ask == nil:
			r.facts[i].Outcome, r.facts[i].Evidence = Assumed, p.text
			continue
		case p.scratch && r.scratch != nil:
			r.facts[i].Outcome, r.facts[i].Evidence, r.facts[i].Trouble = Assumed, evidenceOf(r.scratch), true
			continue
		}
		if err := free.Acquire(ctx, p.connections()); err != nil {
			r.facts[i].Outcome, r.facts[i].Evidence, r.facts[i].Trouble = Assumed, evidenceOf(context.Cause(ctx)), true
			continue
		}
		g.Go(func() error {
			defer free.Release(p.connections())
			r.one(ctx, p, &r.facts[i])
			return nil
		})
	}
	_ = g.Wait() // a probe has no error, only doubt
}

// one makes one probe and writes down what came of it.
func (r *run) one(ctx context.Context, p probe, f *Fact) {
	started := time.Now()
	asking, cancel := within(ctx, p.timeout(r.Timeout), "the target")
	defer cancel()
	l := &lab{target: r.Target, role: "_pg2db9_probe_" + strings.ToLower(rand.Text()[:12])}
	a := p.ask(asking, l)
	doubt := l.doubt()
	if asking.Err() != nil { // whatever was concluded, it was from answers that did not come
		doubt = context.Cause(asking)
	}
	if doubt != nil {
		f.Trouble = true
		a = doubtful("", evidenceOf(doubt))
	}
	l.close(ctx)
	if l.made != "" {
		r.mu.Lock()
		r.roles = append(r.roles, l.made)
		r.mu.Unlock()
	}
	f.Outcome, f.Finding, f.Evidence, f.Values = a.outcome, a.finding, a.evidence, a.values
	f.Millis = time.Since(started).Milliseconds()
}

// evidenceOf is an error as evidence, on one line.
func evidenceOf(err error) string { return shorten(strings.Join(strings.Fields(err.Error()), " ")) }
