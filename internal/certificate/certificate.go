package certificate

import (
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/verify"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Format names the form of the file, and its version.
const Format = "pg2db9 certificate 1"

// Certificate is the file. Whatever it says stands in an entry.
type Certificate struct {
	Summary string  `json:"summary"` // as in the first entry: for who opens the file
	Format  string  `json:"format"`
	Entries []Entry `json:"entries"` // the run, then tables, sequences, views, checks of behaviour, definitions, what is not carried
	Seal    string  `json:"seal"`    // the hash of the last entry
}

// Entry is one of the things that a certificate speaks of: the field that Kind
// names is set, no other.
type Entry struct {
	Kind      Kind          `json:"kind"`
	Run       *Run          `json:"run,omitempty"` // of the first entry, and of no other
	Table     *Table        `json:"table,omitempty"`
	Sequence  *Sequence     `json:"sequence,omitempty"`
	View      *verify.View  `json:"view,omitempty"`
	Behaviour *verify.Check `json:"behaviour,omitempty"`
	Defined   *Defined      `json:"definitions,omitempty"`
	Left      *Left         `json:"left,omitempty"`
	// Hash is SHA-256 in hexadecimal over the hash of the entry before (nothing,
	// before the first) and the canonical JSON of this entry without its hash.
	Hash string `json:"hash"`
}

// Kind is what an entry is of.
type Kind string

// The kinds of entry.
const (
	KindRun       Kind = "run"
	KindTable     Kind = "table"
	KindSequence  Kind = "sequence"
	KindView      Kind = "view"
	KindBehaviour Kind = "behaviour"
	KindDefined   Kind = "definitions"
	KindLeft      Kind = "left"
)

// Run is what was compared, by what and when, and what came of it.
type Run struct {
	Summary  string         `json:"summary"` // "12 tables, 3,456 rows, all equal", or what is not
	Good     bool           `json:"good"`
	Verdict  verify.Verdict `json:"verdict"`
	Complete bool           `json:"complete"` // false: the verification did not come to its end
	Level    verify.Level   `json:"level"`

	ID      string   `json:"run"`
	Command string   `json:"command"`
	Tool    string   `json:"tool"` // version of pg2db9
	Options []string `json:"options,omitempty"`
	Source  Server   `json:"source"`
	Target  Server   `json:"target"`

	// Snapshot is the moment of the source that all is compared with. The target
	// was read from Started to Finished, each table until its own moment.
	Snapshot *Snapshot `json:"snapshot,omitempty"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`

	// Told is what the target told of its definitions; nil: nobody asked, as of an
	// older version of pg2db9.
	Told *Told `json:"definitions,omitempty"`

	Plan      string         `json:"plan,omitempty"` // hash of what was planned
	Profile   ddlgen.Profile `json:"profile"`        // how the target was read
	Simulated bool           `json:"simulated,omitempty"`

	Entries    int           `json:"entries"` // of the certificate, this one too
	Rows       int64         `json:"rows"`    // counted on the target
	Tables     verify.Counts `json:"tables"`
	Sequences  verify.Counts `json:"sequences"`
	Views      verify.Counts `json:"views"`
	Behaviour  verify.Counts `json:"behaviour"`
	NotChecked []Unchecked   `json:"not_checked,omitempty"`
	Notes      []string      `json:"notes,omitempty"`
}

// Server is one side, without a password.
type Server struct {
	URL     string `json:"url"`
	Version string `json:"version,omitempty"`
}

// Snapshot is a moment of the source.
type Snapshot struct {
	ID    string    `json:"id"`
	Taken time.Time `json:"taken"`
}

// Unchecked is something that nobody looked at, and why.
type Unchecked struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Table is what was seen of one table of the target.
type Table struct {
	Target     catalog.Name     `json:"target"`
	Source     catalog.Name     `json:"source"` // empty for a table that only holds others
	Verdict    verify.Verdict   `json:"verdict"`
	Detail     string           `json:"detail"`
	Read       time.Time        `json:"read"` // when the last of it was read
	Definition verify.Shape     `json:"definition"`
	Rows       *Rows            `json:"rows,omitempty"`
	Losses     []Loss           `json:"losses,omitempty"` // announced: what the columns' transfers lose
	Excused    []verify.Excused `json:"excused,omitempty"`
	NotChecked []Unchecked      `json:"not_checked,omitempty"`
	Columns    []ExpectedColumn `json:"columns,omitempty"` // as the definition must be; what it was compared with
	Reading    *Reading         `json:"reading,omitempty"` // how its rows are read again
}

// ExpectedColumn is a column as it must be read back.
type ExpectedColumn = ddlgen.ExpectedColumn

// Rows is what was seen of a table's rows. Counts are verify.Uncounted where
// nobody counted.
type Rows struct {
	Verdict      verify.Verdict  `json:"verdict"`
	Level        verify.Level    `json:"level,omitempty"`  // empty: they were not looked at
	Method       verify.Obtained `json:"method,omitempty"` // where the source's side is from
	Source       int64           `json:"source"`           // rows
	Target       int64           `json:"target"`
	SourceDigest string          `json:"source_digest,omitempty"` // 32 hexadecimal digits
	TargetDigest string          `json:"target_digest,omitempty"`
	Missing      int64           `json:"missing,omitempty"` // rows that differ, where they were looked for
	Extra        int64           `json:"extra,omitempty"`
	Changed      int64           `json:"changed,omitempty"`
}

// Loss is what the transfer of a column loses, as was announced.
type Loss struct {
	Column string `json:"column"`
	Loss   string `json:"loss"`
}

// Reading is how a table's rows are read on the target.
type Reading struct {
	Columns []Read   `json:"columns"`
	Key     []string `json:"key,omitempty"`
	Bytes   int64    `json:"bytes,omitempty"` // of COPY TEXT that were read
}

// Read is how one column is read on the target and compared.
type Read struct {
	Column     string       `json:"column"`
	Type       string       `json:"type"`
	Expression string       `json:"expression"`
	Canon      digest.Canon `json:"canon,omitempty"` // the form in which values are compared; empty is their text
}

// Sequence is what was seen of one sequence of the target.
type Sequence struct {
	verify.Sequence
	// How it counts, as it must be read back; increment 0 is not known.
	Increment int64 `json:"increment,omitempty"`
	Min       int64 `json:"min,omitempty"`
	Max       int64 `json:"max,omitempty"`
	Cycle     bool  `json:"cycle,omitempty"`
}

// Told is how the target told of its definitions.
type Told struct {
	Major int      `json:"major"` // of the server: another writes the same thing otherwise
	Kinds []string `json:"kinds"` // of object that it tells of
}

// Defined is what hung on one table or view of the target: its indexes,
// constraints, triggers, defaults, the query of a view.
type Defined struct {
	Target  catalog.Name `json:"target"`
	View    bool         `json:"view,omitempty"`
	Objects []Object     `json:"objects,omitempty"` // by kind and name
}

// Object is one of them, as the target itself wrote it.
type Object struct {
	Kind   string `json:"kind"`
	Name   string `json:"name,omitempty"`   // empty: there is one of its kind
	State  string `json:"state,omitempty"`  // "disabled", "invalid"; empty is as it should be
	Text   string `json:"text,omitempty"`   // its begin, where it is long
	Digest string `json:"digest,omitempty"` // SHA-256 of the whole text
}

// Left is an object of the source that is not on the target.
type Left struct {
	Code   finding.Code   `json:"code"`
	Object finding.Object `json:"object"`
	Why    string         `json:"why"`
}
