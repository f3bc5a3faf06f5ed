package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is all that a call measured.
type report struct {
	Started  time.Time         `json:"started"`
	Machine  machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Settings map[string]string `json:"settings"` // of both servers
	Rounds   int               `json:"rounds"`
	Size     float64           `json:"size"`
	Seed     uint64            `json:"seed,omitempty"` // of the order of the runs
	Load     string            `json:"load,omitempty"` // of the machine before anything ran: over 1, 5 and 15 minutes
	Results  []*result         `json:"results"`
}

// machine is what the figures hold for.
type machine struct {
	Cores  int    `json:"cores"`
	Model  string `json:"model"`
	Memory string `json:"memory"`
	System string `json:"system"`
}

// result is what a case measured.
type result struct {
	Case       string       `json:"case"`
	About      string       `json:"about"`
	Data       string       `json:"data"`
	Bytes      int64        `json:"bytes,omitempty"` // of COPY TEXT
	Busy       float64      `json:"busy,omitempty"`  // share of the processors' time that was used, where runs stood side by side
	Contenders []*contender `json:"contenders"`
	Figures    []figure     `json:"figures"`
}

// contender is one way to do the work, with its timed runs.
type contender struct {
	Name    string  `json:"name"`
	Command string  `json:"command"`
	Runs    []usage `json:"runs"`

	recipe recipe
	report string                      // the file that a clone writes its report to
	before func(context.Context) error // makes ready what stands between the program and the target; not timed
	keep   bool                        // works on what the contender before it left on the target
}

// figure is what a case is about, with the limit that it is to keep.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	Limit float64 `json:"limit,omitempty"` // 0: for information
	Least bool    `json:"least,omitempty"` // the limit is one from below
	Kept  bool    `json:"kept"`
}

// atMost is a figure with a limit.
func atMost(name string, value float64, unit string, limit float64) figure {
	return figure{Name: name, Value: value, Unit: unit, Limit: limit, Kept: value <= limit}
}

// atLeast is a figure that must not fall below a limit.
func atLeast(name string, value float64, unit string, limit float64) figure {
	return figure{Name: name, Value: value, Unit: unit, Limit: limit, Least: true, Kept: value >= limit}
}

func (c *contender) walls() []float64 {
	return column(c.Runs, func(u usage) float64 { return u.Wall })
}

func (c *contender) cpus() []float64 {
	return column(c.Runs, func(u usage) float64 { return u.CPU })
}

func (c *contender) rss() []float64 {
	return column(c.Runs, func(u usage) float64 { return float64(u.RSS) / mib })
}

// phases are the medians of what the phases took.
func (c *contender) phases() string {
	var out []string
	if len(c.Runs) > 0 {
		for _, p := range c.Runs[0].Phases {
			seconds := median(column(c.Runs, func(u usage) float64 { return u.phase(p.Name) }))
			out = append(out, fmt.Sprintf("%s %.2f", p.Name, seconds))
		}
	}
	return strings.Join(out, ", ")
}

func column(runs []usage, of func(usage) float64) []float64 {
	out := make([]float64, len(runs))
	for i, u := range runs {
		out[i] = of(u)
	}
	return out
}

// mib is the unit of memory in figures.
const mib = 1 << 20

// median of values; the mean of the middle two of an even number.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return s[mid]
	}
	return (s[mid-1] + s[mid]) / 2
}

// ratios are a over b, round by round: what slows a whole round down, such as
// another user of the machine, falls out.
func ratios(a, b []float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] / b[i]
	}
	return out
}

// spread writes the median, the least and the most.
func spread(values []float64, format string) string {
	return fmt.Sprintf(format+" ("+format+"–"+format+")", median(values), slices.Min(values), slices.Max(values))
}

// header says what the figures hold for.
func (r *report) header() string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s: %d cores, %s, %s of memory, %s\n", r.Started.Format(time.DateOnly), r.Machine.Cores, r.Machine.Model, r.Machine.Memory, r.Machine.System)
	for _, m := range []map[string]string{r.Versions, r.Settings} {
		for _, k := range slices.Sorted(keys(m)) {
			fmt.Fprintf(&w, "  %s: %s\n", k, m[k])
		}
	}
	return w.String()
}

func keys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// String is the result as a table, its figures, and the commands.
func (r *result) String() string {
	var w strings.Builder
	fmt.Fprintf(&w, "\n%s: %s\n%s\n\n", r.Case, r.About, r.Data)
	tw := tabwriter.NewWriter(&w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "\truns\twall s (min–max)\tclient CPU s\tsource CPU s\ttarget CPU s\tmax RSS MiB\t")
	for _, c := range r.Contenders {
		_, _ = fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%.2f\t%.2f\t%s\t\n", c.Name, len(c.Runs), spread(c.walls(), "%.2f"), spread(c.cpus(), "%.2f"),
			median(column(c.Runs, func(u usage) float64 { return u.SourceCPU })), median(column(c.Runs, func(u usage) float64 { return u.TargetCPU })), spread(c.rss(), "%.0f"))
	}
	_ = tw.Flush() // to memory, as all of it
	fmt.Fprintln(&w)
	for _, c := range r.Contenders {
		if text := c.phases(); text != "" {
			fmt.Fprintf(&w, "  phases of %s: %s\n", c.Name, text)
		}
	}
	for _, f := range r.Figures {
		fmt.Fprintf(&w, "  %s: %.3g %s", f.Name, f.Value, f.Unit)
		if f.Limit != 0 {
			word := "NOT kept"
			if f.Kept {
				word = "kept"
			}
			bound := "at most"
			if f.Least {
				bound = "at least"
			}
			fmt.Fprintf(&w, " (%s %.3g: %s)", bound, f.Limit, word)
		}
		fmt.Fprintln(&w)
	}
	for _, c := range r.Contenders {
		fmt.Fprintf(&w, "  %s = %s\n", c.Name, c.Command)
	}
	return w.String()
}

// write writes the report as JSON.
func (r *report) write(path string) error {
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the runs: %w", err)
	}
	if err := os.WriteFile(path, append(out, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the runs: %w", err)
	}
	return nil
}
