package certificate

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Run is the entry of the run.
func (c *Certificate) Run() *Run { return c.Entries[0].Run }

// Recheck is the verification of a target against what the certificate says of
// it: the source has no part in it. The caller adds the target, and how it is
// to be worked.
func (c *Certificate) Recheck() (verify.Params, error) {
	run := c.Run()
	plan := &ddlgen.Plan{Profile: run.Profile.Name}
	p := verify.Params{Plan: plan, Profile: run.Profile, Level: run.Level, Copied: []verify.SourceSide{}, Certified: true}
	for i := range c.Entries {
		switch e := &c.Entries[i]; {
		case e.Table != nil:
			if e.Table.reliable() {
				plan.Expect = append(plan.Expect, ddlgen.ExpectedTable{Name: e.Table.Target, Columns: e.Table.Columns})
			}
			if e.Table.Rows == nil {
				continue
			}
			if e.Table.Reading == nil {
				plan.Transfers = append(plan.Transfers, ddlgen.Transfer{Target: e.Table.Target, Source: e.Table.Source, NoData: "the certificate, which has no digest of them"})
				continue
			}
			side, err := e.Table.side()
			if err != nil {
				return p, fmt.Errorf("the certificate's entry of table %s: %w", e.Table.Target, err)
			}
			transfer, err := e.Table.transfer()
			if err != nil {
				return p, fmt.Errorf("the certificate's entry of table %s: %w", e.Table.Target, err)
			}
			plan.Transfers = append(plan.Transfers, transfer)
			p.Copied = append(p.Copied, side)
		case e.Sequence != nil && e.Sequence.Found != nil:
			plan.Sequences = append(plan.Sequences, e.Sequence.value())
		}
	}
	p.Defined = c.defined()
	return p, nil
}

// reliable says whether the table's columns were all as planned: only then are
// others a change. Their order and indexes are not looked at again.
func (t *Table) reliable() bool {
	return len(t.Columns) > 0 && t.Definition.Verdict == verify.Match && !slices.ContainsFunc(t.Definition.Tolerated, func(d verify.Difference) bool {
		return d.What != "position" && d.What != "index"
	})
}

// Unreliable names the tables whose columns Recheck does not look at again, but
// for those that rows are read by: they were not as planned when the certificate
// was made, or nobody had read them.
func (c *Certificate) Unreliable() []string {
	var names []string
	for _, e := range c.Entries {
		if e.Table != nil && !e.Table.reliable() {
			names = append(names, e.Table.Target.String())
		}
	}
	return names
}

// transfer is the reading as verification wants it. An expression is sent as it
// is, and whoever changes the file can seal it anew: so it must be the one that
// the plan of a copy has, which is the column's name.
func (t *Table) transfer() (ddlgen.Transfer, error) {
	tr := ddlgen.Transfer{Target: t.Target, Source: t.Source, Relations: []catalog.Name{}, Key: t.Reading.Key, Columns: make([]ddlgen.ColumnTransfer, len(t.Reading.Columns))}
	for i, r := range t.Reading.Columns {
		if r.Expression != quote.Ident(r.Column) {
			return tr, fmt.Errorf("it reads column %q by %q, which no version of pg2db9 writes: nothing of it was executed; take the file that pg2db9 wrote, or verify anew", r.Column, r.Expression)
		}
		tr.Columns[i] = ddlgen.ColumnTransfer{Source: r.Column, Target: r.Column, TargetType: r.Type, ReadBack: r.Expression, Canon: r.Canon}
	}
	return tr, nil
}

// side is what the target held, as the account that it must match again.
func (t *Table) side() (verify.SourceSide, error) {
	n := t.Rows.Target
	if n < 0 {
		return verify.SourceSide{}, fmt.Errorf("it counts %d rows", n)
	}
	s := verify.SourceSide{Target: t.Target, Read: n, Framed: n, Acked: n, Ledger: n, Bytes: t.Reading.Bytes}
	if t.Rows.TargetDigest == "" { // rows were only counted
		return s, nil
	}
	var err error
	s.Digest, err = digest.Parse(uint64(n), t.Rows.TargetDigest)
	return s, err
}

func (q *Sequence) value() ddlgen.SequenceValue {
	return ddlgen.SequenceValue{
		Source: q.Source, Target: q.Target, LastValue: q.Found.LastValue, IsCalled: q.Found.IsCalled,
		Increment: q.Increment, Min: q.Min, Max: q.Max, Cycle: q.Cycle,
	}
}

// Standing says what of the certificate itself is no match, so that a target
// that is as it says is not equal to the source for that: differences, and what
// was not checked.
func (c *Certificate) Standing() (differs, unchecked []string) {
	differs, unchecked = outcomes(c.Entries)
	if run := c.Run(); !run.Complete || !run.Good && len(differs)+len(unchecked) == 0 {
		unchecked = append(unchecked, "the rest: the verification did not come to its end")
	}
	return differs, unchecked
}
