package dial

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// parse reads a connection string as Parse says.
func parse(side Side, connString string) (*pgx.ConnConfig, error) {
	connString, err := encoded(connString)
	if err != nil {
		return nil, &ConnStringError{Side: side, Reason: err.Error()}
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
	if side == Target {
		// One round trip a statement over a link that may be long; and results are
		// text, which every target gives rightly.
		cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	}
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

// portAndMore is what follows the first colon of host:port/...
var portAndMore = regexp.MustCompile(`^[0-9]*[/?#]`)

// hosts is what can follow the @ before the host.
var hosts = regexp.MustCompile(`^[A-Za-z0-9_.:,%\[\]-]*(/[^/@?#]*)?(\?[^@#]*)?$`)

// queryAt is a query with an @ in its values alone.
var queryAt = regexp.MustCompile(`^[^@]*\?([a-z_]+=[^&#]*(&|$))*$`)

var (
	escape    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	errDoubts = errors.New("its user or password holds an @ that is not percent-encoded (%40), and can be read in two ways")
)

// encoded returns a URL whose password stands there as it is, with characters
// that have a meaning in URLs, in the form that URLs have. What can be read in
// two ways is an error: a part of the password would be taken for the host, and
// printed as such. Any other string comes back unchanged.
func encoded(connString string) (string, error) {
	scheme, rest, isURL := strings.Cut(connString, "://")
	if !isURL || !strings.Contains(rest, "@") {
		return connString, nil
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	before, after := strings.Count(rest[:end], "@"), strings.Count(rest[end:], "@")
	_, bad := url.Parse(connString)
	switch {
	case before == 1 && bad == nil && (after == 0 || queryAt.MatchString(rest[end:])): // u:p@h/d, u:p@h/d?user=a@b
		return connString, nil
	case before == 0 && !strings.Contains(rest[:end], ":"): // no password
		return connString, nil
	case before > 0 && after > 0 && bad == nil:
		return "", errDoubts
	}
	at := strings.LastIndex(rest, "@")
	user, password, has := strings.Cut(rest[:at], ":")
	if !has || strings.ContainsAny(user, "/?#@ ") || before == 0 && portAndMore.MatchString(password) ||
		escape.MatchString(password) || !hosts.MatchString(rest[at+1:]) {
		return "", errDoubts
	}
	return scheme + "://" + user + url.UserPassword("", password).String() + "@" + rest[at+1:], nil
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
	encrypted := false
	for _, w := range ways {
		encrypted = encrypted || w.TLSConfig != nil
	}
	kept := ways[:0]
	for _, w := range ways {
		if w.TLSConfig != nil || !encrypted || isSocket(w.Host) {
			kept = append(kept, w)
		}
	}
	cfg.Host, cfg.Port, cfg.TLSConfig, cfg.Fallbacks = kept[0].Host, kept[0].Port, kept[0].TLSConfig, kept[1:]
}

func isSocket(host string) bool { return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") }
