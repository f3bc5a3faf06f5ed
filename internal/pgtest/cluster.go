package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

// ClusterOptions says what a private cluster is to be.
type ClusterOptions = pgserver.Options

// Mode is how a cluster is stopped.
type Mode = pgserver.Mode

// The modes of Cluster.Stop.
const (
	Fast      = pgserver.Fast
	Immediate = pgserver.Immediate
)

// Cluster is a PostgreSQL server that tests may use.
type Cluster struct {
	server   *pgserver.Cluster // nil when it is one that PGTEST_URL names
	external string            // PGTEST_URL
	major    int
}

// shared holds the clusters of this process: at most one of each major, and
// the default one under 0.
var shared struct {
	sync.Mutex
	clusters map[int]*entry
}

type entry struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// Server is the process's shared cluster of the default major.
func Server(tb testing.TB) *Cluster {
	tb.Helper()
	return share(tb, 0)
}

// Major is the process's shared cluster of a given major, 13 to 18.
func Major(tb testing.TB, major int) *Cluster {
	tb.Helper()
	return share(tb, major)
}

func share(tb testing.TB, major int) *Cluster {
	tb.Helper()
	shared.Lock()
	if shared.clusters == nil {
		shared.clusters = map[int]*entry{}
	}
	e := shared.clusters[major]
	if e == nil {
		e = &entry{}
		shared.clusters[major] = e
	}
	shared.Unlock()
	// Not the test's context: the cluster is for all that follow.
	e.once.Do(func() { e.cluster, e.err = open(context.Background(), major) })
	if e.err != nil {
		unavailable(tb, e.err)
	}
	return e.cluster
}

// errOff is a run of the tests that need no server (make unit).
var errOff = fmt.Errorf("PGTEST_OFF is set: %w", pgserver.ErrNotFound)

func off() bool { return os.Getenv("PGTEST_OFF") == "1" }

func open(ctx context.Context, major int) (*Cluster, error) {
	if off() {
		return nil, errOff
	}
	if url := os.Getenv("PGTEST_URL"); url != "" && major == 0 {
		return external(ctx, url)
	}
	server, err := pgserver.New(ctx, pgserver.Options{Major: major})
	if err != nil {
		return nil, err
	}
	return &Cluster{server: server, major: server.Major()}, nil
}

// New is a private cluster, for tests that restart a server or need settings
// of their own. It is removed when the test ends.
func New(tb testing.TB, opts ClusterOptions) *Cluster {
	tb.Helper()
	if off() {
		unavailable(tb, errOff)
	}
	server, err := pgserver.New(tb.Context(), opts)
	if err != nil {
		unavailable(tb, err)
	}
	tb.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			tb.Errorf("close the cluster: %v", err)
		}
	})
	return &Cluster{server: server, major: server.Major()}
}

// NewStandby is a hot standby of a private cluster, removed before it. It reads
// what its primary writes; make databases on the primary.
func NewStandby(tb testing.TB, primary *Cluster, settings map[string]string) *Cluster {
	tb.Helper()
	if primary.server == nil {
		tb.Fatal("make a standby: the primary is not ours")
	}
	server, err := pgserver.Standby(tb.Context(), primary.server, settings)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			tb.Errorf("close the standby: %v", err)
		}
	})
	return &Cluster{server: server, major: server.Major()}
}

// unavailable ends a test for want of a server. Only the want is a skip: a
// server that is there and does not start is a failure.
func unavailable(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, pgserver.ErrNotFound) && os.Getenv("PGTEST_REQUIRED") != "1" {
		tb.Skip(err)
	}
	tb.Fatal(err)
}

// Lacks ends a test for want of what the machine or the server does not have.
// Where everything must run (PGTEST_REQUIRED=1) that is a failure, else a skip.
func Lacks(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv("PGTEST_REQUIRED") == "1" {
		tb.Fatalf(format, args...)
	}
	tb.Skipf(format, args...)
}

// Major is the server's major.
func (c *Cluster) Major() int { return c.major }

// PID is the postmaster's process; 0 when stopped, or not ours.
func (c *Cluster) PID() int {
	if c.server == nil {
		return 0
	}
	return c.server.PID()
}

// Dir is the data directory; "" if the server is not ours.
func (c *Cluster) Dir() string {
	if c.server == nil {
		return ""
	}
	return c.server.Dir()
}

// LogFile holds what the server wrote; "" if the server is not ours.
func (c *Cluster) LogFile() string {
	if c.server == nil {
		return ""
	}
	return c.server.LogFile()
}

// Stop stops a private cluster.
func (c *Cluster) Stop(tb testing.TB, mode Mode) {
	tb.Helper()
	if c.server == nil {
		tb.Fatal("stop a cluster: it is not ours")
	}
	if err := c.server.Stop(context.WithoutCancel(tb.Context()), mode); err != nil {
		tb.Fatal(err)
	}
}

// Start starts a private cluster again, on the same address.
func (c *Cluster) Start(tb testing.TB) {
	tb.Helper()
	if c.server == nil {
		tb.Fatal("start a cluster: it is not ours")
	}
	if err := c.server.Start(context.WithoutCancel(tb.Context())); err != nil {
		tb.Fatal(err)
	}
}

// Restart stops a private cluster and starts it again, on the same address. It
// may be called from any goroutine.
func (c *Cluster) Restart(ctx context.Context, mode Mode) error {
	if err := c.server.Stop(ctx, mode); err != nil {
		return err
	}
	return c.server.Start(ctx)
}

// URL connects the superuser to a database of the cluster.
func (c *Cluster) URL(database string) string {
	if c.server == nil {
		return withDatabase(c.external, database)
	}
	return c.server.URL(database)
}

// stopAll removes the shared clusters.
func stopAll(ctx context.Context) error {
	shared.Lock()
	defer shared.Unlock()
	var errs []error
	for _, e := range shared.clusters {
		if e.cluster != nil && e.cluster.server != nil {
			errs = append(errs, e.cluster.server.Close(ctx))
		}
	}
	clear(shared.clusters)
	return errors.Join(errs...)
}
