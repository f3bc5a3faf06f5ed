package sync

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/verify"
)

// The most rows that differ, and bytes of their keys, that are held at once. Where
// there are more, those are written, and the others looked for again.
const (
	heldRows  = 30_000
	heldBytes = 4 << 20
	heldWhole = 4 << 20 // bytes of rows of one side, while they are looked for
)

// errHeld ends a search that has found as much as is held.
var errHeld = errors.New("as many rows differ as are held at once")

// differing is rows that differ.
type differing struct {
	most  int // rows that are held
	rows  []copier.RepairRow
	bytes int
	more  bool // there are others
	table *verify.Table

	columns map[string][]string // lists of columns that differ, by their names: they are few
}

func (d *differing) add(v verify.RowDifference) error {
	if len(d.rows) >= d.most || d.bytes >= heldBytes {
		d.more = true
		return errHeld
	}
	row := copier.RepairRow{Kind: kinds[v.Kind], Hash: v.Hash, Copies: v.Copies}
	for _, k := range v.Key {
		d.bytes += len(k.Value)
		var value *string
		if !k.Null {
			text := strings.Clone(k.Value)
			value = &text
		}
		row.Key = append(row.Key, value)
	}
	if v.Kind == verify.RowChanged {
		row.Columns = d.names(v.Columns)
	}
	d.rows = append(d.rows, row)
	return nil
}

// names are those of columns that differ. Rows share them.
func (d *differing) names(columns []verify.ValueDifference) []string {
	var id strings.Builder
	for _, c := range columns {
		id.WriteString(c.Column)
		id.WriteByte(0)
	}
	if list, ok := d.columns[id.String()]; ok {
		return list
	}
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.Column
	}
	d.columns[id.String()] = list
	return list
}

// kinds are the copier's words for verification's.
var kinds = map[verify.RowKind]copier.RepairKind{
	verify.RowMissing: copier.RepairMissing, verify.RowChanged: copier.RepairChanged, verify.RowExtra: copier.RepairExtra,
}

// comparison is verification of one table in the unit's snapshot.
func (r *run) comparison(p *prepared, t *table, level verify.Level) verify.Params {
	return verify.Params{
		Source: r.Source, Snapshot: p.snapshot.ID, Target: r.Target, Profile: r.Profile, ExistingTables: true, Level: level, Jobs: r.Jobs,
		Plan:     &ddlgen.Plan{Profile: r.Profile.Name, Transfers: []ddlgen.Transfer{*t.transfer}, Expect: []ddlgen.ExpectedTable{*t.expect}},
		Patience: r.Patience, MaxRate: t.job.MaxRate, MaxDifferences: -1, Log: r.Log,
	}
}

// compare runs a verification of one table.
func compare(ctx context.Context, v verify.Params) (*verify.Table, error) {
	rep, err := verify.Run(ctx, v)
	if err != nil {
		return nil, err
	}
	if len(rep.Tables) != 1 {
		return nil, fmt.Errorf("verification says of %d tables what it was asked of one", len(rep.Tables))
	}
	return &rep.Tables[0], nil
}

// differences finds the rows of a table that differ.
func (r *run) differences(ctx context.Context, p *prepared, t *table) (*differing, error) {
	return r.search(ctx, t, r.comparison(p, t, verify.LevelRows))
}

func (r *run) search(ctx context.Context, t *table, v verify.Params) (*differing, error) {
	d := &differing{most: heldRows, columns: map[string][]string{}}
	if r.held > 0 {
		d.most = r.held
	}
	v.Differences, v.Hold = d.add, heldWhole
	var err error
	if d.table, err = compare(ctx, v); err != nil {
		return nil, err
	}
	if d.table.Shape.Verdict != verify.Match {
		return nil, fmt.Errorf("table %s on the target cannot hold the rows: %s", t.transfer.Target, d.table.Detail)
	}
	if data := d.table.Data; data != nil {
		t.entry.Read += max(0, data.Read)
		d.more = d.more || data.Found != nil && data.Found.Unlocalised > 0
	}
	switch d.table.Verdict {
	case verify.Match, verify.Mismatch:
	default:
		if !d.more {
			return nil, fmt.Errorf("comparing %s: %s", t.transfer.Target, d.table.Detail)
		}
	}
	return d, nil
}

// fit says whether the target's table can hold the rows, before any is sent.
func (r *run) fit(ctx context.Context, p *prepared, t *table) error {
	found, err := compare(ctx, r.comparison(p, t, verify.LevelSchema))
	if err != nil {
		return err
	}
	if found.Shape.Verdict != verify.Match {
		return fmt.Errorf("table %s on the target cannot hold the rows: %s", t.transfer.Target, found.Detail)
	}
	return nil
}

// verify looks at a table as closely as the job file asks. What a mode has verified
// itself is not read again.
func (r *run) verify(ctx context.Context, p *prepared, t *table) error {
	if t.done || t.entry.Verdict != "" {
		return nil
	}
	level := verify.LevelDigest
	switch {
	case t.job.Mode == jobfile.Mirror:
	case t.job.Verify == jobfile.VerifyNone:
		t.entry.Verdict = Unverified
		return nil
	case t.job.Verify == jobfile.VerifyCounts:
		level = verify.LevelCounts
	}
	found, err := compare(ctx, r.comparison(p, t, level))
	if err != nil {
		return err
	}
	return t.judge(found)
}

// judge turns a verification's verdict into the table's.
func (t *table) judge(found *verify.Table) error {
	switch found.Verdict {
	case verify.Match:
		t.entry.Verdict = Match
		return nil
	case verify.Mismatch:
		t.entry.Verdict, t.entry.Err = Mismatch, found.Detail
		return nil
	default:
		return fmt.Errorf("verifying %s: %s", t.transfer.Target, found.Detail)
	}
}
