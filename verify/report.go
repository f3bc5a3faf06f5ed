package verify

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
)

// Uncounted stands in a count that nobody took.
const Uncounted = -1

// Report is what Run found. It is good only when every table, sequence and view
// that the plan promises has a Match, or a skip that the user allowed; the zero
// value is not good.
type Report struct {
	Tables    []Table    `json:"tables"`              // by target name; every table of the plan has one
	Sequences []Sequence `json:"sequences"`           // by target name; every sequence of the plan has one
	Views     []View     `json:"views"`               // by target name; every view of the plan that was made has one
	Behaviour []Check    `json:"behaviour,omitempty"` // where it was asked for: by table, then indexes, views, routines

	Level Level `json:"level"` // how closely was looked

	Definitions *Definitions `json:"-"` // of the target, where they were asked for: for a certificate

	ExpectedTables    int  `json:"expected_tables"`    // tables that the plan promises
	ExpectedSequences int  `json:"expected_sequences"` // sequences that the plan promises
	ExpectedViews     int  `json:"expected_views"`     // views that the plan promises, those left out that could not be made
	AllowSkipped      bool `json:"allow_skipped"`      // the user asked for what was skipped
	Complete          bool `json:"complete"`           // Run came to its end; false when it was cancelled

	Notes   []string      `json:"notes,omitempty"` // what is no difference but worth a sentence
	Started time.Time     `json:"started"`
	Elapsed time.Duration `json:"elapsed_ns"`
}

// Table is the verdict on one table of the target.
type Table struct {
	Target  catalog.Name `json:"target"`
	Source  catalog.Name `json:"source"`  // empty for a table that only holds others, such as a partition root
	Verdict Verdict      `json:"verdict"` // the worse of Shape and Data
	Detail  string       `json:"detail"`  // one sentence: what was compared, or which numbers differ
	At      time.Time    `json:"at"`      // when it had its verdict: by then the last of it was read

	Shape Shape `json:"shape"`
	Data  *Data `json:"data,omitempty"` // nil for a table that holds no rows of its own
}

// Shape is the outcome of reading a table's definition back.
type Shape struct {
	Verdict     Verdict      `json:"verdict"`
	Err         string       `json:"error,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
	Tolerated   []Difference `json:"tolerated,omitempty"` // of a table that existed before: reported, but no mismatch
	Assumed     []string     `json:"assumed,omitempty"`   // what the target does not tell: nobody has seen it
}

// Difference is one thing of a table that is not as the plan promises.
type Difference struct {
	Column   string `json:"column,omitempty"` // empty for the table itself; of a constraint, index, trigger, rule or policy its name
	What     string `json:"what"`             // "type", "not null", "identity", "generated", "default", "position", "column", "table", "constraint", "index", "trigger", "rule", "policy", "row security", "parent", "partitions", "view", "materialized view"
	Expected string `json:"expected"`
	Found    string `json:"found"`
}

// Data is the outcome of comparing a table's rows. Counts are rows, and
// Uncounted where nobody counted.
type Data struct {
	Verdict  Verdict  `json:"verdict"`
	Err      string   `json:"error,omitempty"`
	Obtained Obtained `json:"obtained,omitempty"` // where the source's side is from
	Level    Level    `json:"level,omitempty"`    // how closely its rows were looked at; empty is not at all

	Read    int64 `json:"read"`    // by the source's COPY tags
	Framed  int64 `json:"framed"`  // seen in the source's stream
	Acked   int64 `json:"acked"`   // by the target's COPY tags, while copying
	Ledger  int64 `json:"ledger"`  // by the ledger, while copying
	Counted int64 `json:"counted"` // in the stream that the target gave back

	SourceDigest string `json:"source_digest,omitempty"` // 32 hexadecimal digits
	TargetDigest string `json:"target_digest,omitempty"`

	Found     *RowsFound `json:"found,omitempty"`      // at levels rows and deep, where rows differ
	ReadAgain int64      `json:"read_again,omitempty"` // rows of both sides that were read to find them, at level deep all
	Summed    int64      `json:"summed,omitempty"`     // rows that level deep compared by the sums of some hundred alone: the key has no ranges, and they are too many
	Excused   []Excused  `json:"excused,omitempty"`    // rows that differ as was announced
	Live      *Live      `json:"live,omitempty"`       // of a comparison of sides that are written
	Earlier   *Earlier   `json:"earlier,omitempty"`    // parts that an interrupted run had read
	// NotLocalised is why not all rows that differ were found.
	NotLocalised string `json:"not_localised,omitempty"`

	Bytes   int64         `json:"bytes"`      // COPY TEXT bytes read from the target, and from the source where it was read
	Elapsed time.Duration `json:"elapsed_ns"` // summed over the reads of the table, which may have run at the same time
}

// Earlier says how much of a comparison stands on what a run has read that was
// interrupted: of those parts it is of that run's moment.
type Earlier struct {
	Parts int       `json:"parts"` // of both sides
	Of    int       `json:"of"`
	Began time.Time `json:"began"` // the first of the runs that were interrupted
}

// words says it; of nil it is nothing.
func (e *Earlier) words() string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf("; %d of %d parts were read since %s UTC by a run that was interrupted, and not written to since, as the servers count",
		e.Parts, e.Of, e.Began.UTC().Format(time.DateTime))
}

// Obtained says where the source's side of a comparison is from.
type Obtained string

// The ways to the source's side.
const (
	CopyStream Obtained = "copy stream" // the rows as they were sent to the target; the source was not read again
	SourceRead Obtained = "source read" // the source was read for the comparison
	Certified  Obtained = "certificate" // what a certificate says that the target held
	// RowsCounted is both sides' own count of their rows, and nothing of their contents.
	RowsCounted Obtained = "counted"
)

// Position is where a sequence stands.
type Position struct {
	LastValue int64 `json:"last_value"`
	IsCalled  bool  `json:"is_called"`
}

// Sequence is the verdict on one sequence of the target.
type Sequence struct {
	Target   catalog.Name `json:"target"`
	Source   catalog.Name `json:"source"`
	Verdict  Verdict      `json:"verdict"`
	Detail   string       `json:"detail,omitempty"`
	Expected Position     `json:"expected"`             // as it was set; where nobody recorded that, as it stands on the source
	Found    *Position    `json:"found,omitempty"`      // on the target
	Now      *Position    `json:"source_now,omitempty"` // on the source while verifying: its later lead is no difference

	Differences []Difference `json:"differences,omitempty"` // of the definition: "increment", "minimum", "maximum", "cycle"
	Assumed     []string     `json:"assumed,omitempty"`     // what the target does not tell: nobody has seen it
	Feeds       []Fed        `json:"feeds,omitempty"`       // the columns that take their values from it
}

// severity orders verdicts from good to bad: what could not be looked at is
// worse than what was seen to differ, since nobody knows how much is behind it.
var severity = map[Verdict]int{Match: 0, Skipped: 1, Mismatch: 2, Unknown: 3, Errored: 4}

// worse returns the worse of two verdicts. A value that is no verdict counts as Unknown.
func worse(a, b Verdict) Verdict {
	if _, known := severity[a]; !known {
		a = Unknown
	}
	if _, known := severity[b]; !known {
		b = Unknown
	}
	if severity[b] > severity[a] {
		return b
	}
	return a
}

// Verdict is the worst of all verdicts, and Unknown when an expected table or
// sequence is missing from the report or Run did not come to its end.
func (r *Report) Verdict() Verdict {
	v := Match
	if !r.Complete || len(r.Tables) != r.ExpectedTables || len(r.Sequences) != r.ExpectedSequences || len(r.Views) != r.ExpectedViews {
		v = Unknown
	}
	for i := range r.Tables {
		v = worse(v, r.Tables[i].Verdict)
	}
	for i := range r.Sequences {
		v = worse(v, r.Sequences[i].Verdict)
	}
	for i := range r.Views {
		v = worse(v, r.Views[i].Verdict)
	}
	for i := range r.Behaviour {
		// What was not tried is told with its reason, and is no part of what was asked
		// for; that nothing else is wrong is said without it.
		if r.Behaviour[i].Verdict != Skipped {
			v = worse(v, r.Behaviour[i].Verdict)
		}
	}
	return v
}

// Good reports whether the target holds what the plan promises: the only thing
// that exit code 0 may follow from.
func (r *Report) Good() bool {
	v := r.Verdict()
	return v == Match || v == Skipped && r.AllowSkipped
}

// Counts is a number of tables and sequences for each verdict.
type Counts struct {
	Match    int `json:"match"`
	Mismatch int `json:"mismatch"`
	Skipped  int `json:"skipped"`
	Errored  int `json:"errored"`
	Unknown  int `json:"unknown"`
}

func (c *Counts) add(v Verdict) {
	switch v {
	case Match:
		c.Match++
	case Mismatch:
		c.Mismatch++
	case Skipped:
		c.Skipped++
	case Errored:
		c.Errored++
	case Unknown:
		c.Unknown++
	default:
		c.Unknown++
	}
}

// TableCounts counts the tables by verdict.
func (r *Report) TableCounts() Counts {
	var c Counts
	for i := range r.Tables {
		c.add(r.Tables[i].Verdict)
	}
	return c
}

// SequenceCounts counts the sequences by verdict.
func (r *Report) SequenceCounts() Counts {
	var c Counts
	for i := range r.Sequences {
		c.add(r.Sequences[i].Verdict)
	}
	return c
}

// ViewCounts counts the views by verdict.
func (r *Report) ViewCounts() Counts {
	var c Counts
	for i := range r.Views {
		c.add(r.Views[i].Verdict)
	}
	return c
}

// BehaviourCounts counts the checks of behaviour by verdict.
func (r *Report) BehaviourCounts() Counts {
	var c Counts
	for i := range r.Behaviour {
		c.add(r.Behaviour[i].Verdict)
	}
	return c
}

// Rows is the number of rows counted on the target.
func (r *Report) Rows() int64 {
	var n int64
	for i := range r.Tables {
		if d := r.Tables[i].Data; d != nil && d.Counted > 0 {
			n += d.Counted
		}
	}
	return n
}

// ExcusedRows is the number of rows that differ as was announced.
func (r *Report) ExcusedRows() int64 {
	var n int64
	for i := range r.Tables {
		if d := r.Tables[i].Data; d != nil {
			for _, e := range d.Excused {
				n += e.Rows
			}
		}
	}
	return n
}

// MarshalJSON implements json.Marshaler: the fields, and what they sum up to.
func (r *Report) MarshalJSON() ([]byte, error) {
	type fields Report
	return json.Marshal(struct {
		Verdict        Verdict `json:"verdict"`
		Good           bool    `json:"good"`
		TableCounts    Counts  `json:"table_counts"`
		SequenceCounts Counts  `json:"sequence_counts"`
		ViewCounts     Counts  `json:"view_counts"`
		Behaved        Counts  `json:"behaviour_counts"`
		*fields
	}{r.Verdict(), r.Good(), r.TableCounts(), r.SequenceCounts(), r.ViewCounts(), r.BehaviourCounts(), (*fields)(r)})
}
