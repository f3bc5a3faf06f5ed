package certificate

import (
	"fmt"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/verify"
)

// Facts is what a certificate is made from.
type Facts struct {
	Report   *verify.Report
	Plan     *ddlgen.Plan
	Profile  ddlgen.Profile // by which the target was read
	Findings []finding.Finding

	ID, Command, Tool string
	Options           []string // as given, without secrets
	Source, Target    Server
	Snapshot          *Snapshot // that both sides were compared in; nil: none
	Live              bool      // both sides could be written while they were compared
	Simulated         bool      // profile db9 on a target that is no DB9
	Behaviour         bool      // it was asked for
}

// New makes a sealed certificate. The same facts give the same bytes.
func New(f Facts) (*Certificate, error) {
	r := f.Report
	run := &Run{
		Good: r.Good(), Verdict: r.Verdict(), Complete: r.Complete, Level: r.Level, ID: f.ID, Command: f.Command, Tool: f.Tool, Options: f.Options,
		Source: f.Source, Target: f.Target, Started: moment(r.Started), Finished: moment(r.Started.Add(r.Elapsed)),
		Plan: f.Plan.Hash(), Profile: f.Profile, Simulated: f.Simulated,
		Rows: r.Rows(), Tables: r.TableCounts(), Sequences: r.SequenceCounts(), Views: r.ViewCounts(), Behaviour: r.BehaviourCounts(),
		NotChecked: notChecked(f), Notes: redactAll(r.Notes),
	}
	if s := f.Snapshot; s != nil {
		run.Snapshot = &Snapshot{ID: s.ID, Taken: moment(s.Taken)}
	}
	c := &Certificate{Format: Format, Entries: []Entry{{Kind: KindRun, Run: run}}}
	transfers, expected := map[catalog.Name]*ddlgen.Transfer{}, map[catalog.Name][]ExpectedColumn{}
	for i := range f.Plan.Transfers {
		transfers[f.Plan.Transfers[i].Target] = &f.Plan.Transfers[i]
	}
	for _, e := range f.Plan.Expect {
		expected[e.Name] = e.Columns
	}
	for i := range r.Tables {
		t := &r.Tables[i]
		c.Entries = append(c.Entries, Entry{Kind: KindTable, Table: table(t, transfers[t.Target], expected[t.Target])})
	}
	for i := range r.Sequences {
		c.Entries = append(c.Entries, Entry{Kind: KindSequence, Sequence: sequence(r.Sequences[i], f.Plan)})
	}
	for _, v := range r.Views {
		v.Detail = ui.Redact(v.Detail)
		c.Entries = append(c.Entries, Entry{Kind: KindView, View: &v})
	}
	for _, b := range r.Behaviour {
		b.Detail = ui.Redact(b.Detail)
		c.Entries = append(c.Entries, Entry{Kind: KindBehaviour, Behaviour: &b})
	}
	if d := r.Definitions; d != nil {
		run.Told = &Told{Major: d.Major, Kinds: d.Told}
		for i := range d.Relations {
			c.Entries = append(c.Entries, Entry{Kind: KindDefined, Defined: defined(&d.Relations[i])})
		}
	}
	for _, l := range f.Findings {
		if l.Severity == finding.Left || l.Severity == finding.Block {
			c.Entries = append(c.Entries, Entry{Kind: KindLeft, Left: &Left{Code: l.Code, Object: l.Object, Why: ui.Redact(l.Message)}})
		}
	}
	run.Entries, run.Summary = len(c.Entries), summary(r, c.Entries, f.Live)
	c.Summary = run.Summary
	return c, c.seal()
}

// moment is a time as it is written: the same on every machine.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func redactAll(texts []string) []string {
	var out []string
	for _, t := range texts {
		out = append(out, ui.Redact(t))
	}
	return out
}

// notChecked says what the verification as a whole left out.
func notChecked(f Facts) []Unchecked {
	var out []Unchecked
	switch f.Report.Level {
	case verify.LevelSchema:
		out = append(out, Unchecked{"rows", "only definitions were looked at (level schema)"})
	case verify.LevelCounts:
		out = append(out, Unchecked{"contents of rows", "rows were counted, not compared (level counts)"})
	case verify.LevelDigest, verify.LevelRows, verify.LevelDeep:
	}
	if f.Live {
		out = append(out, Unchecked{"both sides as of one moment", "they could be written meanwhile (verify --live): what is equal was so when it was read last"})
	}
	for _, q := range f.Report.Sequences {
		if q.Verdict == verify.Skipped {
			out = append(out, Unchecked{"where sequence " + q.Target.String() + " stands", skippedFor(q.Detail)})
		}
	}
	for _, v := range f.Report.Views {
		if v.Verdict == verify.Skipped {
			out = append(out, Unchecked{"view " + v.Target.String(), skippedFor(v.Detail)})
		}
	}
	if !f.Behaviour {
		out = append(out, Unchecked{"what the target does: that it refuses what keys and checks forbid, fills columns, answers views and routines", "it was not asked for (verify --behaviour)"})
	}
	if !f.Report.Complete {
		out = append(out, Unchecked{"what is unknown or errored below", "the verification did not come to its end"})
	}
	return out
}

// skippedFor is why something was skipped.
func skippedFor(detail string) string {
	if detail == "" {
		return verify.Skipped.String()
	}
	return ui.Redact(detail)
}

func table(t *verify.Table, transfer *ddlgen.Transfer, expected []ExpectedColumn) *Table {
	out := &Table{
		Target: t.Target, Source: t.Source, Verdict: t.Verdict, Detail: ui.Redact(t.Detail), Read: moment(t.At), Definition: t.Shape, Columns: expected,
	}
	out.Definition.Err = ui.Redact(t.Shape.Err)
	for _, a := range t.Shape.Assumed {
		out.NotChecked = append(out.NotChecked, Unchecked{a, "the target does not tell: assumed"})
	}
	d := t.Data
	if d == nil || transfer == nil {
		return out
	}
	out.Excused = d.Excused
	out.Rows = &Rows{
		Verdict: d.Verdict, Level: d.Level, Method: d.Obtained, Source: d.Read, Target: d.Counted, SourceDigest: d.SourceDigest, TargetDigest: d.TargetDigest,
	}
	if f := d.Found; f != nil {
		out.Rows.Missing, out.Rows.Extra, out.Rows.Changed = f.Missing, f.Extra, f.Changed
	}
	travels := map[string]bool{}
	for _, c := range transfer.Columns {
		travels[c.Target] = true
		if c.Loss != "" {
			out.Losses = append(out.Losses, Loss{c.Target, c.Loss})
		}
	}
	out.NotChecked = append(out.NotChecked, rowsNotChecked(d, transfer)...)
	for _, c := range expected {
		if !travels[c.Name] && d.Level != "" {
			out.NotChecked = append(out.NotChecked, Unchecked{"values of column " + c.Name, "the target makes them itself, and no rows carry them"})
		}
	}
	if d.Counted != verify.Uncounted && (d.TargetDigest != "" || d.Level == verify.LevelCounts) {
		out.Reading = reading(d, transfer)
	}
	return out
}

// rowsNotChecked says which rows of a table nobody looked at, and why.
func rowsNotChecked(d *verify.Data, t *ddlgen.Transfer) []Unchecked {
	var out []Unchecked
	switch d.Verdict {
	case verify.Skipped, verify.Errored, verify.Unknown:
		why := ui.Redact(d.Err)
		if why == "" {
			why = d.Verdict.String()
		}
		out = append(out, Unchecked{"rows", why})
	case verify.Match, verify.Mismatch:
	}
	for i, r := range t.Relations {
		if w := t.WhereOf(r); w != "" {
			out = append(out, Unchecked{fmt.Sprintf("rows of %s on the source other than those with %s", r, t.Where[i]), "they were not chosen"})
		}
	}
	if d.Summed > 0 {
		out = append(out, Unchecked{fmt.Sprintf("%d rows each beside its counterpart", d.Summed), "they were compared by sums of some hundred: the key has no ranges that both sides order alike"})
	}
	if d.NotLocalised != "" {
		out = append(out, Unchecked{"which of the other rows differ", ui.Redact(d.NotLocalised)})
	}
	return out
}

// reading is the transfer in the target's terms.
func reading(d *verify.Data, t *ddlgen.Transfer) *Reading {
	r := &Reading{Columns: make([]Read, len(t.Columns)), Key: t.Key, Bytes: d.Bytes}
	if d.Obtained == verify.SourceRead {
		r.Bytes /= 2 // of both sides
	}
	for i, c := range t.Columns {
		r.Columns[i] = Read{Column: c.Target, Type: c.TargetType, Expression: c.ReadBack, Canon: c.Canon}
	}
	return r
}

func sequence(q verify.Sequence, plan *ddlgen.Plan) *Sequence {
	q.Detail = ui.Redact(q.Detail)
	out := &Sequence{Sequence: q}
	i := slices.IndexFunc(plan.Sequences, func(v ddlgen.SequenceValue) bool { return v.Target == q.Target })
	if i >= 0 {
		v := &plan.Sequences[i]
		out.Increment, out.Min, out.Max, out.Cycle = v.Increment, v.Min, v.Max, v.Cycle
	}
	return out
}
