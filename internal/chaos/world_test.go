package chaos

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

// lane has servers of its own, which its seeds use one after the other.
type lane struct {
	source, target *pgtest.Cluster
}

func newLane(t *testing.T) *lane {
	t.Helper()
	return &lane{source: pgtest.New(t, pgtest.ClusterOptions{}), target: pgtest.New(t, pgtest.ClusterOptions{})}
}

// world is what one seed happens in:
//
//	pg2db9 - proxy - source
//	       - proxy - (stand-in) - target
type world struct {
	plan           plan
	lane           *lane
	source, target *pgtest.DB
	toSource       *pgtest.Proxy
	toTarget       *pgtest.Proxy
	sim            *db9sim.Sim // nil: nothing between
	moments        *moments
	bytes          int64  // of all rows, about
	dir            string // of what stays when the seed failed: its logs
	bin            string

	secret     atomic.Pointer[string] // the target's password, where one is asked for
	secretFile string
	profile    string // the value of --profile
	fullDisk   string // where a report is to be, "" for none
}

func newWorld(t *testing.T, l *lane, p plan, logs string) *world {
	t.Helper()
	bin, err := binary()
	require.NoError(t, err)
	w := &world{plan: p, lane: l, bin: bin, dir: logs, source: l.source.Database(t)}
	require.NoError(t, os.MkdirAll(logs, 0o700))
	for _, table := range p.shape.tables {
		w.source.Exec(t, table.create())
		var n int64
		_, err := fmt.Sscan(w.source.QueryString(t, "SELECT coalesce(sum(octet_length(t::text)), 0) FROM public."+table.name+" t"), &n)
		require.NoError(t, err)
		w.bytes += n
	}
	w.moments = &moments{url: w.source.URL, shape: p.shape, mapped: p.db9}
	require.NoError(t, w.moments.first(t.Context()))
	w.toSource = pgtest.NewProxy(t, l.source)
	w.settings(t)
	w.aim(t)
	return w
}

// aim makes an empty target.
func (w *world) aim(t *testing.T) {
	t.Helper()
	w.target, w.sim = w.lane.target.Database(t), nil
	cfg, needed := w.simConfig()
	if !needed {
		w.toTarget = pgtest.NewProxy(t, w.lane.target)
		return
	}
	var err error
	w.sim, err = db9sim.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(w.sim.Close)
	w.toTarget = pgtest.NewProxyTo(t, "tcp", w.sim.Addr())
}

// settings writes the files that options name.
func (w *world) settings(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	w.profile = "postgres"
	if w.plan.db9 {
		w.profile = "db9 --probe never"
	}
	if w.plan.db9 && w.plan.batch > 0 {
		w.profile = filepath.Join(dir, "small.yaml")
		require.NoError(t, os.WriteFile(w.profile, fmt.Appendf(nil, "batch_rows: %d\nbatch_bytes: 200000\n", w.plan.batch), 0o600))
	}
	if w.plan.has(newPassword) != nil {
		w.secretFile = filepath.Join(dir, "secret")
		require.NoError(t, w.rotate("first-secret"))
	}
	if a := w.plan.has(fullDisk); a != nil && a.number%2 == 0 {
		w.fullDisk = newFullDisk(t)
	}
}

// rotate gives the target another password. Who asks for it gets the new one.
func (w *world) rotate(secret string) error {
	if err := os.WriteFile(w.secretFile+".new", []byte(secret+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Rename(w.secretFile+".new", w.secretFile); err != nil {
		return err
	}
	w.secret.Store(&secret)
	return nil
}

// simConfig is the stand-in that the seed needs. Under profile postgres it has
// no rules: it asks for passwords, and does to COMMITs what a proxy cannot.
func (w *world) simConfig() (cfg db9sim.Config, needed bool) {
	cfg = db9sim.Config{Backend: w.target.URL, Rules: db9sim.None(), Seed: w.plan.seed, TimeScale: 0.1, Link: w.plan.link, Log: slog.New(slog.DiscardHandler)}
	if w.plan.db9 {
		cfg.Rules, needed = db9sim.Strict(), true
	}
	for _, a := range w.plan.accidents {
		f := db9sim.Fault{Point: "before-commit", Nth: 2 + a.number%15}
		if !w.plan.db9 {
			f.Nth = 2 + a.number%5
		}
		switch a.kind {
		case lateCommit:
			f.Action, f.Delay = "commit-late", delays[a.number%len(delays)]
		case lostAnswer:
			f.Action = "commit-lost"
		default:
			continue
		}
		cfg.Faults, needed = append(cfg.Faults, f), true
	}
	if w.plan.has(newPassword) != nil {
		cfg.Auth.Password, needed = func() string { return *w.secret.Load() }, true
	}
	return cfg, needed
}

// env is the environment of every process of the seed.
func (w *world) env() []string {
	env := []string{
		"PG2DB9_SOURCE=" + w.toSource.URL(w.source.Name),
		"PG2DB9_RETRY_FOR=20", "PG2DB9_NETWORK_TIMEOUT=3", "GOTRACEBACK=all",
	}
	if w.sim == nil {
		return append(env, "PG2DB9_TARGET="+w.toTarget.URL(w.target.Name))
	}
	user, database := pgserver.Superuser, w.target.Name
	if w.plan.db9 {
		user, database = db9sim.DefaultTenant+".admin", "postgres"
	}
	env = append(env, "PG2DB9_TARGET=postgres://"+user+"@"+w.toTarget.Addr()+"/"+database+"?sslmode=disable")
	if w.secretFile != "" {
		env = append(env, "PG2DB9_TARGET_PASSWORD_COMMAND=cat "+w.secretFile)
	}
	return env
}

// again is what the user runs after a crash, of which nothing was said.
func (w *world) again() string { return w.command("--resume", "--on-changed", w.plan.onChanged) }

// command is the seed's clone.
func (w *world) command(more ...string) string {
	line := fmt.Sprintf("pg2db9 clone --profile %s --jobs %d --log-level info", w.profile, w.plan.jobs)
	if w.plan.keep >= 0 {
		line += fmt.Sprint(" --keep-snapshot ", w.plan.keep)
	}
	if w.plan.yield > 0 {
		line += fmt.Sprint(" --yield-locks ", w.plan.yield)
	}
	if w.fullDisk != "" {
		line += " --report " + filepath.Join(w.fullDisk, "report.json")
	}
	for _, m := range more {
		line += " " + m
	}
	return line
}

// ask queries one of the servers directly.
func ask[T any](ctx context.Context, url, sql string, args ...any) (T, error) {
	var out T
	conn, err := open(ctx, url)
	if err != nil {
		return out, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return out, conn.QueryRow(ctx, sql, args...).Scan(&out)
}
