package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// What stands between the markers is written anew by each run; the rest of the
// page is nobody's but its writer's.
const (
	pageBegins = "<!-- make compare writes what follows -->"
	pageEnds   = "<!-- up to here -->"
)

// between splits a page at its markers: all up to the first, and from the second on.
func between(page string) (before, after string, err error) {
	begin, end := strings.Index(page, pageBegins), strings.Index(page, pageEnds)
	if begin < 0 || end < begin || strings.Count(page, pageBegins) != 1 || strings.Count(page, pageEnds) != 1 {
		return "", "", fmt.Errorf("the page must have one line %q and, below it, one line %q", pageBegins, pageEnds)
	}
	return page[:begin+len(pageBegins)], page[end:], nil
}

// checkPage says whether tables can be written into a page.
func checkPage(path string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	if _, _, err := between(string(page)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writePage writes text between the page's markers.
func writePage(path, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the page: %w", err)
	}
	before, after, err := between(string(page))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return replaceFile(path, []byte(before+"\n\n"+text+"\n"+after))
}

// markdown is all that the record holds, as tables.
func (rec *record) markdown() string {
	var w strings.Builder
	w.WriteString("#### At a glance\n\n")
	rec.glance(&w)
	w.WriteString("\n#### Goals\n\n")
	rec.goals(&w)
	for _, r := range rec.Cases {
		fmt.Fprintf(&w, "\n#### Case %s: %s\n\n", r.Results[0].Case, r.Results[0].About)
		r.details(&w)
	}
	w.WriteString("\n#### Where it was measured\n\n")
	rec.places(&w)
	return w.String()
}

// columns are the contenders that any case has, pg2db9 first.
func (rec *record) columns() []string {
	names := []string{oursName}
	for _, r := range rec.Cases {
		for _, p := range r.Results[0].peers() {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// row writes one row of a table.
func row(w *strings.Builder, cells ...string) {
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
	}
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

// head writes a table's head: the first left columns are texts, the others numbers.
func head(w *strings.Builder, texts int, names ...string) {
	row(w, slices.Clone(names)...)
	rules := make([]string, len(names))
	for i := range rules {
		rules[i] = "---:"
		if i < texts {
			rules[i] = "---"
		}
	}
	row(w, rules...)
}

const notMeasured = "—"

// glance writes a line a case: walls, and how many times pg2db9's each is.
func (rec *record) glance(w *strings.Builder) {
	names := rec.columns()
	head(w, 2, slices.Concat([]string{"case", "GB"}, names, []string{"floor", "floor / pg2db9", "client CPU, s per GB", "max RSS, 8 jobs, MiB"})...)
	for _, rep := range rec.Cases {
		r := rep.Results[0]
		ours := r.named(oursName)
		if ours == nil {
			continue
		}
		wall := median(ours.walls())
		cells := []string{"`" + r.Case + "`", fmt.Sprintf("%.3g", float64(r.Bytes)/gb)}
		for _, name := range names {
			c := r.named(name)
			switch c {
			case nil:
				cells = append(cells, notMeasured)
			case ours:
				cells = append(cells, fmt.Sprintf("%.2f s", wall))
			default:
				cells = append(cells, fmt.Sprintf("%.2f s (%.2f×)", median(c.walls()), median(c.walls())/wall))
			}
		}
		floor, near, cpu, rss := notMeasured, notMeasured, notMeasured, notMeasured
		if f := r.floor(rep.Machine.Cores); f > 0 {
			floor, near = fmt.Sprintf("%.2f s", f), fmt.Sprintf("%.2f", f/wall)
		}
		if r.Bytes >= leastForPerGB {
			cpu = fmt.Sprintf("%.2f", perGB(ours, r.Bytes))
		}
		if many := r.named(manyJobs); many != nil {
			rss = fmt.Sprintf("%.0f", median(many.rss()))
		}
		row(w, append(cells, floor, near, cpu, rss)...)
	}
}

// goals writes what each case is held to, and by how much it misses it.
func (rec *record) goals(w *strings.Builder) {
	head(w, 2, "case", "figure", "measured", "limit", "")
	for _, rep := range rec.Cases {
		r := rep.Results[0]
		figures := r.goals()
		if f, ok := r.floorGoal(rep.Machine.Cores); ok {
			figures = append(figures, f)
		}
		for _, f := range figures {
			bound, verdict := "≤", f.missed()
			if f.Least {
				bound = "≥"
			}
			if rep.Size < fullSizeWithin {
				verdict = fmt.Sprintf("not judged at %.1f %% of the size", 100*rep.Size)
			}
			name := f.Name
			if f.Unit != "" {
				name += ", " + f.Unit
			}
			row(w, "`"+r.Case+"`", name, fmt.Sprintf("%.3g", f.Value), fmt.Sprintf("%s %.3g", bound, f.Limit), verdict)
		}
		if len(r.peers()) < 4 { // both dumps, both pgcopydbs
			row(w, "`"+r.Case+"`", "beside two versions of pgcopydb", notMeasured, "", "not measured: PGCOPYDB named fewer")
		}
	}
}

// details writes every contender of a case.
func (r *report) details(w *strings.Builder) {
	of := r.Results[0]
	ours := of.named(oursName)
	fmt.Fprintf(w, "%s. %s, %d rounds in random order (seed %d); load of the machine before: %s.", of.Data, r.Started.Format(time.DateOnly), r.Rounds, r.Seed, r.Load)
	if of.Busy > 0 {
		fmt.Fprintf(w, " Runs stood side by side, %d at most; the processors were used %.0f %% of the time.", lanes, 100*of.Busy)
	}
	w.WriteString("\n\n")
	head(w, 1, "", "wall, s (min–max)", "pg2db9's to it", "client CPU, s", "source CPU, s", "target CPU, s", "max RSS, MiB")
	for _, c := range of.Contenders {
		if len(c.Runs) == 0 {
			continue
		}
		wall, ratio, source, target := spread(c.walls(), "%.2f"), "1", notMeasured, notMeasured
		if c != ours && ours != nil {
			ratio = fmt.Sprintf("%.2f", median(ours.walls())/median(c.walls()))
		}
		if c.Name == manyJobs && len(c.Runs) == 1 { // it warms up, its wall says nothing
			wall, ratio = notMeasured, notMeasured
		}
		if c.serverCPU() > 0 {
			source = fmt.Sprintf("%.2f", median(column(c.Runs, func(u usage) float64 { return u.SourceCPU })))
			target = fmt.Sprintf("%.2f", median(column(c.Runs, func(u usage) float64 { return u.TargetCPU })))
		}
		row(w, c.Name, wall, ratio, fmt.Sprintf("%.2f", median(c.cpus())), source, target, fmt.Sprintf("%.0f", slices.Max(c.rss())))
	}
	w.WriteString("\n")
	for _, c := range of.Contenders {
		if len(c.Runs) > 0 {
			fmt.Fprintf(w, "    %s: %s\n", c.Name, c.Command)
		}
	}
}

// places writes machine, versions and settings, once for cases that have them in
// common.
func (rec *record) places(w *strings.Builder) {
	var texts []string
	of := map[string][]string{}
	for _, r := range rec.Cases {
		day := *r
		day.Started = time.Time{}
		_, text, _ := strings.Cut(day.header(), ": ")
		if of[text] == nil {
			texts = append(texts, text)
		}
		of[text] = append(of[text], "`"+r.Results[0].Case+"`")
	}
	for _, text := range texts {
		fmt.Fprintf(w, "%s:\n\n", strings.Join(of[text], ", "))
		for line := range strings.Lines(text) {
			fmt.Fprintf(w, "    %s\n", strings.TrimSpace(line))
		}
		w.WriteString("\n")
	}
}
