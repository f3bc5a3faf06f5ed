package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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
	known    *refusals
}

// Options say how to connect to a side. The zero value is what libpq's
// environment says.
type Options struct {
	URL             string        // as Parse takes it
	URLCommand      string        // prints the URL, in place of URL
	PasswordCommand string        // prints the password; it decides before the URL's
	NetworkTimeout  time.Duration // how long a network may give no sign; 0 is the default
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
	if o.URLCommand != "" {
		e.url = newCommand("--"+string(side)+"-url-command", o.URLCommand)
		if connString, _, err = e.url.ask(ctx, 0); err != nil {
			return nil, err
		}
	}
	if e.cfg, err = parse(side, connString); err != nil {
		return nil, err
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

// parse reads a connection string as Parse says.
func parse(side Side, connString string) (*pgx.ConnConfig, error) {
	if looseAt(connString) {
		// It would be taken for a part of the host, and printed as such.
		return nil, &ConnStringError{Side: side, Reason: "its user or password holds an @ that is not percent-encoded (%40)"}
	}
	cfg, err := pgx.ParseConfig(connString)
	if err != nil {
		return nil, &ConnStringError{Side: side, Reason: parseReason(connString, err)}
	}
	if cfg.Host == "" {
		return nil, &ConnStringError{Side: side, Reason: "it names no host"}
	}
	onlyTLS(&cfg.Config)
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "pg2db9"
	}
	cfg.OnPgError = neverGoOn
	// No named prepared statements: they collide behind poolers, and a describe
	// round trip is nothing beside a COPY.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	cfg.StatementCacheCapacity, cfg.DescriptionCacheCapacity = 0, 0
	return cfg, nil
}

// ConnStringError is a connection string that cannot be used. It never quotes
// the string, which may hold a password in any place.
type ConnStringError struct {
	Side   Side
	Reason string
}

// Error implements error.
func (e *ConnStringError) Error() string {
	return fmt.Sprintf("the %s's connection string cannot be used: %s; expected postgres://user:password@host:port/database, "+
		"with special characters of user and password percent-encoded", e.Side, e.Reason)
}

// looseAt says that an @ of a URL stands where it cannot be the one before the
// host.
func looseAt(connString string) bool {
	_, rest, isURL := strings.Cut(connString, "://")
	end := strings.IndexAny(rest, "/?#")
	if !isURL || end < 0 {
		return isURL && strings.Count(rest, "@") > 1
	}
	before, after := strings.Count(rest[:end], "@"), strings.Count(rest[end:], "@")
	// With none before the path, one after it means that the password ended the host.
	return before > 1 || before == 0 && after > 0 && strings.Contains(rest[:end], ":")
}

// parseReason says why a connection string was refused without repeating any
// part of it that could be a secret.
func parseReason(connString string, err error) string {
	if u, uerr := url.Parse(connString); strings.Contains(connString, "://") && (uerr != nil || u.Scheme != "postgres" && u.Scheme != "postgresql") {
		if uerr == nil {
			return fmt.Sprintf("its scheme is %q", u.Scheme)
		}
		return "it is no valid URL"
	}
	for _, known := range []string{"sslmode is invalid", "invalid port", "cannot find service", "failed to read", "unable to read", "invalid connect_timeout", "sslrootcert", "sslcert"} {
		if strings.Contains(err.Error(), known) {
			return known
		}
	}
	return "it is neither a URL nor a list of key=value pairs"
}

// onlyTLS removes every plaintext way to a host that also has one by TLS.
func onlyTLS(cfg *pgconn.Config) {
	type way = pgconn.FallbackConfig
	ways := append([]*way{{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...)
	tls := false
	for _, w := range ways {
		tls = tls || w.TLSConfig != nil
	}
	kept := ways[:0]
	for _, w := range ways {
		if w.TLSConfig != nil || !tls || isSocket(w.Host) {
			kept = append(kept, w)
		}
	}
	cfg.Host, cfg.Port, cfg.TLSConfig, cfg.Fallbacks = kept[0].Host, kept[0].Port, kept[0].TLSConfig, kept[1:]
}

func isSocket(host string) bool { return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") }

// Side returns which end the endpoint is.
func (e *Endpoint) Side() Side { return e.side }

// Database returns the name of the database.
func (e *Endpoint) Database() string { return e.cfg.Database }

// Plaintext reports whether the connection is not encrypted.
func (e *Endpoint) Plaintext() bool { return e.cfg.TLSConfig == nil }

// Transport says for the report how the connection is protected.
func (e *Endpoint) Transport() string {
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

// closeQuietly ends a connection that is of no more use.
func closeQuietly(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

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
	switch {
	case errors.As(err, &dns):
		return "host " + dns.Name + ": " + dns.Err
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
		case "28P01", "28000":
			return "check user and password (PGPASSWORD, .pgpass and service files are read too)"
		case "3D000":
			return "create the database first or name another one in the URL"
		case "57P03":
			return "the server is starting up or shutting down: try again"
		}
		return Remedy(err)
	}
	if strings.Contains(err.Error(), "channel binding required") {
		return "channel_binding=require needs SCRAM over TLS, which this server does not offer (DB9 asks for the password itself): write channel_binding=prefer into the URL, with sslmode=verify-full to know the server"
	}
	if strings.Contains(err.Error(), "server refused TLS") {
		return "pg2db9 does not fall back to plaintext: write sslmode=disable into the URL if the network may see the data"
	}
	return "check host, port and firewall"
}
