package assess

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/pg2db9/pg2db9/internal/ui"
)

// The terminal that a summary fits.
const (
	textWidth = 79
	// mostNamed is how many objects an item names on a terminal; the files name all.
	mostNamed = 5
	// mostDetails is how many messages of one code it shows.
	mostDetails = 4
)

// Text writes the report for a terminal: a summary for a screen, then the work
// list. The message is the program's last line. filed says that a report file
// holds what is shortened here.
func (r *Report) Text(w io.Writer, filed bool) {
	p := &printer{more: ": --report FILE.html lists them"}
	if filed {
		p.more = " in the report"
	}
	r.summary(p)
	for _, d := range r.Databases {
		p.details(d, len(r.Databases) > 1)
	}
	p.advice("What the application must change", r.Application)
	p.advice("The way back", r.WayBack)
	if len(r.Notes) > 0 {
		p.line("")
		p.line("Notes")
		for _, n := range r.Notes {
			p.wrap("  ", n)
		}
	}
	_, _ = io.WriteString(w, p.b.String()) // nothing can be told about a broken terminal
}

// printer writes lines that fit a terminal.
type printer struct {
	b    strings.Builder
	more string // where what is not listed can be found
}

func (p *printer) line(format string, args ...any) {
	s := ui.Printable(fmt.Sprintf(format, args...))
	_, _ = fmt.Fprintln(&p.b, strings.TrimRight(text.Trim(s, textWidth), " "))
}

// wrap writes a text in lines that begin with the indent. A word longer than
// a line is cut.
func (p *printer) wrap(indent, s string) {
	for _, l := range strings.Split(text.WrapSoft(ui.Printable(s), textWidth-len(indent)), "\n") {
		_, _ = fmt.Fprintln(&p.b, indent+strings.TrimRight(l, " "))
	}
}

func (r *Report) summary(p *printer) {
	for i, d := range r.Databases {
		if i > 0 {
			p.line("")
		}
		p.summary(r, d)
	}
	for _, n := range r.NotRead {
		p.wrap("", fmt.Sprintf("database %s was not read: %s", n.Name, n.Reason))
	}
}

// summary is at most 24 lines.
func (p *printer) summary(r *Report, d Database) {
	p.line("assess %s: %s, %s -> profile %s", d.Name, r.Source.Version, d.Encoding, r.Profile.Name)
	c := d.Counts
	p.line("  score    %s of 100; findings: %d block, %d accepted", of100(d.Score), c.FindingsBlock, c.FindingsAccepted)
	p.line("  objects  %s: %s carried, %s changed, %s left, %s blocked", comma(c.Objects), comma(c.Carried), comma(c.Changed), comma(c.Left), comma(c.Blocked))
	e := d.Estimate
	p.line("  rows     %s in %s, about %s to move", rowCount(e.Rows), plural(e.Tables, "table"), size(e.Bytes))
	p.line("  time     1 job %s, 4 jobs %s, 10 jobs %s", e.duration(1), e.duration(4), e.duration(10))
	p.line("  %-26s %5s %8s %8s %8s %8s %8s", "", "score", "objects", "carried", "changed", "left", "blocked")
	for _, a := range d.Areas {
		if a.Score == nil {
			p.line("  %-26s %5s %s", a.Title, "-", a.Note)
			continue
		}
		if a.Objects == 0 {
			p.line("  %-26s %5d %s", a.Title, *a.Score, a.Note)
			continue
		}
		p.line("  %-26s %5d %8s %8s %8s %8s %8s", a.Title, *a.Score, comma(a.Objects), comma(a.Carried), comma(a.Changed), comma(a.Left), comma(a.Blocked))
	}
	var todo []string
	for _, g := range d.Work {
		todo = append(todo, fmt.Sprintf("%s %s", g.ID, comma(g.Count)))
	}
	p.line("  to do    %s", strings.Join(todo, ", "))
}

func (p *printer) details(d Database, several bool) {
	if several {
		p.line("")
		p.line("Database %s", d.Name)
	}
	for _, g := range d.Work {
		if g.Count == 0 {
			continue
		}
		p.line("")
		p.line("%s (%s)", g.Title, plural(g.Count, "finding"))
		for _, it := range g.Items {
			p.item(it, g.ID != doNothing)
		}
	}
	p.checks(d)
	p.estimate(d.Estimate)
}

// item writes the findings of one code.
func (p *printer) item(it Item, remedy bool) {
	accepted := ""
	if it.Accepted {
		accepted = ", accepted"
	}
	p.line("  %s [%s] %s%s", it.Severity, it.Code, comma(it.Count), accepted)
	shown := 0
	for _, d := range it.Details[:min(len(it.Details), mostDetails)] {
		shown += len(d.Objects)
		if len(d.Objects) == 1 {
			p.wrap("    ", d.Objects[0]+": "+d.Message)
		} else {
			p.wrap("    ", d.Message)
			p.wrap("      ", few(d.Objects, len(d.Objects), mostNamed, ""))
		}
		if remedy && d.Remedy != "" {
			p.wrap("    ", "-> "+d.Remedy)
		}
	}
	if it.Count > shown {
		p.wrap("    ", fmt.Sprintf("and %s more%s", comma(it.Count-shown), p.more))
	}
	if remedy && it.Remedy != "" && it.Details[0].Remedy == "" {
		p.wrap("    ", "-> "+it.Remedy)
	}
}

// checks names what the guides ask for and was found, and what nobody looked at.
func (p *printer) checks(d Database) {
	var none []string
	p.line("")
	p.line("Checks of the migration guides")
	for _, c := range d.Checks {
		switch c.State {
		case Found:
			p.line("  %6s  %s", comma(c.Count), c.Title)
		case Unknown:
			p.line("       ?  %s: %s", c.Title, c.Note)
		case None:
			none = append(none, c.Title)
		}
	}
	if len(none) > 0 {
		p.wrap("  ", "none of: "+strings.Join(none, "; "))
	}
}

func (p *printer) estimate(e Estimate) {
	p.line("")
	p.line("Estimate")
	p.wrap("  ", fmt.Sprintf("%s of heap and %s of TOAST make about %s of COPY text; %s of indexes are built anew", size(e.HeapBytes), size(e.ToastBytes), size(e.Bytes), size(e.IndexBytes)))
	if e.RowsUnknown > 0 {
		p.wrap("  ", fmt.Sprintf("%s never analyzed: their rows are not known", plural(e.RowsUnknown, "table")))
	}
	if e.RowsChosen {
		p.wrap("  ", rowsChosen)
	}
	for _, d := range e.Durations {
		var parts []string
		for _, j := range d.Jobs {
			parts = append(parts, fmt.Sprintf("%s %s", plural(j.Jobs, "job"), span(j.Seconds)))
		}
		p.wrap("  ", fmt.Sprintf("%s (%s/s): %s", d.Rate, size(int64(d.Bytes)), strings.Join(parts, ", ")))
	}
	if e.Note != "" {
		p.wrap("  ", e.Note)
	}
	for _, l := range e.Largest[:min(mostNamed, len(e.Largest))] {
		p.line("  %8s  %3.0f%%  %s", size(l.Bytes), 100*l.Share, l.Table)
	}
	c := e.Connections
	p.wrap("  ", fmt.Sprintf("connections with %s: %s", plural(c.Jobs, "job"), c.text()))
}

func (c Connections) text() string {
	side := func(name string, needed int, free *int) string {
		if free == nil {
			return fmt.Sprintf("%s %d, free ones unknown", name, needed)
		}
		return fmt.Sprintf("%s %d of %s free", name, needed, comma(*free))
	}
	return side("source", c.Source, c.SourceFree) + "; " + side("target", c.Target, c.TargetFree)
}

func (p *printer) advice(title string, all []Advice) {
	if len(all) == 0 {
		return
	}
	p.line("")
	p.line("%s", title)
	for _, a := range all {
		p.wrap("  ", a.Title+": "+a.Text)
		if a.Count > 0 {
			p.wrap("    ", few(a.Because, a.Count, mostNamed, p.more))
		}
	}
}
