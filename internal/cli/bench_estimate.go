package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/assess"
	benchresult "github.com/pg2db9/pg2db9/internal/bench/result"
	benchrun "github.com/pg2db9/pg2db9/internal/bench/run"
	"github.com/pg2db9/pg2db9/internal/bench/sim"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/ui"
)

func benchEstimateCommand() command {
	return command{
		name: cmdBenchEstimate, usage: "say how long a migration's rows will take, by a measured result and the source's sizes",
		about: "Takes the rates of --result FILE.json, under the settings that it recommends and each number of jobs that was measured,\n" +
			"and plays a copy of the source's tables through on paper: parts, connections and round trips. Reads sizes alone, no row.\n" +
			"What was measured on one shape of rows is only about right for another; keys and indexes made after the rows are not\n" +
			"in it.",
		options: optionNames(serverOptions, []string{"include-table", "exclude-table", "include-schema", "exclude-schema", "profile", "result", "json"}),
		run:     runBenchEstimate,
	}
}

// estimate is what a migration's rows will take.
type benchEstimate struct {
	Tables   int                  `json:"tables"`
	Bytes    int64                `json:"bytes"` // of COPY TEXT, about
	Settings benchresult.Settings `json:"settings"`
	By       []estimateFor        `json:"by_jobs"`
	Notes    []string             `json:"notes"`
}

type estimateFor struct {
	Jobs    int     `json:"jobs"`
	Parts   int     `json:"parts"`
	Seconds float64 `json:"seconds"`
	Rate    float64 `json:"mb_per_s"`
	Busy    float64 `json:"busy"` // share of the jobs' time with a part
}

func runBenchEstimate(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	if len(cfg.Results) != 1 {
		return OK, usagef(cmdBenchEstimate, "%s: name the result of a measurement: --result FILE.json", cfg.Where("result"))
	}
	res, err := benchresult.Read(cfg.Results[0])
	if err != nil {
		return OK, usagef(cmdBenchEstimate, "%v", err)
	}
	if res.Best == nil {
		return OK, usagef(cmdBenchEstimate, "%s: the result %q holds no runs", cfg.Where("result"), cfg.Results[0])
	}
	opts, err := newOptions(ctx, cmdBenchEstimate, cfg, needs{source: true})
	if err != nil {
		return OK, err
	}
	defer opts.source.Close()
	defer opts.target.Close()
	ctx, done := p.untilInterrupt(ctx)
	defer done()
	e, err := estimateBy(ctx, opts, res)
	if err != nil {
		return OK, err
	}
	best := slices.MinFunc(e.By, func(a, b estimateFor) int { return cmp.Compare(a.Seconds, b.Seconds) })
	message := fmt.Sprintf("about %s with %s", spoken(best.Seconds), count(best.Jobs, "job"))
	if p.json {
		p.lines.Write("estimate", ui.Object{{Key: "estimate", Value: e}})
		p.exitObject(OK, message, nil)
		return OK, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s of rows in %s, about, as COPY TEXT; batches and keys as the result recommends\n", humanize.Bytes(uint64(e.Bytes)), count(e.Tables, "table")) //nolint:gosec // never negative
	for _, x := range e.By {
		fmt.Fprintf(&b, "  %-9s %-12s %.1f MB/s, %s, jobs at work %.0f %% of the time\n", count(x.Jobs, "job"), spoken(x.Seconds), x.Rate, count(x.Parts, "part"), 100*x.Busy)
	}
	for _, n := range e.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	_, _ = io.WriteString(p.streams.Out, printableLines(b.String()+message+"\n"))
	return OK, nil
}

// Round trips that a part costs beside its batches: its lock and the first row.
const partTrips = 2

// estimateBy plays the copy through for each number of jobs that was measured.
func estimateBy(ctx context.Context, opts *options, res *benchresult.Result) (*benchEstimate, error) {
	profile := ddlgen.DB9()
	switch {
	case opts.profile != nil:
		profile = *opts.profile
	case res.Profile == config.ProfilePostgres:
		profile = ddlgen.Postgres()
	}
	e := &benchEstimate{Settings: res.Best.Settings, Notes: []string{"keys and indexes that are made after the rows are not in it, nor is the verification"}}
	curve, shapes := measuredCurve(res)
	if len(shapes) > 1 {
		e.Notes = append(e.Notes, "the rate is the mean of those of the shapes "+strings.Join(shapes, ", ")+": measure the one that your rows are like for a better answer")
	}
	switch res.Kind {
	case benchresult.KindSource:
		e.Notes = append(e.Notes, "the result measured the source alone: no target is slower than this says")
	case benchresult.KindNone:
		e.Notes = append(e.Notes, "the result measured this program alone, and no server: the migration will be slower")
	}
	for _, point := range curve {
		parts, tables, err := benchrun.Sizes(ctx, opts.source, profile, opts.filter, point.Streams)
		if err != nil {
			return nil, err
		}
		e.Tables, e.Bytes = tables, 0
		s := sim.Params{Jobs: point.Streams, Curve: curve, PartTrips: partTrips}
		for _, side := range []*benchresult.Server{res.Source, res.Target} {
			if side != nil {
				s.RoundTrip += side.RoundTrip / 1000
				s.Connect = max(s.Connect, side.Connect/1000)
			}
		}
		for _, part := range parts {
			bytes := assess.CopyBytes(part.Bytes, 0)
			s.Parts = append(s.Parts, bytes)
			e.Bytes += bytes
		}
		r := sim.Run(s)
		x := estimateFor{Jobs: point.Streams, Parts: len(parts), Seconds: r.Seconds, Busy: r.Busy}
		if r.Seconds > 0 {
			x.Rate = float64(e.Bytes) / 1e6 / r.Seconds
		}
		e.By = append(e.By, x)
	}
	return e, nil
}

// measuredCurve is the rate by the number of jobs, under the settings that are
// recommended otherwise: the mean over shapes and orders.
func measuredCurve(res *benchresult.Result) (curve []sim.Point, shapes []string) {
	type sum struct {
		rate float64
		n    int
	}
	sums := map[int]*sum{}
	for i := range res.Cells {
		c := &res.Cells[i]
		of := c.Settings
		of.Shape, of.Order, of.Jobs = res.Best.Settings.Shape, res.Best.Settings.Order, res.Best.Settings.Jobs
		if of != res.Best.Settings || len(c.Runs) == 0 {
			continue
		}
		if sums[c.Settings.Jobs] == nil {
			sums[c.Settings.Jobs] = &sum{}
		}
		sums[c.Settings.Jobs].rate += c.Summary().Rate * 1e6
		sums[c.Settings.Jobs].n++
		if !slices.Contains(shapes, c.Settings.Shape) {
			shapes = append(shapes, c.Settings.Shape)
		}
	}
	for jobs, s := range sums {
		curve = append(curve, sim.Point{Streams: jobs, Rate: s.rate / float64(s.n)})
	}
	slices.SortFunc(curve, func(a, b sim.Point) int { return cmp.Compare(a.Streams, b.Streams) })
	return curve, shapes
}

// spoken is a time for people.
func spoken(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	case d >= time.Minute:
		return d.Round(time.Second).String()
	}
	return d.Round(time.Millisecond).String()
}
