package report

import (
	"fmt"
	"io"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/ui/mark"
)

// Markdown writes the report as Markdown. Names stand in code spans, as they
// are: a reader who searches for one finds it.
func (r *Report) Markdown(w io.Writer) error {
	b := &page{}
	b.f("# pg2db9 %s\n\n", r.Command)
	b.f("%s\n\n", escape(r.Message))
	b.f("| | |\n| --- | --- |\n")
	b.f("| run | %s |\n| started | %s |\n| pg2db9 | %s |\n| exit code | %d |\n", cell(r.Run), stamp(r.Started), cell(r.Version), r.ExitCode)
	for _, l := range r.head() {
		b.f("| %s | %s |\n", l[0], cell(l[1]))
	}
	for _, o := range r.Options {
		b.f("| option | %s |\n", cell(o))
	}
	r.mdNext(b)
	r.mdCounts(b)
	r.mdProbe(b)
	r.mdMapping(b)
	r.mdTables(b)
	r.mdDifferences(b)
	r.mdRejects(b)
	r.mdSequences(b)
	r.mdViews(b)
	r.mdBehaviour(b)
	r.mdStatements(b)
	r.mdFindings(b)
	if len(r.Notes) > 0 {
		b.f("\n## Notes\n\n")
		for _, n := range r.Notes {
			b.f("- %s\n", escape(n))
		}
	}
	r.mdEnding(b)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing Markdown: %w", err)
	}
	return nil
}

func (r *Report) mdNext(b *page) {
	if len(r.Next) == 0 {
		return
	}
	b.f("\n## What continues\n\n```sh\n")
	for _, n := range r.Next {
		b.f("%s\n", n)
	}
	b.f("```\n")
}

func (r *Report) mdCounts(b *page) {
	c := r.Counts
	b.f("\n## Summary\n\n| objects carried | changed | left | blocking | tables complete | rows | bytes |\n")
	b.f("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	b.f("| %d | %d | %d | %d | %d of %d | %s | %s |\n", c.Carried, c.Changed, c.Left, c.Blocking, c.Complete, c.Tables,
		humanize.Comma(c.Rows), humanize.Bytes(uint64(max(0, c.Bytes))))
}

func (r *Report) mdMapping(b *page) {
	if len(r.Mapping) == 0 {
		return
	}
	b.f("\n## Mapping\n\n| what | source | target | how | asked for by |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range r.Mapping {
		b.f("| %s | %s | %s | %s | %s |\n", m.Kind, orDash(m.Source), orDash(m.Target), orDash(m.Detail), cell(m.Place))
	}
}

// orDash is a code span in a table, "-" where there is nothing to show.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return codeCell(s)
}

func (r *Report) mdTables(b *page) {
	if len(r.Tables) == 0 {
		return
	}
	b.f("\n## Tables\n\n| table | read | sent | acknowledged | ledger | counted | digest | time | verdict |\n")
	b.f("| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |\n")
	for _, t := range r.Tables {
		digest := "-"
		if t.SourceDigest != "" {
			digest = code(t.SourceDigest)
			if t.TargetDigest != "" && t.TargetDigest != t.SourceDigest {
				digest += " / " + code(t.TargetDigest)
			}
		}
		b.f("| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", codeCell(t.Target), num(t.Read), num(t.Framed), num(t.Acked),
			num(t.Ledger), num(t.Counted), digest, secs(t.Seconds), t.Verdict)
	}
	first := true
	for _, t := range r.Tables {
		d := firstOf(t.Error, t.Detail)
		if d == "" || (t.Error == "" && t.Verdict == "match") {
			continue
		}
		if first {
			b.f("\n")
			first = false
		}
		b.f("- %s: %s\n", code(t.Target), escape(d))
	}
}

func (r *Report) mdSequences(b *page) {
	if len(r.Sequences) == 0 {
		return
	}
	b.f("\n## Sequences\n\n| sequence | set to | found | source now | verdict |\n| --- | ---: | ---: | ---: | --- |\n")
	for _, s := range r.Sequences {
		verdict := s.Verdict
		if d := firstOf(s.ErrorMsg, s.Detail); d != "" && s.Verdict != "match" {
			verdict += ": " + d
		}
		b.f("| %s | %s | %s | %s | %s |\n", codeCell(s.Target), position(s.Set), position(s.Found), position(s.Now), cell(verdict))
	}
}

func (r *Report) mdViews(b *page) {
	if len(r.Views) == 0 {
		return
	}
	b.f("\n## Views\n\n| view | kind | source rows | target rows | verdict |\n| --- | --- | ---: | ---: | --- |\n")
	for _, v := range r.Views {
		verdict := v.Verdict
		if v.Detail != "" && v.Verdict != "match" {
			verdict += ": " + v.Detail
		}
		b.f("| %s | %s | %s | %s | %s |\n", codeCell(v.Target), v.kind(), num(v.SourceRows), num(v.TargetRows), cell(verdict))
	}
}

func (r *Report) mdStatements(b *page) {
	if len(r.Statements) == 0 {
		return
	}
	b.f("\n## Statements that were not executed\n\n")
	for _, s := range r.Statements {
		b.f("- **%s** %s %s: %s\n", s.Status, s.Object.Kind, code(s.Object.Path()), escape(s.Reason))
		if s.Status == StatementFailed {
			b.f("  %s\n", code(s.SQL))
		}
	}
}

func (r *Report) mdFindings(b *page) {
	if len(r.Findings) == 0 {
		return
	}
	b.f("\n## Findings\n")
	last := finding.Unset
	for _, f := range r.Findings {
		if f.Severity != last {
			b.f("\n### %s\n\n", heading[f.Severity])
			last = f.Severity
		}
		accepted := ""
		if f.Accepted {
			accepted = " *(accepted)*"
		}
		b.f("- %s %s %s%s: %s", code(string(f.Code)), f.Object.Kind, code(f.Object.Path()), accepted, escape(f.Message))
		if f.Remedy != "" {
			b.f(" *%s*", escape(f.Remedy))
		}
		b.f("\n")
	}
	for _, g := range r.Groups {
		b.f("\n### All objects of %s\n\n", code(string(g.Code)))
		for _, o := range g.Objects {
			b.f("- %s %s\n", o.Kind, code(o.Path()))
		}
	}
}

var heading = map[finding.Severity]string{
	finding.Block:  "Blocking",
	finding.Left:   "Left: not carried",
	finding.Change: "Changed: carried, but not as they were",
	finding.Info:   "Worth knowing",
}

// Texts of other people's in Markdown.
var code, codeCell, cell, escape = mark.Code, mark.CodeCell, mark.Cell, mark.Escape
