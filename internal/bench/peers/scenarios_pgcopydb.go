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
	programs, err := findPgcopydb(ctx)
	if err != nil {
		return nil, err
	}
	if len(programs) == 0 {
		return nil, errors.New("pgcopydb is compared with and was not found: install Debian's package pgcopydb, or name it by PGCOPYDB")
	}
	_, d, err := b.makeMix(ctx, b.opts.size)
	if err != nil {
		return nil, err
	}
	ours := b.ours("A pg2db9", "--jobs", "2", "--skip-verify")
	peer := b.pgcopydb("B "+programs[0].version, programs[0], b.targetURL(), filepath.Join(b.dir, "pgcopydb"))
	if err := b.contend(ctx, b.opts.rounds, ours, peer); err != nil {
		return nil, err
	}
	return &result{Data: d.String(), Contenders: []*contender{ours, peer}, Figures: compare(ours, peer, 0.85)}, nil
}

// pgcopydb is a whole clone by one pgcopydb, its files in a directory of its own.
func (b *bench) pgcopydb(name string, p pgcopydb, target, work string) *contender {
	// It calls pg_dump and pg_restore, and must find those of the servers' version.
	path := "PATH=" + filepath.Dir(b.tool("pg_dump")) + string(os.PathListSeparator) + os.Getenv("PATH")
	return &contender{
		Name: name,
		recipe: recipe{steps: []pipeline{{{
			"env", path, p.path, "clone", "--source", b.sourceURL(), "--target", target, "--dir", work, "--table-jobs", "2", "--index-jobs", "2",
		}}}},
		before: func(context.Context) error { // it goes on with what it finds there
			if err := os.RemoveAll(work); err != nil {
				return fmt.Errorf("remove what the last run left: %w", err)
			}
			return nil
		},
	}
}

// pgcopydb is one of its programs.
type pgcopydb struct{ path, version string }

// findPgcopydb looks where PGCOPYDB says, which may name several, else in PATH.
// It returns none where none is there.
func findPgcopydb(ctx context.Context) ([]pgcopydb, error) {
	paths := filepath.SplitList(os.Getenv("PGCOPYDB"))
	if len(paths) == 0 {
		if found, err := exec.LookPath("pgcopydb"); err == nil {
			paths = []string{found}
		}
	}
	var programs []pgcopydb
	for _, path := range paths {
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("ask %s for its version: %w", path, err)
		}
		version, _, _ := strings.Cut(string(out), "\n")
		programs = append(programs, pgcopydb{path, strings.Replace(version, " version", "", 1)})
	}
	return programs, nil
}
