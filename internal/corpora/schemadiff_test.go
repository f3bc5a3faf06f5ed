package corpora_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/corpora"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// difference is one line of schemadiff.sh: a fact that one side has, or has
// otherwise.
type difference struct {
	kind  string   // "table", "column", "rows", ...
	parts []string // of its identity
	line  string
}

// last is the object's own name.
func (d difference) last() string { return d.parts[len(d.parts)-1] }

// schemadiff compares two databases by the corpora's own script.
func schemadiff(t *testing.T, dir string, source, target *pgtest.DB, options ...string) []difference {
	t.Helper()
	args := append([]string{filepath.Join(dir, "schemadiff.sh"), source.URL, target.URL}, options...)
	cmd := exec.CommandContext(t.Context(), "bash", args...)
	cmd.Env = corpora.Environment()
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		require.Equal(t, 1, exit.ExitCode(), "schemadiff.sh: %s", exit.Stderr)
		err = nil
	}
	require.NoError(t, err)
	lines, summary, found := strings.Cut(string(out), "--- kind:")
	require.True(t, found, "schemadiff.sh came to no end: %s", out)
	require.NotContains(t, summary, "could not answer", "schemadiff.sh: %s", summary)
	var diffs []difference
	for line := range strings.Lines(lines) {
		line = strings.TrimRight(line, "\n")
		fields := strings.Split(line, "\t")
		require.GreaterOrEqual(t, len(fields), 3, line)
		diffs = append(diffs, difference{kind: fields[1], parts: parts(fields[2]), line: line})
	}
	return diffs
}

// parts takes an identity apart: schema.table.column, each part unquoted.
func parts(identity string) []string {
	identity = strings.ReplaceAll(identity, `\n`, "\n")
	var out []string
	var part strings.Builder
	quoted := false
	for i := 0; i < len(identity); i++ {
		switch c := identity[i]; {
		case c == '"' && quoted && i+1 < len(identity) && identity[i+1] == '"':
			part.WriteByte(c)
			i++
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			out = append(out, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	return append(out, part.String())
}

// lines are differences as text for a failure.
func lines(diffs []difference) string {
	out := make([]string, len(diffs))
	for i, d := range diffs {
		out[i] = d.line
	}
	return strings.Join(out, "\n")
}

// requireSameContents asks the script for rows, contents and sequence values
// and takes no excuse: what was said to be copied is the same, and what was
// not is named by a finding.
func requireSameContents(t *testing.T, dir string, c cloned, source, target *pgtest.DB) {
	t.Helper()
	copied, named := map[string]bool{}, c.named()
	for _, x := range c.copied() {
		copied[x.Source], copied[x.Target] = true, true
	}
	var bad []difference
	for _, d := range schemadiff(t, dir, source, target, "--kinds", "none", "--rows", "--data", "--seqvals") {
		if d.kind == "seqval" || copied[strings.Join(d.parts, ".")] || !named[d.last()] {
			bad = append(bad, d)
		}
	}
	require.Empty(t, bad, "rows, contents or sequence values differ:\n%s", lines(bad))
}

// odd are names that the script does not find in a report: it takes a report
// for words of ASCII letters.
var odd = regexp.MustCompile(`[^A-Za-z0-9_$]`)

// unaccounted are the differences of schema that the report does not name: not
// in its text, and, as a table that was copied is named there in any case, not
// by a finding or a statement that was not executed.
func unaccounted(t *testing.T, dir string, c cloned, source, target *pgtest.DB, options ...string) []difference {
	t.Helper()
	named := c.named()
	var bad []difference
	for _, file := range []string{c.markdown, c.reasons(t)} {
		for _, d := range schemadiff(t, dir, source, target, append(options, "--accounted", file)...) {
			if odd.MatchString(d.last()) && named[d.last()] {
				continue
			}
			d.line = filepath.Base(file) + ": " + d.line
			bad = append(bad, d)
		}
	}
	return bad
}
