package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// wait waits for the process's own end.
func (p *process) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		return err
	case <-time.After(60 * time.Second):
		require.Fail(t, "the process does not end")
		return nil
	}
}

func containsText(p *process, text string) bool { return strings.Contains(p.err.String(), text) }

// slowIndex has an index that is quick to build on the source, and takes as long
// as a setting of the target's database says, and a foreign key after it.
const slowIndex = `CREATE FUNCTION slowly(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		$$BEGIN PERFORM pg_catalog.pg_sleep(coalesce(pg_catalog.current_setting('test.slow', true), '0')::float8); RETURN i; END$$;
	CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a SELECT i FROM generate_series(1, 500) i; CREATE TABLE b (id int PRIMARY KEY REFERENCES a);
	CREATE INDEX a_slow ON a (slowly(id))`

// slow makes each row of the index take so many seconds.
func (b *bundle) slow(t *testing.T, seconds string) {
	t.Helper()
	b.target.Exec(t, "ALTER DATABASE "+b.target.Name+" SET test.slow = '"+seconds+"'")
}

const building = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'CREATE INDEX%a_slow%'"

// C19: an interrupt while an index is built lets that index come to its end, and
// begins nothing after it; the run goes on by --resume.
func TestInterruptWhileAnIndexIsBuilt(t *testing.T) {
	t.Parallel()
	b := setup(t, slowIndex)
	b.slow(t, "0.005")
	c := b.call("clone", "--jobs", "1")
	c.signals = make(chan os.Signal, 1)
	ended := c.begin(t)
	eventually(t, "the index is built", func() bool { return b.target.QueryString(t, building) == "t" })
	c.signals <- syscall.SIGINT
	r := await(t, ended)
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "all rows were copied")
	require.Contains(t, r.last(), "stopped by an interrupt")
	require.Equal(t, "t 0", b.target.QueryString(t, "SELECT left((SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_slow'::regclass)::text, 1) || ' ' || count(*) FROM pg_constraint WHERE contype = 'f'"))
	b.followNext(t, r.last())
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
}

// The second interrupt ends the build on the server too: a process that is gone
// leaves none behind that the next one would wait for.
func TestSecondInterruptEndsTheIndex(t *testing.T) {
	t.Parallel()
	b := setup(t, slowIndex)
	b.slow(t, "0.2") // 100 s in all
	x := start(t, append([]string{"clone", "--keep-snapshot", "0", "--jobs", "1"}, b.urls()...)...)
	eventually(t, "the index is built", func() bool { return b.target.QueryString(t, building) == "t" })
	require.NoError(t, x.cmd.Process.Signal(syscall.SIGINT))
	eventually(t, "the signal is heard", func() bool { return containsText(x, "a second interrupt stops at once") })
	require.NoError(t, x.cmd.Process.Signal(syscall.SIGINT))
	err := x.wait(t)
	require.Equal(t, "exit status 130", err.Error(), x.err.String())
	eventually(t, "nothing is built any more", func() bool { return b.target.QueryString(t, building) == "f" })
}
