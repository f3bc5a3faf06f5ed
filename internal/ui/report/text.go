package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/pg2db9/pg2db9/internal/ui"
)

// manyTables is the number of tables above which the text report shows only
// those with a difference; the files always hold all.
const manyTables = 60

// Text writes the report for a terminal, without its message: that is the
// program's last line.
func (r *Report) Text(w io.Writer) {
	b := &page{}
	r.text(b)
	_, _ = io.WriteString(w, b.String()) // nothing can be told about a broken terminal
}

// page is a text in the making.
type page struct{ strings.Builder }

func (b *page) f(format string, args ...any) { _, _ = fmt.Fprintf(b, format, args...) }

func (r *Report) text(w *page) {
	w.f("\n%s %s\n", r.Command, r.Run)
	for _, l := range r.head() {
		w.f("  %-9s %s\n", l[0], ui.Printable(l[1]))
	}
	r.textProbe(w)
	r.textMapping(w)
	r.textTables(w)
	r.textDifferences(w)
	r.textRejects(w)
	r.textSequences(w)
	r.textViews(w)
	r.textBehaviour(w)
	r.textStatements(w)
	r.textFindings(w)
	if len(r.Notes) > 0 {
		w.f("\nNotes\n")
		for _, n := range r.Notes {
			w.f("  %s\n", ui.Printable(n))
		}
	}
	r.textEnding(w)
	w.f("\n")
}

// head are the facts of the run, label and text.
func (r *Report) head() [][2]string {
	out := [][2]string{
		{"source", side(r.Source)},
		{"target", side(r.Target)},
		{"profile", r.Profile.text()},
	}
	if r.Source.URL == "" { // a command of the target alone
		out = out[1:]
	}
	if r.Snapshot != nil {
		out = append(out, [2]string{"snapshot", fmt.Sprintf("%s, taken %s, held %s", r.Snapshot.ID, stamp(r.Snapshot.Taken), secs(r.Snapshot.Held))})
	}
	var phases []string
	for _, p := range r.Phases {
		phases = append(phases, p.Name+" "+secs(p.Seconds))
	}
	if len(phases) > 0 {
		out = append(out, [2]string{"time", secs(r.Seconds) + " (" + strings.Join(phases, ", ") + ")"})
	}
	return out
}

func side(s Server) string {
	out := s.URL
	for _, more := range []string{s.Version, s.Transport} {
		if more != "" {
			out += ", " + more
		}
	}
	return out
}

func (p Profile) text() string {
	out := p.Name
	if p.Simulated {
		out += ", simulated: the target is no DB9, so nothing here is proved for one"
	}
	if p.Probing != "" {
		out += "; " + p.Probing
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func secs(s float64) string {
	if s < 60 {
		return fmt.Sprintf("%.1fs", s)
	}
	return (time.Duration(s) * time.Second).String()
}

// num writes a count, "-" where nobody counted.
func num(n int64) string {
	if n == Uncounted {
		return "-"
	}
	return humanize.Comma(n)
}

// style is a table without boxes, as it reads in a terminal and a log alike.
func style() table.Style {
	s := table.StyleDefault
	s.Options = table.Options{SeparateHeader: true}
	s.Box.PaddingLeft, s.Box.PaddingRight = "", "  "
	s.Format.Header = text.FormatDefault
	return s
}

// NewTable is a table in the report's style.
func NewTable(header ...any) table.Writer { return newTable(header...) }

func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetStyle(style())
	t.AppendHeader(table.Row(header))
	return t
}

func render(w *page, title string, t table.Writer) {
	w.f("\n%s\n", title)
	for line := range strings.Lines(t.Render() + "\n") {
		w.f("  %s\n", strings.TrimRight(line, " \n"))
	}
}

// right aligns the numbered columns.
func right(t table.Writer, columns ...int) {
	var cfg []table.ColumnConfig
	for _, n := range columns {
		cfg = append(cfg, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(cfg)
}

// textMapping says what the user's mapping makes otherwise.
func (r *Report) textMapping(w *page) {
	if len(r.Mapping) == 0 {
		return
	}
	w.f("\nMapping\n")
	for _, m := range r.Mapping {
		w.f("  %s (%s)\n", ui.Printable(m.Text), ui.Printable(m.Place))
	}
}

func (r *Report) textTables(w *page) {
	if len(r.Tables) == 0 {
		return
	}
	t := newTable("table", "read", "sent", "acked", "ledger", "counted", "bytes", "time", "verdict")
	right(t, 2, 3, 4, 5, 6, 7, 8)
	hidden := 0
	var below []string
	for _, x := range r.Tables {
		if x.Error != "" || x.Verdict == "mismatch" || x.Verdict == "errored" || x.Verdict == "unknown" || x.Verdict == "skipped" {
			if d := firstOf(x.Error, x.Detail); d != "" {
				below = append(below, x.Target+": "+d)
			}
		} else if len(r.Tables) > manyTables {
			hidden++
			continue
		}
		t.AppendRow(table.Row{
			ui.Printable(x.Target), num(x.Read), num(x.Framed), num(x.Acked), num(x.Ledger), num(x.Counted),
			humanize.Bytes(uint64(max(0, x.Bytes))), secs(x.Seconds), x.Verdict,
		})
	}
	if t.Length() > 0 {
		render(w, "Tables", t)
	}
	for _, b := range below {
		w.f("  %s\n", ui.Printable(b))
	}
	if hidden > 0 {
		w.f("\n%s tables without a difference are not listed here; --report writes all of them\n", humanize.Comma(int64(hidden)))
	}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func position(p *Position) string {
	if p == nil {
		return "-"
	}
	if !p.IsCalled {
		return fmt.Sprintf("%d, not called", p.LastValue)
	}
	return fmt.Sprint(p.LastValue)
}

func (r *Report) textSequences(w *page) {
	t := newTable("sequence", "set to", "found", "source now", "verdict")
	hidden := 0
	var below []string
	for _, x := range r.Sequences {
		if len(r.Sequences) > manyTables && x.ErrorMsg == "" && (x.Verdict == "match" || x.Verdict == "skipped") {
			hidden++
			continue
		}
		t.AppendRow(table.Row{ui.Printable(x.Target), position(x.Set), position(x.Found), position(x.Now), firstOf(x.ErrorMsg, x.Verdict)})
		if x.Verdict != "match" && x.Detail != "" {
			below = append(below, x.Target+": "+x.Detail)
		}
	}
	if t.Length() > 0 {
		render(w, "Sequences", t)
	}
	for _, b := range below {
		w.f("  %s\n", ui.Printable(b))
	}
	if hidden > 0 {
		w.f("\n%s sequences without a difference are not listed here\n", humanize.Comma(int64(hidden)))
	}
}

func (r *Report) textViews(w *page) {
	t := newTable("view", "kind", "source rows", "target rows", "verdict")
	right(t, 3, 4)
	hidden := 0
	var below []string
	for _, x := range r.Views {
		if x.Verdict == "match" && len(r.Views) > manyTables {
			hidden++
			continue
		}
		if x.Verdict != "match" && x.Detail != "" {
			below = append(below, x.Target+": "+x.Detail)
		}
		t.AppendRow(table.Row{ui.Printable(x.Target), x.kind(), num(x.SourceRows), num(x.TargetRows), x.Verdict})
	}
	if t.Length() > 0 {
		render(w, "Views", t)
	}
	for _, b := range below {
		w.f("  %s\n", ui.Printable(b))
	}
	if hidden > 0 {
		w.f("\n%s views without a difference are not listed here\n", humanize.Comma(int64(hidden)))
	}
}

func (x View) kind() string {
	if x.Materialized {
		return "materialized"
	}
	return "view"
}

func (r *Report) textStatements(w *page) {
	if len(r.Statements) == 0 {
		return
	}
	w.f("\nStatements that were not executed\n")
	for _, s := range r.Statements {
		w.f("  %s %s: %s\n", s.Status, ui.Printable(s.Object.String()), ui.Printable(s.Reason))
		if s.Status == StatementFailed {
			w.f("    %s\n", ui.Printable(s.SQL))
		}
	}
}

// textFindings groups the findings by code and text: hundreds of objects of one
// kind are one entry, each named.
func (r *Report) textFindings(w *page) {
	if len(r.Findings) == 0 {
		return
	}
	c := r.Counts
	w.f("\nFindings: %d blocking, %d left, %d changed\n", c.Blocking, c.Left, c.Changed)
	for i := 0; i < len(r.Findings); {
		f := r.Findings[i]
		objects := []string{named(f)}
		for i++; i < len(r.Findings) && alike(f, r.Findings[i]); i++ {
			objects = append(objects, named(r.Findings[i]))
		}
		w.f("  %s [%s] %s", f.Severity, f.Code, ui.Printable(f.Message))
		if f.Remedy != "" {
			w.f(" -> %s", ui.Printable(f.Remedy))
		}
		w.f("\n    %s\n", ui.Printable(strings.Join(objects, ", ")))
	}
}

func alike(a, b Finding) bool {
	return a.Code == b.Code && a.Severity == b.Severity && a.Message == b.Message && a.Remedy == b.Remedy
}

func named(f Finding) string {
	s := f.Object.String()
	if f.Accepted {
		s += " (accepted)"
	}
	return s
}
