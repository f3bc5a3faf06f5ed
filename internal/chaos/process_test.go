package chaos

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chaos-bin-")
	if err != nil {
		return "", err
	}
	built.dir = dir
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "pg2db9"), "./cmd/pg2db9")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pg2db9: %w: %s", err, out)
	}
	return dir, nil
})

// built is where the program is, for TestMain to remove.
var built struct{ dir string }

// exitObject is the last line of JSON output.
type exitObject struct {
	Type    string   `json:"type"`
	Phase   string   `json:"phase"` // of other lines
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Next    []string `json:"next"`
}

// process is a life of the program.
type process struct {
	command string
	cmd     *exec.Cmd
	started time.Time
	ended   time.Time
	done    chan struct{} // closed when it has ended and all that it said was read

	mu     sync.Mutex
	phases map[string]chan struct{}
	exit   *exitObject
	killed bool // by us
	hung   bool
}

// startOptions say how a process is started.
type startOptions struct {
	bin  string // its folder
	dir  string // where it works: a new one, so that nothing is left of others
	logs string // the path of its logs, without their extensions
	full bool   // its standard error is a full disk
	env  []string
}

// start runs a command line as a shell does, as the user would.
func start(command string, o startOptions) (*process, error) {
	p := &process{command: command, done: make(chan struct{}), phases: map[string]chan struct{}{}, started: time.Now()}
	p.cmd = exec.Command("/bin/sh", "-c", "exec "+command+" --json")
	p.cmd.Dir = o.dir
	p.cmd.Env = append([]string{"PATH=" + o.bin + ":/usr/bin:/bin", "HOME=" + o.dir}, o.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderrPath := o.logs + ".stderr"
	if o.full {
		stderrPath = "/dev/full"
	}
	stderr, err := os.OpenFile(stderrPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }()
	stdout, err := os.Create(o.logs + ".stdout")
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, stdout.Close())
	}
	p.cmd.Stdout, p.cmd.Stderr = w, stderr
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", command, err), stdout.Close(), r.Close(), w.Close())
	}
	_ = w.Close()
	go func() {
		defer close(p.done)
		p.read(io.TeeReader(r, stdout))
		_ = p.cmd.Wait()
		p.ended = time.Now()
		_, _ = r.Close(), stdout.Close()
	}()
	return p, nil
}

// read follows what the program says.
func (p *process) read(r io.Reader) {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		p.hear(line)
		if err != nil {
			return
		}
	}
}

func (p *process) hear(line []byte) {
	var o exitObject
	if len(line) > 64<<10 || bytes.Contains(line, []byte(`"type":"report"`)) || json.Unmarshal(line, &o) != nil {
		return // the report, or half a line of a killed process
	}
	switch o.Type {
	case "phase_started":
		c := p.phase(o.Phase)
		select {
		case <-c:
		default:
			close(c)
		}
	case "exit":
		p.mu.Lock()
		p.exit = &o
		p.mu.Unlock()
	}
}

// phase is closed when a phase has begun.
func (p *process) phase(name string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phases[name] == nil {
		p.phases[name] = make(chan struct{})
	}
	return p.phases[name]
}

// kill ends it as a crash does.
func (p *process) kill() {
	p.mu.Lock()
	p.killed = true
	p.mu.Unlock()
	_ = p.cmd.Process.Kill()
}

// wait waits for its end. One that outlives the deadline is hung: it is asked
// for its goroutines, and killed.
func (p *process) wait(deadline time.Duration) {
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case <-p.done:
		return
	case <-timer.C:
	}
	p.mu.Lock()
	p.hung = true
	p.mu.Unlock()
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	timer.Reset(10 * time.Second)
	select {
	case <-p.done:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// code is the exit code, -1 where a signal ended it.
func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

// wasKilled reports whether our kill -9 ended it, and not that it was done before.
func (p *process) wasKilled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed && p.code() == -1
}

// next are the commands that it names.
func (p *process) next() []string {
	if p.exit == nil {
		return nil
	}
	return p.exit.Next
}

// told is what it said at its end.
func (p *process) told() string {
	how := fmt.Sprintf("exit %d after %.1f s", p.code(), p.ended.Sub(p.started).Seconds())
	if p.wasKilled() {
		how = "killed"
	}
	if p.exit != nil {
		how += ": " + p.exit.Message
	}
	return how
}

// logTail is the end of a log.
func logTail(tb testing.TB, path string) string {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	const most = 3000
	if len(data) > most {
		data = data[len(data)-most:]
	}
	return strings.TrimSpace(string(data))
}

// groupLives reports whether a process that it started still runs.
func (p *process) groupLives() bool { return syscall.Kill(-p.cmd.Process.Pid, 0) == nil }
