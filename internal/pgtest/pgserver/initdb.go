package pgserver

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// settings are those of a throw-away server that tests copy to, copy from and
// follow. synchronous_commit stays on: with fsync off it costs little, and
// what is lost without it is something that tests look at.
var settings = map[string]string{
	"fsync":                     "off",
	"jit":                       "off", // compiles in each new session for what takes a moment
	"full_page_writes":          "off",
	"wal_level":                 "logical",
	"max_connections":           "200",
	"max_wal_senders":           "20",
	"max_replication_slots":     "20",
	"max_prepared_transactions": "10",
	"max_locks_per_transaction": "512",
	"shared_buffers":            "64MB",
	"max_wal_size":              "1GB",
	"logging_collector":         "off",
	"log_line_prefix":           "%m [%p] %q%d ",
	"timezone":                  "UTC",
	"log_timezone":              "UTC",
}

// initdbArgs are the arguments that say what the cluster is, not where.
func (c *Cluster) initdbArgs() []string {
	locale := c.opts.Locale
	if locale == "" {
		locale = "C"
		if runtime.GOOS == "linux" {
			locale = "C.UTF-8"
		}
	}
	encoding := c.opts.Encoding
	if encoding == "" {
		encoding = "UTF8"
	}
	auth := "trust"
	if c.password != "" {
		auth = "scram-sha-256"
	}
	return []string{"-U", Superuser, "-E", encoding, "--locale=" + locale, "--lc-messages=C", "--no-sync", "-A", auth}
}

// initdb makes the data directory.
func (c *Cluster) initdb(ctx context.Context, acc *account) error {
	args := append([]string{"-D", c.Dir()}, c.initdbArgs()...)
	if c.password != "" {
		file := filepath.Join(c.dir, "password")
		if err := os.WriteFile(file, []byte(c.password), 0o600); err != nil {
			return fmt.Errorf("write the password for initdb: %w", err)
		}
		defer func() { _ = os.Remove(file) }()
		if err := acc.own(file); err != nil {
			return err
		}
		args = append(args, "--pwfile="+file)
	}
	cmd := exec.CommandContext(ctx, c.bin.path("initdb"), args...)
	cmd.Dir = c.dir
	cmd.Env = environment(c.dir)
	cmd.SysProcAttr = acc.attr()
	dieWithParent(cmd.SysProcAttr)
	runtime.LockOSThread() // the thread is the parent
	defer runtime.UnlockOSThread()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("initdb of PostgreSQL %d: %w: %s", c.bin.Major, err, tail(out.Bytes()))
	}
	return nil
}

// marker opens our lines in postgresql.conf; all after it is ours.
const marker = "\n# pgtest\n"

// configure writes our settings at the end of postgresql.conf.
func (c *Cluster) configure() error {
	path := filepath.Join(c.Dir(), "postgresql.conf")
	conf, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("configure the cluster: %w", err)
	}
	if i := bytes.Index(conf, []byte(marker)); i >= 0 {
		conf = conf[:i]
	}
	listen := ""
	if c.opts.TCP {
		listen = "127.0.0.1"
	}
	var b bytes.Buffer
	b.Write(conf)
	b.WriteString(marker)
	write := func(values map[string]string) {
		keys := make([]string, 0, len(values))
		for k := range values {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(&b, "%s = '%s'\n", k, strings.ReplaceAll(values[k], "'", "''"))
		}
	}
	write(settings)
	write(c.opts.Settings)
	write(map[string]string{
		"listen_addresses":        listen,
		"port":                    fmt.Sprint(c.port),
		"unix_socket_directories": c.dir,
	})
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("configure the cluster: %w", err)
	}
	return nil
}

// environment is all that the server's programs see of ours.
func environment(home string) []string {
	env := []string{"HOME=" + home, "PATH=/usr/bin:/bin", "LC_ALL=C"}
	if s := os.Getenv("LD_LIBRARY_PATH"); s != "" {
		env = append(env, "LD_LIBRARY_PATH="+s)
	}
	return env
}

// tail is the end of a log, for an error.
func tail(log []byte) string {
	const most = 2000
	log = bytes.TrimSpace(log)
	if len(log) > most {
		log = log[len(log)-most:]
	}
	return string(log)
}
