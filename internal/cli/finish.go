package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

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
	if j.stopped() {
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
	j.rep.ExitCode, j.rep.Next = int(code), j.next
	j.rep.Seconds = time.Since(j.started).Seconds()
	j.rep.Finish()
	j.rep.Ending = j.ending(code)
	j.rep.Message = j.lastLine(code, err)
	j.bus.Emit(event.RunDone{Run: j.id, ExitCode: int(code), Message: j.rep.Message, Elapsed: time.Since(j.started)})
	j.ui.Close()
	if j.assessed != nil {
		j.fillAssessment(code)
	}
	code = j.writeLeftBehind(code)
	code = j.endLog(j.writeReports(j.writeCertificates(code)))
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
			} else {
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
				t.Live = d.Live
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

// lastLine is what the user reads last: what happened, and what to do next.
func (j *job) lastLine(code Code, err error) string {
	if j.assessed != nil && err == nil && j.message != "" {
		return j.message
	}
	parts := []string{j.headline(code, err)}
	if c := j.rep.Counts; code != Usage && j.plan != nil && !j.opts.DryRun {
		parts = append(parts, fmt.Sprintf("%s left, %d changed", objects(c.Left), c.Changed))
	}
	if len(j.next) > 0 {
		parts = append(parts, "continue with: "+strings.Join(j.next, "; then: "))
	}
	return strings.Join(parts, "; ")
}

func objects(n int) string { return count(n, "object") }

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return humanize.Comma(int64(n)) + " " + word + "s"
}

// headline is the first part of the last line.
func (j *job) headline(code Code, err error) string {
	switch code {
	case Interrupted:
		if !j.written.Load() {
			return "interrupted before anything was written"
		}
		return "interrupted; " + j.standing()
	case Failed:
		if err != nil {
			msg := redact(ui.ErrorText(err))
			if j.written.Load() && j.copied != nil {
				msg += "; " + j.standing()
			}
			return msg
		}
		if j.certifiedBad != "" {
			return j.certifiedBad
		}
		out := "verification could not look at everything: " + j.verdicts(verify.Errored, verify.Unknown)
		if differ := j.verdicts(verify.Mismatch); differ != notEnded {
			out += "; it found differences: " + differ
		}
		return out
	case Usage, Blocked:
		return redact(ui.ErrorText(err))
	case Differences:
		if j.certifiedBad != "" {
			return j.certifiedBad
		}
		out := "verification found differences: " + j.verdicts(verify.Mismatch)
		if j.command == cmdRepair && j.message != "" {
			out = j.message + "; " + out
		}
		if unread := j.verdicts(verify.Errored, verify.Unknown); unread != notEnded {
			out += "; not everything could be looked at: " + unread
		}
		return out + j.whichRows()
	case Partial:
		if j.message != "" && err == nil && j.plan == nil { // a finished run with refused rows
			return j.message
		}
		if err != nil && !j.stopped() {
			return "partly done: " + redact(ui.ErrorText(err))
		}
		return "partly done: " + j.standing()
	case OK:
	}
	if j.message != "" {
		return j.message
	}
	return j.success()
}

// success is the headline of a run that did all that was asked for.
func (j *job) success() string {
	c := j.rep.Counts
	what := fmt.Sprintf("%s, %s, %s", count(c.Tables, "table"), count(int(c.Rows), "row"), count(c.Sequences, "sequence"))
	if c.Views > 0 {
		what += ", " + count(c.Views, "view")
	}
	if r := j.rejects(); r != "" {
		what += "; " + r
	}
	if c.Tables == 0 {
		what = "the source holds no tables, so no rows were copied"
		if c.Sequences > 0 {
			what += "; " + count(c.Sequences, "sequence")
		}
	}
	if j.verified != nil && j.verified.Good() {
		if n := j.verified.TableCounts().Skipped; n > 0 {
			without := j.withoutData()
			headline, tail := "done and verified: ", ""
			if n > without {
				headline = fmt.Sprintf("done, %s not proved as accepted, all else verified: ", count(n-without, "table"))
			}
			if without > 0 {
				tail = fmt.Sprintf("; %s without data, as asked", count(without, "table"))
			}
			return headline + what + tail
		}
		return "done and verified: " + what
	}
	return "copied, not verified: " + what
}

// standing says what is not done, for runs that did not come to their end.
func (j *job) standing() string {
	var parts []string
	if j.plan != nil {
		all := len(j.plan.Transfers)
		switch {
		case j.copied == nil && all > 0 && j.command != cmdSchema:
			parts = append(parts, "no rows were copied")
		case len(j.incomplete) > 0:
			parts = append(parts, fmt.Sprintf("%d of %s not copied: %s", len(j.incomplete), count(all, "table"), j.reasons()))
		case j.copied != nil && j.rejected() > 0:
			parts = append(parts, "all other rows were copied")
		case j.copied != nil:
			parts = append(parts, "all rows were copied")
		}
	}
	if r := j.rejects(); r != "" {
		parts = append(parts, r)
	}
	if n := j.rep.Counts.Failed; n > 0 {
		parts = append(parts, count(n, "statement")+" failed")
	}
	if n := j.rep.Counts.Skipped; n > 0 {
		parts = append(parts, count(n, "statement")+" skipped")
	}
	unset := 0
	for _, s := range j.sequences {
		if s.Err != nil {
			unset++
		}
	}
	if unset > 0 {
		parts = append(parts, count(unset, "sequence")+" not set")
	}
	if j.stopped() {
		parts = append(parts, "stopped by an interrupt")
	}
	if j.verified != nil && j.verified.TableCounts().Mismatch > 0 {
		parts = append(parts, "verification found differences: "+j.verdicts(verify.Mismatch))
	}
	if j.mended != "" {
		parts = append(parts, j.mended)
	}
	if len(parts) == 0 {
		return "what was asked for did not come to its end"
	}
	return strings.Join(parts, ", ")
}

// mostReasons is how many tables the last line names; the report names all.
const mostReasons = 3

// reasons names tables that are not complete, and why.
func (j *job) reasons() string {
	names := make([]catalog.Name, 0, len(j.incomplete))
	for n := range j.incomplete {
		names = append(names, n)
	}
	slices.SortFunc(names, catalog.Name.Compare)
	var out []string
	for i, n := range names {
		if i == mostReasons {
			out = append(out, fmt.Sprintf("%d more", len(names)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s (%s)", n, redact(ui.ErrorText(j.incomplete[n]))))
	}
	return strings.Join(out, ", ")
}

// notEnded is what is said where nothing has the verdicts that are asked for.
const notEnded = "it did not come to its end"

// whichRows names the command that says which rows differ, where contents were
// compared by their sums alone.
func (j *job) whichRows() string {
	if j.verified == nil || j.opts.Recheck || j.verified.Level != verify.LevelDigest && j.verified.Level != verify.LevelCounts {
		return ""
	}
	for i := range j.verified.Tables {
		if d := j.verified.Tables[i].Data; d != nil && d.Verdict == verify.Mismatch && d.Level != "" {
			return "; which rows differ says: " + j.localiseCommand()
		}
	}
	return ""
}

// verdicts names what has one of the verdicts.
func (j *job) verdicts(which ...verify.Verdict) string {
	var out []string
	if j.verified != nil {
		for _, t := range j.verified.Tables {
			if slices.Contains(which, t.Verdict) {
				out = append(out, fmt.Sprintf("%s (%s)", t.Target, t.Detail))
			}
		}
		for _, s := range j.verified.Sequences {
			if slices.Contains(which, s.Verdict) {
				out = append(out, fmt.Sprintf("sequence %s (%s)", s.Target, s.Detail))
			}
		}
		for _, v := range j.verified.Views {
			if slices.Contains(which, v.Verdict) {
				out = append(out, fmt.Sprintf("view %s (%s)", v.Target, v.Detail))
			}
		}
		out = append(out, j.behaved(which)...)
	}
	if len(out) == 0 {
		return notEnded
	}
	if len(out) > mostReasons {
		out = append(out[:mostReasons], fmt.Sprintf("%d more", len(out)-mostReasons))
	}
	return redact(strings.Join(out, ", "))
}

// writeReports writes the files. One that cannot be written is a failure: it
// was asked for.
func (j *job) writeReports(code Code) Code {
	for _, path := range j.opts.Reports {
		if err := j.writeReport(path); err != nil {
			_, _ = fmt.Fprintf(j.p.streams.Err, "pg2db9: %v\n", err)
			if code == OK && j.next == nil {
				if j.next = j.reportAgain(); j.next != nil {
					j.rep.Message += "; without a report: " + err.Error() + "; when that is mended, continue with: " + j.next[0]
				}
			}
			code = worst(code, Failed)
		}
	}
	return code
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
