package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A server that goes away before anything was written: the message names the
// same command, with what the user asked for, and once the server is back it works.
func TestServerGoneBeforeAnythingWasWritten(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (id int)")
	b.target.Exec(t, "CREATE TABLE a (id int)")
	p := pgtest.NewProxy(t, b.target.Cluster())
	c := &call{
		args: []string{"clone", "--include-table", "a", "--on-existing", "drop"},
		env:  map[string]string{"PG2DB9_SOURCE": withPassword(b.source.URL), "PG2DB9_TARGET": withPassword(p.URL(b.target.Name))},
	}
	p.Refuse(true)
	r := c.run(t)
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.last(), "continue with: pg2db9 clone --include-table a --on-existing drop")
	p.Refuse(false)
	c.out = nil
	require.Equal(t, OK, c.run(t).code)
	b.same(t, "a")
	require.Equal(t, "pg2db9 clone --include-table a --on-existing drop", continueWith.FindStringSubmatch(r.last())[1], "what was run again")
}

// A report that cannot be written once all is done: the run failed by what was
// asked for, and the command that it names writes the report without a copy.
func TestReportThatCannotBeWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1)")
	dir := filepath.Join(t.TempDir(), "reports")
	require.NoError(t, os.Mkdir(dir, 0o700))
	file := filepath.Join(dir, "r.json")
	c := &call{args: []string{"clone", "--report", file}, env: map[string]string{
		"PG2DB9_SOURCE": withPassword(b.source.URL), "PG2DB9_TARGET": b.target.URL,
		"PG2DB9_TARGET_PASSWORD_COMMAND": "rm -rf " + dir + "; echo any", // between the check of the path and the report
	}}
	r := c.run(t)
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.last(), "done and verified")
	require.Contains(t, r.last(), "no such file or directory")
	require.Contains(t, r.last(), "continue with: pg2db9 verify --report "+file)
	require.NoError(t, os.Mkdir(dir, 0o700))
	b.followNext(t, r.last()+` --source "$PG2DB9_SOURCE" --target "$PG2DB9_TARGET"`)
	require.FileExists(t, file)
}
