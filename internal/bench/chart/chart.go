// Package chart draws charts as SVG that stands in a page, or in a file of its own.
package chart

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// The size of charts, in the units of their view box.
const (
	chartWidth  = 640
	chartHeight = 240
	marginLeft  = 56
	marginDown  = 30
	marginUp    = 24
	marginRight = 10
)

// palette are the colours of a page's style, in turn; in a file of its own a chart has
// those behind them.
var palette = []string{"var(--accent, #2456c7)", "var(--carried, #2b9a66)", "var(--changed, #e0a100)", "var(--blocked, #d13b3b)", "var(--left, #8792a8)", "var(--info, #4d86d9)", "var(--ink, #1a2233)"}

// Line is one line of a chart.
type Line struct {
	Name string
	X, Y []float64
}

// axis maps values to places.
type axis struct {
	from, to float64
	start, n float64 // place of from, and the length
}

func (a axis) at(v float64) float64 {
	if a.to == a.from {
		return a.start + a.n/2
	}
	return a.start + a.n*(v-a.from)/(a.to-a.from)
}

// nice rounds up to 1, 2 or 5 times a power of ten.
func nice(v float64) float64 {
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5, 10} {
		if v <= f*p*(1+1e-9) {
			return f * p
		}
	}
	return 10 * p
}

// tick is a number as an axis shows it.
func tick(v float64) string { return fmt.Sprintf("%.4g", v) }

// Lines draws lines over a common axis; dots says that each value has one.
func Lines(title, xName, yName string, lines []Line, dots bool) template.HTML {
	var most, right float64
	left := math.Inf(1)
	for _, l := range lines {
		for i := range l.X {
			most, right, left = max(most, l.Y[i]), max(right, l.X[i]), min(left, l.X[i])
		}
	}
	if len(lines) == 0 || math.IsInf(left, 1) {
		return ""
	}
	x := axis{min(left, 0), right, marginLeft, chartWidth - marginLeft - marginRight}
	y := axis{0, nice(most), chartHeight - marginDown, -(chartHeight - marginDown - marginUp)}
	var b strings.Builder
	begin(&b, title, y, yName)
	for i := range 5 {
		v := x.from + (x.to-x.from)*float64(i)/4
		label(&b, x.at(v), chartHeight-marginDown+16, "middle", tick(v))
	}
	label(&b, chartWidth-marginRight, chartHeight-2, "end", xName)
	for i, l := range lines {
		var points []string
		for k := range l.X {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x.at(l.X[k]), y.at(l.Y[k])))
		}
		colour := palette[i%len(palette)]
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(points, " "), colour)
		for k := range l.X {
			if dots {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: %s, %s</title></circle>`, x.at(l.X[k]), y.at(l.Y[k]), colour, template.HTMLEscapeString(l.Name), tick(l.X[k]), tick(l.Y[k]))
			}
		}
	}
	b.WriteString("</svg>")
	names := make([]string, len(lines))
	for i, l := range lines {
		names[i] = l.Name
	}
	legend(&b, names)
	return template.HTML(b.String()) //nolint:gosec // numbers, and names that are escaped
}

// Bars draws one bar for each bucket of a distribution.
func Bars(title string, buckets []Bar) template.HTML {
	if len(buckets) == 0 {
		return ""
	}
	var most, all int64
	for _, k := range buckets {
		most = max(most, k.Count)
		all += k.Count
	}
	y := axis{0, nice(float64(most)), chartHeight - marginDown, -(chartHeight - marginDown - marginUp)}
	var b strings.Builder
	begin(&b, title, y, "batches")
	width := float64(chartWidth-marginLeft-marginRight) / float64(len(buckets))
	every := (len(buckets) + 7) / 8
	for i, k := range buckets {
		left := marginLeft + width*float64(i)
		top := y.at(float64(k.Count))
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="var(--accent, #2456c7)"><title>up to %s ms: %d of %d</title></rect>`, left+1, top, max(1, width-2), max(0, y.start-top), tick(k.UpTo), k.Count, all)
		if i%every == 0 {
			label(&b, left+width/2, chartHeight-marginDown+16, "middle", tick(k.UpTo))
		}
	}
	label(&b, chartWidth-marginRight, chartHeight-2, "end", "ms, up to")
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // numbers, and a title that is escaped
}

// Bar is one bar of a distribution.
type Bar struct {
	UpTo  float64 // ms
	Count int64
}

func begin(b *strings.Builder, title string, y axis, yName string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %d %d" width="100%%" role="img" aria-label="%s"><title>%s</title>`, chartWidth, chartHeight, template.HTMLEscapeString(title), template.HTMLEscapeString(title))
	for i := range 5 {
		v := y.to * float64(i) / 4
		at := y.at(v)
		fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="var(--line, #dfe4ec)"/>`, marginLeft, at, chartWidth-marginRight, at)
		label(b, marginLeft-6, at+4, "end", tick(v))
	}
	label(b, 2, marginUp-12, "start", yName)
}

func label(b *strings.Builder, x, y float64, anchor, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" font-size="11" fill="var(--dim, #5a6577)">%s</text>`, x, y, anchor, template.HTMLEscapeString(text))
}

func legend(b *strings.Builder, names []string) {
	if len(names) < 2 {
		return
	}
	b.WriteString(`<ul class="legend">`)
	for i, n := range names {
		fmt.Fprintf(b, `<li><svg width="10" height="10" aria-hidden="true"><rect width="10" height="10" fill="%s"/></svg> %s</li>`, palette[i%len(palette)], template.HTMLEscapeString(n))
	}
	b.WriteString("</ul>")
}

// File draws lines as a file of its own, its legend within.
func File(title, xName, yName string, lines []Line) string {
	text := string(Lines(title, xName, yName, lines, true))
	svg, _, _ := strings.Cut(text, "</svg>")
	var b strings.Builder
	b.WriteString(strings.Replace(svg, "<svg ", `<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" `, 1))
	for i, l := range lines {
		y := float64(marginUp + 14 + 16*i)
		fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="10" height="10" fill="%s"/>`, marginLeft+12, y-9, palette[i%len(palette)])
		label(&b, marginLeft+27, y, "start", l.Name)
	}
	return b.String() + "</svg>\n"
}
