package probe

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// MaxAge is how long what a target answered is gone by.
const MaxAge = 24 * time.Hour

// generation changes with what the probes ask and how they judge: an older
// result is asked anew.
const generation = 3

// Cache keeps results in files of a folder, one a target. They hold no secret.
type Cache struct{ Dir string }

// DefaultDir is the folder in the user's own cache, "" where there is none.
func DefaultDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "pg2db9")
}

// cached is what stands in a file.
type cached struct {
	Generation int     `json:"generation"`
	Result     *Result `json:"result"`
}

// path is the file of a target: by its redacted address and by all of
// version(), so that another server at the same address is another target.
func (c Cache) path(target, version string) string {
	sum := sha256.Sum256([]byte(target + "\n" + version))
	return filepath.Join(c.Dir, "probe-"+hex.EncodeToString(sum[:12])+".json")
}

// Load returns what is known of a target, nil where nothing is that is young
// enough. An error is a file that cannot be read: the target is asked then.
func (c Cache) Load(target, version string, now time.Time) (*Result, error) {
	if c.Dir == "" || version == "" {
		return nil, nil //nolint:nilnil // nothing is known
	}
	data, err := os.ReadFile(c.path(target, version))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nothing is known
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is known of the target: %w", err)
	}
	var k cached
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fmt.Errorf("reading what is known of the target: %w", err)
	}
	r := k.Result
	if r == nil || k.Generation != generation || r.Target != target || r.Version != version || len(r.Facts) != len(probes) {
		return nil, nil //nolint:nilnil // of another program, or another target
	}
	if age := now.Sub(r.Probed); age < 0 || age > MaxAge {
		return nil, nil //nolint:nilnil // too old
	}
	return r, nil
}

// Store keeps a result, whole or not at all. One with a probe that was skipped
// or that got no answer is not kept: the next run asks again.
func (c Cache) Store(r *Result) (err error) {
	if c.Dir == "" || r.Version == "" || !r.complete() {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("keeping what the target answered: %w", err)
		}
	}()
	known := *r
	known.Left = nil // said once, where it happened
	data, err := json.MarshalIndent(cached{Generation: generation, Result: &known}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.Dir, ".probe-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(bytes.TrimSpace(data), '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.path(r.Target, r.Version))
}

// complete says whether every probe got an answer, be it one that proves
// nothing.
func (r *Result) complete() bool {
	if len(r.Facts) != len(probes) {
		return false
	}
	for _, f := range r.Facts {
		if f.Trouble || f.Outcome == Skipped || f.Outcome == Unset {
			return false
		}
	}
	return true
}
