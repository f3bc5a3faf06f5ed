package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

// Standby makes a hot standby of a cluster of ours, and starts it. The primary is
// stopped for as long as its files are copied: no tool is needed for that, which
// the npm package's binaries would lack.
func Standby(ctx context.Context, primary *Cluster, settings map[string]string) (*Cluster, error) {
	acc, err := serverAccount()
	if err != nil {
		return nil, err
	}
	opts := primary.opts
	opts.TCP, opts.Settings = false, map[string]string{"hot_standby": "on", "primary_conninfo": primary.conninfo()}
	maps.Copy(opts.Settings, primary.opts.Settings)
	maps.Copy(opts.Settings, settings)
	c := &Cluster{bin: primary.bin, opts: opts, port: 5432, password: primary.password}
	if c.dir, c.owner, err = makeDir(acc); err != nil {
		return nil, err
	}
	fail := func(err error) (*Cluster, error) { return nil, errors.Join(err, c.Close(ctx)) }
	if c.watcher, err = watch(c.dir); err != nil {
		return fail(err)
	}
	if err := primary.Stop(ctx, Fast); err != nil {
		return fail(err)
	}
	err = c.copyFrom(primary, acc)
	if err := errors.Join(err, primary.Start(ctx)); err != nil {
		return fail(err)
	}
	signal := filepath.Join(c.Dir(), "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		return fail(fmt.Errorf("make a standby: %w", err))
	}
	if err := acc.own(signal); err != nil {
		return fail(err)
	}
	if err := c.configure(); err != nil {
		return fail(err)
	}
	if err := c.Start(ctx); err != nil {
		return fail(err)
	}
	return c, nil
}

// conninfo is how a standby reaches the cluster.
func (c *Cluster) conninfo() string {
	text := fmt.Sprintf("host=%s port=%d user=%s", c.dir, c.port, Superuser)
	if c.password != "" {
		text += " password=" + c.password
	}
	return text
}

// copyFrom takes the data of a server that is stopped.
func (c *Cluster) copyFrom(primary *Cluster, acc *account) error {
	if err := dataDir(c.dir, c.opts.OnDisk, acc); err != nil {
		return err
	}
	from, err := filepath.EvalSymlinks(primary.Dir())
	if err != nil {
		return fmt.Errorf("copy the data directory: %w", err)
	}
	return copyData(from, c.Dir(), acc)
}

// copyData copies a data directory, for the account.
func copyData(from, to string, acc *account) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("copy the data directory: %w", err)
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			if err := os.MkdirAll(target, 0o700); err != nil {
				return fmt.Errorf("copy the data directory: %w", err)
			}
			return acc.own(target)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		if err := copyFile(path, target, 0o600); err != nil {
			return fmt.Errorf("copy the data directory: %w", err)
		}
		return acc.own(target)
	})
}
