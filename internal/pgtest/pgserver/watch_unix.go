//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// watchScript waits on a pipe whose other end only our process holds. A line
// says that all is removed; an end without one, that the process was killed,
// and then the script removes what it left. The kernel has told the server of
// its parent's death where it can; elsewhere we do. (The number alone could be
// another process's by now.)
const watchScript = `
read -r line && exit 0
data=$1/data
pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
  of() { tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" || ps -o command= -p "$pid" 2>/dev/null; }
  case "$(of)" in *"$data"*) kill -QUIT "$pid" 2>/dev/null ;; esac
  while case "$(of)" in *"$data"*) true ;; *) false ;; esac; do sleep 0.05; done
fi
elsewhere=$(readlink "$data") # where the data are in memory
tries=0
while [ -d "$1" ] && [ "$tries" -lt 100 ]; do # a child of initdb or of the server may still write
  rm -rf ${elsewhere:+"$elsewhere"} "$1" 2>/dev/null
  tries=$((tries + 1))
  [ ! -d "$1" ] || sleep 0.05
done
`

// watcher is the process that removes a cluster which ours could not.
type watcher struct {
	cmd  *exec.Cmd
	pipe *os.File
}

// watch starts a watcher over a cluster's directory.
func watch(dir string) (*watcher, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("watch the cluster: %w", err)
	}
	// Not a CommandContext: it has to outlive us.
	cmd := exec.Command("/bin/sh", "-c", watchScript, "pgtest-watch", dir) //nolint:noctx // see above
	cmd.Dir = "/"
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what kills our group spares it
	if err := errors.Join(cmd.Start(), r.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("watch the cluster: %w", err), w.Close())
	}
	return &watcher{cmd: cmd, pipe: w}, nil
}

// dismiss ends the watcher: nothing is left to remove.
func (w *watcher) dismiss() error {
	_, err := io.WriteString(w.pipe, "\n")
	if err := errors.Join(err, w.pipe.Close(), w.cmd.Wait()); err != nil {
		return fmt.Errorf("end the cluster's watcher: %w", err)
	}
	return nil
}
