//go:build unix

package dial_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// vault is a file with the present secret, and a command that prints it and
// leaves a mark for every time that it was asked.
type vault struct {
	dir  string
	line string // the command
}

func newVault(t *testing.T, secret string) *vault {
	t.Helper()
	v := &vault{dir: t.TempDir()}
	v.line = fmt.Sprintf("echo x >> %[1]s/asked; cat %[1]s/secret", v.dir)
	v.put(t, secret)
	return v
}

func (v *vault) put(t *testing.T, secret string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(v.dir, "secret"), []byte(secret+"\n"), 0o600))
}

func (v *vault) asked(t *testing.T) int {
	t.Helper()
	marks, err := os.ReadFile(filepath.Join(v.dir, "asked"))
	if os.IsNotExist(err) {
		return 0
	}
	require.NoError(t, err)
	return strings.Count(string(marks), "x")
}

func withCommand(t *testing.T, url, line string) *dial.Endpoint {
	t.Helper()
	e, err := dial.Open(t.Context(), dial.Target, dial.Options{URL: url, PasswordCommand: line})
	require.NoError(t, err)
	return e
}

func connects(t *testing.T, e *dial.Endpoint) error {
	t.Helper()
	conn, err := e.Connect(t.Context(), dial.Asker())
	if err != nil {
		return err
	}
	return conn.Close(t.Context())
}

// C11: the command is asked at each connect; a password that expired on the way
// is asked for once more, and no more often than that.
func TestC11PasswordIsAskedForAtEachConnect(t *testing.T) {
	t.Parallel()
	v := newVault(t, "first")
	valid := "first"
	f := startFront(t, &front{password: func(p string) bool { return p == valid }})
	e := withCommand(t, f.url(), v.line).WithCommandTimes(time.Minute, 0)
	require.Zero(t, v.asked(t), "nobody connected yet")
	for want := 1; want <= 3; want++ {
		require.NoError(t, connects(t, e))
		require.Equal(t, want, v.asked(t))
	}
	valid = "second"
	v.put(t, "second")
	require.NoError(t, connects(t, e))
	require.Equal(t, 4, v.asked(t))
	require.Zero(t, f.refused)

	valid = "third" // the command does not know it
	err := connects(t, e)
	require.Equal(t, "28P01", dial.SQLState(err))
	require.ErrorContains(t, err, "the command for the secret was asked twice: run it by hand")
	require.Equal(t, 6, v.asked(t))
	require.Equal(t, 2, f.refused)
	require.NotContains(t, err.Error(), "second")
}

// C11: an answer that others were just given is not taken again when the server
// has refused it.
func TestC11RefusedAnswerIsNotShared(t *testing.T) {
	t.Parallel()
	v := newVault(t, "old")
	f := startFront(t, &front{password: func(p string) bool { return p == "new" }})
	e := withCommand(t, f.url(), "if [ -e "+v.dir+"/asked ]; then echo new; else "+v.line+"; fi").WithCommandTimes(time.Minute, time.Hour)
	require.NoError(t, connects(t, e))
	require.Equal(t, 1, f.refused)
	require.NoError(t, connects(t, e), "the new one is shared")
	require.Equal(t, 1, f.refused)
}

// Jobs that connect at once share one answer: services that hand tokens out
// count the requests.
func TestConnectsAtOnceShareAnAnswer(t *testing.T) {
	t.Parallel()
	v := newVault(t, "secret")
	f := startFront(t, &front{password: func(p string) bool { return p == "secret" }})
	e := withCommand(t, f.url(), v.line).WithCommandTimes(time.Minute, time.Minute)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			conn, err := e.Connect(t.Context(), dial.Asker())
			if errs[i] = err; err == nil {
				errs[i] = conn.Close(t.Context())
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 1, v.asked(t))
}

// M9: a password that is changed on the server in mid-run (Heroku), or a token
// that was replaced (IAM): the next connect has the new one.
func TestM9PasswordIsRotated(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true})
	db := c.Database(t)
	db.Exec(t, "CREATE ROLE rotating LOGIN PASSWORD 'p-one'")
	t.Cleanup(func() { db.Exec(t, "DROP ROLE rotating") })
	v := newVault(t, "p-one")
	at := strings.LastIndex(db.URL, "@")
	e := withCommand(t, "postgres://rotating:void"+db.URL[at:], v.line).WithCommandTimes(time.Minute, time.Minute)
	require.NoError(t, connects(t, e))
	for _, next := range []string{"p-two", "p'th@ree?"} {
		db.Exec(t, "ALTER ROLE rotating PASSWORD '"+strings.ReplaceAll(next, "'", "''")+"'")
		v.put(t, next)
		require.NoError(t, connects(t, e))
	}
	require.Equal(t, 3, v.asked(t))
}

// What a command does wrong is one message that holds nothing of what it
// printed, and comes in time.
func TestCommandErrors(t *testing.T) {
	t.Parallel()
	f := startFront(t, &front{})
	for name, c := range map[string]struct{ line, want string }{
		"status":      {"echo s3cr3t; echo s3cr3t >&2; exit 3", "ended with exit status 3"},
		"not there":   {"no-such-program-s3cr3t", "ended with exit status 127"},
		"nothing":     {"true", "printed nothing"},
		"empty line":  {"echo; echo s3cr3t", "printed nothing on its first line"},
		"too much":    {"while :; do echo s3cr3t; done", "printed more than 65536 bytes"},
		"hangs":       {"echo s3cr3t; sleep 600", "gave no answer within 500ms"},
		"left behind": {"sleep 5 & echo s3cr3t", "ended, but something that it started still holds its output open"},
		"its shell":   {"echo 's3cr3t", "ended with exit status 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := withCommand(t, f.url(), c.line)
			timeout := 20 * time.Second
			if name == "hangs" {
				timeout = 500 * time.Millisecond
			}
			err := connects(t, e.WithCommandTimes(timeout, 0))
			var ce *dial.CommandError
			require.ErrorAs(t, err, &ce)
			require.ErrorContains(t, err, "the command of --target-password-command "+c.want)
			require.ErrorContains(t, err, "run it by hand")
			require.NotContains(t, err.Error(), "s3cr3t")
			require.Equal(t, dial.Retry, dial.Classify(err))
		})
	}
}

// The user's interrupt ends a command.
func TestCommandIsCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := withCommand(t, "postgres://h/d", "echo > "+dir+"/started; sleep 600")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := e.Connect(ctx, dial.Asker()); done <- err }()
	require.Eventually(t, func() bool { _, err := os.Stat(dir + "/started"); return err == nil }, 20*time.Second, 5*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
}

// Line ends of every system are no part of a password; blanks are.
func TestFirstLineOfACommand(t *testing.T) {
	t.Parallel()
	var got string
	f := startFront(t, &front{password: func(p string) bool { got = p; return true }})
	for line, want := range map[string]string{
		`printf 'a b '`:                  "a b ",
		`printf 'secret\r\nexpires\r\n'`: "secret",
		`printf '@:/?#%%&+ \047"\\'`:     `@:/?#%&+ '"\`,
	} {
		require.NoError(t, connects(t, withCommand(t, f.url(), line)))
		require.Equal(t, want, got)
	}
}

// A command for the whole URL may bring another password, user and host, but
// not another database or tenant, nor a way without TLS; and what it prints is
// read as strictly as what is written.
func TestURLCommand(t *testing.T) {
	t.Parallel()
	f := startFront(t, &front{password: func(p string) bool { return p == "right" }})
	moved := startFront(t, &front{})
	url := func(f *front, user, password, database string) string {
		return fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, password, f.listener.Addr(), database)
	}
	v := newVault(t, url(f, "tenant.admin", "right", "postgres"))
	e, err := dial.Open(t.Context(), dial.Target, dial.Options{URLCommand: v.line})
	require.NoError(t, err)
	require.Equal(t, 1, v.asked(t))
	require.Equal(t, fmt.Sprintf("postgres://tenant.admin@%s/postgres", f.listener.Addr()), e.String())
	require.True(t, e.Renewed())
	e = e.WithCommandTimes(time.Minute, 0)
	require.NoError(t, connects(t, e))
	require.Equal(t, 2, v.asked(t))

	v.put(t, url(moved, "tenant.loader", "other", "postgres"))
	require.NoError(t, connects(t, e), "a failover")
	for text, want := range map[string]string{
		url(f, "tenant.admin", "right", "other"):                    "now names another database than at the start",
		url(f, "stranger.admin", "right", "postgres"):               "now names another tenant",
		"postgres://tenant.admin:s3cr3t@x/y@h/postgres":             "what --target-url-command printed: the target's connection string cannot be used",
		"mysql://tenant.admin:s3cr3t@h/postgres":                    `its scheme is "mysql"`,
		`{"url": "postgres://tenant.admin:s3cr3t@h:port/postgres"}`: "cannot be used",
	} {
		v.put(t, text)
		err := connects(t, e)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "s3cr3t")
		require.NotContains(t, err.Error(), "right")
	}

	v.put(t, "postgres://tenant.admin:s3cr3t@h/postgres")
	e, err = dial.Open(t.Context(), dial.Target, dial.Options{URLCommand: v.line})
	require.NoError(t, err)
	require.Equal(t, "TLS, certificate not verified", e.Transport())
	v.put(t, "postgres://tenant.admin:s3cr3t@h/postgres?sslmode=disable")
	require.ErrorContains(t, connects(t, e.WithCommandTimes(time.Minute, 0)), "another way, without TLS")

	v.put(t, "postgres://tenant.admin:s3cr3t@h/postgres?sslmode=verify-full")
	e, err = dial.Open(t.Context(), dial.Target, dial.Options{URLCommand: v.line})
	require.NoError(t, err)
	require.Equal(t, "TLS, certificate verified", e.Transport())
	for _, less := range []string{"require", "verify-ca"} {
		v.put(t, "postgres://tenant.admin:s3cr3t@h/postgres?sslmode="+less)
		require.ErrorContains(t, connects(t, e.WithCommandTimes(time.Minute, 0)), "another way, without the proof of the server's certificate")
	}

	_, err = dial.Open(t.Context(), dial.Source, dial.Options{URLCommand: "exit 1"})
	require.ErrorContains(t, err, "the command of --source-url-command ended with exit status 1")
}
