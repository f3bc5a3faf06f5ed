package ssh

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh/agent"

	"github.com/pg2db9/pg2db9/internal/sshtest"
)

// echo answers every connection with what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func open(t *testing.T, s *sshtest.Server, change func(*Options)) *Tunnel {
	t.Helper()
	o := Options{Side: "source", Address: s.Bastion(), Key: s.Key, KnownHosts: s.KnownHosts, Timeout: 5 * time.Second, Home: t.TempDir()}
	if change != nil {
		change(&o)
	}
	tunnel, err := Open(o)
	require.NoError(t, err)
	t.Cleanup(tunnel.Close)
	return tunnel
}

// said sends a text through a connection and returns what comes back.
func said(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	go func() { _, _ = c.Write([]byte(text)) }()
	got := make([]byte, len(text))
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	return string(got)
}

// M6: several connections share one login; names are resolved by the bastion;
// the far end keeps the name that it was asked for by.
func TestM6TunnelIsShared(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	s.Resolve("db.internal:5432", echo(t))
	tunnel := open(t, s, nil)
	require.Equal(t, 0, s.Logins(), "nothing is connected before it is needed")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			c, err := tunnel.DialContext(t.Context(), "tcp", "db.internal:5432")
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			if a := c.RemoteAddr(); a.Network() != "tcp" || a.String() != "db.internal:5432" {
				t.Error(a)
			}
			big := strings.Repeat("a row\n", 100_000)
			if said(t, c, big) != big {
				t.Error("bytes differ")
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, s.Logins())
	require.Equal(t, "db.internal:5432", s.Dialed()[0])
}

// M6: a tunnel that drops ends its connections with a word of it, and the next
// one is led through a new login; while the bastion is away there is an error
// that may pass.
func TestM6TunnelDrops(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	to := echo(t)
	tunnel := open(t, s, nil)
	c, err := tunnel.DialContext(t.Context(), "tcp", to)
	require.NoError(t, err)
	require.Equal(t, "x", said(t, c, "x"))
	s.Drop()
	_, err = c.Read(make([]byte, 1))
	var lost *LostError
	require.ErrorAs(t, err, &lost)
	require.ErrorContains(t, err, "the SSH tunnel by "+s.Bastion()+" was lost")
	_ = c.Close()

	s.Refuse(true)
	_, err = tunnel.DialContext(t.Context(), "tcp", to)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.False(t, failed.Final)

	s.Refuse(false)
	c, err = tunnel.DialContext(t.Context(), "tcp", to)
	require.NoError(t, err)
	require.Equal(t, "y", said(t, c, "y"))
	require.Equal(t, 2, s.Logins())
	_ = c.Close()
}

// A context, and a deadline, end a read that nothing answers; the connection can
// be used again afterwards.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	c, err := open(t, s, nil).DialContext(t.Context(), "tcp", echo(t))
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = c.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	require.Equal(t, "z", said(t, c, "z"))
}

// A tunnel that is closed ends what still goes through it, also a write that
// nobody reads.
func TestCloseEndsConnections(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	tunnel := open(t, s, nil)
	c, err := tunnel.DialContext(t.Context(), "tcp", echo(t))
	require.NoError(t, err)
	_, err = c.Write([]byte("nobody reads the answer"))
	require.NoError(t, err)
	tunnel.Close()
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
	_, err = tunnel.DialContext(t.Context(), "tcp", "h:1")
	require.ErrorContains(t, err, "the tunnel is closed")
}

// A bastion that falls silent is given up after the network timeout, though no
// byte is under way.
func TestSilentBastion(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	var silent silencer
	tunnel := open(t, s, func(o *Options) {
		o.Timeout = time.Second
		o.Dial = silent.dial
	})
	c, err := tunnel.DialContext(t.Context(), "tcp", echo(t))
	require.NoError(t, err)
	silent.fall()
	_, err = c.Read(make([]byte, 1))
	require.ErrorContains(t, err, "gave no sign for 1s (--network-timeout)")
}

// silencer swallows what a connection sends from some moment on.
type silencer struct {
	mu   sync.Mutex
	mute bool
}

func (s *silencer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	return muted{c, s}, err
}

func (s *silencer) fall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = true
}

type muted struct {
	net.Conn
	s *silencer
}

func (m muted) Write(b []byte) (int, error) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if m.s.mute {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

// The host key is checked, always: an unknown host is refused with its
// fingerprint and the line to add, which then helps; another key than the known
// one is refused in words that cannot be missed.
func TestHostKeys(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	to := echo(t)
	home := t.TempDir()
	own := filepath.Join(home, ".ssh", "known_hosts")
	require.NoError(t, os.MkdirAll(filepath.Dir(own), 0o700))
	unknown := open(t, s, func(o *Options) { o.KnownHosts, o.Home = "", home })
	_, err := unknown.DialContext(t.Context(), "tcp", to)
	var failed *Error
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.Final)
	require.ErrorContains(t, err, s.Fingerprint())
	require.ErrorContains(t, err, "then add this line to "+own+": ")
	require.Zero(t, s.Logins())

	_, line, _ := strings.Cut(err.Error(), own+": ")
	require.NoError(t, os.WriteFile(own, []byte(line+"\n"), 0o600))
	known := open(t, s, func(o *Options) { o.KnownHosts, o.Home = "", home })
	c, err := known.DialContext(t.Context(), "tcp", to)
	require.NoError(t, err, "the line helps")
	_ = c.Close()

	s.NewHostKey(t)
	s.Drop()
	_, err = known.DialContext(t.Context(), "tcp", to)
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.Final, "trying again would be of no use")
	require.ErrorContains(t, err, "is NOT the one that line 1 of "+own+" knows")

	second := sshtest.New(t)
	data, err := os.ReadFile(second.KnownHosts)
	require.NoError(t, err)
	_, key, _ := strings.Cut(string(data), " ")
	revoked := filepath.Join(home, "revoked")
	require.NoError(t, os.WriteFile(revoked, []byte("@revoked * "+key), 0o600))
	_, err = open(t, second, func(o *Options) { o.KnownHosts = revoked }).DialContext(t.Context(), "tcp", to)
	require.ErrorContains(t, err, "is revoked in line 1 of "+revoked)
}

// A host that has other kinds of key is asked for the kind that is known.
func TestHostKeyAlgorithms(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	k, err := Options{KnownHosts: s.KnownHosts}.readHostKeys()
	require.NoError(t, err)
	require.Equal(t, []string{"ssh-ed25519"}, k.algorithms(s.Addr))
	require.Nil(t, k.algorithms("other:22"))
	line, err := os.ReadFile(s.KnownHosts)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "ca")
	require.NoError(t, os.WriteFile(file, append([]byte("@cert-authority "), line...), 0o600))
	k, err = Options{KnownHosts: file}.readHostKeys()
	require.NoError(t, err)
	require.Contains(t, k.algorithms(s.Addr), "ssh-ed25519-cert-v01@openssh.com")
}

// Keys come from the agent, from a file, encrypted or not, and from the user's
// own files; each way of not having one says what to do. No passphrase shows.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	to := echo(t)
	dir := t.TempDir()
	locked, bad := filepath.Join(dir, "locked"), filepath.Join(dir, "bad")
	s.WriteKey(t, locked, []byte("open sesame"))
	require.NoError(t, os.WriteFile(bad, []byte("not a key"), 0o600))
	home := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(home, ".ssh"), 0o700))
	s.WriteKey(t, filepath.Join(home, ".ssh", "id_ed25519"), nil)
	other := sshtest.New(t)
	say := func(word string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return word, nil }
	}
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"file":              {nil, ""},
		"agent":             {func(o *Options) { o.Key, o.Agent = "", newAgent(t, s) }, ""},
		"own file":          {func(o *Options) { o.Key, o.Home = "", home }, ""},
		"encrypted":         {func(o *Options) { o.Key, o.Passphrase = locked, say("open sesame") }, ""},
		"no passphrase":     {func(o *Options) { o.Key = locked }, "is encrypted: load it into the agent (ssh-add " + locked + "), or give --source-ssh-passphrase-command"},
		"wrong passphrase":  {func(o *Options) { o.Key, o.Passphrase = locked, say("open barley") }, "not by the passphrase that the command"},
		"no key":            {func(o *Options) { o.Key = "" }, "there is no key to log in by"},
		"agent is gone":     {func(o *Options) { o.Key, o.Agent = "", filepath.Join(dir, "nothing") }, "the agent does not answer"},
		"no file":           {func(o *Options) { o.Key = filepath.Join(dir, "nothing") }, "cannot be read: no such file"},
		"no key in it":      {func(o *Options) { o.Key = bad }, "holds no private key"},
		"a stranger's key":  {func(o *Options) { o.Key = other.Key }, "does not let tunnel in by key " + other.Key},
		"another user":      {func(o *Options) { o.Address = "root@" + s.Addr }, "does not let root in by key"},
		"nobody there":      {func(o *Options) { o.Address = "tunnel@127.0.0.1:1" }, "connecting to the bastion"},
		"key beside agent":  {func(o *Options) { o.Agent = newAgent(t, s) }, ""},
		"~ in a file's way": {func(o *Options) { o.Key, o.Home = "~/.ssh/id_ed25519", home }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := open(t, s, c.change).DialContext(t.Context(), "tcp", to)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				require.NotContains(t, err.Error(), "open ")
				var failed *Error
				require.ErrorAs(t, err, &failed)
				require.Equal(t, name != "nobody there", failed.Final)
				return
			}
			require.NoError(t, err)
			_ = conn.Close()
		})
	}
}

// newAgent is an agent that holds the server's client key.
func newAgent(t *testing.T, s *sshtest.Server) string {
	t.Helper()
	ring := agent.NewKeyring()
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: s.Private}))
	path := filepath.Join(t.TempDir(), "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_ = agent.ServeAgent(ring, c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return path
}

// What the bastion cannot reach, and where it does not lead, are told apart.
func TestWhatTheBastionSays(t *testing.T) {
	t.Parallel()
	s := sshtest.New(t)
	tunnel := open(t, s, nil)
	var failed *Error
	_, err := tunnel.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "the bastion could not reach 127.0.0.1:1: ")
	require.False(t, failed.Final, "a database may come back")
	s.Forbid()
	_, err = tunnel.DialContext(t.Context(), "tcp", "db:5432")
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "AllowTcpForwarding")
	require.True(t, failed.Final)
	_, err = tunnel.DialContext(t.Context(), "unix", "/tmp/.s.PGSQL.5432")
	require.ErrorContains(t, err, "a unix socket")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err = tunnel.DialContext(ctx, "tcp", "db:5432")
	require.ErrorContains(t, err, "enough")
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]place{
		"u@h": {"u", "h", "22"}, "u@h:2222": {"u", "h", "2222"}, "ssh://u@h:2222/": {"u", "h", "2222"}, "u@[::1]:22": {"u", "::1", "22"},
		"u@::1": {"u", "::1", "22"}, "u@[::1]": {"u", "::1", "22"}, "a@b@h": {"a@b", "h", "22"},
	} {
		got, err := parseAddress(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	bare, err := parseAddress("h")
	require.NoError(t, err)
	require.NotEmpty(t, bare.user, "the one who runs the program")
	for text, want := range map[string]string{
		"@h": "user before the @ is empty", "u@": "names no host", "u@h:x": "is no port", "u@h:0": "is no port", "u:secret@h": "it holds a password", "u@h/d": "names no host",
	} {
		_, err := parseAddress(text)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "secret")
	}
	require.Equal(t, "u@[::1]:2222", place{"u", "::1", "2222"}.String())
	_, err = Open(Options{Side: "target", Address: "u@h", KnownHosts: filepath.Join(t.TempDir(), "none")})
	require.ErrorContains(t, err, "--ssh-known-hosts: ")
	require.ErrorContains(t, err, "no such file")
}
