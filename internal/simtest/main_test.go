package simtest_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/cli"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The exit codes that a clone may end with here.
const (
	done    = 0
	blocked = 4
)

// all asks for every database under every set of rules.
func all() bool { return os.Getenv("PG2DB9_SIMULATED_ALL") == "1" }

// before starts a stand-in with these rules before a database.
func before(t *testing.T, backend *pgtest.DB, rules *db9sim.RuleSet) *db9sim.Sim {
	t.Helper()
	// What the stand-in itself could not do is in its log.
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: backend.URL, Rules: rules, Log: log})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	return sim
}

// cloned is a clone that came to its end.
type cloned struct {
	code   int
	rep    report.Report
	stdout string
	stderr string
}

// clone runs the command as a user does.
func clone(t *testing.T, source *pgtest.DB, target string, more ...string) cloned {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	args := append([]string{
		"clone", "--source", source.URL, "--target", target, "--no-progress", "--report", file, "--retry-for", "10",
	}, more...)
	var out, stderr buffer
	c := cloned{code: cli.Main(t.Context(), args, cli.Streams{Out: &out, Err: &stderr})}
	c.stdout, c.stderr = out.String(), stderr.String()
	data, err := os.ReadFile(file)
	require.NoError(t, err, "exit %d: %s", c.code, c.stderr)
	require.NoError(t, json.Unmarshal(data, &c.rep))
	return c
}

// blocking are the findings that block.
func (c cloned) blocking() []finding.Finding {
	var out []finding.Finding
	for _, f := range c.rep.Findings {
		if f.Severity == finding.Block {
			out = append(out, f.Finding)
		}
	}
	return out
}

// accepts are options that accept all that blocks.
func (c cloned) accepts() []string {
	seen := map[finding.Code]bool{}
	var args []string
	for _, f := range c.blocking() {
		if !seen[f.Code] {
			args = append(args, "--accept", string(f.Code))
		}
		seen[f.Code] = true
	}
	return args
}

// run clones through a stand-in with these rules to an empty database, which it
// returns. Where findings block, nothing may be written; then all that blocks is
// accepted, so that the rest is looked at too. At the end every verdict is a
// match.
func run(t *testing.T, source *pgtest.DB, rules *db9sim.RuleSet) (c cloned, target *pgtest.DB) {
	t.Helper()
	target = pgtest.Server(t).Database(t)
	sim := before(t, target, rules)
	options := []string{"--probe-cache", t.TempDir()}
	if !rules.On("version") { // it does not say that it is a DB9, so the user does
		options = []string{"--profile", "db9", "--probe", "always"}
	}
	c = clone(t, source, sim.URL(), options...)
	if c.code == blocked {
		requireUntouched(t, target)
		require.NotEmpty(t, c.blocking(), "exit 4 without a finding that blocks")
		for _, f := range c.blocking() {
			require.NotEmpty(t, f.Message)
			t.Logf("%s: blocked [%s] %s: %s", rules.Name(), f.Code, f.Object, f.Message)
		}
		c = clone(t, source, sim.URL(), append(options, c.accepts()...)...)
	}
	require.Equal(t, done, c.code, "%s: exit %d: %s\n%s", rules.Name(), c.code, c.rep.Message, c.troubles())
	c.requireMatches(t)
	return c, target
}

// troubles are the parts of a report that say why a run did not end well.
func (c cloned) troubles() string {
	var b strings.Builder
	for _, x := range c.rep.Tables {
		if x.Verdict != "match" {
			b.WriteString("table " + x.Target + ": " + x.Verdict + " " + x.Error + " " + x.Detail + "\n")
		}
	}
	for _, x := range c.rep.Sequences {
		if x.Verdict != "match" {
			b.WriteString("sequence " + x.Target + ": " + x.Verdict + " " + x.Detail + " " + x.ErrorMsg + "\n")
		}
	}
	for _, x := range c.rep.Statements {
		if x.Status == report.StatementFailed {
			b.WriteString("statement " + x.ID + ": " + x.Reason + "\n  " + x.SQL + "\n")
		}
	}
	for _, f := range c.blocking() {
		b.WriteString("blocked [" + string(f.Code) + "] " + f.Object.String() + ": " + f.Message + "\n")
	}
	b.WriteString(c.stderr)
	return b.String()
}

// requireMatches fails where any verdict is not a match.
func (c cloned) requireMatches(t *testing.T) {
	t.Helper()
	require.NotEmpty(t, c.rep.Tables)
	for _, x := range c.rep.Tables {
		if x.Read == report.Uncounted { // a partitioned table has no rows of its own
			continue
		}
		require.Equal(t, "match", x.Verdict, "%s\n%s", x.Target, c.troubles())
	}
	for _, x := range c.rep.Sequences {
		require.Equal(t, "match", x.Verdict, "%s\n%s", x.Target, c.troubles())
	}
}

// requireUntouched fails where a target holds anything that a fresh database
// does not, but for what the stand-in itself installs.
func requireUntouched(t *testing.T, target *pgtest.DB) {
	t.Helper()
	require.Empty(t, target.QueryString(t, `
		SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^(pg_|_db9sim)' AND nspname NOT IN ('information_schema', 'public')
		UNION ALL SELECT 'extension', extname FROM pg_extension WHERE extname <> 'plpgsql'
		UNION ALL SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
		UNION ALL SELECT 'routine', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`))
}

// buffer takes output of several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
