package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A password that lives a quarter of the run: each new connection asks for it,
// the run ends well, and none of the passwords is anywhere (M9, C11). RUN_SECONDS
// makes the run as long as that: `make chaos-copier` has 60, with 5 s a password.
func TestPasswordThatExpires(t *testing.T) {
	t.Parallel()
	seconds, lives := 6, 4 // on a machine that is busy, no login takes a life of one
	if text := os.Getenv("RUN_SECONDS"); text != "" {
		var err error
		seconds, err = strconv.Atoi(text)
		require.NoError(t, err)
		lives = 12
	}
	run := time.Duration(seconds) * time.Second
	const rate = 100_000
	server := pgtest.Server(t)
	b := &bundle{source: server.Database(t), target: server.Database(t)}
	b.source.Exec(t, fmt.Sprintf(`CREATE TABLE big (id bigint PRIMARY KEY, v text NOT NULL);
		INSERT INTO big SELECT n, repeat('x', 990) FROM generate_series(1, %d) n`, seconds*rate/1000))
	dir := t.TempDir()
	file, asked := filepath.Join(dir, "secret"), filepath.Join(dir, "asked")
	var faults []db9sim.Fault
	for n := 1; n <= 12; n++ { // a connection breaks in each twelfth of the run
		faults = append(faults, db9sim.Fault{Point: "begin", Action: "reset", Nth: n * seconds / 2})
	}
	sim, err := db9sim.Start(t.Context(), db9sim.Config{
		Backend: b.target.URL, Rules: db9sim.Strict(), Faults: faults,
		Auth: db9sim.AuthConfig{PasswordFile: file, PasswordTTL: run / time.Duration(lives)},
		Link: db9sim.LinkConfig{Rate: rate},
	})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	profile := filepath.Join(dir, "small.yaml")
	require.NoError(t, os.WriteFile(profile, []byte("name: small\nbatch_bytes: 20000\n"), 0o600))
	c := b.call("clone", "--profile", profile, "--jobs", "1", "--log-level", "debug", "--skip-verify",
		"--report", filepath.Join(dir, "r.json"), "--report", filepath.Join(dir, "r.md"),
		"--target", "postgres://"+db9sim.DefaultTenant+".admin@"+sim.Addr()+"/postgres?sslmode=disable",
		"--target-password-command", "tee -a "+asked+" < "+file)
	started := time.Now()
	r := c.run(t)
	took := time.Since(started)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	b.same(t, "big")
	require.Greater(t, took, run, "the run was to outlive its passwords")
	require.NotEmpty(t, sim.Injected())

	text, err := os.ReadFile(asked)
	require.NoError(t, err)
	used := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		used[strings.TrimSpace(line)] = true
	}
	require.GreaterOrEqual(t, len(used), 3, "passwords used")
	told := r.out + r.err
	for _, name := range []string{"r.json", "r.md"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		told += string(data)
	}
	told += b.target.QueryString(t, "SELECT string_agg(r::text, ' ') FROM _pg2db9.run r")
	for secret := range used {
		require.NotEmpty(t, secret)
		require.NotContains(t, told, secret)
	}
}
