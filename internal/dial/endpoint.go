package dial

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial/ssh"
)

// Side says which end of a migration an endpoint is.
type Side string

// The two sides.
const (
	Source Side = "source"
	Target Side = "target"
)

// connectTimeout bounds one attempt to connect, where the user set none.
const connectTimeout = 20 * time.Second

// Endpoint is a server and database to connect to. It keeps the secret, or the
// command that gives it; what it prints (String, errors) does not hold it.
type Endpoint struct {
	side     Side
	cfg      *pgx.ConnConfig // as first known
	url      *command        // prints the whole connection string; nil: cfg stays
	password *command        // nil: cfg's
	timeout  time.Duration   // of the network
	dial     pgconn.DialFunc // nil is our own
	tunnel   *ssh.Tunnel     // nil: no bastion
	aside    *ssh.Tunnel     // another, for Aside
	known    *refusals
	goOn     bool   // after a timeout in a transaction
	database string // another one of the server than cfg's; empty: cfg's

	application string // another name of its sessions than the URL's; empty: the URL's
}

// WithDatabase returns an endpoint for another database of the same server.
func (e *Endpoint) WithDatabase(name string) *Endpoint {
	other := *e
	other.cfg = e.cfg.Copy()
	other.cfg.Database, other.database = name, name
	return &other
}

// Options say how to connect to a side. The zero value is what libpq's
// environment says.
type Options struct {
	URL             string        // as Parse takes it
	URLCommand      string        // prints the URL, in place of URL
	PasswordCommand string        // prints the password; it decides before the URL's
	NetworkTimeout  time.Duration // how long a network may give no sign; 0 is the default
	SSH             SSH
}

// SSH says by which bastion a side is reached. The zero value is by none.
type SSH struct {
	Bastion           string // [user@]host[:port]
	Key               string // file of a private key; "" is the agent's, and the user's own
	PassphraseCommand string // prints the key's passphrase
	Agent             string // the agent's socket (SSH_AUTH_SOCK)
	KnownHosts        string // file; "" is the user's own and the system's
}

// Open returns the endpoint that the options describe. A command for the URL
// is run here for the first time, to know the server's name; then, as the one
// for the password, at every connect.
func Open(ctx context.Context, side Side, o Options) (*Endpoint, error) {
	e := newEndpoint(side)
	if o.NetworkTimeout > 0 {
		e.timeout = o.NetworkTimeout
	}
	if o.PasswordCommand != "" {
		e.password = newCommand("--"+string(side)+"-password-command", o.PasswordCommand)
	}
	connString := o.URL
	var err error
	if e.tunnel, err = openTunnel(side, e.timeout, o.SSH); err != nil {
		return nil, err
	}
	if e.aside, err = openTunnel(side, e.timeout, o.SSH); err != nil {
		return nil, err
	}
	if o.URLCommand != "" {
		e.url = newCommand("--"+string(side)+"-url-command", o.URLCommand)
		if connString, _, err = e.url.ask(ctx, 0); err != nil {
			return nil, err
		}
	}
	if e.cfg, err = parse(side, connString); err != nil {
		return nil, err
	}
	if e.tunnel != nil && e.Socket() {
		return nil, &ConnStringError{Side: side, Reason: "it names a unix socket of this machine, or no host: by SSH the host is needed as the bastion sees it"}
	}
	return e, nil
}

// Parse reads a connection string: a URL or key=value pairs, completed by
// libpq's environment variables, service and password files as pgx does. An
// empty string leaves everything to those.
//
// Plaintext is the user's choice alone: with sslmode prefer or allow, or none
// at all, the endpoint uses TLS or does not connect. Only sslmode=disable and
// unix sockets go without.
func Parse(side Side, connString string) (*Endpoint, error) {
	e := newEndpoint(side)
	var err error
	if e.cfg, err = parse(side, connString); err != nil {
		return nil, err
	}
	return e, nil
}

func newEndpoint(side Side) *Endpoint {
	return &Endpoint{side: side, timeout: NetworkTimeout, known: &refusals{}}
}

// Side returns which end the endpoint is.
func (e *Endpoint) Side() Side { return e.side }

// Database returns the name of the database.
func (e *Endpoint) Database() string { return e.cfg.Database }

// Host returns the server's host as it was named at first.
func (e *Endpoint) Host() string { return e.cfg.Host }

// Port returns the server's port as it was named at first.
func (e *Endpoint) Port() uint16 { return e.cfg.Port }

// User returns the role that connects.
func (e *Endpoint) User() string { return e.cfg.User }

// Plaintext reports whether the connection is not encrypted.
func (e *Endpoint) Plaintext() bool { return e.cfg.TLSConfig == nil }

// Transport says for the report how the connection is protected.
func (e *Endpoint) Transport() string {
	if e.tunnel != nil {
		return e.protection() + ", by SSH through " + e.tunnel.String()
	}
	return e.protection()
}

func (e *Endpoint) protection() string {
	switch {
	case isSocket(e.cfg.Host):
		return "unix socket"
	case e.cfg.TLSConfig == nil:
		return "plaintext (sslmode=disable)"
	case e.cfg.TLSConfig.InsecureSkipVerify && e.cfg.TLSConfig.VerifyPeerCertificate == nil:
		return "TLS, certificate not verified"
	default:
		return "TLS, certificate verified"
	}
}

// String is the endpoint for people: without its password. It stays the same
// when a command for the URL names another host later.
func (e *Endpoint) String() string { return redacted(e.cfg) }

func redacted(c *pgx.ConnConfig) string {
	if isSocket(c.Host) {
		return fmt.Sprintf("postgres://%s@/%s?host=%s&port=%d", url.PathEscape(c.User), url.PathEscape(c.Database), c.Host, c.Port)
	}
	u := url.URL{
		Scheme: "postgres", User: url.User(c.User),
		Host: net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), Path: "/" + c.Database,
	}
	return u.String()
}

// Masked is the endpoint as a connection string for an application, with its
// protection and with *** in place of the password.
func (e *Endpoint) Masked() string {
	c := e.cfg
	user := url.PathEscape(c.User) + ":***@"
	if isSocket(c.Host) {
		return fmt.Sprintf("postgres://%s/%s?host=%s&port=%d", user, url.PathEscape(c.Database), c.Host, c.Port)
	}
	mode := "verify-full"
	switch {
	case c.TLSConfig == nil:
		mode = "disable"
	case proof(c.TLSConfig) == 1:
		mode = "verify-ca"
	case proof(c.TLSConfig) == 0:
		mode = "require"
	}
	return fmt.Sprintf("postgres://%s%s/%s?sslmode=%s", user, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), url.PathEscape(c.Database), mode)
}

// Local reports whether the server is on this machine.
func (e *Endpoint) Local() bool {
	ip := net.ParseIP(e.cfg.Host)
	return e.cfg.Host == "localhost" || ip != nil && ip.IsLoopback()
}

// Secret returns the password, for a test that no output holds it.
func (e *Endpoint) Secret() string { return e.cfg.Password }

// Expires says when the password expires, where it is a token that tells.
func (e *Endpoint) Expires() (time.Time, bool) { return expiry(e.cfg.Password) }

// Renewed reports whether a command gives the secret anew at every connect.
func (e *Endpoint) Renewed() bool { return e.url != nil || e.password != nil }

// WithDial returns a copy that opens its network connections by f: tests put
// faults there.
func (e *Endpoint) WithDial(f pgconn.DialFunc) *Endpoint {
	other := *e
	other.dial = f
	return &other
}
