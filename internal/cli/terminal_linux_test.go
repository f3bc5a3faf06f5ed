package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// terminal opens a terminal: what is typed at the first end is read from the
// second.
func terminal(t *testing.T) (typing, reading *os.File) {
	t.Helper()
	typing, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		pgtest.Lacks(t, "no terminals here: %v", err)
	}
	t.Cleanup(func() { _ = typing.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(typing.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(typing.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	reading, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = reading.Close() })
	return typing, reading
}

// On a terminal it is asked, and nothing but yes is a yes.
func TestCleanAsks(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--skip-verify")
	for _, c := range []struct{ answer, left string }{{"y", "1"}, {"no", "1"}, {"yes", "0"}} {
		typing, reading := terminal(t)
		_, err := typing.WriteString(c.answer + "\n")
		require.NoError(t, err)
		out := &buffer{}
		code := Main(t.Context(), []string{"clean", "--target", withPassword(b.target.URL)}, Streams{In: reading, Out: out, Err: out})
		require.Equal(t, int(OK), code, out.String())
		require.Contains(t, out.String(), "Remove this? Type yes: ")
		require.Equal(t, c.left, b.target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"), strings.TrimSpace(c.answer))
	}
}
