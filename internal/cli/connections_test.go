//go:build unix

package cli

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// rotating is a role on a server with passwords, and a file that holds the
// present one. Its connections go by way of a proxy that breaks one of them, and
// changes the password at that moment.
type rotating struct {
	db     *pgtest.DB
	name   string
	file   string
	mu     sync.Mutex
	number int
}

func newRotating(t *testing.T, db *pgtest.DB, name string) *rotating {
	t.Helper()
	r := &rotating{db: db, name: name, file: filepath.Join(t.TempDir(), "secret")}
	db.Exec(t, "CREATE ROLE "+name+" SUPERUSER LOGIN")
	r.rotate(t)
	return r
}

// rotate changes the password on the server and in the file.
func (r *rotating) rotate(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	r.db.Exec(t, fmt.Sprintf("ALTER ROLE %s PASSWORD '%s-%d'", r.name, password, r.number))
	require.NoError(t, os.WriteFile(r.file, fmt.Appendf(nil, "%s-%d\n", password, r.number), 0o600))
}

// url connects by way of the proxy, with the password as it is now.
func (r *rotating) url(t *testing.T, toServer bool) string {
	t.Helper()
	once := cutOnce(toServer, 5<<20)
	p := newProxy(t, r.db, func(conn int64, to bool, data []byte) bool {
		if once(conn, to, data) {
			return true
		}
		r.rotate(t)
		return false
	})
	return "postgres://" + r.name + ":" + password + "-1" + p.url()[strings.LastIndex(p.url(), "@"):]
}

// M9: the password of either side is changed in mid-run, when a connection
// breaks: the run goes on with what the command prints then.
func TestM9PasswordIsRotatedInMidRun(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true})
	b := &bundle{source: server.Database(t), target: server.Database(t)}
	b.source.Exec(t, big)
	from, to := newRotating(t, b.source, "reading"), newRotating(t, b.target, "writing")
	r := run(t, "clone", "--source", from.url(t, false), "--target", to.url(t, true), "--retry-for", "60",
		"--source-password-command", "cat "+from.file, "--target-password-command", "cat "+to.file)
	require.Equal(t, OK, r.code, r.err)
	require.Equal(t, []int{2, 2}, []int{from.number, to.number}, "changed in the run")
	b.same(t, "big", "small")
}

// C11: without a command a password that was changed ends what needs a new
// connection, and the message says what would have helped.
func TestC11ChangedPasswordWithoutACommand(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true})
	b := &bundle{source: server.Database(t), target: server.Database(t)}
	b.source.Exec(t, big)
	to := newRotating(t, b.target, "writing")
	r := run(t, "clone", "--source", b.source.URL, "--target", to.url(t, true))
	require.Equal(t, Failed, r.code, r.err) // nothing could be verified either
	require.Contains(t, r.last(), "28P01")
	require.Contains(t, r.last(), "for one that changes, --target-password-command")
}

// A static token that ends before the run may is a finding; a command is not.
func TestStaticTokenIsWarnedOf(t *testing.T) {
	t.Parallel()
	part := base64.RawURLEncoding.EncodeToString
	token := part([]byte(`{"alg":"none"}`)) + "." + part(fmt.Appendf(nil, `{"exp":%d}`, time.Now().Add(10*time.Minute).Unix())) + ".x"
	b := setup(t, "CREATE TABLE t (id int)")
	target := strings.Replace(withPassword(b.target.URL), password, token, 1)
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", target, "--dry-run")
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.out+r.err, "password.expires")
	require.Contains(t, r.out+r.err, "--target-password-command")
	require.NotContains(t, r.out+r.err, token)

	r = run(t, "clone", "--source", withPassword(b.source.URL), "--target", b.target.URL, "--target-password-command", "echo "+token, "--dry-run")
	require.Equal(t, OK, r.code, r.err)
	require.NotContains(t, r.out+r.err, "password.expires")
	require.NotContains(t, r.out+r.err, token)
}

// Commands for secrets come by flag, environment and file alike, for a URL too,
// and reports do not hold them: they may hold a secret themselves.
func TestSecretCommands(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("target-url-command: echo '"+withPassword(b.target.URL)+"'\n"), 0o600))
	report := filepath.Join(t.TempDir(), "r.json")
	c := call{
		args: []string{"clone", "--config", file, "--source", b.source.URL, "--report", report, "--json"},
		env:  map[string]string{"PG2DB9_SOURCE_PASSWORD_COMMAND": "echo " + password},
	}
	r := c.run(t)
	require.Equal(t, OK, r.code, r.err)
	data, err := os.ReadFile(report)
	require.NoError(t, err)
	noSecret(t, string(data))
	require.Contains(t, string(data), "target-url-command=***")

	for name, c := range map[string]struct {
		args []string
		code Code
		want string
	}{
		"both":      {[]string{"--target", someTarget, "--target-url-command", "echo " + someTarget}, Usage, "--target and --target-url-command: give one of them"},
		"no URL":    {[]string{"--target-url-command", "echo mysql://u:" + password + "@h/d"}, Usage, `--target-url-command: the target's connection string cannot be used: its scheme is "mysql"`},
		"fails":     {[]string{"--target-url-command", "echo " + password + " >&2; exit 4"}, Failed, "the command of --target-url-command ended with exit status 4; run it by hand"},
		"timeout":   {[]string{"--target", someTarget, "--network-timeout", "0"}, Usage, "--network-timeout: must be 1 to 86400 seconds, not 0"},
		"no number": {[]string{"--target", someTarget, "--network-timeout", "1m"}, Usage, `--network-timeout: must be a whole number, not "1m"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, append([]string{"clone", "--source", withPassword(b.source.URL)}, c.args...)...)
			require.Equal(t, c.code, r.code, r.err)
			require.Contains(t, r.err, c.want)
		})
	}
}

// C7: a target that turns read-only in mid-run is tried for as long as the user
// says, and then named with what to do.
func TestC7TargetTurnsReadOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	once := cutOnce(true, 5<<20)
	p := newProxy(t, b.target, func(conn int64, to bool, data []byte) bool {
		if once(conn, to, data) {
			return true
		}
		b.target.Exec(t, "ALTER DATABASE "+b.target.Name+" SET default_transaction_read_only = on")
		return false
	})
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", p.url(), "--jobs", "1", "--retry-for", "1")
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "25006")
	require.Contains(t, r.last(), "the server takes no writes: name the primary")
	require.Contains(t, r.err, "again in", "it was tried again")

	conn := b.target.Conn(t)
	for _, sql := range []string{"SET default_transaction_read_only = off", "ALTER DATABASE " + b.target.Name + " RESET default_transaction_read_only"} {
		_, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	b.followNext(t, r.last())
	b.same(t, "big", "small")
}
