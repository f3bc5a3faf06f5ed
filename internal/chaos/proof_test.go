package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// prove holds what the target has, after the program has said that all is done,
// against what the source held at the moments that the ledger names.
func (r *run) prove(ctx context.Context) {
	const slowest = 4 << 20 // bytes a second of which digests are made
	ctx, cancel := context.WithTimeout(ctx, endWait+time.Duration(r.bytes/slowest)*time.Second)
	defer cancel()
	for _, a := range r.plan.accidents {
		if a.kind == lateCommit || a.kind == lostAnswer {
			for _, i := range r.sim.Injected() {
				a.struck = a.struck || a.kind == lateCommit == (i.Action == "commit-late")
			}
		}
	}
	conn, err := open(ctx, r.target.URL)
	if err != nil {
		r.complain("the runner: %v", err)
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, check := range []func(context.Context, *pgx.Conn) error{r.proveRows, r.proveKeys, r.proveNobodyLeft} {
		if err := check(ctx, conn); err != nil {
			r.complain("%v", err)
		}
	}
}

// proveRows compares digests, made by the servers.
func (r *run) proveRows(ctx context.Context, conn *pgx.Conn) error {
	tables := apart(r.plan.shape.tables, r.plan.db9)
	found, err := digests(ctx, conn, tables, false)
	if err != nil {
		return err
	}
	at, err := r.taken(ctx, conn)
	if err != nil {
		return err
	}
	together := map[time.Time]map[string]string{}
	for _, t := range tables {
		taken, ok := at[t.name]
		if !ok {
			return fmt.Errorf("the ledger names no moment for table %s", t.name)
		}
		if together[taken] == nil {
			together[taken] = map[string]string{}
		}
		together[taken][t.name] = found[t.name]
	}
	for taken, tables := range together {
		if wrong := r.moments.explain(taken, tables); wrong != "" {
			return fmt.Errorf("LOST OR DOUBLED: %s", wrong)
		}
	}
	return nil
}

// taken reads of each table which moment it shows: as its newest run's parts
// say, and a table that has none in the run that holds it.
func (r *run) taken(ctx context.Context, conn *pgx.Conn) (map[string]time.Time, error) {
	rows, err := conn.Query(ctx, `SELECT target_name, relation_name, p.taken, r.run FROM _pg2db9.part p JOIN _pg2db9.run r USING (run)
		WHERE p.failed = '' ORDER BY r.started`)
	if err != nil {
		return nil, err
	}
	type row struct{ Target, Relation, Taken, Run string }
	parts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, fmt.Errorf("read the ledger's parts: %w", err)
	}
	out := map[string]time.Time{}
	of := map[string]string{} // the run
	for _, p := range parts {
		taken, err := time.Parse(time.RFC3339Nano, p.Taken)
		if err != nil {
			return nil, fmt.Errorf("the ledger's moment of %s: %w", p.Target, err)
		}
		for _, t := range apart(r.plan.shape.tables, r.plan.db9) {
			leaf := t.partitions > 0 && strings.HasPrefix(p.Relation, t.name+"_")
			if t.name != p.Target && t.name != p.Relation && !leaf {
				continue
			}
			if of[t.name] == p.Run && !out[t.name].Equal(taken) {
				return nil, fmt.Errorf("MIXED: table %s shows both %s and %s", t.name, out[t.name], taken)
			}
			out[t.name], of[t.name] = taken, p.Run
		}
	}
	return out, nil
}

// proveKeys compares keys and indexes: all there, all usable.
func (r *run) proveKeys(ctx context.Context, conn *pgx.Conn) error {
	const count = `SELECT coalesce(string_agg(name || ' ' || keys || '/' || indexes, ', ' ORDER BY name), '') FROM (
		SELECT relname AS name, (SELECT count(*) FROM pg_constraint WHERE conrelid = c.oid AND contype IN ('p', 'u', 'f') AND conparentid = 0) AS keys,
			(SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indisvalid AND indisready) AS indexes
		FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname = ANY ($1)) x`
	var names []string
	for _, t := range r.plan.shape.tables {
		names = append(names, t.name)
	}
	var there string
	if err := conn.QueryRow(ctx, count, names).Scan(&there); err != nil {
		return err
	}
	want, err := ask[string](ctx, r.source.URL, count, names)
	if err != nil {
		return err
	}
	if there != want {
		return fmt.Errorf("KEYS: the target has (keys/indexes) %s, the source %s", there, want)
	}
	return nil
}

// proveNobodyLeft waits for the ends of all that the program had on both servers.
func (r *run) proveNobodyLeft(ctx context.Context, _ *pgx.Conn) error {
	r.toSource.EndHoles() // what they have left belongs to nobody any more
	r.toTarget.EndHoles()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left := ""
		for _, url := range []string{r.source.URL, r.target.URL} {
			who, err := ask[string](context.WithoutCancel(ctx), url, "SELECT coalesce(string_agg(pid || ' ' || state || ' ' || left(query, 60), '; '), '') FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> '"+ours+"'")
			if err != nil {
				return err
			}
			left += who
		}
		if left == "" && !slices.ContainsFunc(r.processes, func(p *process) bool { return p.groupLives() }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("LEFT BEHIND: sessions %q, or a process of the program", left)
		case <-tick.C:
		}
	}
}
