package certificate

import (
	"bytes"
	_ "embed"
	"errors"
	"html"
	"html/template"
	"io"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/internal/ui/htmlpage"
	"github.com/pg2db9/pg2db9/verify"
)

//go:embed page.html
var body string

// Where the entries stand in a page, escaped as any text is.
const (
	dataBegin = `<code id="certificate">`
	dataEnd   = `</code>`
)

// htmlPage is parsed once, when the first page is written.
var htmlPage = sync.OnceValue(func() *htmlpage.Page {
	return htmlpage.New(body, template.FuncMap{
		"num": func(n int64) string {
			if n == verify.Uncounted {
				return "-"
			}
			return humanize.Comma(n)
		},
		"stamp": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"badge": func(v verify.Verdict) string {
			switch v {
			case verify.Match:
				return "ok"
			case verify.Skipped:
				return "left"
			case verify.Unknown, verify.Mismatch, verify.Errored:
			}
			return "block"
		},
	})
})

// pageView is a certificate as its page shows it.
type pageView struct {
	*Run
	Seal      string
	Data      string
	Tables    []*Table
	Sequences []*Sequence
	Views     []*verify.View
	Checks    []*verify.Check
	Left      []*Left
	Losses    []objectText
	Unchecked []objectText
	Equal     int // tables
	Count     int
	Hanging   int // indexes, constraints and the like
}

type objectText struct{ Object, What, Why string }

// HTML writes the certificate as one page that fetches nothing. The entries
// stand in it, for --recheck.
func (c *Certificate) HTML(w io.Writer) error {
	if len(c.Entries) == 0 || c.Entries[0].Run == nil {
		return errors.New("writing HTML: a certificate without its run")
	}
	var data bytes.Buffer
	if err := c.JSON(&data); err != nil {
		return err
	}
	run := c.Entries[0].Run
	v := pageView{Run: run, Seal: c.Seal, Data: data.String(), Equal: run.Tables.Match}
	for _, u := range run.NotChecked {
		v.Unchecked = append(v.Unchecked, objectText{"the whole", u.What, u.Why})
	}
	for _, e := range c.Entries {
		v.add(e)
	}
	v.Count = len(v.Tables)
	return htmlPage().Write(w, "pg2db9 certificate: "+c.Summary, v)
}

func (v *pageView) add(e Entry) {
	switch {
	case e.Table != nil:
		v.Tables = append(v.Tables, e.Table)
		name := e.Table.Target.String()
		for _, l := range e.Table.Losses {
			v.Losses = append(v.Losses, objectText{name, l.Column, l.Loss})
		}
		for _, x := range e.Table.Excused {
			v.Losses = append(v.Losses, objectText{name, x.Column, x.String()})
		}
		for _, u := range e.Table.NotChecked {
			v.Unchecked = append(v.Unchecked, objectText{name, u.What, u.Why})
		}
	case e.Sequence != nil:
		v.Sequences = append(v.Sequences, e.Sequence)
		for _, a := range e.Sequence.Assumed {
			v.Unchecked = append(v.Unchecked, objectText{e.Sequence.Target.String(), a, "the target does not tell: assumed"})
		}
	case e.View != nil:
		v.Views = append(v.Views, e.View)
		for _, a := range e.View.Assumed {
			v.Unchecked = append(v.Unchecked, objectText{e.View.Target.String(), a, "the target does not tell: assumed"})
		}
	case e.Behaviour != nil:
		v.Checks = append(v.Checks, e.Behaviour)
		if e.Behaviour.Verdict == verify.Skipped {
			v.Unchecked = append(v.Unchecked, objectText{e.Behaviour.Kind + " " + e.Behaviour.Object, e.Behaviour.What, e.Behaviour.Detail})
		}
	case e.Defined != nil:
		v.Hanging += len(e.Defined.Objects)
	case e.Left != nil:
		v.Left = append(v.Left, e.Left)
	}
}

// dataOf is the document that stands in a page.
func dataOf(page []byte) ([]byte, error) {
	_, rest, found := bytes.Cut(page, []byte(dataBegin))
	text, after, closed := bytes.Cut(rest, []byte(dataEnd))
	if !found || !closed || bytes.Contains(after, []byte(dataBegin)) {
		return nil, broken(0, "it is a page without the entries of a certificate")
	}
	return []byte(html.UnescapeString(string(text))), nil
}
