package pgserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
)

// Superuser owns every cluster.
const Superuser = "postgres"

// Options says what a cluster is to be. The zero value is a cluster of the
// default major on a unix socket, UTF8, without a password.
type Options struct {
	Major    int               // 0 is the default major
	Settings map[string]string // lines of postgresql.conf, after our own
	TCP      bool              // listen on 127.0.0.1 too, and say so in URL
	Locale   string            // "" is C.UTF-8 where the system has it, else C
	Encoding string            // "" is UTF8
	Password bool              // SCRAM with a random password, in URL; else trust
	OnDisk   bool              // keep the data on the disk, for much of it and for measurements; else they may be in memory
}

// Cluster is a running or stopped PostgreSQL that belongs to this process.
type Cluster struct {
	bin      Binaries
	opts     Options
	dir      string
	owner    func() // gives the directory's lock back
	watcher  *watcher
	port     int
	password string

	mu   sync.Mutex // held over start and stop, so that they do not cross
	proc *process   // nil when stopped
}

// New makes a cluster and starts it. Close removes it.
func New(ctx context.Context, opts Options) (*Cluster, error) {
	bin, err := Find(ctx, opts.Major)
	if err != nil {
		return nil, err
	}
	sweep()
	acc, err := serverAccount()
	if err != nil {
		return nil, err
	}
	c := &Cluster{opts: opts, port: 5432}
	if c.dir, c.owner, err = makeDir(acc); err != nil {
		return nil, err
	}
	fail := func(err error) (*Cluster, error) { return nil, errors.Join(err, c.Close(ctx)) }
	if c.watcher, err = watch(c.dir); err != nil {
		return fail(err)
	}
	if c.bin, err = reachable(bin, acc, c.dir); err != nil {
		return fail(err)
	}
	if opts.Password {
		secret := make([]byte, 16)
		_, _ = rand.Read(secret) // never fails
		c.password = hex.EncodeToString(secret)
	}
	if err := c.create(ctx, acc); err != nil {
		return fail(err)
	}
	return c, nil
}

// create makes the data directory and starts the server for the first time;
// another process may take the port that we found free, so that has its tries.
func (c *Cluster) create(ctx context.Context, acc *account) error {
	if err := dataDir(c.dir, c.opts.OnDisk, acc); err != nil {
		return err
	}
	if err := c.fill(ctx, acc); err != nil {
		return err
	}
	const tries = 5
	for try := 1; ; try++ {
		if c.opts.TCP {
			port, err := freePort(ctx)
			if err != nil {
				return err
			}
			c.port = port
		}
		if err := c.configure(); err != nil {
			return err
		}
		err := c.Start(ctx)
		if err == nil || !c.opts.TCP || try == tries || ctx.Err() != nil {
			return err
		}
	}
}

// Major is the server's major.
func (c *Cluster) Major() int { return c.bin.Major }

// PID is the postmaster's process, 0 when the cluster is stopped.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc == nil {
		return 0
	}
	return c.proc.pid
}

// Dir is the data directory.
func (c *Cluster) Dir() string { return filepath.Join(c.dir, "data") }

// LogFile holds what the server wrote.
func (c *Cluster) LogFile() string { return filepath.Join(c.dir, "log") }

// Addr is the network and address that the cluster listens on, as net.Dial
// takes them: TCP where Options.TCP asked for it, else the socket.
func (c *Cluster) Addr() (network, address string) {
	if c.opts.TCP {
		return "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port))
	}
	return "unix", filepath.Join(c.dir, ".s.PGSQL."+strconv.Itoa(c.port))
}

// URL connects the superuser to a database.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: c.userinfo(), Path: "/" + database}
	q := url.Values{}
	if c.opts.TCP {
		_, u.Host = c.Addr()
		q.Set("sslmode", "disable")
	} else {
		q.Set("host", c.dir)
		q.Set("port", strconv.Itoa(c.port))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// URLAt is URL by way of another address, such as a proxy's on loopback.
func (c *Cluster) URLAt(hostport, database string) string {
	u := url.URL{Scheme: "postgres", User: c.userinfo(), Host: hostport, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

func (c *Cluster) userinfo() *url.Userinfo {
	if c.password != "" {
		return url.UserPassword(Superuser, c.password)
	}
	return url.User(Superuser)
}

// Close stops the server at once and removes what the cluster had on disk.
func (c *Cluster) Close(ctx context.Context) error {
	err := c.Stop(ctx, Immediate)
	if c.owner == nil {
		return err
	}
	if rerr := removeCluster(c.dir); rerr != nil {
		err = errors.Join(err, fmt.Errorf("remove the cluster: %w", rerr))
	}
	c.owner()
	c.owner = nil
	if c.watcher != nil {
		err = errors.Join(err, c.watcher.dismiss())
	}
	return err
}

// freePort asks the system for a port that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return strconv.Atoi(port)
}
