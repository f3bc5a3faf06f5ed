package db9sim

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"github.com/jackc/pgx/v5/pgproto3"
)

// startup is what a client said before its first statement.
type startup struct {
	client   *pgproto3.Backend // reads from and writes to the connection
	user     string            // of the backend; "" is the one of Config.Backend
	database string
	params   map[string]string // run-time parameters, without user and database
}

// URL is what a client connects with.
func (s *Sim) URL() string {
	u := url.URL{Scheme: "postgres", Host: s.Addr(), User: url.User(s.backend.User), Path: "/postgres", RawQuery: "sslmode=disable"}
	return u.String()
}

// handshake brings a client to where it waits for AuthenticationOk, which the
// session sends. A nil startup without an error is a CancelRequest that was
// passed on: nothing is left to do.
func (s *Sim) handshake(ctx context.Context, conn net.Conn) (net.Conn, *startup, error) {
	client := pgproto3.NewBackend(conn, conn)
	for {
		msg, err := client.ReceiveStartupMessage()
		if err != nil {
			return nil, nil, fmt.Errorf("reading the startup message: %w", err)
		}
		switch m := msg.(type) {
		case *pgproto3.SSLRequest, *pgproto3.GSSEncRequest:
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return nil, nil, fmt.Errorf("refusing encryption: %w", err)
			}
		case *pgproto3.CancelRequest:
			return nil, nil, s.passCancel(ctx, m)
		case *pgproto3.StartupMessage:
			start := &startup{client: client, params: map[string]string{}}
			for k, v := range m.Parameters {
				switch k {
				case "user", "database":
				default:
					start.params[k] = v
				}
			}
			return conn, start, nil
		default:
			return nil, nil, fmt.Errorf("a startup message of type %T", msg)
		}
	}
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
