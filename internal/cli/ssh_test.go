package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/sshtest"
)

// behind puts a database behind a bastion that alone knows its name.
func behind(t *testing.T, db *pgtest.DB) (s *sshtest.Server, url string) {
	t.Helper()
	cfg, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	addr := fmt.Sprintf("%s:%d", cfg.Host, cfg.Port)
	if cfg.Host[0] == '/' {
		addr = fmt.Sprintf("%s/.s.PGSQL.%d", cfg.Host, cfg.Port)
	}
	s = sshtest.New(t)
	s.Resolve("db.internal:5432", addr)
	return s, "postgres://postgres:" + password + "@db.internal:5432/" + db.Name + "?sslmode=disable"
}

// both writes one known_hosts file of two bastions.
func both(t *testing.T, a, b *sshtest.Server) string {
	t.Helper()
	var all []byte
	for _, s := range []*sshtest.Server{a, b} {
		data, err := os.ReadFile(s.KnownHosts)
		require.NoError(t, err)
		all = append(all, data...)
	}
	file := filepath.Join(t.TempDir(), "known_hosts")
	require.NoError(t, os.WriteFile(file, all, 0o600))
	return file
}

// M6: both sides are behind bastions, under one name that leads to two servers;
// the tunnel that carries the rows drops in mid-copy, on the source or on the
// target: the run goes on, and is verified.
func TestM6TunnelDropsInMidCopy(t *testing.T) {
	t.Parallel()
	for _, drop := range []string{"source", "target"} {
		t.Run(drop, func(t *testing.T) {
			t.Parallel()
			b := setup(t, big)
			from, fromURL := behind(t, b.source)
			to, toURL := behind(t, b.target)
			dropped := from
			if drop == "target" {
				dropped = to
			}
			report := filepath.Join(t.TempDir(), "r.json")
			dropped.DropOnceAfter(drop == "target", 5<<20)
			r := run(t, "clone", "--source", fromURL, "--target", toURL, "--retry-for", "60",
				"--source-ssh", from.Bastion(), "--source-ssh-key", from.Key, "--target-ssh", to.Bastion(), "--target-ssh-key", to.Key,
				"--ssh-known-hosts", both(t, from, to), "--report", report)
			require.Equal(t, OK, r.code, r.err)
			require.Equal(t, 1, dropped.Drops())
			b.same(t, "big", "small")
			data, err := os.ReadFile(report)
			require.NoError(t, err)
			require.Contains(t, string(data), "by SSH through "+from.Bastion())
		})
	}
}

// Bastions that cannot be used: what the user wrote wrong is usage, a host key
// that is not known ends the run at once with what to do.
func TestSSHErrors(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	s, url := behind(t, b.source)
	target := withPassword(b.target.URL)
	for name, c := range map[string]struct {
		args []string
		code Code
		want string
	}{
		"no host":          {[]string{"--source-ssh", "u@"}, Usage, "--source-ssh: it names no host; expected user@host"},
		"no file":          {[]string{"--source-ssh", "u@h", "--ssh-known-hosts", "/nothing"}, Usage, "--ssh-known-hosts: open /nothing: no such file"},
		"a key for no one": {[]string{"--source-ssh-key", "k"}, Usage, "--source-ssh-key: there is no --source-ssh that it is for"},
		"a command for no one": {
			[]string{"--source-ssh", "u@h", "--source-ssh-passphrase-command", "echo " + password},
			Usage,
			"--source-ssh-passphrase-command: there is no --source-ssh-key that it is for",
		},
		"unknown host": {
			[]string{"--source-ssh", s.Bastion(), "--source-ssh-key", s.Key, "--ssh-known-hosts", os.DevNull},
			Failed,
			"its ssh-ed25519 key has the fingerprint " + s.Fingerprint(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, append([]string{"clone", "--source", url, "--target", target}, c.args...)...)
			require.Equal(t, c.code, r.code, r.err)
			require.Contains(t, r.err, c.want)
		})
	}
}

// The agent is the environment's; what continues a run names the bastion again,
// without a secret.
func TestSSHContinues(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	s, url := behind(t, b.source)
	target := withPassword(b.target.URL)
	c := call{
		args: []string{"clone", "--source", url, "--target", target, "--source-ssh", s.Bastion(), "--ssh-known-hosts", s.KnownHosts},
		env:  map[string]string{"SSH_AUTH_SOCK": filepath.Join(t.TempDir(), "nobody")},
	}
	r := c.run(t)
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.err, "the agent does not answer: name one by --source-ssh-key")

	p := newProxy(t, b.target, cutAlways(true, 1<<20))
	r = run(t, "clone", "--source", url, "--target", p.url(), "--retry-for", "1", "--source-ssh", s.Bastion(), "--source-ssh-key", s.Key, "--ssh-known-hosts", s.KnownHosts)
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), `--source "$PG2DB9_SOURCE"`)
	require.Contains(t, r.last(), "--source-ssh "+s.Bastion()+" --source-ssh-key "+s.Key+" --ssh-known-hosts "+s.KnownHosts)
}
