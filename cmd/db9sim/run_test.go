package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestRulesList(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	require.Equal(t, done, run(t.Context(), []string{"--rules", "list"}, &out, &errs), errs.String())
	for _, r := range db9sim.Rules() {
		require.Regexp(t, `(?m)^`+r.Name+` +`+string(r.Kind)+` +`+string(r.Mark)+` +`+r.Section+` `, out.String())
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "rules")
	require.NoError(t, os.WriteFile(file, []byte("documented # as published\n-smallint\n\nlisten\n"), 0o600))
	o, err := parse([]string{
		"--backend", "postgres://localhost/x", "--rules", file, "--allow", "real", "--deny", "cursors", "--rtt", "20ms", "--wan",
		"--rate", "1MB", "--tls", "required", "--auth", "t1.admin", "--password-ttl", "5s", "--fault", "before-commit:commit-lost,nth=3", "--time-scale", "0.1",
	}, io.Discard)
	require.NoError(t, err)
	c := o.config
	require.False(t, c.Rules.On("smallint"))
	require.False(t, c.Rules.On("real"))
	require.False(t, c.Rules.On("copy-query"), "not published")
	require.True(t, c.Rules.On("cursors"))
	require.True(t, c.Rules.On("char"))
	require.Equal(t, 10*time.Millisecond, c.Link.Delay)
	require.EqualValues(t, 1_000_000, c.Link.Rate)
	require.Equal(t, 250*time.Millisecond, c.Link.Setup)
	require.Equal(t, db9sim.TLSRequired, c.TLS)
	require.Equal(t, "t1", c.Auth.Tenant)
	require.Equal(t, 5*time.Second, c.Auth.PasswordTTL)
	require.Equal(t, "commit-lost", c.Faults[0].Action)
}

func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "--backend is missing"},
		{[]string{"--backend", "postgres://x/y", "--allow", "no-such-rule"}, `no rule is named "no-such-rule"`},
		{[]string{"--backend", "postgres://x/y", "--rules", "/no/such/file"}, "neither strict, documented, none nor a file"},
		{[]string{"--backend", "postgres://x/y", "--fault", "nowhere:reset"}, "nowhere"},
		{[]string{"--backend", "postgres://x/y", "--password", "NO_SUCH_VARIABLE_OF_DB9SIM"}, "no such variable"},
		{[]string{"more"}, `unknown argument "more"`},
	} {
		var errs bytes.Buffer
		require.Equal(t, misused, run(t.Context(), c.args, io.Discard, &errs))
		require.Contains(t, errs.String(), c.want)
	}
}

// The command tells where it is, without a password, and ends with its context.
func TestServes(t *testing.T) {
	t.Setenv("DB9SIM_TEST_PASSWORD", "sesame-7")
	db := pgtest.Server(t).Database(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"--backend", db.URL, "--listen", "127.0.0.1:0", "--rules", "documented", "--password", "DB9SIM_TEST_PASSWORD"}, in, &errs)
		_ = in.Close()
	}()
	line := make([]byte, 500)
	n, err := out.Read(line)
	require.NoError(t, err, errs.String())
	text := strings.TrimSpace(string(line[:n]))
	require.NotContains(t, text, "sesame-7")
	_, url, ok := strings.Cut(text, " at ")
	require.True(t, ok, text)
	cfg, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	cfg.Password = "sesame-7"
	conn, err := pgx.ConnectConfig(ctx, cfg)
	require.NoError(t, err)
	_, err = conn.Exec(ctx, "LISTEN x")
	require.ErrorContains(t, err, "0A000")
	require.NoError(t, conn.Close(ctx))
	cancel()
	require.Equal(t, done, <-ended)
	require.Empty(t, errs.String())
}
