package corpora_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/cli"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// cloned is a clone that came to its end.
type cloned struct {
	code     int
	rep      report.Report
	markdown string // the files of the report
	json     string
	stderr   string
}

// clone runs the command as a user does.
func clone(t *testing.T, source, target *pgtest.DB, profile string, more ...string) cloned {
	t.Helper()
	return cloneTo(t, source, target.URL, append([]string{"--profile", profile}, more...)...)
}

// cloneTo is clone to a URL.
func cloneTo(t *testing.T, source *pgtest.DB, target string, more ...string) cloned {
	t.Helper()
	dir := t.TempDir()
	c := cloned{markdown: filepath.Join(dir, "report.md"), json: filepath.Join(dir, "report.json")}
	args := append([]string{
		"clone", "--source", source.URL, "--target", target, "--no-progress",
		"--report", c.markdown, "--report", c.json,
	}, more...)
	var out, stderr buffer
	c.code = cli.Main(t.Context(), args, cli.Streams{Out: &out, Err: &stderr})
	c.stderr = stderr.String()
	file, err := os.ReadFile(c.json)
	require.NoError(t, err, "exit %d: %s", c.code, c.stderr)
	require.NoError(t, json.Unmarshal(file, &c.rep))
	return c
}

// accepts are options that accept all that blocks.
func (c cloned) accepts() []string {
	var codes []string
	for _, f := range c.rep.Findings {
		if f.Severity == finding.Block {
			codes = append(codes, string(f.Code))
		}
	}
	slices.Sort(codes)
	var args []string
	for _, code := range slices.Compact(codes) {
		args = append(args, "--accept", code)
	}
	return args
}

// blocking names what blocks.
func (c cloned) blocking() string {
	var out []string
	for _, f := range c.rep.Findings {
		if f.Severity == finding.Block {
			out = append(out, string(f.Code)+" "+f.Object.String()+": "+f.Message)
		}
	}
	return strings.Join(out, "\n")
}

// copied are the tables that the report says were copied, with their sources.
func (c cloned) copied() []report.Table {
	return slices.DeleteFunc(slices.Clone(c.rep.Tables), func(t report.Table) bool {
		return t.Error != "" || t.Acked == report.Uncounted
	})
}

// reasons writes what the report says about objects that did not arrive as they
// were, and nothing else of it, to a file.
func (c cloned) reasons(t *testing.T) string {
	t.Helper()
	out, err := json.Marshal([]any{c.rep.Findings, c.rep.Statements, c.rep.Notes})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "findings.json")
	require.NoError(t, os.WriteFile(file, out, 0o600))
	return file
}

// named are the last names of the objects that findings are about.
func (c cloned) named() map[string]bool {
	out := map[string]bool{}
	for _, f := range c.rep.Findings {
		out[f.Object.Name] = true
		if f.Object.Parent != "" {
			out[f.Object.Parent] = true
		}
	}
	return out
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

// requireUntouched fails where a target holds anything that a fresh database
// does not.
func requireUntouched(t *testing.T, target *pgtest.DB) {
	t.Helper()
	require.Empty(t, target.QueryString(t, `
		SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
		UNION ALL SELECT 'extension', extname FROM pg_extension WHERE extname <> 'plpgsql'
		UNION ALL SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace
		UNION ALL SELECT 'routine', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace`))
}
