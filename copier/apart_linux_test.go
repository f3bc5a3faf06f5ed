package copier

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// The environment of a test's other process, whose memory is measured.
const apartSource, apartTarget = "COPIER_APART_SOURCE", "COPIER_APART_TARGET"

// apartPair is the pair of a test's other process; false in the test itself.
func apartPair() (p *pair, ok bool) {
	source := os.Getenv(apartSource)
	return &pair{source: &pgtest.DB{URL: source}, target: &pgtest.DB{URL: os.Getenv(apartTarget)}, profile: ddlgen.Postgres(), events: &recorder{}}, source != ""
}

// tellPeak is the other process's last word: the most memory that it had. What
// wait4 tells of it counts the test's own process too, as which the other begins.
func tellPeak(t *testing.T) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	fmt.Println(string(status))
}

// apart runs the test in another process, for these servers, and returns the most
// memory that it had, in KiB.
func apart(t *testing.T, p *pair) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.timeout=20m")
	cmd.Env = append(os.Environ(), apartSource+"="+p.source.URL, apartTarget+"="+p.target.URL)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	m := regexp.MustCompile(`VmHWM:\s+([0-9]+) kB`).FindSubmatch(text)
	require.NotNil(t, m, "%s", text)
	used, err := strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	return used
}

// hugeMB is how large a huge row is, in MiB: HUGE_ROW_MB says so in the long form.
func hugeMB(t *testing.T, short int) int {
	t.Helper()
	s := os.Getenv("HUGE_ROW_MB")
	if s == "" {
		return short
	}
	mb, err := strconv.Atoi(s)
	require.NoError(t, err)
	return mb
}
