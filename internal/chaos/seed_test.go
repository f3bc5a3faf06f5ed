package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

const (
	mostProcesses = 12                // lives of the program in one seed
	deadline      = 480 * time.Second // of each: a seed can have three black holes, each found out by the network timeout of two minutes
	endWait       = 30 * time.Second  // for what ends after it
)

// run is one seed under way.
type run struct {
	*world
	t         *testing.T
	processes []*process
	wrong     []string // what must not be
}

// complain takes down something that must not be.
func (r *run) complain(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// play runs the seed: a clone, and then what it names as next, until there is
// nothing more to do.
func (r *run) play(ctx context.Context) {
	frozen, freeze := context.WithCancel(ctx)
	defer freeze()
	var writer sync.WaitGroup
	if r.plan.writes {
		writer.Go(func() {
			if err := r.moments.write(frozen, rand.New(rand.NewPCG(r.plan.seed, 9)), 150); err != nil {
				r.t.Errorf("write to the source: %v", err)
			}
		})
	}
	thaw := r.plan.has(killCopier) != nil && r.plan.seed%2 == 0 // the source is written to in the second process too
	queue := []string{r.command()}
	for n := 0; len(queue) > 0; n++ {
		if n == mostProcesses {
			r.complain("HUNG: after %d commands there was still one to run: %s", n, queue[0])
			return
		}
		if n > 1 || n == 1 && !thaw {
			freeze()
			writer.Wait()
		}
		p, err := r.life(ctx, n, queue[0])
		if err != nil {
			r.complain("the runner: %v", err)
			return
		}
		var more bool
		if queue, more = r.judge(p, queue[1:]); !more {
			return
		}
	}
	freeze()
	writer.Wait()
	r.prove(ctx)
}

// life is one process, with the accidents that are meant for it.
func (r *run) life(ctx context.Context, n int, command string) (*process, error) {
	dir, err := os.MkdirTemp(r.t.TempDir(), "cwd-")
	if err != nil {
		return nil, err
	}
	var waiting []func(context.Context, *process) error
	full := false
	for _, a := range r.plan.accidents {
		if a.process != n {
			continue
		}
		full = full || a.kind == fullDisk && r.fullDisk == ""
		if later := r.arm(a); later != nil {
			waiting = append(waiting, later)
		}
	}
	p, err := start(command, startOptions{bin: r.bin, dir: dir, logs: filepath.Join(r.dir, fmt.Sprint("process-", n+1)), full: full, env: r.env()})
	if err != nil {
		return nil, err
	}
	r.processes = append(r.processes, p)
	over, end := context.WithCancel(ctx)
	defer end()
	failures := make(chan error, len(waiting))
	for _, later := range waiting {
		go func() { failures <- later(over, p) }()
	}
	limit := deadline + time.Duration(r.bytes>>20)*time.Second/2 // gigabytes take their time too
	p.wait(limit)
	end()
	r.toSource.Disarm()
	r.toTarget.Disarm()
	if p.hung {
		r.complain("HUNG: %s did not end in %s; its goroutines are in its standard error", command, limit)
		r.toSource.End(pgtest.Reset) // and so do what waits for its locks
		r.toTarget.End(pgtest.Reset)
	}
	timer := time.NewTimer(endWait)
	defer timer.Stop()
	for range waiting {
		select {
		case failed := <-failures:
			err = errors.Join(err, failed)
		case <-timer.C:
			return p, errors.Join(err, fmt.Errorf("an accident did not come to its end %s after the process: something of the program still holds a lock", endWait))
		}
	}
	return p, err
}

// judge says what follows a process; more is false where nothing can.
func (r *run) judge(p *process, rest []string) (queue []string, more bool) {
	switch {
	case p.hung:
		return nil, false
	case p.wasKilled():
		return append([]string{r.again()}, rest...), true
	case p.code() == 0:
		return rest, true
	case p.exit == nil:
		r.complain("it ended with %d and said nothing", p.code())
		return nil, false
	case p.code() == 3 && strings.HasPrefix(p.command, "pg2db9 verify") && r.moments.changed():
		return rest, true // the source is another by now: what the target should hold is proved below
	case p.code() == 3:
		r.complain("LOST OR DOUBLED: %s", p.exit.Message)
		return nil, false
	case len(p.next()) == 0:
		r.complain("NO NEXT COMMAND with exit %d: %s", p.code(), p.exit.Message)
		return nil, false
	}
	if r.fullDisk != "" {
		_ = makeRoom(r.fullDisk)
	}
	queue = p.next()
	for _, c := range rest {
		if !slices.Contains(queue, c) {
			queue = append(queue, c)
		}
	}
	return queue, true
}

// describe says all that is known of a seed that failed.
func (r *run) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.plan)
	for _, w := range r.wrong {
		fmt.Fprintf(&b, "  WRONG: %s\n", w)
	}
	for i, p := range r.processes {
		fmt.Fprintf(&b, "  process %d: %s\n    %s\n", i+1, p.command, p.told())
	}
	for _, a := range r.plan.accidents {
		fmt.Fprintf(&b, "  %s: struck %v\n", a.kind, a.struck)
	}
	fmt.Fprintf(&b, "  logs: %s\n", r.dir)
	return b.String()
}
