package certificate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/verify"
)

// definitionShown is how many bytes of a definition stand in a certificate: its
// digest stands for all.
const definitionShown = 2000

// defined is what the target told of one table or view.
func defined(r *verify.DefinedRelation) *Defined {
	out := &Defined{Target: r.Name, View: r.View}
	for _, o := range r.Objects {
		text := strings.ToValidUTF8(ui.Redact(o.Text), "�")
		if len(text) > definitionShown {
			text = strings.ToValidUTF8(text[:definitionShown], "") + "…"
		}
		out.Objects = append(out.Objects, Object{Kind: o.Kind, Name: o.Name, State: o.State, Text: text, Digest: o.Digest})
	}
	return out
}

// defined is what the target must tell again; nil where nobody asked it then.
func (c *Certificate) defined() *verify.Definitions {
	run := c.Run()
	if run.Told == nil {
		return nil
	}
	looked := c.looked()
	d := &verify.Definitions{Major: run.Told.Major, Told: run.Told.Kinds}
	for i := range c.Entries {
		e := c.Entries[i].Defined
		if e == nil || !e.View && !looked[e.Target] {
			continue
		}
		r := verify.DefinedRelation{Name: e.Target, View: e.View}
		for _, o := range e.Objects {
			r.Objects = append(r.Objects, verify.DefinedObject{Kind: o.Kind, Name: o.Name, State: o.State, Text: o.Text, Digest: o.Digest})
		}
		d.Relations = append(d.Relations, r)
	}
	return d
}

// looked are the tables that Recheck looks at: those with rows, or with columns as
// planned.
func (c *Certificate) looked() map[catalog.Name]bool {
	looked := map[catalog.Name]bool{}
	for i := range c.Entries {
		if t := c.Entries[i].Table; t != nil && (t.Rows != nil || t.reliable()) {
			looked[t.Target] = true
		}
	}
	return looked
}

// certifiable are the kinds of object that a certificate may speak of, in words, by
// the kind that stands for them.
var certifiable = []struct{ kind, words string }{
	{"index", "indexes"},
	{"constraint", "constraints"},
	{"trigger", "triggers"},
	{"default", "defaults"},
	{"generated", "expressions of generated columns"},
	{"view", "views"},
	{"materialized view", "materialized views"},
	{"rule", "rules"},
	{"policy", "policies"},
	{"partitions", "partitions"},
}

// NotLookedAt says, behind a semicolon, what of the target Recheck does not compare
// with this certificate; empty where that is nothing.
func (c *Certificate) NotLookedAt() string {
	run := c.Run()
	words := ""
	if run.Told == nil {
		words = "; indexes, constraints, triggers, defaults and views were not looked at: this certificate has nothing of them, being of an older version of pg2db9"
	} else {
		var untold []string
		for _, k := range certifiable {
			if !slices.Contains(run.Told.Kinds, k.kind) {
				untold = append(untold, k.words)
			}
		}
		if len(untold) > 0 {
			words = fmt.Sprintf("; %s were not looked at: the target does not tell of them", english.WordSeries(untold, "and"))
		}
		looked := c.looked()
		var names []string
		for i := range c.Entries {
			if t := c.Entries[i].Table; t != nil && !looked[t.Target] {
				names = append(names, t.Target.String())
			}
		}
		if len(names) > 0 {
			words += "; nor was what hangs on " + named(names)
		}
	}
	if run.Behaviour.Match > 0 {
		words += "; behaviour was not tried again"
	}
	return words
}
