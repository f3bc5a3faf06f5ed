package copier

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// R5: only an owner of this place whose process is not there is gone; one that is
// there, of another place, or of a name that does not tell is waited for.
func TestR5OwnerGone(t *testing.T) {
	t.Parallel()
	own := ownerName()
	require.Regexp(t, `^.+, process \d+ \([0-9a-f]{8}-[0-9a-f]{16}\)$`, own)
	require.False(t, ownerGone(own), "this process lives")
	cmd := exec.CommandContext(t.Context(), "true")
	require.NoError(t, cmd.Run())
	gone := strings.Replace(own, "process "+strconv.Itoa(os.Getpid()), "process "+strconv.Itoa(cmd.Process.Pid), 1)
	require.True(t, ownerGone(gone))
	for _, other := range []string{
		strings.Replace(gone, placeMark(), strings.Repeat("0", 16), 1), // another place
		strings.Replace(gone, "-"+placeMark(), "", 1),                  // one that does not tell
		"host, process 7", "", strings.Replace(own, "process "+strconv.Itoa(os.Getpid()), "process 0", 1),
		strings.Replace(own, "process "+strconv.Itoa(os.Getpid()), "process 99999999999999999999", 1),
	} {
		require.False(t, ownerGone(other), other)
	}
}
