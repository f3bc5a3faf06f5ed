package assess

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/internal/scan"
	"github.com/pg2db9/pg2db9/internal/ui/mark"
)

// Markdown writes the report as Markdown. Names stand in code spans, as they
// are: a reader who searches for one finds it.
func (r *Report) Markdown(w io.Writer) error {
	m := &markdown{}
	m.f("# pg2db9 assess\n\n%s\n\n", escape(r.Message))
	m.f("| | |\n| --- | --- |\n")
	m.row("source", r.Source.URL+", "+r.Source.Version+", "+r.Source.Transport)
	if r.Target != nil {
		m.row("target", r.Target.URL+", "+r.Target.Version+", "+r.Target.Transport)
	}
	m.row("profile", r.Profile.text())
	m.row("started", r.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	m.row("pg2db9", r.Program)
	m.row("exit code", fmt.Sprint(r.ExitCode))
	for _, o := range r.Options {
		m.row("option", o)
	}
	for _, d := range r.Databases {
		m.database(d)
	}
	if len(r.NotRead) > 0 {
		m.f("\n## Databases that were not read\n\n")
		for _, n := range r.NotRead {
			m.f("- %s: %s\n", code(n.Name), escape(n.Reason))
		}
	}
	if len(r.Accepted) > 0 {
		m.f("\n## Accepted\n\n| what | findings | by | where |\n| --- | ---: | --- | --- |\n")
		for _, a := range r.Accepted {
			m.f("| %s | %d | %s | %s |\n", codeCell(a.Accept), a.Findings, cell(a.By), cell(a.Where))
		}
	}
	m.advice("What the application must change", r.Application)
	m.advice("The way back", r.WayBack)
	if len(r.Notes) > 0 {
		m.f("\n## Notes\n\n")
		for _, n := range r.Notes {
			m.f("- %s\n", escape(n))
		}
	}
	if _, err := io.WriteString(w, m.String()); err != nil {
		return fmt.Errorf("writing Markdown: %w", err)
	}
	return nil
}

func (p Profile) text() string {
	out := p.Name
	if p.Simulated {
		out += ", simulated: the target is no DB9, so nothing here is proved for one"
	}
	if p.Probing != "" {
		out += "; " + p.Probing
	}
	if n := p.Proved + p.Refuted + p.Assumed; n > 0 {
		out += fmt.Sprintf("; of %d facts %d proved, %d refuted, %d assumed", n, p.Proved, p.Refuted, p.Assumed)
	}
	return out
}

type markdown struct{ strings.Builder }

func (m *markdown) f(format string, args ...any) { _, _ = fmt.Fprintf(m, format, args...) }

func (m *markdown) row(label, text string) { m.f("| %s | %s |\n", label, cell(text)) }

func (m *markdown) database(d Database) {
	m.f("\n## Database %s\n\n", code(d.Name))
	c := d.Counts
	m.f("Score **%s** of 100. %s objects: %s carried, %s changed, %s left, %s blocked. %s\n",
		of100(d.Score), comma(c.Objects), comma(c.Carried), comma(c.Changed), comma(c.Left), comma(c.Blocked), escape(d.Moment))
	m.f("\n| area | score | objects | carried | changed | left | blocked | |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, a := range d.Areas {
		m.f("| %s | %s | %s | %s | %s | %s | %s | %s |\n", a.Title, of100(a.Score), comma(a.Objects), comma(a.Carried), comma(a.Changed), comma(a.Left), comma(a.Blocked), cell(a.Note))
	}
	m.estimate(d.Estimate)
	m.work(d.Work)
	m.groups(d)
	m.f("\n### Checks of the migration guides\n\n| check | found | objects |\n| --- | ---: | --- |\n")
	for _, k := range d.Checks {
		switch k.State {
		case Unknown:
			m.f("| %s | ? | %s |\n", k.Title, cell(k.Note))
		case None:
			m.f("| %s | 0 | |\n", k.Title)
		case Found:
			m.f("| %s | %s | %s |\n", k.Title, comma(k.Count), cell(few(k.Objects, k.Count, mostNamed, "")))
		}
	}
	if len(d.Extensions) > 0 {
		m.f("\n### Extensions\n\n| extension | version | on the target | needed by |\n| --- | --- | --- | --- |\n")
		for _, e := range d.Extensions {
			there := "no"
			if e.Carried {
				there = "yes"
			}
			m.f("| %s | %s | %s | %s |\n", codeCell(e.Name), cell(e.Version), there, cell(few(e.Users, len(e.Users), mostObjects, "")))
		}
	}
	m.scan(d.Scan)
	if facts := factsOf(d.Source); len(facts) > 0 {
		m.f("\n### The source\n\n| | |\n| --- | --- |\n")
		for _, f := range facts {
			m.row(f.Name, f.Value)
		}
	}
}

// groups names the objects of findings that tell of many at once.
func (m *markdown) groups(d Database) {
	if len(d.Groups) == 0 {
		return
	}
	m.f("\n### Objects told of together\n\n")
	for _, g := range d.Groups {
		names := make([]string, len(g.Objects))
		for i, o := range g.Objects {
			names[i] = o.String()
		}
		m.f("- %s (%s): %s\n", code(string(g.Code)), comma(len(names)), escape(few(names, len(names), mostGrouped, "; the JSON report has all")))
	}
}

func (m *markdown) estimate(e Estimate) {
	m.f("\n### Estimate\n\n%s rows in %s: %s of heap and %s of TOAST make about %s of COPY text. %s of indexes are built anew.\n",
		rowCount(e.Rows), plural(e.Tables, "table"), size(e.HeapBytes), size(e.ToastBytes), size(e.Bytes), size(e.IndexBytes))
	if e.RowsUnknown > 0 {
		m.f("%s never analyzed: their rows are not known.\n", plural(e.RowsUnknown, "table"))
	}
	if e.RowsChosen {
		m.f("%s.\n", rowsChosen)
	}
	if len(e.Durations) > 0 {
		m.f("\n| rate | a connection |")
		for _, j := range e.Durations[0].Jobs {
			m.f(" %s |", plural(j.Jobs, "job"))
		}
		m.f(" basis |\n| --- | ---: |%s --- |\n", strings.Repeat(" ---: |", len(e.Durations[0].Jobs)))
		for _, d := range e.Durations {
			m.f("| %s | %s/s |", d.Rate, size(int64(d.Bytes)))
			for _, j := range d.Jobs {
				m.f(" %s |", span(j.Seconds))
			}
			m.f(" %s |\n", cell(d.Basis))
		}
	}
	if e.Note != "" {
		m.f("\n%s\n", escape(e.Note))
	}
	m.f("\nConnections with %s: %s.\n", plural(e.Connections.Jobs, "job"), e.Connections.text())
	if len(e.Largest) > 0 {
		m.f("\n| largest tables | bytes | share | rows |\n| --- | ---: | ---: | ---: |\n")
		for _, l := range e.Largest {
			m.f("| %s | %s | %.0f %% | %s |\n", codeCell(l.Table), size(l.Bytes), 100*l.Share, rowCount(l.Rows))
		}
	}
}

func (m *markdown) work(all []Group) {
	for _, g := range all {
		m.f("\n### %s (%d)\n\n", g.Title, g.Count)
		if g.Count == 0 {
			m.f("Nothing.\n")
		}
		for _, it := range g.Items {
			accepted := ""
			if it.Accepted {
				accepted = ", accepted"
			}
			m.f("- **%s** %s (%s%s): %s", it.Severity, code(string(it.Code)), comma(it.Count), accepted, escape(it.Reason))
			if it.Remedy != "" {
				m.f(" *%s*", escape(it.Remedy))
			}
			m.f("\n")
			for _, d := range it.Details {
				m.detail(d)
			}
		}
	}
}

// detail is one line where it is about one object.
func (m *markdown) detail(d Detail) {
	remedy := ""
	if d.Remedy != "" {
		remedy = " *" + escape(d.Remedy) + "*"
	}
	if len(d.Objects) == 1 {
		m.f("  - %s: %s%s\n", code(d.Objects[0]), escape(d.Message), remedy)
		return
	}
	m.f("  - %s%s\n", escape(d.Message), remedy)
	for _, o := range d.Objects {
		m.f("    - %s\n", code(o))
	}
}

func (m *markdown) scan(s *scan.Result) {
	if s == nil {
		return
	}
	m.f("\n### Rows that would change or fail\n\n%s\n", escape(scanText(s)))
	if len(s.Items) > 0 {
		m.f("\n| object | kind | rows | | keys of some | query that lists them |\n| --- | --- | ---: | --- | --- | --- |\n")
		for _, x := range s.Items {
			word, rows := scanWord(x)
			m.f("| %s | %s | %s | %s | %s | %s |\n", codeCell(x.Object.String()), cell(x.Kind), rows, word, cell(strings.Join(x.Keys, "; ")), codeCell(x.Query))
		}
	}
	for _, t := range s.Tables {
		if t.Why != "" {
			m.f("- not looked at: %s: %s\n", code(t.Table.String()), escape(t.Why))
		}
	}
}

// scanText sums a scan up.
func scanText(s *scan.Result) string {
	out := fmt.Sprintf("Scan (%s): %s rows of %s were looked at.", s.Mode, rowCount(s.Rows), plural(len(s.Tables), "table"))
	if !s.Complete {
		out += " Not everything was: what is not named here is not proved to be clean."
	}
	return out
}

// scanWord is what becomes of rows, and how many there are.
func scanWord(x scan.Item) (word, rows string) {
	switch {
	case x.State != scan.Found:
		return "not known", "?"
	case x.Refused:
		word = "fails"
	default:
		word = "changes"
	}
	rows = humanize.Comma(x.Count)
	if x.Estimated {
		rows = "about " + rows
	} else if x.AtLeast {
		rows = "at least " + rows
	}
	return word, rows
}

func (m *markdown) advice(title string, all []Advice) {
	if len(all) == 0 {
		return
	}
	m.f("\n## %s\n\n", title)
	for _, a := range all {
		m.f("- **%s.** %s", a.Title, escape(a.Text))
		if a.Count > 0 {
			m.f(" (%s)", escape(few(a.Because, a.Count, mostNamed, "")))
		}
		m.f("\n")
	}
}

// Texts of other people's in Markdown.
var code, codeCell, cell, escape = mark.Code, mark.CodeCell, mark.Cell, mark.Escape
