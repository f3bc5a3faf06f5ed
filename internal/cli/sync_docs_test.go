package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// fenced are the fenced blocks of a kind in a page of docs.
func fenced(t *testing.T, page, kind string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	require.NoError(t, err)
	var out []string
	for _, m := range regexp.MustCompile("(?s)\n```"+kind+"\n(.*?)\n```\n").FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	require.NotEmpty(t, out)
	return out
}

// The commands of docs/sync-schedule.md are run, one after the other, and its job files read.
func TestSyncScheduleDocument(t *testing.T) {
	t.Parallel()
	for _, text := range fenced(t, "sync-schedule.md", "yaml") {
		_, err := jobfile.Parse("sync-schedule.md", []byte(text))
		require.NoError(t, err)
	}
	b := setup(t, shop)
	file := filepath.Join(t.TempDir(), "sync.yaml")
	env := map[string]string{"PG2DB9_SOURCE": withPassword(b.source.URL), "PG2DB9_TARGET": withPassword(b.target.URL), "PG2DB9_PROFILE": "postgres"}
	commands := 0
	for _, block := range fenced(t, "sync-schedule.md", "sh") {
		for line := range strings.Lines(block) {
			rest, ours := strings.CutPrefix(strings.TrimSpace(line), "pg2db9 ")
			if !ours {
				continue
			}
			commands++
			args := strings.Fields(strings.ReplaceAll(rest, "sync.yaml", file))
			c := &call{args: args, env: env, signals: make(chan os.Signal, 1)}
			if args[1] != "serve" {
				r := c.run(t)
				require.Equal(t, OK, r.code, "%s\n%s", line, r.err)
				continue
			}
			c.args = append(c.args, "--listen", "127.0.0.1:0")
			ended := c.begin(t)
			eventually(t, "it serves", func() bool { return strings.Contains(c.err.String(), "/healthz") })
			c.signals <- syscall.SIGINT
			require.Equal(t, OK, await(t, ended).code, c.err.String())
		}
	}
	require.Equal(t, 6, commands)
	b.sameShop(t)
}

// Every metric and every key of the job file stands in the page.
func TestSyncScheduleDocumentIsWhole(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "sync-schedule.md"))
	require.NoError(t, err)
	source, err := os.ReadFile(filepath.Join("..", "metrics", "sync.go"))
	require.NoError(t, err)
	names := regexp.MustCompile(`= (?:counter|gauge)\("(\w+)"`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(names), 8)
	for _, m := range names {
		require.Contains(t, string(page), "`pg2db9_sync_"+m[1]+"`")
	}
	_, err = jobfile.Parse("f", []byte("tables: [{x: 1}]"))
	_, keys, _ := strings.Cut(err.Error(), "the keys here are ")
	keys, _, _ = strings.Cut(keys, "\n")
	for key := range strings.SplitSeq(keys+", timezone, defaults, groups, tables, name", ", ") {
		require.Contains(t, string(page), "\n| `"+key+"` | ")
	}
}

// systemd takes the units as they are, and the program their commands.
func TestSyncUnits(t *testing.T) {
	t.Parallel()
	units, err := filepath.Glob(filepath.Join("..", "..", "docs", "systemd", "pg2db9-sync*"))
	require.NoError(t, err)
	require.Len(t, units, 3)
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	file := jobs(t, "tables: [{table: public.t, mode: mirror}]")
	var checked []string
	for _, path := range units {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/pg2db9 (.*)$`).FindAllStringSubmatch(string(text), -1) {
			takenByProgram(t, strings.Fields(strings.ReplaceAll(m[1], "/etc/pg2db9/sync.yaml", file)))
		}
		copied := filepath.Join(dir, filepath.Base(path))
		require.NoError(t, os.WriteFile(copied, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/pg2db9", self)), 0o600))
		checked = append(checked, copied)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("there is no systemd-analyze here: the units' commands were checked, their words were not")
		return
	}
	out, err := exec.CommandContext(t.Context(), analyze, append([]string{"verify"}, checked...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for line := range strings.Lines(string(out)) {
		require.NotContains(t, line, "pg2db9", "it complains")
	}
}

// takenByProgram fails where a command line is not understood: it must come as
// far as missing a server, or a schedule.
func takenByProgram(t *testing.T, args []string) {
	t.Helper()
	r := run(t, args...)
	require.Equal(t, Usage, r.code, "%v", args)
	require.Regexp(t, "no source: give --source|has a schedule: nothing would ever run", r.err)
}
