package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial/ssh"
)

// ConnectError is a connection that could not be made.
type ConnectError struct {
	Side   Side
	Server string // redacted
	Hint   string
	Err    error
}

// Error implements error. The cause's own text is cut down to its server or
// network part: pgconn's would repeat user and host.
func (e *ConnectError) Error() string {
	msg := fmt.Sprintf("connecting to the %s %s: %s", e.Side, e.Server, connectReason(e.Err))
	if e.Hint != "" {
		msg += "; " + e.Hint
	}
	return msg
}

// Unwrap returns the cause.
func (e *ConnectError) Unwrap() error { return e.Err }

func connectReason(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return fmt.Sprintf("%s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var bastion *ssh.Error
	switch {
	case errors.As(err, &bastion):
		return bastion.Error()
	case errors.As(err, &dns):
		return "host " + dns.Name + ": " + dns.Err
	case errors.As(err, &cert):
		return "the server's certificate cannot be verified: " + cert.Err.Error()
	case errors.As(err, &op):
		return op.Op + ": " + op.Err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer within the connect timeout (connect_timeout in the URL)"
	case strings.Contains(err.Error(), "server refused TLS"):
		return "the server refused TLS"
	}
	// pgconn's ConnectError prints host, user and database before its cause, never the password.
	return err.Error()
}

func connectHint(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case pgerrcode.InvalidAuthorizationSpecification:
			switch {
			case strings.Contains(pg.Message, "client certificate"):
				return "name one by sslcert and sslkey in the URL"
			case strings.Contains(pg.Message, "no encryption"):
				return "the server wants TLS: write sslmode=require (or verify-full) into the URL in place of disable"
			}
			return "check user and password (PGPASSWORD, .pgpass and service files are read too)"
		case pgerrcode.InvalidPassword:
			return "check user and password (PGPASSWORD, .pgpass and service files are read too)"
		case pgerrcode.InvalidCatalogName:
			return "create the database first or name another one in the URL"
		case pgerrcode.CannotConnectNow:
			return "the server is starting up or shutting down: try again"
		}
		return Remedy(err)
	}
	var cert *tls.CertificateVerificationError
	var bastion *ssh.Error
	switch {
	case errors.As(err, &bastion):
		return "" // it says what to do itself
	case errors.As(err, &cert):
		return "name the server as its certificate does, and a private CA's certificate by sslrootcert=FILE in the URL"
	case strings.Contains(err.Error(), "channel binding required"):
		return "channel_binding=require needs SCRAM over TLS, which this server does not offer (DB9 asks for the password itself): " +
			"write channel_binding=prefer into the URL, with sslmode=verify-full to be sure of the server"
	case strings.Contains(err.Error(), "authentication method requirement"):
		return "the server asks for the password in another way than require_auth in the URL allows (DB9 asks for it in the clear, inside TLS)"
	case strings.Contains(err.Error(), "server refused TLS"):
		return "pg2db9 does not fall back to plaintext: write sslmode=disable into the URL if the network may see the data"
	}
	return "check host, port and firewall"
}
