package corpora

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrMissing is a machine without the corpora, or without a program that loads
// them.
var ErrMissing = errors.New("no corpora")

// ErrCannotHold is a server that cannot hold a corpus.
var ErrCannotHold = errors.New("the server cannot hold it")

// Root is the folder of the corpora: PG2DB9_CORPORA, or ../shared/corpora
// beside the module, as seen from a package of internal. ErrMissing says what
// there is not.
func Root() (string, error) {
	dir := os.Getenv("PG2DB9_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the corpora: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "load.sh")); err != nil { //nolint:gosec // the folder is the user's
		return "", fmt.Errorf("%w at %s", ErrMissing, dir)
	}
	for _, program := range []string{"bash", "psql", "pg_restore", "perl"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%w: they are loaded by %s, which is not in PATH", ErrMissing, program)
		}
	}
	return dir, nil
}

// Load puts a corpus of the folder root into the empty database at url, and
// returns what the script said. errlog is a file for the errors of a load.
func Load(ctx context.Context, root, name, url, errlog string) (string, error) {
	cmd := exec.CommandContext(ctx, "bash", filepath.Join(root, "load.sh"), name, url) //nolint:gosec // the folder is the user's
	cmd.Env = append(Environment(), "ERRLOG="+errlog, "SHOWERR=5")
	out, err := cmd.CombinedOutput()
	said := strings.TrimSpace(string(out))
	const cannot = 3
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == cannot {
		return said, fmt.Errorf("load corpus %s: %w: %s", name, ErrCannotHold, said)
	}
	if err != nil {
		return said, fmt.Errorf("load corpus %s: %w: %s", name, err, said)
	}
	return said, nil
}

// Environment is what the scripts get. Debian's psql in PATH is a Perl script
// that finds the real one, a tenth of a second a call, and they call it a
// hundred times: they are told where the real one is.
func Environment() []string {
	env := os.Environ()
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(dirs) == 0 {
		return env
	}
	dir := dirs[len(dirs)-1]
	for name, program := range map[string]string{"PSQL": "psql", "PG_RESTORE": "pg_restore"} {
		path := filepath.Join(dir, program)
		if _, err := os.Stat(path); err == nil {
			env = append(env, name+"="+path)
		}
	}
	return env
}
