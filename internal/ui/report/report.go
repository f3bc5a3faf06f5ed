// Package report is the account of a run after it: one value, written as text
// for a terminal, as JSON for programs and as Markdown for people who were not
// there.
package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/guide"
	"github.com/pg2db9/pg2db9/internal/probe"
	"github.com/pg2db9/pg2db9/verify"
)

// Report is all that a run has to say. It holds no secret: servers are named
// without passwords. Its order does not depend on the order of work.
type Report struct {
	Version  string    `json:"version"` // of pg2db9
	Run      string    `json:"run"`
	Command  string    `json:"command"`
	Options  []string  `json:"options,omitempty"` // as given, "name=value"
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	DryRun   bool      `json:"dry_run,omitempty"`
	ExitCode int       `json:"exit_code"`
	Message  string    `json:"message"`        // the last line: what happened and what to do next
	Next     []string  `json:"next,omitempty"` // commands that continue

	Source  Server  `json:"source"`
	Target  Server  `json:"target"`
	Profile Profile `json:"profile"`

	Snapshot *Snapshot `json:"snapshot,omitempty"`
	Phases   []Phase   `json:"phases,omitempty"` // in the order they ran

	Mapping []Mapping `json:"mapping,omitempty"` // what is otherwise on the target, as the user asked

	Level      string      `json:"level,omitempty"` // how closely verification looked: schema, counts, digest, rows, deep
	Counts     Counts      `json:"counts"`
	Tables     []Table     `json:"tables,omitempty"`    // by target name
	Sequences  []Sequence  `json:"sequences,omitempty"` // by target name
	Views      []View      `json:"views,omitempty"`     // by target name, where the target was verified
	Behaviour  []Behaviour `json:"behaviour,omitempty"` // where it was tried: by table, then indexes, views, routines
	Statements []Statement `json:"statements,omitempty"`
	Findings   []Finding   `json:"findings,omitempty"` // worst first
	Notes      []string    `json:"notes,omitempty"`    // in the order they came

	Groups []ddlgen.Group `json:"groups,omitempty"` // all objects of the findings that tell of many at once

	Ending *guide.Ending `json:"ending,omitempty"` // of clone: what comes after the run
}

// Server is one side.
type Server struct {
	URL       string `json:"url"` // without the password
	Transport string `json:"transport"`
	Version   string `json:"version"`
}

// Profile says what the target was taken for.
type Profile struct {
	Name      string `json:"name"`
	Simulated bool   `json:"simulated,omitempty"` // profile db9 on a target that is no DB9

	Settings *ddlgen.Profile `json:"settings,omitempty"` // as the run went by them
	Probing  string          `json:"probing,omitempty"`  // when the target was probed, or why not
	Changes  []string        `json:"changes,omitempty"`  // what the probes changed: "await: true -> false"
	Probe    *probe.Result   `json:"probe,omitempty"`
}

// Snapshot is the moment of the source that was copied.
type Snapshot struct {
	ID    string    `json:"id"`
	Taken time.Time `json:"taken"`
	Held  float64   `json:"held_seconds"`
}

// Mapping is one thing that the user's mapping makes otherwise.
type Mapping struct {
	usermap.Line
	Text string `json:"text"` // the same in words
}

// Phase is one phase of the run.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Items   int     `json:"items,omitempty"`
	Failed  int     `json:"failed,omitempty"`
}

// Counts sums the report up.
type Counts struct {
	Carried   int   `json:"carried"` // objects that stand on the target by this run
	Changed   int   `json:"changed"` // carried, but not as they were
	Left      int   `json:"left"`    // not carried
	Blocking  int   `json:"blocking"`
	Tables    int   `json:"tables"`
	Complete  int   `json:"tables_complete"` // copied without a difference
	Rows      int64 `json:"rows"`
	Rejected  int64 `json:"rows_rejected,omitempty"`
	Bytes     int64 `json:"bytes"`
	Failed    int   `json:"statements_failed"`
	Skipped   int   `json:"statements_skipped"`
	Sequences int   `json:"sequences"`
	Views     int   `json:"views"`
}

// Table is one target table. Counts are -1 where nobody counted.
type Table struct {
	Target  string  `json:"target"`
	Source  string  `json:"source"`
	Read    int64   `json:"rows_read"`         // by the source's COPY tags
	Framed  int64   `json:"rows_framed"`       // seen in the stream
	Acked   int64   `json:"rows_acknowledged"` // by the target's COPY tags
	Ledger  int64   `json:"rows_in_ledger"`
	Counted int64   `json:"rows_counted"` // on the target, by verification
	Bytes   int64   `json:"bytes"`
	Parts   int     `json:"parts,omitempty"`
	Seconds float64 `json:"seconds"`

	Rejected    int64  `json:"rows_rejected,omitempty"` // refused by the target, and kept apart
	RejectsFile string `json:"rejects_file,omitempty"`

	SourceDigest string `json:"source_digest,omitempty"`
	TargetDigest string `json:"target_digest,omitempty"`
	Verdict      string `json:"verdict"` // match, mismatch, skipped, errored, unknown
	Detail       string `json:"detail,omitempty"`
	Error        string `json:"error,omitempty"` // why it is not complete

	Obtained  string            `json:"obtained,omitempty"`   // where the source's side of the comparison is from: "copy stream", "source read" or "certificate"
	Level     string            `json:"level,omitempty"`      // how closely its rows were looked at; empty is not at all
	Found     *verify.RowsFound `json:"found,omitempty"`      // the rows that differ, where they were looked for
	Live      *verify.Live      `json:"live,omitempty"`       // what became of rows that differed while both sides were written
	Excused   []verify.Excused  `json:"excused,omitempty"`    // rows that differ as was announced
	ReadAgain int64             `json:"read_again,omitempty"` // rows of both sides that were read to find those that differ
}

// Uncounted stands in a Table's count that nobody took.
const Uncounted = -1

// Sequence is one sequence.
type Sequence struct {
	Target   string    `json:"target"`
	Source   string    `json:"source"`
	Set      *Position `json:"set,omitempty"`        // as given to the target
	Found    *Position `json:"found,omitempty"`      // on the target, by verification
	Now      *Position `json:"source_now,omitempty"` // on the source afterwards
	Verdict  string    `json:"verdict"`
	Detail   string    `json:"detail,omitempty"`
	ErrorMsg string    `json:"error,omitempty"`
}

// Position is where a sequence stands.
type Position struct {
	LastValue int64 `json:"last_value"`
	IsCalled  bool  `json:"is_called"`
}

// View is one view. Rows are those of a materialized one, -1 where nobody counted.
type View struct {
	Target       string `json:"target"`
	Source       string `json:"source"`
	Materialized bool   `json:"materialized,omitempty"`
	SourceRows   int64  `json:"source_rows"` // as its last REFRESH left them
	TargetRows   int64  `json:"target_rows"` // as the REFRESH of this run did
	Verdict      string `json:"verdict"`
	Detail       string `json:"detail,omitempty"`
}

// Statement is a statement that was not executed with success.
type Statement struct {
	ID       string         `json:"id"`
	Phase    string         `json:"phase"`
	Object   finding.Object `json:"object"`
	SQL      string         `json:"sql"`
	Status   string         `json:"status"` // failed, skipped
	Reason   string         `json:"reason"`
	SQLState string         `json:"sqlstate,omitempty"`
	Optional bool           `json:"optional,omitempty"`
}

// The states of a Statement.
const (
	StatementFailed  = "failed"
	StatementSkipped = "skipped"
)

// Finding is a finding, and whether the user accepted it.
type Finding struct {
	finding.Finding
	Accepted bool `json:"accepted,omitempty"`
}

// Finish sorts what came in the order of work and sums up. Call it once, when
// nothing is added any more.
func (r *Report) Finish() {
	slices.SortFunc(r.Tables, func(a, b Table) int { return cmp.Compare(a.Target, b.Target) })
	slices.SortFunc(r.Sequences, func(a, b Sequence) int { return cmp.Compare(a.Target, b.Target) })
	slices.SortStableFunc(r.Statements, func(a, b Statement) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.ID, b.ID))
	})
	r.sortFindings()
	c := &r.Counts
	slices.SortFunc(r.Views, func(a, b View) int { return cmp.Compare(a.Target, b.Target) })
	c.Tables, c.Sequences, c.Views = len(r.Tables), len(r.Sequences), len(r.Views)
	c.Complete, c.Rows, c.Rejected, c.Bytes, c.Changed, c.Left, c.Blocking, c.Failed, c.Skipped = 0, 0, 0, 0, 0, 0, 0, 0, 0
	for _, t := range r.Tables {
		c.Rows += max(0, t.Acked)
		c.Rejected += t.Rejected
		c.Bytes += t.Bytes
		if t.Error == "" && t.Acked != Uncounted {
			c.Complete++
		}
	}
	for _, f := range r.Findings {
		switch f.Severity {
		case finding.Change:
			c.Changed++
		case finding.Left:
			c.Left++
		case finding.Block:
			c.Blocking++
		case finding.Info, finding.Unset:
		}
	}
	for _, s := range r.Statements {
		if s.Status == StatementFailed {
			c.Failed++
		} else {
			c.Skipped++
		}
	}
}

func (r *Report) sortFindings() {
	plain := make([]finding.Finding, len(r.Findings))
	accepted := map[finding.Finding]bool{}
	for i, f := range r.Findings {
		plain[i] = f.Finding
		accepted[f.Finding] = f.Accepted
	}
	finding.Sort(plain)
	plain = slices.Compact(plain)
	r.Findings = r.Findings[:0]
	for _, f := range plain {
		r.Findings = append(r.Findings, Finding{Finding: f, Accepted: accepted[f]})
	}
}
