package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/guide"
	"github.com/pg2db9/pg2db9/internal/ui/htmlpage"
)

//go:embed body.html
var body string

// htmlPage is parsed once, when the first page is written.
var htmlPage = sync.OnceValue(func() *htmlpage.Page {
	return htmlpage.New(body, template.FuncMap{
		"num": num, "secs": secs, "stamp": stamp, "position": position, "firstOf": func(a, b string) string { return firstOf(a, b) },
		"comma": func(n int) string { return humanize.Comma(int64(n)) },
		"bytes": func(n int64) string { return humanize.Bytes(uint64(max(0, n))) },
		"bar": func(c Counts) htmlpage.Bar {
			return htmlpage.NewBar([]string{"carried", "changed", "left", "blocked"}, max(0, c.Carried-c.Changed), c.Changed, c.Left, c.Blocking)
		},
		"because": because, "foundTitle": foundTitle, "more": moreRows,
		"differences": func(t Table) [][]string {
			lines, _ := differenceRows(t.Found, len(t.Found.Shown))
			return lines
		},
		"sections": func(e *guide.Ending) []section {
			var out []section
			for _, s := range endingSections(e) {
				out = append(out, section{s.title, s.advice})
			}
			return out
		},
		"verdict": func(v string) string {
			switch v {
			case "match":
				return "ok"
			case "skipped", "unknown":
				return "left"
			}
			return "block"
		},
	})
})

// section is a part of an ending.
type section struct {
	Title  string
	Advice []guide.Advice
}

// foundGroup is all findings of one severity.
type foundGroup struct {
	Severity finding.Severity
	Title    string
	Findings []Finding
}

// htmlReport is a report with what its page says beside it.
type htmlReport struct {
	*Report
	Heading string
	Head    [][2]string
	Groups  []foundGroup
	Probed  string
}

// HTML writes the report as one page that fetches nothing (U8).
func (r *Report) HTML(w io.Writer) error {
	v := htmlReport{Report: r, Heading: strings.ToUpper(r.Command[:min(1, len(r.Command))]) + r.Command[min(1, len(r.Command)):], Head: r.head()}
	switch {
	case r.DryRun:
		v.Heading += " (dry run)"
	case r.ExitCode == 0:
		v.Heading += ": done"
	default:
		v.Heading += fmt.Sprintf(": ended with %d", r.ExitCode)
	}
	for _, f := range r.Findings {
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Severity != f.Severity {
			v.Groups = append(v.Groups, foundGroup{Severity: f.Severity, Title: heading[f.Severity]})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Findings = append(g.Findings, f)
	}
	if r.Profile.Probe != nil {
		v.Probed = probeCounts(r.Profile.Probe)
	}
	return htmlPage().Write(w, "pg2db9 "+r.Command, v)
}
