package dial

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
)

// Connect opens one connection and gives it the settings, which are read back:
// a setting that did not take is an error, since rows would travel in another
// form than both sides expect. The caller closes the connection.
//
// Commands for secrets are asked here. A run opens connections hours after its
// start, when the secret of the start is long void. When the server refuses
// what a command gave, which may have expired on the way or been changed just
// now, it is asked once more, and the connect tried once more.
func (e *Endpoint) Connect(ctx context.Context, s Settings) (*pgx.Conn, error) {
	cfg, given, err := e.config(ctx, answers{})
	if err != nil {
		return nil, err
	}
	conn, err := e.connect(ctx, cfg)
	if err != nil && e.Renewed() && refusedSecret(err) {
		if cfg, _, err = e.config(ctx, given); err != nil {
			return nil, err
		}
		conn, err = e.connect(ctx, cfg)
	}
	if err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	began := time.Now()
	if err := s.apply(timed, conn.PgConn(), serverSide(conn.PgConn(), s, e.timeout), e.known); err != nil {
		closeQuietly(ctx, conn)
		if timed.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("no answer within %s (connect_timeout in the URL): %w", cfg.ConnectTimeout, err)
		}
		return nil, fmt.Errorf("setting up a session on the %s (%s): %w", e.side, redacted(cfg), err)
	}
	conn.PgConn().CustomData()[roundTrip] = time.Since(began)
	return conn, nil
}

const roundTrip = "pg2db9: round trip"

// RoundTrip is about what a statement that needs no work took on a connection of
// Connect's when it was set up: a round trip of the network, or little more.
func RoundTrip(conn *pgx.Conn) time.Duration {
	d, _ := conn.PgConn().CustomData()[roundTrip].(time.Duration)
	return d
}

func (e *Endpoint) connect(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, &ConnectError{Side: e.side, Server: redacted(cfg), Hint: e.hint(cfg, err), Err: err}
	}
	return conn, nil
}

// hint says what can be done about a connect that failed.
func (e *Endpoint) hint(cfg *pgx.ConnConfig, err error) string {
	if !refusedSecret(err) {
		return connectHint(err)
	}
	if at, ok := expiry(cfg.Password); ok && time.Now().After(at) {
		text := "the password is a token that expired at " + at.UTC().Format(time.RFC3339)
		if e.Renewed() {
			return text + ", though the command for it was just asked, twice"
		}
		return fmt.Sprintf("%s: take a new one, or let --%s-password-command give one at every connect", text, e.side)
	}
	if e.Renewed() {
		return "the command for the secret was asked twice: run it by hand, and check what it prints and the user"
	}
	if SQLState(err) == pgerrcode.InvalidPassword {
		return fmt.Sprintf("%s; for one that changes, --%s-password-command", connectHint(err), e.side)
	}
	return connectHint(err)
}

// refusedSecret reports whether the server did not take user or password.
func refusedSecret(err error) bool {
	switch SQLState(err) {
	case pgerrcode.InvalidPassword, pgerrcode.InvalidAuthorizationSpecification:
		return true
	}
	return false
}

// answers are the numbers of what commands gave.
type answers struct{ url, password int }

// config is what the next connect uses, with newer secrets than those that
// were refused.
func (e *Endpoint) config(ctx context.Context, refused answers) (*pgx.ConnConfig, answers, error) {
	var given answers
	cfg := e.cfg.Copy()
	if e.url != nil {
		text, serial, err := e.url.ask(ctx, refused.url)
		if err != nil {
			return nil, given, fmt.Errorf("connecting to the %s: %w", e.side, err)
		}
		if cfg, err = parse(e.side, text); err != nil {
			return nil, given, fmt.Errorf("what %s printed: %w", e.url.option, err)
		}
		if e.database != "" {
			cfg.Database = e.database
		}
		if e.application != "" {
			cfg.RuntimeParams[applicationName] = e.application
		}
		if err := e.sameDatabase(cfg); err != nil {
			return nil, given, err
		}
		given.url = serial
	}
	if e.password != nil {
		text, serial, err := e.password.ask(ctx, refused.password)
		if err != nil {
			return nil, given, fmt.Errorf("connecting to the %s: %w", e.side, err)
		}
		cfg.Password, given.password = text, serial
	}
	if e.goOn {
		cfg.OnPgError = nil // pgconn's own closes at what ends the session
	}
	cfg.DialFunc = e.way()
	if e.tunnel != nil {
		cfg.LookupFunc = asGiven
	}
	return cfg, given, nil
}

// sameDatabase refuses a URL that leads to another database than the first
// one did. Another host is allowed, a failover gives one, and so are another
// user and password; not another tenant, which is the first part of the name
// of a DB9 user, and not less protection on the way.
func (e *Endpoint) sameDatabase(cfg *pgx.ConnConfig) error {
	was, _, dotted := strings.Cut(e.cfg.User, ".")
	is, _, _ := strings.Cut(cfg.User, ".")
	var what string
	switch {
	case cfg.Database != e.cfg.Database:
		what = "another database"
	case dotted && was != is:
		what = "another tenant (the user's name up to its first dot)"
	case isSocket(cfg.Host):
		return nil
	case cfg.TLSConfig == nil && e.cfg.TLSConfig != nil:
		what = "another way, without TLS,"
	case proof(cfg.TLSConfig) < proof(e.cfg.TLSConfig):
		what = "another way, without the proof of the server's certificate that it had,"
	default:
		return nil
	}
	return fmt.Errorf("%s now names %s than at the start (%s now, %s then): start anew if that is meant", e.url.option, what, redacted(cfg), e)
}

// proof is how much of the server's certificate is verified: 0 nothing, 1 who
// has signed it, 2 its name too.
func proof(c *tls.Config) int {
	switch {
	case c == nil || c.InsecureSkipVerify && c.VerifyPeerCertificate == nil:
		return 0
	case c.InsecureSkipVerify:
		return 1
	}
	return 2
}

// closeQuietly ends a connection that is of no more use.
func closeQuietly(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
