package assess

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sync"

	"github.com/pg2db9/pg2db9/internal/scan"
	"github.com/pg2db9/pg2db9/internal/ui/htmlpage"
)

//go:embed templates/body.html
var body string

var classes = []string{"carried", "changed", "left", "blocked"}

// htmlPage is parsed once, when the first page is written.
var htmlPage = sync.OnceValue(func() *htmlpage.Page {
	return htmlpage.New(body, template.FuncMap{
		"comma": comma, "size": size, "span": span, "rows": rowCount, "plural": plural, "of100": of100,
		"sizef":    func(b float64) string { return size(int64(b)) },
		"bar":      func(c Counts) htmlpage.Bar { return htmlpage.NewBar(classes, c.Carried, c.Changed, c.Left, c.Blocked) },
		"barOf":    func(a Area) htmlpage.Bar { return htmlpage.NewBar(classes, a.Carried, a.Changed, a.Left, a.Blocked) },
		"duration": func(e Estimate, jobs int) string { return e.duration(jobs) },
		"facts":    func(d Database) []fact { return factsOf(d.Source) },
		"section":  func(r htmlReport, d Database) htmlDatabase { return htmlDatabase{d, len(r.Databases) > 1} },
		"scanText": scanText,
		"scanWord": func(x scan.Item) any {
			word, rows := scanWord(x)
			class := map[string]string{"fails": "block", "changes": "change", "not known": "left"}[word]
			return struct{ Word, Rows, Class string }{word, rows, class}
		},
		"grade": grade,
		"scored": func(all []Area) int {
			n := 0
			for _, a := range all {
				if a.Score != nil {
					n++
				}
			}
			return n
		},
	})
})

// grade is the colour of a score.
func grade(s *int) string {
	switch {
	case s == nil:
		return ""
	case *s >= 85:
		return "good"
	case *s >= 60:
		return "fair"
	}
	return "poor"
}

type htmlDatabase struct {
	Database Database
	Several  bool
}

// htmlReport is a report with what its page says beside it.
type htmlReport struct {
	*Report
	Heading, Date, ProfileText, Rate string
}

// HTML writes the report as one page that fetches nothing.
func (r *Report) HTML(w io.Writer) error {
	v := htmlReport{
		Report: r, Heading: "What the move will take", Date: r.Started.UTC().Format("2 January 2006, 15:04 UTC"), ProfileText: r.Profile.text(),
		Rate: "The rates are those that DB9's documents give as guidance; pg2db9 knows no better ones until it has copied to your target. Indexes and verification come on top.",
	}
	title := "pg2db9 assess"
	if len(r.Databases) == 1 {
		v.Heading = "Moving database " + r.Databases[0].Name
		title += ": " + r.Databases[0].Name
	} else if len(r.Databases) > 1 {
		v.Heading = fmt.Sprintf("Moving %d databases", len(r.Databases))
	}
	return htmlPage().Write(w, title, v)
}

// Text says for people what is needed and what is free.
func (c Connections) Text() string { return c.text() }
