package chaos

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// delays are how late a late COMMIT is: sooner and later than the copier is back.
var delays = []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second}

// arm lays an accident in wait for a process that is about to start. The rest
// of it is done when its moment comes, by what arm returns; nil if there is none.
func (w *world) arm(a *accident) (later func(context.Context, *process) error) {
	// Connections that carry rows have about this much each.
	share := int64(a.share*float64(w.bytes)/float64(w.plan.jobs)*0.8) + 2000
	rule := func(p *pgtest.Proxy, r pgtest.Rule) {
		hit := p.Add(r)
		later = func(ctx context.Context, _ *process) error {
			select {
			case <-hit.Fired():
				a.struck = true
			case <-ctx.Done():
			}
			return nil
		}
	}
	breaks := []pgtest.Action{pgtest.Cut, pgtest.Reset}
	switch a.kind {
	case cutSource:
		rule(w.toSource, pgtest.Rule{Action: breaks[a.number%2], Dir: pgtest.ToClient, After: share, Times: 1 + a.number%3})
	case cutTarget:
		rule(w.toTarget, pgtest.Rule{Action: breaks[a.number%2], Dir: pgtest.ToServer, After: share, Times: 1 + a.number%3})
	case holeSource:
		rule(w.toSource, pgtest.Rule{Action: pgtest.BlackHole, Dir: pgtest.ToClient, After: share, Times: 1 + a.number%3})
		later = w.foundOut(later, w.toSource, a)
	case holeTarget:
		rule(w.toTarget, pgtest.Rule{Action: pgtest.BlackHole, Dir: pgtest.ToServer, After: share, Times: 1 + a.number%3})
		later = w.foundOut(later, w.toTarget, a)
	case lateCommit, lostAnswer: // the stand-in's
		return nil
	case fullDisk:
		a.struck = true
		return nil
	default:
		return w.at(a)
	}
	return later
}

// foundOut has the server find out some seconds later that a client is gone. In
// some seeds it never does, and the copier has to wait until it may end what is left there.
func (w *world) foundOut(later func(context.Context, *process) error, p *pgtest.Proxy, a *accident) func(context.Context, *process) error {
	return func(ctx context.Context, proc *process) error {
		err := later(ctx, proc)
		if a.number%16 == 0 {
			return err
		}
		timer := time.NewTimer(6 * time.Second)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		p.EndHoles()
		return err
	}
}

// at waits for an accident's moment, and lets it happen.
func (w *world) at(a *accident) func(context.Context, *process) error {
	reached := w.toTarget.Reached(pgtest.ToServer, int64(a.moment.share*float64(w.bytes)))
	return func(ctx context.Context, p *process) error {
		if a.moment.phase != "" {
			reached = p.phase(a.moment.phase)
		}
		select {
		case <-reached:
		case <-ctx.Done():
			return nil
		}
		did, err := w.strike(ctx, a, p)
		a.struck = did
		if err != nil {
			return fmt.Errorf("%s: %w", a.kind, err)
		}
		return nil
	}
}

// strike is false where there was nothing that it could hit.
func (w *world) strike(ctx context.Context, a *accident, p *process) (bool, error) {
	whole := context.WithoutCancel(ctx) // a server is not left stopped
	switch a.kind {
	case killCopier:
		p.kill()
	case killHolder:
		return w.killHolder(ctx)
	case endSource:
		return w.endBackend(ctx, w.source.URL, a.number)
	case endTarget:
		return w.endBackend(ctx, w.target.URL, a.number)
	case sourceFast:
		return true, w.lane.source.Restart(whole, pgtest.Fast)
	case sourceImmediate:
		return true, w.lane.source.Restart(whole, pgtest.Immediate)
	case targetFast:
		return true, w.lane.target.Restart(whole, pgtest.Fast)
	case targetImmediate:
		return true, w.lane.target.Restart(whole, pgtest.Immediate)
	case newPassword:
		if err := w.rotate(fmt.Sprint("secret-", a.number)); err != nil {
			return false, err
		}
		w.toTarget.End(pgtest.Reset)
	default:
		sql, t := w.ddl(a)
		return true, w.moments.change(whole, sql, t)
	}
	return true, nil
}

// ddl is what somebody does to a table of the source.
func (w *world) ddl(a *accident) (string, table) {
	all := w.plan.shape.tables
	t := all[a.number%len(all)]
	if t.parent && a.kind == truncate { // PostgreSQL refuses it
		t = all[(a.number+1)%len(all)]
	}
	switch a.kind {
	case truncate:
		return "TRUNCATE public." + t.name, t
	case vacuumFull:
		return "VACUUM FULL public." + t.name, t
	case detach:
		return fmt.Sprintf("ALTER TABLE public.%s DETACH PARTITION public.%s", t.name, t.partition(a.number%t.partitions)), t
	default:
	}
	return []string{
		"ALTER TABLE public." + t.name + " ADD COLUMN extra integer DEFAULT 7",
		"ALTER TABLE public." + t.name + " ALTER COLUMN v TYPE varchar(100000)",
		"ALTER TABLE public." + t.name + " ALTER COLUMN v SET STATISTICS 50",
	}[a.number%3], t
}

// endBackend ends one of the program's sessions.
func (w *world) endBackend(ctx context.Context, url string, number int) (bool, error) {
	conn, err := open(ctx, url)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> '"+ours+"' ORDER BY pid")
	if err != nil {
		return false, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if conn.IsClosed() {
		return false, nil // the server is restarted at this moment: there is nobody to end
	}
	if err != nil || len(pids) == 0 {
		return false, err
	}
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend("+strconv.Itoa(pids[number%len(pids)])+")")
	if conn.IsClosed() { // the seed's other accident has ended the server, and so this backend too
		return true, nil
	}
	return true, err
}

// killHolder ends the process that keeps the snapshot, as the ledger names it.
func (w *world) killHolder(ctx context.Context) (bool, error) {
	by, err := ask[string](ctx, w.target.URL, "SELECT coalesce((SELECT kept_by FROM _pg2db9.run ORDER BY started DESC LIMIT 1), '')")
	if err != nil || by == "" {
		return false, nil //nolint:nilerr // no ledger yet, and so no holder
	}
	_, text, _ := strings.Cut(by, ":")
	pid, err := strconv.Atoi(text)
	if err != nil {
		return false, fmt.Errorf("kept_by is %q, not host:pid", by)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, nil
}
