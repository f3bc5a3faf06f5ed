package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/ddlgen"
	benchrun "github.com/pg2db9/pg2db9/internal/bench/run"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/config"
)

const (
	mostRepeat   = 1000
	mostPipeline = 1024
	defaultRun   = 10 * time.Second
)

// grid is what the user named of the settings that are measured; what is nil the
// profile decides.
type grid struct {
	benchrun.Grid
	size             int64
	duration, warmUp time.Duration
	jobsGiven        bool
}

// readGrid parses bench's lists and sizes.
func readGrid(cfg *config.Config) (*grid, error) {
	g := &grid{jobsGiven: cfg.Given("jobs")}
	number := func(least, most int64) func(string) (int64, error) {
		return func(s string) (int64, error) {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil || n < least || n > most {
				return 0, fmt.Errorf("must be whole numbers from %d to %d, with commas between them, not %q", least, most, s)
			}
			return n, nil
		}
	}
	var jobs, pipeline []int64
	var orders, keys []string
	var err error
	for _, read := range []func() error{
		func() error { return list(cfg, "jobs", cfg.JobsList, &jobs, number(1, mostJobs)) },
		func() error { return list(cfg, "pipeline", cfg.Pipeline, &pipeline, number(1, mostPipeline)) },
		func() error { return list(cfg, "batch-rows", cfg.BatchRows, &g.BatchRows, number(0, 1<<40)) },
		func() error { return list(cfg, "batch-bytes", cfg.BatchBytes, &g.BatchBytes, parseBytes) },
		func() error { return list(cfg, "order", cfg.Order, &orders, oneOf("key", "random")) },
		func() error {
			return list(cfg, "primary-key", cfg.KeyList, &keys, oneOf(benchrun.KeyInline, benchrun.KeyAfter))
		},
		func() error { return list(cfg, "shape", cfg.Shape, &g.Shapes, shape.Parse) },
		func() error { g.size, err = size(cfg, "size", cfg.Size); return err },
		func() error { g.duration, err = duration(cfg, "duration", cfg.Duration); return err },
		func() error { g.warmUp, err = duration(cfg, "warmup", cfg.WarmUp); return err },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	g.PrimaryKey = keys
	for _, n := range jobs {
		g.Jobs = append(g.Jobs, int(n))
	}
	for _, n := range pipeline {
		g.Pipeline = append(g.Pipeline, int(n))
	}
	for _, o := range orders {
		g.Orders = append(g.Orders, shape.Order(o))
	}
	names := map[string]bool{}
	for _, s := range g.Shapes {
		if names[s.Name] {
			return nil, usagef(cmdBench, "%s: there are two shapes %q: name the files differently", cfg.Where("shape"), s.Name)
		}
		names[s.Name] = true
	}
	if g.size == 0 && g.duration == 0 {
		g.duration = defaultRun
	}
	switch {
	case cfg.Repeat < 1 || cfg.Repeat > mostRepeat:
		return nil, usagef(cmdBench, "%s: must be 1 to %d, not %d", cfg.Where("repeat"), mostRepeat, cfg.Repeat)
	case cfg.Seed < 0:
		return nil, usagef(cmdBench, "%s: must not be below 0", cfg.Where("seed"))
	case g.duration > 0 && g.warmUp >= g.duration:
		return nil, usagef(cmdBench, "%s: %s leaves nothing of runs of %s", cfg.Where("warmup"), g.warmUp, g.duration)
	}
	cfg.Jobs = slices.Max(g.Jobs)
	return g, nil
}

// list parses the values of a list with commas; none where it is empty.
func list[T any](cfg *config.Config, name, text string, into *[]T, parse func(string) (T, error)) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	for _, s := range strings.Split(text, ",") {
		v, err := parse(strings.TrimSpace(s))
		if err != nil {
			return usagef(cmdBench, "%s: %v", cfg.Where(name), err)
		}
		*into = append(*into, v)
	}
	return nil
}

func oneOf(values ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(values, s) {
			return "", fmt.Errorf("must be %s, or both with a comma between them, not %q", strings.Join(values, " or "), s)
		}
		return s, nil
	}
}

func parseBytes(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > 1<<50 {
		return 0, fmt.Errorf("must be sizes such as 500kB or 2MB, not %q", s)
	}
	return int64(n), nil
}

func size(cfg *config.Config, name, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := parseBytes(text)
	if err != nil || n == 0 {
		return 0, usagef(cmdBench, "%s: must be a size such as 500MB or 2GB, not %q", cfg.Where(name), text)
	}
	return n, nil
}

func duration(cfg *config.Config, name, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, usagef(cmdBench, "%s: must be a time such as 90s or 5m, not %q", cfg.Where(name), text)
	}
	return d, nil
}

// fill takes what nobody named from the profile. A search tries other values of it
// too.
func (g *grid) fill(p ddlgen.Profile, search bool) benchrun.Grid {
	of := benchrun.OfProfile(p, g.Jobs[0])
	if search {
		if !g.jobsGiven {
			g.Jobs = []int{1, 2, 4, 8, 16}
		}
		of.PrimaryKey = []string{benchrun.KeyInline, benchrun.KeyAfter}
		if p.BatchBytes > 0 { // where batches have no bound there is one a part
			of.Pipeline = []int{1, 2, 4}
			of.BatchBytes = []int64{p.BatchBytes / 4, p.BatchBytes / 2, p.BatchBytes}
		}
	}
	out := g.Grid
	if out.BatchRows == nil {
		out.BatchRows = of.BatchRows
	}
	if out.BatchBytes == nil {
		out.BatchBytes = of.BatchBytes
	}
	if out.Pipeline == nil {
		out.Pipeline = of.Pipeline
	}
	if out.PrimaryKey == nil {
		out.PrimaryKey = of.PrimaryKey
	}
	out.Jobs = g.Jobs
	return out
}
