package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// verifySpeed times a verification by digest of two databases that are equal, two
// reads at a time: beside only reading both, beside what is done by hand (one hash
// of all rows a table, in psql), and beside pgcopydb's comparison where a program
// that has it is named.
func verifySpeed(ctx context.Context, b *bench) (*result, error) {
	tables, d, err := b.makeMix(ctx, b.opts.size)
	if err != nil {
		return nil, err
	}
	if _, err := b.once(ctx, b.ours("the copy that is compared", "--jobs", "2", "--skip-verify")); err != nil {
		return nil, err
	}
	ours := &contender{Name: "A pg2db9 verify", keep: true, recipe: recipe{steps: []pipeline{{{
		b.opts.pg2db9, "verify", "--source", b.sourceURL(), "--target", b.targetURL(), "--profile", "postgres", "--level", "digest", "--jobs", "2", "--no-progress",
	}}}}}
	reading, err := b.eachSide("B read both sides", tables, func(t table) string { return fmt.Sprintf("COPY (SELECT * FROM %s) TO STDOUT", t.name) })
	if err != nil {
		return nil, err
	}
	hashes, err := b.eachSide("C hash both sides in psql", tables, func(t table) string {
		return fmt.Sprintf("SELECT count(*), sum(hashtextextended(x::text, 0)::numeric) FROM %s x", t.name)
	})
	if err != nil {
		return nil, err
	}
	md5s, err := b.eachSide("D md5 of both sides in psql", tables, func(t table) string {
		return fmt.Sprintf("SELECT md5(string_agg(md5(x::text), '' ORDER BY %s)) FROM %s x", t.shape.key, t.name)
	})
	if err != nil {
		return nil, err
	}
	all := []*contender{ours, reading, hashes, md5s}
	if os.Getenv("PGCOPYDB_COMPARE") != "" {
		all = append(all, &contender{Name: "E pgcopydb compare data", keep: true, recipe: recipe{steps: []pipeline{
			{{"rm", "-rf", filepath.Join(b.dir, "compare")}},
			{{"env", "PATH=" + filepath.Dir(b.tool("pg_dump")) + string(os.PathListSeparator) + os.Getenv("PATH"), os.Getenv("PGCOPYDB_COMPARE"), "compare", "data", "--source", b.sourceURL(), "--target", b.targetURL(), "--dir", filepath.Join(b.dir, "compare"), "--jobs", "2"}},
		}}})
	}
	if err := b.contend(ctx, b.opts.rounds, all...); err != nil {
		return nil, err
	}
	r := &result{Data: d.String() + ", on both sides", Contenders: all, Figures: []figure{
		atMost("wall of A to B, ratio of medians", median(ours.walls())/median(reading.walls()), "", 1.25),
	}}
	for _, c := range all[2:] {
		r.Figures = append(r.Figures, atMost("wall of A to "+c.Name[:1]+", ratio of medians", median(ours.walls())/median(c.walls()), "", 1))
	}
	r.Figures = append(r.Figures,
		figure{Name: "client CPU of A", Value: median(ours.cpus()) / (2 * float64(d.bytes) / gb), Unit: "s per GB of COPY TEXT read"},
		atMost("max RSS of A", median(ours.rss()), "MiB", 64))
	return r, nil
}

// eachSide runs a statement for each table on both sides, a process for either.
func (b *bench) eachSide(name string, tables []table, statement func(table) string) (*contender, error) {
	file := filepath.Join(b.dir, strings.ReplaceAll(name, " ", "-")+".sql")
	var sql strings.Builder
	for _, t := range tables {
		sql.WriteString(statement(t) + ";\n")
	}
	if err := os.WriteFile(file, []byte(sql.String()), 0o600); err != nil {
		return nil, fmt.Errorf("write what to read: %w", err)
	}
	c := &contender{Name: name, keep: true, recipe: recipe{width: 2}}
	for _, url := range []string{b.sourceURL(), b.targetURL()} {
		c.recipe.steps = append(c.recipe.steps, pipeline{{b.tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", file}})
	}
	return c, nil
}
