package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A disk without room for the reports: it is said of each, the rows are copied
// and verified, and the exit code tells that not all that was asked for was done.
func TestReportsOnAFullDisk(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	const mounted = `mount -t tmpfs -o size=8k none "$SMALL" || exit 99; exec "$0" "$@"`
	args := append([]string{"-c", mounted, self, "clone", "--keep-snapshot", "0", "--report", filepath.Join(dir, "r.json"), "--report", filepath.Join(dir, "r.html")}, b.urls()...)
	sh := exec.CommandContext(t.Context(), "sh", args...)
	sh.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // the mount goes with the process
	sh.Env = append(os.Environ(), asProgram+"=1", "SMALL="+dir, "GOCOVERDIR="+t.TempDir())
	out, err := sh.CombinedOutput()
	if sh.ProcessState == nil || sh.ProcessState.ExitCode() == 99 {
		pgtest.Lacks(t, "no small disk can be mounted here: %v", err)
	}
	noSecret(t, string(out))
	require.Equal(t, int(Failed), sh.ProcessState.ExitCode(), string(out))
	for _, name := range []string{"r.json", "r.html"} {
		require.Contains(t, string(out), `report "`+filepath.Join(dir, name)+`": no space left on device`)
	}
	require.Contains(t, string(out), "done and verified: 4 tables")
	b.sameShop(t)
}
