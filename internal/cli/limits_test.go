//go:build unix

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// limited runs the program as a process of its own, after shell commands that
// limit it.
func limited(t *testing.T, limit string, args ...string) (code int, output string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	sh := exec.CommandContext(t.Context(), "sh", append([]string{"-c", limit + `; exec "$0" "$@"`, self}, args...)...)
	sh.Env = append(os.Environ(), asProgram+"=1", "PG2DB9_RETRY_FOR=3", "GOCOVERDIR="+t.TempDir())
	out, _ := sh.CombinedOutput() // its code is looked at
	noSecret(t, string(out))
	return sh.ProcessState.ExitCode(), string(out)
}

// C13: more jobs than the process may have connections for are refused before
// anything is written, with the number that fits; that number works.
func TestC13MoreJobsThanOpenFiles(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	code, out := limited(t, "ulimit -n 256", append([]string{"clone", "--keep-snapshot", "0", "--jobs", "256"}, b.urls()...)...)
	require.Equal(t, int(Usage), code, out)
	require.Contains(t, out, "--jobs: 256 jobs need about 808 open files, and the process may open 256 (ulimit -n): raise the limit, or give --jobs 72 at most")
	code, out = limited(t, "ulimit -n 256", append([]string{"clone", "--keep-snapshot", "0", "--jobs", "4", "--max-jobs", "200"}, b.urls()...)...)
	require.Equal(t, int(Usage), code, out)
	require.Contains(t, out, "give --max-jobs 72 at most")
	b.untouched(t)
	code, out = limited(t, "ulimit -n 256", append([]string{"clone", "--keep-snapshot", "0", "--jobs", "72"}, b.urls()...)...)
	require.Equal(t, int(OK), code, out)
	b.sameShop(t)
}

// SIGTERM, as a service manager sends it, is an interrupt: a real process brings
// its batches to their end, and ends with 5.
func TestTerminated(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	p, held, release := holdTarget(t, b, 3<<20)
	x := start(t, "clone", "--keep-snapshot", "0", "--jobs", "1", "--profile", "db9", "--source", withPassword(b.source.URL), "--target", p.url())
	eventually(t, "rows are under way", held.Load)
	require.NoError(t, x.cmd.Process.Signal(syscall.SIGTERM))
	eventually(t, "the signal is heard", func() bool { return containsText(x, "a second interrupt stops at once") })
	release()
	err := x.wait(t)
	require.Equal(t, fmt.Sprintf("exit status %d", Partial), err.Error(), x.err.String())
	noSecret(t, x.err.String())
	b.ok(t, "clone", "--profile", "db9", "--resume")
	b.same(t, "big", "small")
}
