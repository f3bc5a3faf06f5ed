//go:build unix

package cli

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// R5: a process that stood still for longer than its lease has lost the run: the
// one that waited for it goes on, and what the first one writes when it wakes up is
// refused, to the last batch.
func TestR5RunIsTakenOver(t *testing.T) {
	t.Parallel()
	b := setup(t, toResume)
	proxy := pgtest.NewProxy(t, b.target.Cluster())
	hit := proxy.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 4 << 20})
	p := start(t, "clone", "--source", b.source.URL, "--target", proxy.URL(b.target.Name), "--jobs", "2", "--keep-snapshot", "0")
	<-hit.Fired()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	// Its sessions live, and one has a batch open: the lease runs out, and the
	// session is waited for and ended.
	b.target.Exec(t, "UPDATE _pg2db9.run SET lease = now() + interval '3 seconds'")
	done := make(chan result, 1)
	c := b.call("clone", "--resume", "--retry-for", "60")
	c.out, c.err = &buffer{}, &buffer{}
	go func() {
		code := Main(t.Context(), c.args, Streams{Out: c.out, Err: c.err, Getenv: c.getenv})
		done <- result{Code(code), c.out.String(), c.err.String()}
	}()
	eventually(t, "the lease is another's", func() bool {
		return b.target.QueryString(t, "SELECT count(DISTINCT owner) FROM _pg2db9.run WHERE owner NOT LIKE '%process "+strconv.Itoa(p.cmd.Process.Pid)+" %'") == "1"
	})
	hit.Release()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
	require.Error(t, <-p.done)
	p.done <- nil
	last := p.err.String()[strings.LastIndex(strings.TrimRight(p.err.String(), "\n"), "\n")+1:]
	require.Contains(t, last, "taken over by", p.err.String())
	r := <-done
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	b.sameRows(t)
}
