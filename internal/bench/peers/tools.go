package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// findTools returns the directory of psql, pg_dump and pg_restore. Debian's
// /usr/bin/psql is a Perl script that finds the real one, a tenth of a second
// a call: that would be counted against the peers, so the real ones are looked
// for first.
func findTools() (string, error) {
	dirs := []string{os.Getenv("PGTEST_BIN")}
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	slices.Sort(debian)
	slices.Reverse(debian)
	dirs = append(dirs, debian...)
	if psql, err := exec.LookPath("psql"); err == nil {
		dirs = append(dirs, filepath.Dir(psql))
	}
	for _, dir := range dirs {
		if dir == "" || !hasAll(dir, "psql", "pg_dump", "pg_restore") {
			continue
		}
		return dir, nil
	}
	return "", errors.New("psql, pg_dump and pg_restore are compared with and were not found: " +
		"install Debian's package postgresql-client (apt-get install postgresql), or put them into PATH")
}

// chooseServer has the clusters run the server that stands beside the tools, if
// one does and none was chosen: servers and clients are of one build then.
func chooseServer(tools string) error {
	if os.Getenv("PGTEST_BIN") != "" || !hasAll(tools, "initdb", "postgres") {
		return nil
	}
	if err := os.Setenv("PGTEST_BIN", tools); err != nil {
		return fmt.Errorf("choose the server: %w", err)
	}
	return nil
}

func hasAll(dir string, programs ...string) bool {
	for _, p := range programs {
		if fi, err := os.Stat(filepath.Join(dir, p)); err != nil || fi.IsDir() {
			return false
		}
	}
	return true
}

// checkDisk wants room for the largest case: source and target with indexes,
// the dump, and WAL of both servers.
func checkDisk(dir string, chosen []benchCase, size float64) error {
	var most float64
	for _, c := range chosen {
		most = max(most, c.bytes*size)
	}
	const perByte, wal = 5, 4e9
	need := most*perByte + wal
	free, err := freeSpace(dir)
	if err != nil {
		return fmt.Errorf("read the free space of %s: %w", dir, err)
	}
	if free < need {
		return fmt.Errorf("%s has %.0f GB free, these cases may need %.0f GB: use -size or fewer -cases", dir, free/gb, need/gb)
	}
	return nil
}

// gb is what the figures call a GB.
const gb = 1e9
