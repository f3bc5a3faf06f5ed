package db9sim

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/db9sim/link"
)

const (
	// authenticationTime is what PostgreSQL gives a client for its handshake.
	authenticationTime = 60 * time.Second
	// maxConnections is the cap that DB9 is said to have.
	maxConnections = 1000
)

// startup is what a client said before its first statement.
type startup struct {
	client   *pgproto3.Backend // reads from and writes to the connection
	wire     *link.Conn        // what the client is connected by, below TLS; where faults act
	user     string            // of the backend; "" is the one of Config.Backend
	database string
	params   map[string]string // run-time parameters, without user and database
	release  func()            // gives the connection's place back
}

// URL is what a client connects with, its password included.
func (s *Sim) URL() string {
	user := s.backend.User
	if s.rules.On("tenant-users") {
		user = s.cfg.Auth.tenant() + "." + s.cfg.Auth.role()
	}
	u := url.URL{Scheme: "postgres", Host: s.Addr(), User: url.User(user), Path: "/postgres", RawQuery: "sslmode=disable"}
	if s.passwords.asked() {
		password, _ := s.passwords.current()
		u.User = url.UserPassword(user, password)
	}
	if s.cfg.TLS.offered() {
		u.RawQuery = "sslmode=require"
	}
	return u.String()
}

// handshake brings a client to where it waits for AuthenticationOk, which the
// session sends. A nil startup without an error is a CancelRequest that was
// passed on: nothing is left to do.
func (s *Sim) handshake(ctx context.Context, wire *link.Conn) (net.Conn, *startup, error) {
	var conn net.Conn = wire
	if err := conn.SetDeadline(time.Now().Add(authenticationTime)); err != nil {
		return nil, nil, err
	}
	for {
		client := pgproto3.NewBackend(conn, conn)
		msg, err := client.ReceiveStartupMessage()
		if err != nil {
			return nil, nil, fmt.Errorf("reading the startup message: %w", err)
		}
		switch m := msg.(type) {
		case *pgproto3.SSLRequest:
			if conn, err = s.encrypt(ctx, conn); err != nil {
				return nil, nil, err
			}
		case *pgproto3.GSSEncRequest:
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return nil, nil, fmt.Errorf("refusing GSS encryption: %w", err)
			}
		case *pgproto3.CancelRequest:
			return nil, nil, s.passCancel(ctx, m)
		case *pgproto3.StartupMessage:
			start, r, err := s.admit(client, m, conn != net.Conn(wire))
			if err == nil && r != nil {
				err = turnAway(client, r)
			}
			if err != nil {
				return nil, nil, err
			}
			start.wire = wire
			return conn, start, conn.SetDeadline(time.Time{})
		default:
			return nil, nil, fmt.Errorf("a startup message of type %T", msg)
		}
	}
}

// encrypt answers an SSLRequest.
func (s *Sim) encrypt(ctx context.Context, conn net.Conn) (net.Conn, error) {
	_, encrypted := conn.(*tls.Conn)
	switch {
	case s.cfg.TLS == TLSRefused:
		return nil, fmt.Errorf("a client asked for TLS, which is refused")
	case !s.cfg.TLS.offered() || encrypted:
		if _, err := conn.Write([]byte{'N'}); err != nil {
			return nil, fmt.Errorf("refusing TLS: %w", err)
		}
		return conn, nil
	}
	if _, err := conn.Write([]byte{'S'}); err != nil {
		return nil, fmt.Errorf("offering TLS: %w", err)
	}
	secure := tls.Server(conn, s.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("starting TLS: %w", err)
	}
	return secure, nil
}

// admit decides whether a client may in.
func (s *Sim) admit(client *pgproto3.Backend, m *pgproto3.StartupMessage, encrypted bool) (*startup, *refusal, error) {
	start := &startup{client: client, params: map[string]string{}}
	for k, v := range m.Parameters {
		switch k {
		case "user", "database":
		default:
			start.params[k] = v
		}
	}
	if s.cfg.TLS == TLSRequired && !encrypted {
		return nil, refuse("28000", "no entry for user %q without encryption: connect with sslmode=require", m.Parameters["user"]), nil
	}
	var ok bool
	if start.release, ok = s.places.take(); !ok {
		return nil, refuse("53300", "sorry, too many clients already"), nil
	}
	var r *refusal
	if start.user, r = s.backendUser(m.Parameters["user"]); r == nil {
		start.database, r = s.backendDatabase(m.Parameters["database"])
	}
	// The password comes first, so that nobody learns without it what there is.
	denied, err := s.authenticate(client, m.Parameters["user"])
	if denied != nil {
		r = denied
	}
	if err != nil || r != nil {
		start.release()
		return nil, r, err
	}
	return start, nil, nil
}

// turnAway tells a client why it may not in.
func turnAway(client *pgproto3.Backend, r *refusal) error {
	c := *r
	c.fatal = true
	client.Send(c.response())
	if err := client.Flush(); err != nil {
		return fmt.Errorf("turning a client away: %w", err)
	}
	return fmt.Errorf("%s: %s", r.code, r.message)
}

// passCancel hands a cancel request to the backend, whose key the client has.
func (s *Sim) passCancel(ctx context.Context, m *pgproto3.CancelRequest) error {
	network, addr := networkAddress(s.backend.Host, s.backend.Port)
	conn, err := s.backend.DialFunc(ctx, network, addr)
	if err != nil {
		return fmt.Errorf("passing a cancel request on: %w", err)
	}
	defer func() { _ = conn.Close() }()
	buf, err := m.Encode(nil)
	if err != nil {
		return fmt.Errorf("passing a cancel request on: %w", err)
	}
	if _, err := conn.Write(buf); err != nil {
		return fmt.Errorf("passing a cancel request on: %w", err)
	}
	_, _ = conn.Read(buf) // the backend closes when it has seen it
	return nil
}
