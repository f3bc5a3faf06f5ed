package db9sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// Config says what to stand in with.
type Config struct {
	Listen         string       // address to listen on; "" is a free port of 127.0.0.1
	Backend        string       // connection string of the real PostgreSQL database
	Rules          *RuleSet     // nil is Strict
	Seed           uint64       // of what is random: jitter, faults by probability
	Log            *slog.Logger // nil discards
	TimeScale      float64      // 0 or 1 is real time; 0.05 makes 60 s into 3 s
	Link           LinkConfig
	TLS            TLSMode
	Auth           AuthConfig
	Faults         []Fault
	MaxConnections int // 0 is DB9's 1,000
}

// Sim is a running stand-in.
type Sim struct {
	cfg      Config
	rules    *RuleSet
	log      *slog.Logger
	backend  *pgconn.Config
	listener net.Listener
	judge    *judge
	catalogs *catalogs
	timeouts timeoutRules
	sizes    sizes
	faults   *faults
	shared   *sharedLink

	cancel context.CancelFunc
	done   sync.WaitGroup // the listener and all sessions

	mu    sync.Mutex
	conns map[net.Conn]struct{} // of clients, to be cut by Close
}

// Start listens until Close or the end of ctx.
func Start(ctx context.Context, cfg Config) (*Sim, error) {
	if cfg.Rules == nil {
		cfg.Rules = Strict()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.TimeScale == 0 {
		cfg.TimeScale = 1
	}
	backend, err := pgconn.ParseConfig(cfg.Backend)
	if err != nil {
		return nil, fmt.Errorf("reading the backend's connection string: %w", err)
	}
	s := &Sim{
		cfg: cfg, rules: cfg.Rules, log: cfg.Log, backend: backend,
		faults: newFaults(cfg.Faults, cfg.Seed), shared: newSharedLink(cfg.Link),
		catalogs: newCatalogs(cfg.Rules), conns: map[net.Conn]struct{}{},
		timeouts: newTimeoutRules(cfg.Rules, cfg.TimeScale), sizes: db9Sizes(),
	}
	s.judge = newJudge(s.rules, s.catalogs)
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	s.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", cfg.Listen, err)
	}
	ctx, s.cancel = context.WithCancel(ctx)
	context.AfterFunc(ctx, s.cut)
	s.done.Go(func() { s.accept(ctx) })
	return s, nil
}

// prepare installs what the rules need on the backend, and pays for the
// parser's first use (about a second) before a client waits for it.
func (s *Sim) prepare(ctx context.Context) error {
	if s.plain() {
		return nil
	}
	conn, err := pgconn.ConnectConfig(ctx, s.backend)
	if err != nil {
		return fmt.Errorf("connecting to the backend: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := s.judge.installCore(ctx, conn); err != nil {
		return err
	}
	if err := s.catalogs.install(ctx, conn); err != nil {
		return fmt.Errorf("installing the catalogs that clients see on the backend: %w", err)
	}
	if _, err := s.judge.statements("SELECT 1"); err != nil {
		return fmt.Errorf("starting the SQL parser: %w", err)
	}
	return nil
}

// plain reports whether connections are handed through byte by byte.
func (s *Sim) plain() bool { return s.rules.Empty() && len(s.cfg.Faults) == 0 }

// Addr is where the stand-in listens, as host:port.
func (s *Sim) Addr() string { return s.listener.Addr().String() }

// Wait returns when the stand-in has ended.
func (s *Sim) Wait() { s.done.Wait() }

// Close cuts all connections and waits for their ends.
func (s *Sim) Close() {
	s.cancel()
	s.cut()
	s.done.Wait()
}

// cut ends the listener and all connections of clients.
func (s *Sim) cut() {
	_ = s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

func (s *Sim) accept(ctx context.Context) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.log.ErrorContext(ctx, "accepting a connection", "error", err)
			}
			return
		}
		s.mu.Lock()
		s.conns[conn] = struct{}{}
		s.mu.Unlock()
		if ctx.Err() != nil {
			_ = conn.Close()
		}
		s.done.Go(func() {
			defer func() {
				_ = conn.Close()
				s.mu.Lock()
				delete(s.conns, conn)
				s.mu.Unlock()
			}()
			if err := s.serve(ctx, conn); err != nil {
				s.log.DebugContext(ctx, "a connection ended", "error", err)
			}
		})
	}
}

// serve is one client's connection from its first byte to its last.
func (s *Sim) serve(ctx context.Context, raw net.Conn) error {
	conn, start, err := s.handshake(ctx, s.cfg.Link.wrap(raw, s.shared))
	if err != nil {
		return fmt.Errorf("greeting a client: %w", err)
	}
	if start == nil {
		return nil // it asked to cancel, and was served
	}
	sess, err := s.open(ctx, conn, start)
	if err != nil {
		return err
	}
	defer sess.close()
	if s.plain() || start.params["replication"] != "" {
		return sess.tunnel()
	}
	return sess.serve(ctx)
}
