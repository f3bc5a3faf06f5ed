package db9sim_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// with is a stand-in's URL with some parts changed.
func with(t *testing.T, sim *db9sim.Sim, change func(*url.URL)) string {
	t.Helper()
	u, err := url.Parse(sim.URL())
	require.NoError(t, err)
	change(u)
	return u.String()
}

// sslmode is a stand-in's URL with another sslmode, and more parameters.
func sslmode(t *testing.T, sim *db9sim.Sim, mode string) string {
	t.Helper()
	return with(t, sim, func(u *url.URL) { u.RawQuery = "sslmode=" + mode })
}

// try connects and asks something, and gives the SQLSTATE of a refusal.
func try(t *testing.T, connString string) (code string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, connString)
	if err == nil {
		_, err = conn.Exec(ctx, "SELECT 1")
		_ = conn.Close(ctx)
	}
	return sqlState(err), err
}

// sqlState is that of a server's error, "" for any other.
func sqlState(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func TestTLS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		mode           db9sim.TLSMode
		plain, require string // "" is admitted, else an SQLSTATE or a part of the error
	}{
		{"off", db9sim.TLSOff, "", "server refused TLS"},
		{"on", db9sim.TLSOn, "", ""},
		{"required", db9sim.TLSRequired, "28000", ""},
		{"refused", db9sim.TLSRefused, "", "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sim, _ := start(t, db9sim.Config{Rules: db9sim.None(), TLS: c.mode})
			for mode, want := range map[string]string{"disable": c.plain, "require": c.require} {
				code, err := try(t, sslmode(t, sim, mode))
				switch {
				case want == "":
					require.NoError(t, err, mode)
				case len(want) == 5:
					require.Equal(t, want, code, "%s: %v", mode, err)
				default:
					require.ErrorContains(t, err, want, mode)
				}
			}
			_, err := try(t, sim.URL())
			require.NoError(t, err)
		})
	}
}

func TestTLSCanBeVerified(t *testing.T) {
	t.Parallel()
	sim, _ := start(t, db9sim.Config{Rules: db9sim.None(), TLS: db9sim.TLSOn})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, sim.Authority(), 0o600))
	_, err := try(t, sslmode(t, sim, "verify-full&sslrootcert="+url.QueryEscape(ca)))
	require.NoError(t, err)
	_, err = try(t, sslmode(t, sim, "verify-full"))
	require.ErrorContains(t, err, "certificate")
}

func TestParseTLSMode(t *testing.T) {
	t.Parallel()
	m, err := db9sim.ParseTLSMode("required")
	require.NoError(t, err)
	require.Equal(t, db9sim.TLSRequired, m)
	_, err = db9sim.ParseTLSMode("maybe")
	require.Error(t, err)
}

func proveTenantUsers(t *testing.T) {
	t.Parallel()
	on, db := start(t, db9sim.Config{Rules: rules(t, "tenant-users")})
	off, _ := start(t, db9sim.Config{Rules: db9sim.None()})
	db.Exec(t, "DROP ROLE IF EXISTS db9sim_second; CREATE ROLE db9sim_second LOGIN")
	t.Cleanup(func() { db.Exec(t, "DROP ROLE db9sim_second") })
	as := func(sim *db9sim.Sim, user string) (who, code string) {
		conn, err := pgx.Connect(t.Context(), with(t, sim, func(u *url.URL) { u.User = url.User(user) }))
		if err != nil {
			return "", sqlState(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT session_user").Scan(&who))
		return who, ""
	}
	super, _ := as(on, db9sim.DefaultTenant+".admin")
	require.NotEmpty(t, super)
	require.NotEqual(t, "db9sim_second", super)
	second, _ := as(on, db9sim.DefaultTenant+".db9sim_second")
	require.Equal(t, "db9sim_second", second)
	for _, user := range []string{"admin", "db9sim_second", db9sim.DefaultTenant + ".", ".admin", "other.admin", db9sim.DefaultTenant + ":admin"} {
		_, code := as(on, user)
		require.Equal(t, "28000", code, user)
	}
	_, code := as(on, db9sim.DefaultTenant+".nobody_of_this_name")
	require.Equal(t, "28000", code) // PostgreSQL's own, of a role that does not exist

	plain, _ := as(off, "db9sim_second")
	require.Equal(t, "db9sim_second", plain)
	_, code = as(off, db9sim.DefaultTenant+".admin")
	require.Equal(t, "28000", code)
}

func proveDatabasePostgres(t *testing.T) {
	t.Parallel()
	on, db := start(t, db9sim.Config{Rules: rules(t, "database-postgres")})
	off, other := start(t, db9sim.Config{Rules: db9sim.None()})
	in := func(sim *db9sim.Sim, name string) (is, code string) {
		conn, err := pgx.Connect(t.Context(), with(t, sim, func(u *url.URL) { u.Path = "/" + name }))
		if err != nil {
			return "", sqlState(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		rows, err := conn.Query(t.Context(), "SELECT datname FROM pg_stat_activity WHERE pid = pg_backend_pid()")
		require.NoError(t, err)
		is, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return is, ""
	}
	is, _ := in(on, "postgres")
	require.Equal(t, db.Name, is)
	_, code := in(on, db.Name)
	require.Equal(t, "3D000", code)

	is, _ = in(off, "postgres")
	require.Equal(t, other.Name, is)
	is, _ = in(off, db.Name)
	require.Equal(t, db.Name, is)
	_, code = in(off, "no_such_database")
	require.Equal(t, "3D000", code)
}

// The password is asked for as the rule says, over TLS and without.
func proveCleartextPassword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		rules   *db9sim.RuleSet
		require string // an authentication method that works
		refuse  string // and one that cannot
	}{
		{"clear text", rules(t, "cleartext-password"), "password", "scram-sha-256"},
		{"SCRAM", db9sim.None(), "scram-sha-256", "password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sim, _ := start(t, db9sim.Config{
				Rules: c.rules, TLS: db9sim.TLSOn,
				Auth: db9sim.AuthConfig{Password: func() string { return "open, sesame" }},
			})
			for _, mode := range []string{"disable", "require"} {
				_, err := try(t, sslmode(t, sim, mode+"&require_auth="+c.require))
				require.NoError(t, err)
				_, err = try(t, sslmode(t, sim, mode+"&require_auth="+c.refuse))
				require.ErrorContains(t, err, "require_auth")
			}
			for _, wrong := range []string{"open sesame", "", "x"} {
				code, err := try(t, with(t, sim, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), wrong) }))
				if wrong == "" {
					require.Error(t, err) // pgx may find that out itself
					continue
				}
				require.Equal(t, "28P01", code, "%v", err)
				require.NotContains(t, err.Error(), "sesame")
			}
		})
	}
}

// Who is in stays in; who comes later needs the new password.
func TestPasswordsExpire(t *testing.T) {
	t.Parallel()
	var now atomic.Value
	now.Store("first")
	sim, _ := start(t, db9sim.Config{
		Rules: rules(t, "cleartext-password"),
		Auth:  db9sim.AuthConfig{Password: func() string { return now.Load().(string) }, PasswordTTL: 1500 * time.Millisecond},
	})
	first := sim.URL()
	conn, err := pgx.Connect(t.Context(), first)
	require.NoError(t, err)
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	require.Eventually(t, func() bool {
		code, _ := try(t, first)
		return code == "28P01"
	}, 10*time.Second, 100*time.Millisecond)
	_, err = conn.Exec(t.Context(), "SELECT 1")
	require.NoError(t, err)

	now.Store("second")
	_, err = try(t, sim.URL())
	require.NoError(t, err)
	code, _ := try(t, first)
	require.Equal(t, "28P01", code)
}

func TestPasswordFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	sim, _ := start(t, db9sim.Config{
		Rules: rules(t, "cleartext-password"),
		Auth:  db9sim.AuthConfig{PasswordFile: file, PasswordTTL: 300 * time.Millisecond},
	})
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	seen := map[string]bool{}
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		password := strings.TrimSpace(string(text))
		_, err = try(t, with(t, sim, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), password) }))
		if err == nil {
			seen[password] = true
		}
		return len(seen) >= 3
	}, 15*time.Second, 100*time.Millisecond)
	for password := range seen { // the last may still be the one, and that of before it
		if _, err := try(t, with(t, sim, func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), password) })); err != nil {
			require.Equal(t, "28P01", sqlState(err))
			delete(seen, password)
		}
	}
	require.LessOrEqual(t, len(seen), 2)
}

func proveConnectionCap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules *db9sim.RuleSet
		want  string
	}{"on": {rules(t, "connection-cap"), "53300"}, "off": {db9sim.None(), ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, _ := start(t, db9sim.Config{Rules: c.rules, MaxConnections: 2})
			first, _ := connect(t, sim), connect(t, sim)
			code, err := try(t, sim.URL())
			require.Equal(t, c.want, code, "%v", err)
			require.NoError(t, first.Close(t.Context()))
			require.Eventually(t, func() bool {
				_, err := try(t, sim.URL())
				return err == nil
			}, 10*time.Second, 50*time.Millisecond)
		})
	}
}

// A client's key is the backend's, so what it cancels ends.
func TestCancelRequest(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]db9sim.TLSMode{"plaintext": db9sim.TLSOff, "TLS": db9sim.TLSRequired} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, db := start(t, db9sim.Config{Rules: db9sim.None(), TLS: mode, Faults: forced})
			conn := connect(t, sim)
			done := make(chan error, 1)
			go func() {
				_, err := conn.Exec(t.Context(), "SELECT pg_sleep(60)")
				done <- err
			}()
			require.Eventually(t, func() bool {
				return db.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(60)' AND pid <> pg_backend_pid()") == "1"
			}, 10*time.Second, 50*time.Millisecond)
			require.NoError(t, conn.PgConn().CancelRequest(t.Context()))
			var refused *pgconn.PgError
			require.ErrorAs(t, <-done, &refused)
			require.Equal(t, "57014", refused.Code)
		})
	}
}

// The whole stand-in is a link away.
func TestLink(t *testing.T) {
	t.Parallel()
	sim, _ := start(t, db9sim.Config{
		Rules: db9sim.None(), TLS: db9sim.TLSOn,
		Link: db9sim.LinkConfig{Delay: 40 * time.Millisecond, Setup: 100 * time.Millisecond},
	})
	begin := time.Now()
	conn := connect(t, sim)
	// TLS asked for, TLS 1.3, and the startup message: a round trip each.
	require.GreaterOrEqual(t, time.Since(begin), 100*time.Millisecond+3*80*time.Millisecond)
	begin = time.Now()
	_, err := conn.Exec(t.Context(), "SELECT 1")
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(begin), 80*time.Millisecond)
}

// What is no client ends, and is in nobody's way.
func TestGarbageBeforeTheHandshake(t *testing.T) {
	t.Parallel()
	sim, _ := start(t, db9sim.Config{Rules: db9sim.None()})
	conn, err := net.Dial("tcp", sim.Addr())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = conn.Read(make([]byte, 1))
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Error(t, err)
	_, err = try(t, sim.URL())
	require.NoError(t, err)
}
