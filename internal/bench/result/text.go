package result

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Text is the result for people.
func (r *Result) Text() string {
	var b strings.Builder
	for _, s := range []struct {
		name string
		of   *Server
	}{{"source", r.Source}, {"target", r.Target}} {
		if s.of != nil {
			fmt.Fprintf(&b, "%s: %s, %s; a round trip takes %.2f ms, a connection %.0f ms\n", s.name, s.of.URL, s.of.Version, s.of.RoundTrip, s.of.Connect)
		}
	}
	for _, c := range r.Ceilings {
		fmt.Fprintf(&b, "ceiling: %s rows pass through pg2db9 alone at %s MB/s (%d jobs)\n", c.Shape, humanize.CommafWithDigits(c.Rate, 0), c.Jobs)
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"shape", "jobs", "batch", "pipeline", "key", "order", "MB/s", "least-most", "rows/s", "p50", "p95", "p99 ms", "batches", "retries", "CPU s/GB", "limit"})
	for i := range r.Cells {
		c := &r.Cells[i]
		if len(c.Runs) == 0 {
			continue
		}
		s, m := c.Settings, c.Summary()
		t.AppendRow(table.Row{
			s.Shape, s.Jobs, s.batch(), s.Pipeline, s.PrimaryKey, s.Order, fmt.Sprintf("%.1f", m.Rate), fmt.Sprintf("%.1f-%.1f", m.Least, m.Most), humanize.Comma(int64(m.RowRate)),
			fmt.Sprintf("%.1f", m.P50), fmt.Sprintf("%.1f", m.P95), fmt.Sprintf("%.1f", m.P99), m.Batches, m.Retries, fmt.Sprintf("%.2f", m.CPUPerGB), m.Waits.Limit(),
		})
	}
	b.WriteString(t.Render() + "\n")
	for i := range r.Cells {
		if c := &r.Cells[i]; len(c.Runs) > 0 {
			m := c.Summary()
			if m.Steady < len(c.Runs) {
				fmt.Fprintf(&b, "note: %s: the rate of %d of %d runs did not settle: measure longer (--duration, --size)\n", c.Settings, len(c.Runs)-m.Steady, len(c.Runs))
			}
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	if r.Best != nil {
		fmt.Fprintf(&b, "limit: %s\nrecommended: %s\n", r.Best.Limit, r.Best.Settings.short())
		for _, why := range r.Best.Reasons {
			fmt.Fprintf(&b, "  %s\n", why)
		}
	}
	if r.Simulated {
		b.WriteString("simulated: the target is not DB9\n")
	}
	return b.String()
}

// batch are the bounds of a batch.
func (s Settings) batch() string {
	var parts []string
	if s.BatchRows > 0 {
		parts = append(parts, humanize.Comma(s.BatchRows)+" rows")
	}
	if s.BatchBytes > 0 {
		parts = append(parts, humanize.Bytes(uint64(s.BatchBytes)))
	}
	if len(parts) == 0 {
		return "part"
	}
	return strings.Join(parts, ", ")
}
