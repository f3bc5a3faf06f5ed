// Package htmlpage is the frame of reports that are one HTML file: style, script
// and charts stand in it, nothing is fetched, and the page says so to the
// browser (Content-Security-Policy). Texts of other people's pass through
// html/template, which escapes them where they stand.
package htmlpage

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed style.css
var style string

//go:embed script.js
var script string

//go:embed frame.html
var frame string

// view is what the frame needs.
type view struct {
	Title string
	CSS   template.CSS
	JS    template.JS
	Body  any
}

// Page is a parsed page.
type Page struct{ t *template.Template }

// New parses a page: the frame with the text's template "body". Beside funcs the
// template has those of Funcs.
func New(body string, funcs template.FuncMap) *Page {
	t := template.New("frame").Funcs(Funcs()).Funcs(funcs)
	return &Page{template.Must(template.Must(t.Parse(frame)).Parse(body))}
}

// Write fills the page in.
func (p *Page) Write(w io.Writer, title string, body any) error {
	//nolint:gosec // style and script are this package's own, and hold nothing else
	v := view{title, template.CSS(style), template.JS(script), body}
	if err := p.t.ExecuteTemplate(w, "frame", v); err != nil {
		return fmt.Errorf("writing HTML: %w", err)
	}
	return nil
}

// Segment is a part of a bar, in percent of its width.
type Segment struct {
	Class string // of the style: carried, changed, left, blocked
	Label string
	Count int
	X, W  float64
}

// Bar is a bar of segments side by side.
type Bar []Segment

// NewBar makes a bar of counts, one class each. A count that is not 0 is seen.
func NewBar(classes []string, counts ...int) Bar {
	whole := 0
	for _, n := range counts {
		whole += n
	}
	if whole == 0 {
		return nil
	}
	const least = 1.5
	widths := make([]float64, len(counts))
	sum := 0.0
	for i, n := range counts {
		if n > 0 {
			widths[i] = max(least, 100*float64(n)/float64(whole))
		}
		sum += widths[i]
	}
	var out Bar
	x := 0.0
	for i, n := range counts {
		if n == 0 {
			continue
		}
		w := widths[i] * 100 / sum
		out = append(out, Segment{Class: classes[i], Label: classes[i], Count: n, X: x, W: w})
		x += w
	}
	return out
}

// Text describes a bar for those who do not see it.
func (b Bar) Text() string {
	var parts []string
	for _, s := range b {
		parts = append(parts, fmt.Sprintf("%d %s", s.Count, s.Label))
	}
	return strings.Join(parts, ", ")
}

// Funcs are those of every page.
func Funcs() template.FuncMap {
	return template.FuncMap{
		"f1":      func(f float64) string { return fmt.Sprintf("%.1f", f) },
		"percent": func(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) },
		"share":   func(f float64) string { return fmt.Sprintf("%.2f", max(0.4, 100*f)) },
		"first": func(n int, all []string) []string {
			return all[:min(n, len(all))]
		},
		"sub": func(a, b int) int { return a - b },
		// id makes an anchor of any text.
		"id": func(parts ...any) string {
			var b strings.Builder
			for i, p := range parts {
				if i > 0 {
					b.WriteByte('-')
				}
				for _, r := range fmt.Sprint(p) {
					switch {
					case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
						b.WriteRune(r)
					default:
						b.WriteByte('_')
					}
				}
			}
			return b.String()
		},
	}
}
