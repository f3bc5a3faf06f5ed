package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/internal/db9sim/link"
)

// compared stands for all cases beside every tool.
const compared = "compare"

// comparedCases hold pg2db9 beside every tool that does the same work: the shapes
// of docs/performance.md one by one, all of them with 500 small tables, and those
// over a link with round trips.
func comparedCases() []benchCase {
	of := func(name, shape string, bytes float64) benchCase {
		return benchCase{name, shape + " rows in one table", bytes, func(ctx context.Context, b *bench) (*result, error) {
			s, err := shapeNamed(shape)
			if err != nil {
				return nil, err
			}
			return besideAll(ctx, b, name, []table{sized(shape, s, bytes*b.opts.size, true)})
		}}
	}
	return []benchCase{
		of("a", "accounts", 0.54e9),
		of("b", "narrow", 0.58e9),
		of("c", "text", 0.51e9),
		of("d", "toast", 0.66e9),
		{"e", "500 small tables", farBytes, func(ctx context.Context, b *bench) (*result, error) {
			tables, err := smallTables(b.opts.size)
			if err != nil {
				return nil, err
			}
			return besideAll(ctx, b, "e", tables)
		}},
		of("f", "numeric", 0.34e9),
		{"505", "one table of each of a, b, c, d and f, and 500 small ones", mixBytes, func(ctx context.Context, b *bench) (*result, error) {
			tables, err := mix(b.opts.size)
			if err != nil {
				return nil, err
			}
			return besideAll(ctx, b, "505", tables)
		}},
		{"far", "500 small tables to a target 100 ms away", farBytes, besideAllFarAway},
	}
}

// isCompared says whether a case is one of those.
func isCompared(name string) bool {
	return slices.ContainsFunc(comparedCases(), func(c benchCase) bool { return c.name == name })
}

// smallTables are 500 tables, or fewer where less than the full size is asked for.
func smallTables(size float64) ([]table, error) {
	s, err := shapeNamed("small")
	if err != nil {
		return nil, err
	}
	var tables []table
	for i := range max(5, int(farTables*min(1, size))) {
		tables = append(tables, table{name: fmt.Sprintf("small_%03d", i), shape: s, rows: 100, key: true})
	}
	return tables, nil
}

// The names of the contenders; those of pgcopydb are its versions.
const (
	oursName    = "pg2db9"
	manyJobs    = "pg2db9, 8 jobs"
	plainDump   = "pg_dump | psql"
	dirDump     = "pg_dump -Fd, pg_restore"
	pgcopydbOf  = "pgcopydb "
	pgcopydbNew = "pgcopydb 0.18"
)

// ways are all ways to copy the source to a target: two jobs each, rows as text,
// keys included. Their files are in a directory of their own.
func (b *bench) ways(target, dir string, programs []pgcopydb) []*contender {
	dump := filepath.Join(dir, "dump")
	all := []*contender{
		b.oursIn(dir, oursName, target, "--profile", "postgres", "--jobs", "2", "--skip-verify"),
		{Name: plainDump, recipe: recipe{steps: []pipeline{
			{{b.tool("pg_dump"), b.sourceURL()}, {b.tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target}},
		}}},
		{Name: dirDump, recipe: recipe{steps: []pipeline{
			{{b.tool("pg_dump"), "-Fd", "-j2", "-Z0", "-f", dump, b.sourceURL()}},
			{{b.tool("pg_restore"), "-j2", "-d", target, dump}},
		}}},
	}
	for _, p := range programs {
		all = append(all, b.pgcopydb(p.version, p, target, filepath.Join(dir, "pgcopydb")))
	}
	return all
}

// besideAll times all ways to copy these tables, in another order in each round.
// Before them stands one run with eight jobs, for the most memory that it takes;
// it warms both servers up, too.
func besideAll(ctx context.Context, b *bench, name string, tables []table) (*result, error) {
	programs, err := b.peersOf(ctx)
	if err != nil {
		return nil, err
	}
	d, err := b.makeData(ctx, tables)
	if err != nil {
		return nil, err
	}
	many := b.ours(manyJobs, "--jobs", "8", "--skip-verify")
	if err := b.single(ctx, many); err != nil {
		return nil, err
	}
	all := b.ways(b.targetURL(), b.dir, programs)
	if err := b.shuffled(ctx, name, all); err != nil {
		return nil, err
	}
	r := &result{Case: name, Data: d.String(), Bytes: d.bytes, Contenders: append(all, many)}
	r.Figures = r.goals()
	return r, nil
}

// peersOf are the programs of pgcopydb that there are.
func (b *bench) peersOf(ctx context.Context) ([]pgcopydb, error) {
	programs, err := findPgcopydb(ctx)
	if len(programs) == 0 && err == nil {
		b.logf("without pgcopydb, which was not found: install Debian's package pgcopydb, or name one or several (with : between them) by PGCOPYDB")
	}
	return programs, err
}

// lanes is how many runs stand side by side where all of them wait.
const lanes = 8

// besideAllFarAway times all ways to copy many small tables over a link whose
// round trips are long. A run of the peers takes minutes in which it waits, so
// runs stand side by side, each with a database of its own; how much of the
// processors' time was used is told.
func besideAllFarAway(ctx context.Context, b *bench) (*result, error) {
	programs, err := b.peersOf(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := smallTables(b.opts.size)
	if err != nil {
		return nil, err
	}
	d, err := b.makeData(ctx, tables)
	if err != nil {
		return nil, err
	}
	far, err := b.far(ctx, link.Config{Delay: b.opts.roundTrip / 2})
	if err != nil {
		return nil, err
	}
	defer far.close()
	all, busy, err := b.sideBySide(ctx, "far", lanes, func(database, dir string) []*contender {
		target := b.target.URLAt(far.address, database)
		many := b.oursIn(dir, manyJobs, target, "--profile", "postgres", "--jobs", "8", "--skip-verify")
		return append(b.ways(target, dir, programs), many)
	})
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		c.Command = strings.ReplaceAll(c.Command, command{far.url}.String(), "$TARGET")
	}
	r := &result{Case: "far", Data: fmt.Sprintf("%s; the target is %s away", d, b.opts.roundTrip), Bytes: d.bytes, Busy: busy, Contenders: all}
	r.Figures = r.goals()
	return r, nil
}

// floor is what no client can be faster than, in seconds: the least work of both
// servers that any of the ways has asked for, on all processors. 0 where their
// work was not told apart.
func (r *result) floor(cores int) float64 {
	least := 0.0
	for _, c := range r.Contenders {
		if c.Name == manyJobs || len(c.Runs) == 0 {
			continue
		}
		if work := c.serverCPU(); least == 0 || work < least {
			least = work
		}
	}
	return least / float64(max(1, cores))
}

// serverCPU is the median work of both servers, in seconds.
func (c *contender) serverCPU() float64 {
	return median(column(c.Runs, func(u usage) float64 { return u.SourceCPU + u.TargetCPU }))
}

// named is the contender of that name or, where it ends so, of that beginning.
func (r *result) named(name string) *contender {
	i := slices.IndexFunc(r.Contenders, func(c *contender) bool {
		return len(c.Runs) > 0 && (c.Name == name || name == pgcopydbNew && strings.HasPrefix(c.Name, name))
	})
	if i < 0 {
		return nil
	}
	return r.Contenders[i]
}

// peers are the contenders that are not pg2db9.
func (r *result) peers() []*contender {
	return slices.DeleteFunc(slices.Clone(r.Contenders), func(c *contender) bool { return strings.HasPrefix(c.Name, oursName) || len(c.Runs) == 0 })
}
