package report

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/pg2db9/pg2db9/internal/probe"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// outcomes are those of probes, in the order of a report.
var outcomes = []probe.Outcome{probe.Proved, probe.Refuted, probe.Assumed, probe.Skipped}

// probeCounts sums the facts up.
func probeCounts(r *probe.Result) string {
	var parts []string
	for _, o := range outcomes {
		if n := r.Count(o); n > 0 || o != probe.Skipped {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(parts, ", ")
}

// factsOf names the facts with an outcome, each with its finding.
func factsOf(r *probe.Result, o probe.Outcome) string {
	var names []string
	for _, f := range r.Facts {
		if f.Outcome == o {
			names = append(names, factName(f))
		}
	}
	return strings.Join(names, ", ")
}

func factName(f probe.Fact) string {
	if f.Finding == "" {
		return f.Name
	}
	return f.Name + " (" + f.Finding + ")"
}

// textProbe is compact where the probes were a step on the way; the probe
// command shows each with its evidence.
func (r *Report) textProbe(w *page) {
	p := r.Profile.Probe
	if p == nil {
		return
	}
	if r.Command == "probe" {
		t := newTable("", "probe", "outcome", "finding", "evidence", "time")
		right(t, 1, 6)
		for _, f := range p.Facts {
			evidence := f.Evidence
			if f.Outcome != probe.Proved {
				evidence += " -> assumed: " + f.Assumed
			}
			t.AppendRow(table.Row{f.Number, f.Name, f.Outcome.String(), f.Finding, ui.Printable(evidence), fmt.Sprintf("%dms", f.Millis)})
		}
		render(w, "Facts of the target: "+probeCounts(p), t)
	} else {
		w.f("\nFacts of the target: %s\n", probeCounts(p))
		for _, o := range outcomes {
			if names := factsOf(p, o); names != "" {
				w.f("  %-8s %s\n", o, ui.Printable(names))
			}
		}
	}
	if p.Rate != nil {
		w.f("  rate     %s\n", p.Rate)
	}
	for _, c := range r.Profile.Changes {
		w.f("  profile  %s\n", c)
	}
	for _, l := range p.Left {
		w.f("  left on the target: %s\n", ui.Printable(l))
	}
}

func (r *Report) mdProbe(b *page) {
	p := r.Profile.Probe
	if p == nil {
		return
	}
	b.f("\n## Facts of the target\n\n%s: %s.\n\n", escape(r.Profile.Probing), probeCounts(p))
	b.f("| | probe | outcome | finding | evidence | assumed unless proved |\n| ---: | --- | --- | --- | --- | --- |\n")
	for _, f := range p.Facts {
		b.f("| %d | %s | %s | %s | %s | %s |\n", f.Number, f.Name, f.Outcome, cell(f.Finding), cell(f.Evidence), cell(f.Assumed))
	}
	if p.Rate != nil {
		b.f("\nRate: %s.\n", escape(p.Rate.String()))
	}
	if len(r.Profile.Changes) > 0 {
		b.f("\nWhat that changed in the profile:\n\n")
		for _, c := range r.Profile.Changes {
			b.f("- %s\n", code(c))
		}
	}
	for _, l := range p.Left {
		b.f("\nLeft on the target: %s\n", escape(l))
	}
}
