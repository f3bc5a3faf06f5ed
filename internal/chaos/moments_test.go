package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// session are the settings under which values have one text on both sides.
const session = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET search_path = 'pg_catalog'"

// ours is the name of this package's own sessions, which no accident hits.
const ours = "chaos"

// open connects past proxies and stand-in, once the server takes connections.
func open(ctx context.Context, url string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["application_name"] = ours
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err == nil {
			if _, err = conn.Exec(ctx, session); err == nil {
				return conn, nil
			}
			_ = conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// digests asks for what tables hold.
func digests(ctx context.Context, conn *pgx.Conn, tables []table, mapped bool) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range tables {
		var d string
		err := conn.QueryRow(ctx, t.digest(mapped)).Scan(&d)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "42P01" {
			d, err = "no such table", nil
		}
		if err != nil {
			return nil, fmt.Errorf("digest of %s: %w", t.name, err)
		}
		out[t.name] = d
	}
	return out, nil
}

// version is what the source held from a change on: it came between before and after.
type version struct {
	before, after time.Time
	what          string
	state         map[string]string
}

// moments is the one that changes the source, and so knows what each moment of
// it held. Changes come one after the other.
type moments struct {
	url    string
	shape  shape
	mapped bool

	mu       sync.Mutex
	versions []version
}

// first reads what the source holds before anything changes it.
func (m *moments) first(ctx context.Context) error { return m.change(ctx, "") }

// change runs SQL and takes down what the source holds then. The SQL may fail,
// or its answer may be lost with the server: what counts is what is read after it.
func (m *moments) change(ctx context.Context, sql string, tables ...table) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := version{before: time.Now(), what: sql, state: map[string]string{}}
	if n := len(m.versions); n > 0 {
		v.state = maps.Clone(m.versions[n-1].state)
	} else {
		tables = m.shape.tables
	}
	conn, err := open(ctx, m.url)
	if err != nil {
		return fmt.Errorf("change the source: %w", err)
	}
	if sql != "" {
		_, err = conn.Exec(ctx, sql)
		if err != nil && ctx.Err() != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
			return fmt.Errorf("%s: %w", sql, context.Cause(ctx))
		}
	}
	for {
		v.after = time.Now()
		var now map[string]string
		if now, err = digests(ctx, conn, apart(tables, m.mapped), m.mapped); err == nil {
			maps.Copy(v.state, now)
			break
		}
		_ = conn.Close(context.WithoutCancel(ctx))
		if conn, err = open(ctx, m.url); err != nil {
			return fmt.Errorf("see what %q did: %w", sql, err)
		}
	}
	m.versions = append(m.versions, v)
	return conn.Close(context.WithoutCancel(ctx))
}

// changed reports whether the source was changed since it was first read.
func (m *moments) changed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.versions) > 1
}

// slack is how long after its snapshot a clock may be read.
const slack = 500 * time.Millisecond

// explain finds the version that all these tables show, among those that the
// source held at the moment named. It returns what is wrong, "" if nothing is.
func (m *moments) explain(taken time.Time, found map[string]string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var near []string
	for i, v := range m.versions {
		if v.before.After(taken) || i+1 < len(m.versions) && m.versions[i+1].after.Before(taken.Add(-slack)) {
			continue
		}
		var differ []string
		for name, d := range found {
			if v.state[name] != d {
				differ = append(differ, fmt.Sprintf("%s holds %s, not %s", name, d, v.state[name]))
			}
		}
		if len(differ) == 0 {
			return ""
		}
		near = append(near, fmt.Sprintf("version %d (%s): %s", i, shorten(v.what), strings.Join(differ, "; ")))
	}
	return fmt.Sprintf("the tables do not show the moment %s: %s", taken.Format(time.RFC3339Nano), strings.Join(near, " | "))
}

// write changes the source until ctx ends, at most so many times.
func (m *moments) write(ctx context.Context, random *rand.Rand, most int) error {
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for n := range most {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		t := m.shape.tables[random.IntN(len(m.shape.tables))]
		sql := fmt.Sprintf("UPDATE public.%s SET v = 'changed %d ' || coalesce(v, '') WHERE id %% 101 = %d", t.name, n, random.IntN(101))
		switch {
		case t.parent: // its rows are referred to
		case random.IntN(3) == 0:
			sql = t.insert(t.rows+1+n*20, t.rows+n*20+20)
		case random.IntN(3) == 0:
			sql = fmt.Sprintf("DELETE FROM public.%s WHERE id %% 103 = %d", t.name, random.IntN(103))
		}
		// A change that has begun is seen through: a lock of somebody's may make it wait.
		if err := m.change(context.WithoutCancel(ctx), sql, t); err != nil {
			return err
		}
	}
	return nil
}

func shorten(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
