package verify

import (
	"fmt"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// promise is what the plan says of one table of the target.
type promise struct {
	expected ddlgen.ExpectedTable
	transfer *ddlgen.Transfer // nil for a table that holds no rows of its own
	partial  bool             // the plan does not describe the table: only the columns that travel are known
}

// promises lists the plan's tables by name: those to be read back, and those
// that get rows.
func promises(plan *ddlgen.Plan) ([]promise, error) {
	byName := map[catalog.Name]*promise{}
	for _, e := range plan.Expect {
		if byName[e.Name] != nil {
			return nil, fmt.Errorf("the plan expects table %s twice", e.Name)
		}
		byName[e.Name] = &promise{expected: e}
	}
	for i := range plan.Transfers {
		t := &plan.Transfers[i]
		w := byName[t.Target]
		if w == nil {
			w = &promise{partial: true, expected: ddlgen.ExpectedTable{Name: t.Target}}
			for _, c := range t.Columns {
				w.expected.Columns = append(w.expected.Columns, ddlgen.ExpectedColumn{Name: c.Target, Type: c.TargetType})
			}
			byName[t.Target] = w
		}
		if w.transfer != nil {
			return nil, fmt.Errorf("the plan fills table %s twice", t.Target)
		}
		w.transfer = t
	}
	list := make([]promise, 0, len(byName))
	for _, w := range byName {
		list = append(list, *w)
	}
	slices.SortFunc(list, func(a, b promise) int { return a.expected.Name.Compare(b.expected.Name) })
	return list, nil
}

// expect lays out the report: a verdict for every table and sequence of the
// plan, Unknown until it is known.
func (v *run) expect() error {
	wanted, err := promises(v.p.Plan)
	if err != nil {
		return err
	}
	v.wanted = wanted
	v.report.Tables = make([]Table, len(wanted))
	v.report.Sequences = expectSequences(v.p.Plan, v.p.Sequences)
	v.report.ExpectedTables, v.report.ExpectedSequences = len(wanted), len(v.report.Sequences)
	v.expectViews()
	v.expectDefined()
	v.finished = map[*Table]bool{}
	v.accounts = map[catalog.Name]SourceSide{}
	for _, a := range v.p.Copied {
		if _, twice := v.accounts[a.Target]; twice {
			return fmt.Errorf("table %s is accounted for twice", a.Target)
		}
		v.accounts[a.Target] = a
	}
	for i, w := range wanted {
		t := &v.report.Tables[i]
		t.Target = w.expected.Name
		if w.transfer != nil {
			t.Source = w.transfer.Source
			t.Data = &Data{Read: Uncounted, Framed: Uncounted, Acked: Uncounted, Ledger: Uncounted, Counted: Uncounted}
		}
	}
	return nil
}

// comparisons lists the tables whose rows can be compared. The others have
// their verdict at once.
func (v *run) comparisons() []*comparison {
	var list []*comparison
	for i, w := range v.wanted {
		t := &v.report.Tables[i]
		if w.transfer == nil || !v.comparable(w.transfer, t.Data) {
			v.finish(t)
			continue
		}
		list = append(list, &comparison{transfer: w.transfer, table: t, canons: canonsOf(w.transfer)})
	}
	return list
}

// canonsOf are the forms that a transfer's columns are compared in.
func canonsOf(t *ddlgen.Transfer) []digest.Canon {
	list := make([]digest.Canon, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = c.Canon
	}
	return list
}

// comparable says whether a table's rows can be compared, and if not, gives the
// verdict and the reason.
func (v *run) comparable(t *ddlgen.Transfer, d *Data) bool {
	if v.p.SkipData {
		d.Verdict = Skipped
		return false
	}
	if v.p.Level == LevelSchema {
		d.Verdict, d.Err = Skipped, "rows not looked at, as asked (level schema)"
		v.report.AllowSkipped = true
		return false
	}
	if t.NoData != "" {
		d.Verdict, d.Err = Skipped, "without data by "+t.NoData+": rows not looked at"
		v.report.AllowSkipped = true
		return false
	}
	if v.p.Copied != nil {
		a, ok := v.accounts[t.Target]
		if !ok {
			d.Err = "nobody says that its rows were copied"
			return false
		}
		d.Obtained, d.SourceDigest = CopyStream, a.Digest.Hex()
		switch {
		case v.p.Certified:
			d.Obtained = Certified
		case t.Binary:
			d.Obtained, d.SourceDigest = SourceRead, ""
		}
		d.Read, d.Framed, d.Acked, d.Ledger = a.Read, a.Framed, a.Acked, a.Ledger
		if a.Err != nil {
			d.Verdict, d.Err = Errored, fmt.Sprintf("its rows were not all copied: %v", a.Err)
			return false
		}
	}
	if v.p.Level.has(LevelDigest) && !v.provable(t) && v.p.Plan.Unproven(t.Target) {
		d.Verdict = Skipped
		d.Err = "rows not compared: without a key they cannot be read back within the target's statement timeout, as was accepted"
		v.report.AllowSkipped = true // what was accepted before the copy is no fault after it
		return false
	}
	found := v.found[t.Target]
	if found == nil {
		d.Verdict, d.Err = Mismatch, "its rows are not on the target"
		return false
	}
	for _, c := range t.Columns {
		if found.column(c.Target) < 0 {
			d.Verdict, d.Err = Mismatch, "its rows on the target lack column "+c.Target
			return false
		}
	}
	d.Level = v.p.Level
	return true
}

// provable says whether a table's rows can be read back from the target: by
// their size where they were copied, else by the plan, which had the source's.
func (v *run) provable(t *ddlgen.Transfer) bool {
	a, copied := v.accounts[t.Target]
	return len(t.Key) > 0 || copied && v.p.Profile.ReadWhole(a.Bytes)
}

// finish gives a table its verdict, the worse of its definition's and its
// rows', and tells the listeners, once.
func (v *run) finish(t *Table) {
	v.mu.Lock()
	told := v.finished[t]
	v.finished[t] = true
	v.mu.Unlock()
	if told {
		return
	}
	t.At = time.Now()
	t.Verdict = t.Shape.Verdict
	t.Detail = t.Shape.words()
	var rows int64
	if d := t.Data; d != nil {
		t.Verdict = worse(t.Verdict, d.Verdict)
		if words := d.words(); t.Detail == "" {
			t.Detail = words
		} else if words != t.Detail {
			t.Detail += "; " + words
		}
		rows = max(d.Counted, 0)
	} else if t.Detail == "" {
		t.Detail = "its definition is as planned; it holds no rows of its own"
	}
	v.p.Bus.Emit(event.TableVerified{Table: t.Target.String(), Verdict: t.Verdict.String(), Rows: rows, Detail: t.Detail})
}

// end closes the report. What could not be looked at for an error says so.
func (v *run) end(err error) {
	for i := range v.report.Tables {
		t := &v.report.Tables[i]
		if err != nil && !v.finished[t] {
			spoil(&t.Shape.Verdict, &t.Shape.Err, err)
			if t.Data != nil {
				spoil(&t.Data.Verdict, &t.Data.Err, err)
			}
		}
		v.finish(t)
	}
	for i := range v.report.Views {
		spoilView(&v.report.Views[i], err)
	}
	for i := range v.report.Sequences {
		spoil(&v.report.Sequences[i].Verdict, &v.report.Sequences[i].Detail, err)
	}
	v.report.Complete = err == nil
	v.report.Elapsed = time.Since(v.report.Started)
}

// spoil turns what was not looked at into Errored, when err kept us from it.
func spoil(verdict *Verdict, words *string, err error) {
	if err != nil && *verdict == Unknown && *words == "" {
		*verdict, *words = Errored, fmt.Sprintf("not compared: %v", err)
	}
}

func (v *run) note(text string) {
	v.report.Notes = append(v.report.Notes, text)
	v.p.Bus.Emit(event.Note{Text: text})
}
