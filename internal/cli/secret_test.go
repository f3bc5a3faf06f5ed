package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Invariant 8: the password is in no output, no log, no report and no ledger,
// whether a run ends well or not. (All other tests look at stdout and stderr.)
func TestNoSecretAnywhere(t *testing.T) {
	t.Parallel()
	b := refusedValue(t)
	p := newProxy(t, b.target, cutOnce(true, 40<<10))
	dir := t.TempDir()
	config := filepath.Join(dir, "c.yaml")
	require.NoError(t, os.WriteFile(config, []byte("source: "+withPassword(b.source.URL)+"\ntarget: "+p.url()+"\nlog-level: debug\n"), 0o600))
	files := []string{filepath.Join(dir, "r.json"), filepath.Join(dir, "r.md"), filepath.Join(dir, "r.html")}
	for i, args := range [][]string{
		{"clone"}, {"clone", "--json"}, {"clone", "--on-existing", "drop", "--json"}, {"clone", "--on-existing", "truncate", "--dry-run"}, {"schema"}, {"assess"}, {"verify"}, {"sequences", "--json"},
	} {
		args = append(args, "--config", config, "--report", files[0], "--report", files[1], "--report", files[2])
		r := run(t, args...)
		require.NotEqual(t, Usage, r.code, "%v: %s", args, r.err)
		for _, f := range files {
			data, err := os.ReadFile(f)
			require.NoError(t, err, "call %d writes its report whatever happens", i)
			noSecret(t, string(data))
			require.NoError(t, os.Remove(f))
		}
	}
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.run r WHERE r::text LIKE '%hunter2%'"))
}
