package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/ui"
	"github.com/pg2db9/pg2db9/internal/ui/report"
	"github.com/pg2db9/pg2db9/verify"
)

// finish turns what the steps found out into the report, the last line and the
// exit code. It is called once, whatever happened.
func (j *job) finish(err error) Code {
	if errors.Is(err, errDone) {
		err = nil
	}
	if err != nil {
		var blocked *blockedError
		if !errors.As(err, &blocked) {
			j.hold(j.codeOfStep(err))
		}
	}
	if j.stopped() && !j.served {
		j.hold(Partial)
	}
	j.partialStatements()
	j.holdRejects()
	code := worst(j.codes...)

	if j.assessed == nil { // which has a report of its own
		j.fillReport()
	}
	if j.next == nil && (code == Partial || code == Interrupted || code == Failed) {
		if j.written.Load() || j.resumed != nil {
			j.next = j.continuation()
		} else {
			j.next = j.again(err)
		}
	}
	if code == Usage { // nothing was done
		j.next = nil
	}
	j.rep.Seconds = time.Since(j.started).Seconds()
	j.rep.Finish()
	j.rep.Ending = j.ending(code)
	j.rep.Message = j.lastLine(code, err)
	j.ui.Close()
	code = j.writeCertificates(code) // before the reports, which tell of it
	j.rep.ExitCode, j.rep.Next = int(code), j.next
	j.bus.Emit(event.RunDone{Run: j.id, ExitCode: int(code), Message: j.rep.Message, Elapsed: time.Since(j.started)})
	if j.assessed != nil {
		j.fillAssessment(code)
	}
	code = j.writeLeftBehind(code)
	code = j.endLog(j.writeReports(code))
	j.tell(code, err)
	return code
}

// codeOfStep is the code of an error that ended the steps.
func (j *job) codeOfStep(err error) Code {
	c := codeOf(err)
	if c == Usage && j.written.Load() {
		return Failed // too late to say that nothing was done
	}
	return c
}

// partialStatements holds Partial where a statement that matters was not executed.
func (j *job) partialStatements() {
	for _, a := range j.applied {
		for _, f := range a.Failed {
			if !f.Statement.Optional && !a.RolledBack {
				j.hold(Partial)
			}
		}
		for _, s := range a.Skipped {
			if !s.Statement.Optional && !a.RolledBack {
				j.hold(Partial)
			}
		}
	}
}

// fillReport writes what the steps left behind into the report.
func (j *job) fillReport() {
	r := j.rep
	for _, f := range j.allFindings() {
		r.Findings = append(r.Findings, report.Finding{Finding: f, Accepted: f.Severity == finding.Block && j.opts.accepted(f)})
	}
	if j.plan != nil {
		r.Groups = j.plan.Groups
	}
	for _, a := range j.applied {
		for _, f := range a.Failed {
			r.Statements = append(r.Statements, failedStatement(f.Statement, f.Err))
		}
		for _, s := range a.Skipped {
			r.Statements = append(r.Statements, report.Statement{
				ID: s.Statement.ID, Phase: s.Statement.Phase.String(), Object: s.Statement.Object, SQL: s.Statement.SQL,
				Status: report.StatementSkipped, Reason: s.Reason, Optional: s.Statement.Optional,
			})
		}
	}
	r.Counts.Carried = j.carried()
	j.fillTables()
	j.fillSequences()
	j.fillViews()
	j.fillBehaviour()
}

// carried counts the objects that stand on the target by this run.
func (j *job) carried() int {
	if j.plan == nil {
		return 0
	}
	weight := map[string]int{}
	for _, s := range j.plan.Statements {
		weight[s.ID] = 1 + len(s.Columns) + len(s.Carries)
	}
	n := 0
	for id := range j.earlier {
		n += weight[id]
	}
	for _, a := range j.applied {
		if a.RolledBack {
			continue
		}
		for _, id := range a.Done {
			n += weight[id]
		}
	}
	return n
}

// fillTables joins what the copier counted with what verification saw.
func (j *job) fillTables() {
	tables := map[string]*report.Table{}
	var order []string
	table := func(target, source catalog.Name) *report.Table {
		key := target.String()
		if tables[key] == nil {
			tables[key] = &report.Table{
				Target: key, Source: source.String(), Read: report.Uncounted, Framed: report.Uncounted, Acked: report.Uncounted,
				Ledger: report.Uncounted, Counted: report.Uncounted, Verdict: verify.Unknown.String(),
			}
			order = append(order, key)
		}
		return tables[key]
	}
	if j.copied != nil {
		for _, c := range j.copied.Tables {
			t := table(c.Target, c.Source)
			t.Read, t.Framed, t.Acked, t.Ledger, t.Bytes, t.Parts = c.Read, c.Framed, c.Acked, c.Ledger, c.Bytes, c.Parts
			t.Seconds = c.Elapsed.Seconds()
			t.Rejected, t.RejectsFile = c.Rejected, j.rejectFiles[c.Target]
			if c.Err != nil {
				t.Error = redact(ui.ErrorText(c.Err))
			} else if !c.Binary {
				t.SourceDigest = c.Digest.Hex()
			}
			if j.opts.SkipVerify {
				t.Verdict = verify.Skipped.String()
			}
		}
	}
	if j.verified != nil {
		j.rep.Level = string(j.verified.Level)
		for _, v := range j.verified.Tables {
			t := table(v.Target, v.Source)
			t.Verdict, t.Detail = v.Verdict.String(), redact(v.Detail)
			if d := v.Data; d != nil {
				t.Counted, t.TargetDigest = d.Counted, d.TargetDigest
				t.Level, t.Found, t.Excused, t.ReadAgain = string(d.Level), d.Found, d.Excused, d.ReadAgain
				t.Live, t.Obtained = d.Live, string(d.Obtained)
				if d.Obtained == verify.SourceRead {
					t.SourceDigest = d.SourceDigest
				}
				if j.copied == nil {
					t.Read, t.SourceDigest, t.Bytes, t.Seconds = d.Read, d.SourceDigest, d.Bytes, d.Elapsed.Seconds()
				}
			}
		}
	}
	for _, key := range order {
		j.rep.Tables = append(j.rep.Tables, *tables[key])
	}
}

// fillSequences joins what was set with what verification saw.
func (j *job) fillSequences() {
	at := map[string]int{}
	for _, s := range j.sequences {
		x := report.Sequence{
			Target: s.Target.String(), Source: s.Source.String(), Verdict: verify.Unknown.String(),
			Set: &report.Position{LastValue: s.LastValue, IsCalled: s.IsCalled},
		}
		if s.Err != nil {
			x.Set, x.ErrorMsg = nil, redact(ui.ErrorText(s.Err))
		}
		if j.opts.SkipVerify {
			x.Verdict = verify.Skipped.String()
		}
		at[x.Target] = len(j.rep.Sequences)
		j.rep.Sequences = append(j.rep.Sequences, x)
	}
	if j.verified == nil {
		return
	}
	for _, v := range j.verified.Sequences {
		i, ok := at[v.Target.String()]
		if !ok {
			i = len(j.rep.Sequences)
			j.rep.Sequences = append(j.rep.Sequences, report.Sequence{
				Target: v.Target.String(), Source: v.Source.String(),
				Set: &report.Position{LastValue: v.Expected.LastValue, IsCalled: v.Expected.IsCalled},
			})
		}
		x := &j.rep.Sequences[i]
		x.Verdict, x.Detail = v.Verdict.String(), redact(v.Detail)
		x.Found, x.Now = position(v.Found), position(v.Now)
	}
}

// fillViews tells what verification saw of the views.
func (j *job) fillViews() {
	if j.verified == nil {
		return
	}
	for _, v := range j.verified.Views {
		j.rep.Views = append(j.rep.Views, report.View{
			Target: v.Target.String(), Source: v.Source.String(), Materialized: v.Materialized, SourceRows: v.SourceRows, TargetRows: v.TargetRows,
			Verdict: v.Verdict.String(), Detail: redact(v.Detail),
		})
	}
}

func position(p *verify.Position) *report.Position {
	if p == nil {
		return nil
	}
	return &report.Position{LastValue: p.LastValue, IsCalled: p.IsCalled}
}

// writeReports writes the files. One that cannot be written is a failure: it
// was asked for.
func (j *job) writeReports(code Code) Code {
	for _, path := range j.opts.Reports {
		if err := j.writeReport(path); err != nil {
			code = j.unwritten(code, "report", err)
		}
	}
	return code
}

// unwritten is a file that was asked for and could not be written: a failure,
// which a verification makes up for where all else was done.
func (j *job) unwritten(code Code, what string, err error) Code {
	_, _ = fmt.Fprintf(j.p.streams.Err, "pg2db9: %v\n", err)
	if code == OK && j.next == nil {
		if j.next = j.reportAgain(); j.next != nil {
			j.rep.Message += "; without a " + what + ": " + err.Error() + "; when that is mended, continue with: " + j.next[0]
		}
	}
	return worst(code, Failed)
}

func (j *job) writeReport(path string) error {
	if j.assessed != nil {
		return j.assessed.WriteFile(path)
	}
	return j.rep.WriteFile(path)
}

// tell prints the report and the last line.
func (j *job) tell(code Code, err error) {
	j.p.told = true
	message := ui.Printable(j.rep.Message)
	if j.p.json && j.assessed != nil {
		j.p.lines.Write("assessment", ui.Object{{Key: "report", Value: j.assessed}})
		j.p.exitObject(code, j.rep.Message, j.next)
	} else if j.assessed != nil {
		if len(j.assessed.Databases)+len(j.assessed.NotRead) > 0 {
			j.assessed.Text(j.p.streams.Out, len(j.opts.Reports) > 0)
		}
	} else if j.p.json {
		j.p.lines.Write("report", ui.Object{{Key: "report", Value: j.rep}})
		j.p.exitObject(code, j.rep.Message, j.next)
	} else if (len(j.rep.Tables)+len(j.rep.Findings)+len(j.rep.Statements)+len(j.rep.Sequences) > 0 || j.rep.Profile.Probe != nil) && !j.script {
		j.rep.Text(j.p.streams.Out)
	}
	if code == OK {
		switch {
		case j.p.json:
		case j.script:
			_, _ = fmt.Fprintln(j.p.streams.Out, "-- "+message)
		default:
			_, _ = fmt.Fprintln(j.p.streams.Out, message)
		}
		return
	}
	_, _ = fmt.Fprintln(j.p.streams.Err, "pg2db9: "+message)
	var usage *usageError
	if errors.As(err, &usage) {
		_, _ = fmt.Fprintln(j.p.streams.Err, usage.hint())
	}
}

func failedStatement(s ddlgen.Statement, err error) report.Statement {
	return report.Statement{
		ID: s.ID, Phase: s.Phase.String(), Object: s.Object, SQL: s.SQL, Status: report.StatementFailed,
		Reason: redact(ui.ErrorText(err)), SQLState: dial.SQLState(err), Optional: s.Optional,
	}
}
