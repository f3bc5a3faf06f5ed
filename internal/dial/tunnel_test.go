//go:build unix

package dial_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/sshtest"
)

// through opens an endpoint that is reached by a bastion.
func through(t *testing.T, s *sshtest.Server, url string) *dial.Endpoint {
	t.Helper()
	e, err := dial.Open(t.Context(), dial.Source, dial.Options{URL: url, SSH: dial.SSH{Bastion: s.Bastion(), Key: s.Key, KnownHosts: s.KnownHosts}})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	return e
}

// M6: through a bastion TLS verifies the name that the URL has, which the
// bastion alone resolves; another name is refused.
func TestM6TLSThroughABastion(t *testing.T) {
	t.Parallel()
	db, a, port := tlsServer(t)
	s := sshtest.New(t)
	s.Resolve(fmt.Sprintf("localhost:%d", port), fmt.Sprintf("127.0.0.1:%d", port))
	s.Resolve(fmt.Sprintf("db.internal:%d", port), fmt.Sprintf("127.0.0.1:%d", port))
	url := func(host string) string {
		return fmt.Sprintf("postgres://scram:s@%s:%d/%s?sslmode=verify-full&sslrootcert=%s", host, port, db.Name, a.path("ca.crt"))
	}
	e := through(t, s, url("localhost"))
	require.Equal(t, "TLS, certificate verified, by SSH through "+s.Bastion(), e.Transport())
	require.Equal(t, s.Bastion(), e.Bastion())
	conn, err := e.Connect(t.Context(), dial.Writer())
	require.NoError(t, err)
	var tls bool
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&tls))
	require.True(t, tls)
	answer, err := e.AskTLS(t.Context())
	require.NoError(t, err)
	require.Equal(t, byte('S'), answer)
	require.NoError(t, conn.Close(t.Context()))
	require.Equal(t, fmt.Sprintf("localhost:%d", port), s.Dialed()[0], "the name, not what it is here")

	_, err = through(t, s, url("db.internal")).Connect(t.Context(), dial.Writer())
	require.ErrorContains(t, err, "certificate cannot be verified")
}

// bastionTo is a server of PostgreSQL that only a bastion knows the name of.
func bastionTo(t *testing.T) (s *sshtest.Server, db *pgtest.DB, url string) {
	t.Helper()
	db = pgtest.New(t, pgtest.ClusterOptions{TCP: true}).Database(t)
	cfg, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	s = sshtest.New(t)
	s.Resolve("db.internal:5432", fmt.Sprintf("%s:%d", cfg.Host, cfg.Port))
	return s, db, "postgres://postgres@db.internal:5432/" + db.Name + "?sslmode=disable"
}

// A context ends a statement that runs, by a request to cancel that takes the
// same way; and a tunnel that drops is a lost connection like any other.
func TestCancelThroughABastion(t *testing.T) {
	t.Parallel()
	s, db, url := bastionTo(t)
	e := through(t, s, url)
	conn, err := e.Connect(t.Context(), dial.Reader())
	require.NoError(t, err)
	go func() { _, _ = conn.Exec(context.WithoutCancel(t.Context()), "SELECT pg_sleep(100)") }()
	running := "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(100)' AND state = 'active' AND datname = '" + db.Name + "'"
	require.Eventually(t, func() bool { return db.QueryString(t, running) == "1" }, 20*time.Second, 10*time.Millisecond)
	before := len(s.Dialed())
	require.NoError(t, conn.PgConn().CancelRequest(t.Context()))
	require.Eventually(t, func() bool { return db.QueryString(t, running) == "0" }, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, "db.internal:5432", s.Dialed()[before], "by the bastion, which alone knows the name")

	other, err := e.Connect(t.Context(), dial.Reader())
	require.NoError(t, err)
	s.Drop()
	_, err = other.Exec(t.Context(), "SELECT 1")
	require.Error(t, err)
	require.Equal(t, dial.Lost, dial.Classify(err), "%v", err)
	again, err := e.Connect(t.Context(), dial.Reader())
	require.NoError(t, err)
	require.NoError(t, again.Close(t.Context()))
}

// What a bastion refuses is told as it is, and not as the database's fault; it is
// not tried again for as long as a server that is away.
func TestBastionErrors(t *testing.T) {
	t.Parallel()
	s, _, url := bastionTo(t)
	for name, c := range map[string]struct {
		options dial.SSH
		want    string
		class   dial.Class
	}{
		"unknown host": {dial.SSH{Bastion: s.Bastion(), Key: s.Key, KnownHosts: os.DevNull}, "the host is not known, and its ssh-ed25519 key has the fingerprint " + s.Fingerprint(), dial.Final},
		"stranger":     {dial.SSH{Bastion: "you@" + s.Addr, Key: s.Key, KnownHosts: s.KnownHosts}, "does not let you in", dial.Final},
		"no answer":    {dial.SSH{Bastion: "you@127.0.0.1:1", Key: s.Key, KnownHosts: s.KnownHosts}, "connecting to the bastion", dial.Lost},
		"passphrase": {
			dial.SSH{Bastion: s.Bastion(), Key: locked(t, s), PassphraseCommand: "echo hunter2", KnownHosts: s.KnownHosts},
			"not by the passphrase that the command of --source-ssh-passphrase-command prints", dial.Final,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := dial.Open(t.Context(), dial.Source, dial.Options{URL: url, SSH: c.options})
			require.NoError(t, err)
			defer e.Close()
			_, err = e.Connect(t.Context(), dial.Reader())
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "check host, port and firewall")
			require.NotContains(t, err.Error(), "hunter2")
			require.Equal(t, c.class, dial.Classify(err))
		})
	}
	_, err := dial.Open(t.Context(), dial.Source, dial.Options{URL: "postgres:///d?host=/tmp", SSH: dial.SSH{Bastion: s.Bastion(), KnownHosts: s.KnownHosts}})
	require.ErrorContains(t, err, "by SSH the host is needed as the bastion sees it")
}

func locked(t *testing.T, s *sshtest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "locked")
	s.WriteKey(t, path, []byte("another"))
	return path
}

// A real sshd, where one is installed.
func TestRealSSHD(t *testing.T) {
	t.Parallel()
	sshd := "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		t.Skip("no sshd here")
	}
	_, db, _ := bastionTo(t)
	key := sshtest.New(t) // for its key pair alone
	dir := t.TempDir()
	host := filepath.Join(dir, "host")
	key.WriteKey(t, host, nil)
	signer, err := ssh.NewSignerFromKey(key.Private)
	require.NoError(t, err)
	public := string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "authorized"), []byte(public), 0o600))
	if os.Geteuid() == 0 {
		require.NoError(t, os.MkdirAll("/run/sshd", 0o755))
	}
	port := freePort(t)
	config := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
		port, host, filepath.Join(dir, "authorized"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600))
	cmd := exec.CommandContext(t.Context(), sshd, "-D", "-e", "-f", filepath.Join(dir, "config"))
	var log strings.Builder
	cmd.Stderr = &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	me, err := user.Current()
	require.NoError(t, err)
	known := filepath.Join(dir, "known_hosts")
	require.NoError(t, os.WriteFile(known, fmt.Appendf(nil, "[127.0.0.1]:%d %s", port, public), 0o600))
	e, err := dial.Open(t.Context(), dial.Source, dial.Options{
		URL: db.URL, SSH: dial.SSH{Bastion: fmt.Sprintf("%s@127.0.0.1:%d", me.Username, port), Key: key.Key, KnownHosts: known},
	})
	require.NoError(t, err)
	t.Cleanup(e.Close)
	var conn *pgx.Conn
	require.Eventually(t, func() bool { // sshd says nowhere that it listens
		conn, err = e.Connect(t.Context(), dial.Reader())
		return err == nil || dial.Classify(err) == dial.Final
	}, 20*time.Second, 50*time.Millisecond)
	require.NoError(t, err)
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_catalog.generate_series(1, 100000) g, LATERAL (SELECT repeat('x', 100)) x").Scan(&n))
	require.Equal(t, 100_000, n)
	require.NoError(t, conn.Close(t.Context()))
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
