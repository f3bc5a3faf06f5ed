package db9sim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/db9sim/link"
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
	listener *link.Listener
	judge    *judge
	catalogs *catalogs
	timeouts timeoutRules
	sizes    sizes
	faults   *faults

	tls       *tls.Config // nil where it is not offered
	authority []byte      // of tls, in PEM
	passwords *passwords
	places    *places
	checked   sync.Mutex // over what is refused depending on what the database holds, until it has been done

	cancel context.CancelFunc
	done   sync.WaitGroup // the listener and all sessions
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
		timeouts: newTimeoutRules(cfg.Rules, cfg.TimeScale), sizes: db9Sizes(),
		passwords: newPasswords(cfg.Auth), places: newPlaces(cfg.Rules, cfg.MaxConnections),
	}
	if s.faults, err = newFaults(cfg.Faults, cfg.Seed); err != nil {
		return nil, err
	}
	keepUp, err := s.secure()
	if err != nil {
		return nil, err
	}
	s.catalogs = newCatalogs(s.rules, s.timeouts)
	s.judge = newJudge(s.rules, s.catalogs)
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	if cfg.Link.Seed == 0 {
		cfg.Link.Seed = cfg.Seed
	}
	s.listener, err = link.Listen(ctx, "tcp", cfg.Listen, cfg.Link)
	if err != nil {
		return nil, err
	}
	ctx, s.cancel = context.WithCancel(ctx)
	context.AfterFunc(ctx, s.listener.Shutdown)
	s.done.Go(func() { keepUp(ctx) })
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

// secure prepares TLS and passwords. What it returns keeps them up until its
// context ends.
func (s *Sim) secure() (keepUp func(context.Context), err error) {
	if s.cfg.TLS.offered() {
		if s.tls, s.authority, err = selfSigned(); err != nil {
			return nil, err
		}
	}
	if s.cfg.Auth.PasswordFile == "" {
		return func(context.Context) {}, nil
	}
	rotate, err := s.passwords.rotate(s.cfg.Auth.PasswordFile)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		if err := rotate(ctx); err != nil {
			s.log.ErrorContext(ctx, "the password stays as it is", "error", err)
		}
	}, nil
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
	s.listener.Shutdown()
	s.done.Wait()
}

func (s *Sim) accept(ctx context.Context) {
	for {
		conn, err := s.listener.AcceptLink()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.log.ErrorContext(ctx, "accepting a connection", "error", err)
			}
			return
		}
		s.done.Go(func() {
			defer func() { _ = conn.Close() }()
			if err := s.serve(ctx, conn); err != nil {
				s.log.DebugContext(ctx, "a connection ended", "error", err)
			}
		})
	}
}

// serve is one client's connection from its first byte to its last.
func (s *Sim) serve(ctx context.Context, wire *link.Conn) error {
	conn, start, err := s.handshake(ctx, wire)
	if err != nil {
		return fmt.Errorf("greeting a client: %w", err)
	}
	if start == nil {
		return nil // it asked to cancel, and was served
	}
	defer start.release()
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
