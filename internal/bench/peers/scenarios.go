package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// The data of the cases at -size 1, in bytes of COPY TEXT.
const (
	oneStreamBytes = 0.4e9
	memoryBytes    = 5e9
	hugeRowBytes   = 200e6
	verifyBytes    = 1e9
)

// oneStream times one table through one connection to either side: the relay
// alone. Both make the table, fill it and analyze it.
func oneStream(ctx context.Context, b *bench) (*result, error) {
	s, err := shapeNamed(b.opts.shape)
	if err != nil {
		return nil, err
	}
	t := sized("t", s, oneStreamBytes*b.opts.size, false)
	d, err := b.makeData(ctx, []table{t})
	if err != nil {
		return nil, err
	}
	ours := b.ours("A pg2db9", "--jobs", "1", "--skip-verify")
	peer := &contender{Name: "B psql | psql", recipe: recipe{steps: []pipeline{
		{b.psql(b.targetURL(), t.ddl())},
		{b.psql(b.sourceURL(), "COPY public.t TO STDOUT"), b.psql(b.targetURL(), "COPY public.t FROM STDIN")},
		{b.psql(b.targetURL(), "ANALYZE public.t")},
	}}}
	if err := b.contend(ctx, b.opts.rounds, ours, peer); err != nil {
		return nil, err
	}
	perGB := median(ours.cpus()) / (float64(d.bytes) / gb)
	return &result{
		Data: d.String() + ", shape " + s.name, Contenders: []*contender{ours, peer},
		Figures: append(compare(ours, peer, 1.0), atMost("client CPU of A", perGB, "s per GB of COPY TEXT", 1.5)),
	}, nil
}

// tables505 times a whole database: schema, rows, keys.
func tables505(ctx context.Context, b *bench) (*result, error) {
	_, d, err := b.makeMix(ctx, b.opts.size)
	if err != nil {
		return nil, err
	}
	ours := b.ours("A pg2db9", "--jobs", "2", "--skip-verify")
	peer := &contender{Name: "B pg_dump, pg_restore", recipe: recipe{steps: []pipeline{
		{{b.tool("pg_dump"), "-Fd", "-j2", "-Z0", "-f", b.dumpDir(), b.sourceURL()}},
		{{b.tool("pg_restore"), "-j2", "-d", b.targetURL(), b.dumpDir()}},
	}}}
	if err := b.contend(ctx, b.opts.rounds, ours, peer); err != nil {
		return nil, err
	}
	return &result{Data: d.String(), Contenders: []*contender{ours, peer}, Figures: compare(ours, peer, 0.9)}, nil
}

// binary times a whole database in COPY's binary format beside text, verified and
// not: binary rows have no digest, and cost a verification one more read.
func binary(ctx context.Context, b *bench) (*result, error) {
	_, d, err := b.makeMix(ctx, b.opts.size)
	if err != nil {
		return nil, err
	}
	ours := b.ours("A binary", "--jobs", "2", "--skip-verify", "--format", "binary")
	text := b.ours("B text", "--jobs", "2", "--skip-verify")
	verified := b.ours("C binary, verified", "--jobs", "2", "--format", "binary")
	both := b.ours("D text, verified", "--jobs", "2")
	if err := b.contend(ctx, b.opts.rounds, ours, text, verified, both); err != nil {
		return nil, err
	}
	return &result{Data: d.String(), Contenders: []*contender{ours, text, verified, both}, Figures: []figure{
		atMost("wall of A to B, ratio of medians", median(ours.walls())/median(text.walls()), "", 1),
		{Name: "wall of C to D, ratio of medians", Value: median(verified.walls()) / median(both.walls())},
		{Name: "client CPU of A to B", Value: median(ours.cpus()) / median(text.cpus())},
	}}, nil
}

// memory looks for the most memory of a clone, verified: of many rows, then of
// one that is larger than every buffer. Memory does not vary as time does, so
// each is run once.
func memory(ctx context.Context, b *bench) (*result, error) {
	_, d, err := b.makeMix(ctx, memoryBytes/mixBytes*b.opts.size)
	if err != nil {
		return nil, err
	}
	mixed := b.ours("mixed tables", "--jobs", "8")
	if err := b.single(ctx, mixed); err != nil {
		return nil, err
	}
	many := b.ours("mixed tables, 16 jobs", "--jobs", "16", "--skip-verify")
	if err := b.single(ctx, many); err != nil {
		return nil, err
	}
	const slack, slackOfMany = 64, 96 // MiB, whatever is copied
	r := &result{Data: d.String() + "; then one row", Contenders: []*contender{mixed, many}}
	r.Figures = append(r.Figures, atMost("max RSS, mixed tables", median(mixed.rss()), "MiB", slack))
	r.Figures = append(r.Figures, atMost("max RSS, mixed tables, 16 jobs", median(many.rss()), "MiB", slackOfMany))

	size := int64(math.Round(hugeRowBytes * b.opts.size))
	if d, err = b.makeData(ctx, []table{hugeRow(size)}); err != nil {
		return nil, err
	}
	r.Data += fmt.Sprintf(" of %.0f MB", float64(d.bytes)/1e6)
	huge := b.ours("one huge row", "--jobs", "8")
	if err := b.single(ctx, huge); err != nil {
		return nil, err
	}
	r.Contenders = append(r.Contenders, huge)
	r.Figures = append(r.Figures, atMost("max RSS, one huge row", median(huge.rss()), "MiB", float64(d.bytes)/mib+slack))
	return r, nil
}

// hugeRow is a table of one row with a text of that size.
func hugeRow(size int64) table {
	s := shape{
		name: "huge", key: "id", rowSize: int(size), storage: "body",
		columns: "id bigint NOT NULL, body text",
		values:  fmt.Sprintf("i, (SELECT left(string_agg(md5(j::text), ''), %d) FROM generate_series(1, %d) j)", size, size/32+1),
	}
	return table{name: "huge", shape: s, rows: 1, key: true}
}

func (b *bench) single(ctx context.Context, c *contender) error {
	u, err := b.once(ctx, c)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	b.logf("%s: %.2f s, %.0f MiB", c.Name, u.Wall, float64(u.RSS)/mib)
	c.Runs = append(c.Runs, u)
	return nil
}

// verifyCost times a clone with and without verification, and what it costs to
// read the target once, which is what verification must do at least.
func verifyCost(ctx context.Context, b *bench) (*result, error) {
	tables, d, err := b.makeMix(ctx, verifyBytes/mixBytes*b.opts.size)
	if err != nil {
		return nil, err
	}
	without := b.ours("A without verification", "--jobs", "2", "--skip-verify")
	with := b.ours("B with verification", "--jobs", "2")
	everything, err := b.readAll(tables)
	if err != nil {
		return nil, err
	}
	// Reads what A leaves, in the state that B's verification finds it in.
	read := &contender{Name: "C read the target", keep: true, recipe: everything}
	before, err := b.rowsRead(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.contend(ctx, b.opts.rounds, without, read, with); err != nil {
		return nil, err
	}
	after, err := b.rowsRead(ctx)
	if err != nil {
		return nil, err
	}
	clones := float64(2 * (b.opts.rounds + 1))
	growth := make([]float64, len(with.Runs))
	for i := range growth {
		growth[i] = with.Runs[i].Wall - without.Runs[i].Wall
	}
	return &result{
		Data: d.String(), Contenders: []*contender{without, read, with},
		Figures: []figure{
			atMost("wall of B less that of A", median(growth), "s", median(read.walls())),
			{Name: "phase verify of B", Value: median(column(with.Runs, func(u usage) float64 { return u.phase("verify") })), Unit: "s"},
			atMost("how often a row of the source was read by a clone", float64(after-before)/float64(d.rows)/clones, "times", 1.001),
		},
	}, nil
}

// readAll reads all tables of the target by two processes of about the same
// work. One process a table would cost more to start than to read.
func (b *bench) readAll(tables []table) (recipe, error) {
	var readers [2]struct {
		sql   strings.Builder
		bytes int64
	}
	for _, t := range tables { // the large ones stand first
		r := &readers[0]
		if readers[1].bytes < r.bytes {
			r = &readers[1]
		}
		fmt.Fprintf(&r.sql, "COPY (SELECT * FROM %s) TO STDOUT;\n", t.name)
		r.bytes += t.rows * int64(t.shape.rowSize)
	}
	out := recipe{width: len(readers)}
	for i := range readers {
		file := filepath.Join(b.dir, fmt.Sprintf("read%d.sql", i+1))
		if err := os.WriteFile(file, []byte(readers[i].sql.String()), 0o600); err != nil {
			return out, fmt.Errorf("write what to read: %w", err)
		}
		out.steps = append(out.steps, pipeline{{b.tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", b.targetURL(), "-f", file}})
	}
	return out, nil
}
