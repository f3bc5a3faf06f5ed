package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// besidePgcopydb times a whole database beside pgcopydb, keys included, with two
// processes for rows and two for indexes there, and two jobs for both here.
func besidePgcopydb(ctx context.Context, b *bench) (*result, error) {
	program, version, err := findPgcopydb(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := mix(b.opts.size)
	if err != nil {
		return nil, err
	}
	d, err := b.makeData(ctx, tables)
	if err != nil {
		return nil, err
	}
	ours := b.ours("A pg2db9", "--jobs", "2", "--skip-verify")
	work := filepath.Join(b.dir, "pgcopydb")
	// It calls pg_dump and pg_restore, and must find those of the servers' version.
	path := "PATH=" + filepath.Dir(b.tool("pg_dump")) + string(os.PathListSeparator) + os.Getenv("PATH")
	peer := &contender{Name: "B " + version, recipe: recipe{steps: []pipeline{
		{{"rm", "-rf", work}},
		{{"env", path, program, "clone", "--source", b.sourceURL(), "--target", b.targetURL(), "--dir", work, "--table-jobs", "2", "--index-jobs", "2"}},
	}}}
	if err := b.contend(ctx, b.opts.rounds, ours, peer); err != nil {
		return nil, err
	}
	return &result{Data: d.String(), Contenders: []*contender{ours, peer}, Figures: compare(ours, peer, 0.85)}, nil
}

// findPgcopydb looks where PGCOPYDB says, then in PATH.
func findPgcopydb(ctx context.Context) (program, version string, err error) {
	if program = os.Getenv("PGCOPYDB"); program == "" {
		if program, err = exec.LookPath("pgcopydb"); err != nil {
			return "", "", errors.New("pgcopydb is compared with and was not found: install Debian's package pgcopydb, or name it by PGCOPYDB")
		}
	}
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "", "", fmt.Errorf("ask %s for its version: %w", program, err)
	}
	version, _, _ = strings.Cut(string(out), "\n")
	return program, strings.Replace(version, " version", "", 1), nil
}
