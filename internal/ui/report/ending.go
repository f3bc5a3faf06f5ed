package report

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/internal/guide"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// endingSections are the parts of an ending, in the order in which they are done.
func endingSections(e *guide.Ending) []struct {
	title  string
	advice []guide.Advice
} {
	return []struct {
		title  string
		advice []guide.Advice
	}{
		{"Before the switch", e.Before},
		{"What the application must change", e.Application},
		{"What to close and revoke afterwards", e.Close},
		{"The way back", e.WayBack},
	}
}

// because names the objects that make an advice necessary.
func because(a guide.Advice) string {
	if a.Count == 0 {
		return ""
	}
	text := strings.Join(a.Because, ", ")
	if more := a.Count - len(a.Because); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// textEnding ends the report for a terminal: what comes after the run.
func (r *Report) textEnding(w *page) {
	e := r.Ending
	if e == nil {
		return
	}
	w.f("\nAfter the run\n  %s\n", ui.Printable(e.Headline))
	w.f("  New connection string: %s\n", ui.Printable(e.Connection))
	for _, s := range endingSections(e) {
		if len(s.advice) == 0 {
			continue
		}
		w.f("  %s\n", s.title)
		for _, a := range s.advice {
			w.f("    %s: %s\n", a.Title, ui.Printable(a.Text))
			if b := because(a); b != "" {
				w.f("      %s\n", ui.Printable(b))
			}
		}
	}
}

func (r *Report) mdEnding(b *page) {
	e := r.Ending
	if e == nil {
		return
	}
	b.f("\n## After the run\n\n**%s**\n\nNew connection string: %s\n", escape(e.Headline), code(e.Connection))
	for _, s := range endingSections(e) {
		if len(s.advice) == 0 {
			continue
		}
		b.f("\n### %s\n\n", s.title)
		for _, a := range s.advice {
			b.f("- **%s.** %s", escape(a.Title), escape(a.Text))
			if text := because(a); text != "" {
				b.f(" *%s*", escape(text))
			}
			b.f("\n")
		}
	}
}
