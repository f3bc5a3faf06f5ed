package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// records reads a log.
func records(t *testing.T, path string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	noSecret(t, string(data))
	var out []map[string]any
	for line := range strings.Lines(string(data)) {
		var r map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		out = append(out, r)
	}
	return out
}

// A run's log has what happened to it, each record with the run's id and those
// about a part with the part's; a run that is continued is the same run. It holds
// no password, though a server's error quotes one.
func TestLogFile(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	b.source.Exec(t, "CREATE INDEX big_v ON big (left(v, 10))")
	b.target.Exec(t, `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
			RAISE 'no index: cannot reach postgres://app:`+password+`@elsewhere/db with password=`+password+`'; END$$;
		CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION refuse()`)
	p := newProxy(t, b.target, cutOnce(true, 5<<20))
	path := filepath.Join(t.TempDir(), "run.log")
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", p.url(), "--log-file", path)
	require.Equal(t, Partial, r.code, r.err)
	id := b.target.QueryString(t, "SELECT run FROM _pg2db9.run")
	first := records(t, path)
	seen := map[any]int{}
	for _, x := range first {
		seen[x["msg"]]++
		require.Equal(t, id, x["run"], x)
		require.NotEmpty(t, x["time"])
		require.NotEmpty(t, x["level"])
		if strings.HasPrefix(x["msg"].(string), "part ") {
			require.NotEmpty(t, x["part"], x)
			require.NotEmpty(t, x["table"], x)
		}
	}
	for _, want := range []string{
		"run started", "phase started", "phase done", "snapshot taken", "part started", "part done", "part retried", "part taken over",
		"table done", "statement done", "statement failed", "table verified", "finding", "run ended",
	} {
		require.Positive(t, seen[want], want)
	}
	require.InDelta(t, 5, first[len(first)-1]["code"], 0)

	b.target.Exec(t, "DROP EVENT TRIGGER refuse")
	r = run(t, "clone", "--resume", "--source", withPassword(b.source.URL), "--target", p.url(), "--log-file", path, "--log-level", "debug")
	require.Equal(t, OK, r.code, r.err)
	all := records(t, path)
	require.Equal(t, first, all[:len(first)], "it is appended to")
	require.Greater(t, len(all), len(first))
	require.Equal(t, id, all[len(all)-1]["run"], "it is the same run")
	require.InDelta(t, 0, all[len(all)-1]["code"], 0)
}

// A disk without room for the log: it is said, the rows are copied and verified,
// and the exit code tells that not all that was asked for was done.
func TestLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		pgtest.Lacks(t, "no /dev/full here")
	}
	b := setup(t, shop)
	r := b.run(t, "clone", "--log-file", "/dev/full")
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.err, `pg2db9: writing the log "/dev/full": no space left on device; the log is not whole`)
	require.Contains(t, r.last(), "done and verified: 4 tables")
	b.sameShop(t)
}

// A log that cannot be opened ends the run before anything is written.
func TestLogThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := b.run(t, "clone", "--log-file", filepath.Join(t.TempDir(), "none", "run.log"))
	require.Equal(t, Usage, r.code, r.err)
	require.Contains(t, r.err, "--log-file: the log ")
	require.Contains(t, r.err, "cannot be written: no such file or directory")
	b.untouched(t)
}
