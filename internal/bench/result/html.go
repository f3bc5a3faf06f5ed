package result

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"sync"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/internal/bench/chart"
	"github.com/pg2db9/pg2db9/internal/ui/htmlpage"
)

//go:embed templates/body.html
var body string

var page = sync.OnceValue(func() *htmlpage.Page {
	return htmlpage.New(body, template.FuncMap{
		"comma": func(f float64) string { return humanize.Comma(int64(f)) },
		"waits": waitBar,
	})
})

// htmlResult is the result as its page shows it.
type htmlResult struct {
	*Result
	Heading, Date, BestText     string
	RoundTrip, Connect, Ceiling string
	OverJobs                    template.HTML
	Rows                        []htmlCell
}

type htmlCell struct {
	Settings        string
	S               Summary
	Open            bool
	Latency, Series template.HTML
}

// HTML writes the result as one file that fetches nothing.
func (r *Result) HTML(w io.Writer) error {
	v := htmlResult{Result: r, Heading: headings[r.Kind], Date: r.Started.UTC().Format("2006-01-02 15:04 UTC"), RoundTrip: "–", Ceiling: "–", OverJobs: r.overJobs()}
	if r.Best != nil {
		v.BestText = r.Best.Settings.short()
	}
	for _, s := range []*Server{r.Source, r.Target} {
		if s != nil {
			v.RoundTrip, v.Connect = fmt.Sprintf("%.2f ms", s.RoundTrip), fmt.Sprintf("a connection takes %.0f ms", s.Connect)
		}
	}
	for _, c := range r.Ceilings {
		v.Ceiling = humanize.CommafWithDigits(c.Rate, 0) + " MB/s"
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		if len(c.Runs) == 0 {
			continue
		}
		v.Rows = append(v.Rows, htmlCell{
			Settings: c.Settings.String(), S: c.Summary(), Open: len(v.Rows) == 0,
			Latency: chart.Bars("Latency of batches, "+c.Settings.String(), c.buckets()), Series: c.series(),
		})
	}
	return page().Write(w, "pg2db9 bench: "+v.Heading, v)
}

var headings = map[string]string{
	KindTarget: "How fast the target takes rows", KindSource: "How fast the source gives rows",
	KindBoth: "How fast rows go from source to target", KindNone: "How fast pg2db9 passes rows on",
}

// overJobs draws the rate over the jobs, a line for all else that differs; empty
// where only one number of jobs was measured.
func (r *Result) overJobs() template.HTML {
	var lines []chart.Line
	jobs := map[int]bool{}
	for i := range r.Cells {
		c := &r.Cells[i]
		if len(c.Runs) == 0 {
			continue
		}
		s := c.Settings
		jobs[s.Jobs] = true
		s.Jobs = 0
		name := s.String()[len("jobs 0, "):]
		k := slices.IndexFunc(lines, func(l chart.Line) bool { return l.Name == name })
		if k < 0 {
			k = len(lines)
			lines = append(lines, chart.Line{Name: name})
		}
		at, _ := slices.BinarySearch(lines[k].X, float64(c.Settings.Jobs))
		lines[k].X = slices.Insert(lines[k].X, at, float64(c.Settings.Jobs))
		lines[k].Y = slices.Insert(lines[k].Y, at, c.Summary().Rate)
	}
	if len(jobs) < 2 {
		return ""
	}
	return chart.Lines("Throughput over jobs", "jobs", "MB/s", lines, true)
}

// buckets are the latencies of all runs.
func (c *Cell) buckets() []chart.Bar {
	var all []chart.Bar
	for _, r := range c.Runs {
		for _, k := range r.Latency.Of {
			b := chart.Bar(k)
			at, found := slices.BinarySearchFunc(all, b, func(x, y chart.Bar) int { return cmpFloat(x.UpTo, y.UpTo) })
			if found {
				all[at].Count += b.Count
			} else {
				all = slices.Insert(all, at, b)
			}
		}
	}
	return all
}

// series draws the throughput of each run over time.
func (c *Cell) series() template.HTML {
	var lines []chart.Line
	for i, r := range c.Runs {
		l := chart.Line{Name: fmt.Sprintf("run %d", i+1)}
		for _, p := range r.Series {
			l.X, l.Y = append(l.X, p.At), append(l.Y, p.Rate)
		}
		if len(l.X) > 1 {
			lines = append(lines, l)
		}
	}
	return chart.Lines("Throughput over time, "+c.Settings.String(), "s", "MB/s", lines, false)
}
