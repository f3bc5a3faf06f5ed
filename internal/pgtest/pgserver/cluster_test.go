package pgserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func start(t *testing.T, opts Options) *Cluster {
	t.Helper()
	if os.Getenv("PGTEST_OFF") == "1" {
		t.Skip("PGTEST_OFF is set")
	}
	c, err := New(t.Context(), opts)
	if errors.Is(err, ErrNotFound) && os.Getenv("PGTEST_REQUIRED") != "1" {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(t.Context())) })
	return c
}

func show(t *testing.T, url, setting string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(t.Context())) }()
	var value string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&value))
	return value
}

func TestClusterIsWhatWasAsked(t *testing.T) {
	t.Parallel()
	c := start(t, Options{Settings: map[string]string{"application_name": "it's", "max_connections": "17", "max_wal_senders": "3"}})
	require.Equal(t, "it's", show(t, c.URL("postgres"), "application_name"))
	require.Equal(t, "17", show(t, c.URL("postgres"), "max_connections"))
	require.Equal(t, "logical", show(t, c.URL("postgres"), "wal_level"))
	require.Empty(t, show(t, c.URL("postgres"), "listen_addresses"))
	require.FileExists(t, filepath.Join(c.Dir(), "PG_VERSION"))
	require.Error(t, c.Stop(t.Context(), Mode(0)))
	require.NoError(t, c.Close(t.Context()))
	require.NoDirExists(t, c.dir)
	require.NoError(t, c.Close(t.Context()))
}

func TestClusterPassword(t *testing.T) {
	t.Parallel()
	for _, major := range []int{MinMajor, DefaultMajor} { // 13 stores MD5 if it is not told otherwise
		c := start(t, Options{Major: major, TCP: true, Password: true})
		require.Contains(t, c.URL("postgres"), "127.0.0.1:")
		require.Equal(t, "scram-sha-256", show(t, c.URL("postgres"), "password_encryption"))
		_, err := pgx.Connect(t.Context(), strings.Replace(c.URL("postgres"), c.password, "wrong", 1))
		require.ErrorContains(t, err, "28P01")
		require.NoFileExists(t, filepath.Join(c.dir, "password"))
	}
}

func TestClusterThatCannotStart(t *testing.T) {
	t.Parallel()
	start(t, Options{}) // or skip
	_, err := New(t.Context(), Options{Settings: map[string]string{"no_such_setting": "1"}})
	require.ErrorContains(t, err, "no_such_setting")
	require.ErrorContains(t, err, "the server ended")
}

// A process that is killed leaves neither its server nor what was on disk,
// though nobody comes after it to sweep.
func TestKilledProcessLeavesNothing(t *testing.T) {
	t.Parallel()
	start(t, Options{}) // or skip
	cmd, out := runChild(t)
	var pid int
	var dir string
	_, err := fmt.Fscan(out, &pid, &dir)
	require.NoError(t, err)
	require.Contains(t, commandLine(pid), dir)
	sweep()
	require.DirExists(t, dir, "swept from under its owner")
	kill(t, cmd)
	awaitGone(t, dir)
	require.NotContains(t, commandLine(pid), dir)
}

// So does one that is killed while initdb runs.
func TestKilledInInitdbLeavesNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("looks for initdb in /proc")
	}
	start(t, Options{}) // or skip
	cmd, _ := runChild(t)
	var dir string
	require.Eventually(t, func() bool {
		for _, line := range processes("pgtest-watch\x00") {
			if parent(t, line.pid) == cmd.Process.Pid {
				fields := strings.Split(strings.TrimRight(line.text, "\x00"), "\x00")
				dir = fields[len(fields)-1]
			}
		}
		return dir != "" && len(processes(filepath.Join(dir, "data"))) > 0
	}, 30*time.Second, poll)
	kill(t, cmd)
	awaitGone(t, dir)
}

// runChild starts this binary as child in main_test.go.
func runChild(t *testing.T) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"=1", templateVar+"=0") // by initdb
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, out
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	require.Error(t, cmd.Wait())
}

// awaitGone waits until a cluster has no directory and no process.
func awaitGone(t *testing.T, dir string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, fs.ErrNotExist) && len(processes(dir)) == 0
	}, 30*time.Second, poll)
}

type line struct {
	pid  int
	text string // arguments, each ended by a zero byte
}

// processes are those whose command line has text, where there is a /proc.
func processes(text string) (found []line) {
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		if got := commandLine(pid); strings.Contains(got, text) {
			found = append(found, line{pid, got})
		}
	}
	return found
}

func parent(t *testing.T, pid int) int {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // gone
	}
	var state string
	var ppid int
	_, err = fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &ppid)
	require.NoError(t, err)
	return ppid
}

// A checkout that other users cannot enter does not keep the server's user out.
func TestServerOfAClosedDirectory(t *testing.T) {
	t.Parallel()
	closed := t.TempDir()
	require.NoError(t, os.Chmod(closed, 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(closed, "pg/bin"), 0o700))
	for name, mode := range map[string]fs.FileMode{"initdb": 0o755, "postgres": 0o700} {
		require.NoError(t, os.WriteFile(filepath.Join(closed, "pg/bin", name), []byte(name), mode))
	}
	require.NoError(t, os.Symlink("postgres", filepath.Join(closed, "pg/bin/postmaster")))
	in := Binaries{Dir: filepath.Join(closed, "pg/bin"), Major: 15}
	require.False(t, openToAll(in.Dir))
	same, err := reachable(in, nil, "")
	require.NoError(t, err)
	require.Equal(t, in, same, "we run as ourselves")

	dir := t.TempDir()
	out, err := reachable(in, &account{}, dir)
	require.NoError(t, err)
	require.Equal(t, Binaries{Dir: filepath.Join(dir, "server/bin"), Major: 15}, out)
	for _, name := range []string{"initdb", "postgres", "postmaster"} {
		fi, err := os.Stat(filepath.Join(out.Dir, name))
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o755), fi.Mode().Perm(), name)
	}
	fi, err := os.Stat(filepath.Join(in.Dir, "postgres"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), fi.Mode().Perm(), "the original is as it was")
}
