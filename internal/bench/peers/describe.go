package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// describe says what the figures hold for.
func (b *bench) describe(ctx context.Context) (*report, error) {
	r := &report{
		Started: time.Now().UTC(), Rounds: b.opts.rounds, Size: b.opts.size, Seed: b.opts.seed, Load: loadBefore(),
		Machine: machine{
			Cores: runtime.NumCPU(), Model: procField("/proc/cpuinfo", "model name"),
			Memory: procField("/proc/meminfo", "MemTotal"), System: runtime.GOOS + "/" + runtime.GOARCH,
		},
		Versions: map[string]string{}, Settings: map[string]string{},
	}
	for _, cmd := range []command{
		{b.opts.pg2db9, "version"}, {b.tool("psql"), "--version"}, {b.tool("pg_dump"), "--version"}, {b.tool("pg_restore"), "--version"},
	} {
		out, err := exec.CommandContext(ctx, cmd[0], cmd[1:]...).Output()
		if err != nil {
			return nil, fmt.Errorf("ask %s: %w", cmd, err)
		}
		name := cmd[0][strings.LastIndexByte(cmd[0], '/')+1:]
		r.Versions[name] = strings.Join(strings.Fields(string(out)), " ")
	}
	url := b.source.URL("postgres")
	version, err := query(ctx, url, "SELECT version()")
	if err != nil {
		return nil, err
	}
	r.Versions["server"] = version[0]
	lines, err := query(ctx, url, `SELECT name || '=' || current_setting(name) FROM pg_settings
		WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'wal_level', 'shared_buffers', 'max_wal_size',
			'maintenance_work_mem', 'max_parallel_maintenance_workers', 'autovacuum')`)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		r.Settings[name] = value
	}
	return r, nil
}

// public takes out of a command what is of this run alone: paths and ports.
func (b *bench) public(cmd string) string {
	return withPath.ReplaceAllString(strings.NewReplacer(
		command{b.sourceURL()}.String(), "$SOURCE", command{b.targetURL()}.String(), "$TARGET", // in quotes, for what else stands in it
		b.sourceURL(), "$SOURCE", b.targetURL(), "$TARGET", b.opts.pg2db9, "pg2db9", b.tools+"/", "", b.dumpDir(), "DIR", b.dir+"/", "",
	).Replace(cmd), "pgcopydb")
}

// withPath is how pgcopydb is called, which takes its helpers from PATH.
var withPath = regexp.MustCompile(`env '?PATH=\S+ \S*pgcopydb\b`)
