package assess

import (
	"time"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
	"github.com/pg2db9/pg2db9/internal/scan"
)

// Version is that of the report's JSON. Fields are added without a new version;
// one that goes, or means something else, makes a new one.
const Version = 1

// Report is an assessment of one or several databases of a server. It holds no
// secret, and its order does not depend on the order of work.
type Report struct {
	Version  int       `json:"version"`
	Program  string    `json:"program"` // version of pg2db9
	Run      string    `json:"run"`
	Options  []string  `json:"options,omitempty"` // as given, "name=value"
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	ExitCode int       `json:"exit_code"`
	Message  string    `json:"message"`

	Source  Server  `json:"source"`
	Target  *Server `json:"target,omitempty"` // null without --target
	Profile Profile `json:"profile"`

	Databases []Database `json:"databases"`          // by name
	NotRead   []NotRead  `json:"not_read,omitempty"` // databases of the server that could not be assessed

	Accepted    []Acceptance `json:"accepted,omitempty"` // what --accept acknowledged
	Application []Advice     `json:"application"`        // what the application must change
	WayBack     []Advice     `json:"way_back"`
	Notes       []string     `json:"notes,omitempty"`
}

// Server is one side.
type Server struct {
	URL       string `json:"url"` // without the password
	Transport string `json:"transport"`
	Version   string `json:"version"`
}

// Profile says what the target was taken for.
type Profile struct {
	Name      string   `json:"name"`
	Simulated bool     `json:"simulated,omitempty"` // a stand-in answered: nothing is proved for a DB9
	Probing   string   `json:"probing,omitempty"`   // when the target was asked, or why not
	Proved    int      `json:"proved"`              // facts of the target, by how they stand
	Refuted   int      `json:"refuted"`
	Assumed   int      `json:"assumed"`
	Changes   []string `json:"changes,omitempty"` // what the target's answers changed: "await: true -> false"
}

// NotRead is a database that could not be assessed.
type NotRead struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Database is one database's assessment.
type Database struct {
	Name     string    `json:"name"`
	Encoding string    `json:"encoding"`
	Collate  string    `json:"collate"`
	Snapshot *Snapshot `json:"snapshot,omitempty"`
	Moment   string    `json:"moment"` // what was read in the snapshot, and what was not

	Score  *int   `json:"score"` // 0 to 100; null where nothing could be scored
	Counts Counts `json:"counts"`
	Areas  []Area `json:"areas"` // all, in a fixed order

	Checks     []CheckResult      `json:"checks"` // all, in a fixed order
	Work       []Group            `json:"work"`   // all groups, in a fixed order
	Findings   []Finding          `json:"findings"`
	Groups     []ddlgen.Group     `json:"groups,omitempty"`     // all objects of the findings that tell of many at once
	Extensions []Extension        `json:"extensions,omitempty"` // by name
	Estimate   Estimate           `json:"estimate"`
	Scan       *scan.Result       `json:"scan,omitempty"`   // null where no data were scanned
	Source     *sourcefacts.Facts `json:"source,omitempty"` // what the source says of itself, as package sourcefacts documents it
}

// Snapshot is the moment of the source that was read.
type Snapshot struct {
	ID    string    `json:"id"`
	Taken time.Time `json:"taken"`
}

// Counts sums objects and findings up.
type Counts struct {
	Objects int `json:"objects"`
	Carried int `json:"carried"` // as they are
	Changed int `json:"changed"` // carried, but not as they were
	Left    int `json:"left"`    // not carried
	Blocked int `json:"blocked"` // nothing is written until the user decides

	FindingsBlock    int `json:"findings_block"` // that stand: not accepted
	FindingsLeft     int `json:"findings_left"`
	FindingsChange   int `json:"findings_change"`
	FindingsInfo     int `json:"findings_info"`
	FindingsAccepted int `json:"findings_accepted"`
}

// Area is one part of the move with its score.
type Area struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Score   *int   `json:"score"` // null: see Note
	Objects int    `json:"objects"`
	Carried int    `json:"carried"`
	Changed int    `json:"changed"`
	Left    int    `json:"left"`
	Blocked int    `json:"blocked"`
	Note    string `json:"note,omitempty"` // why there is no score
}

// State is the outcome of a check.
type State string

// The states of a check. What was not looked at is never "none".
const (
	Found   State = "found"
	None    State = "none"
	Unknown State = "unknown" // not looked at; Note says why
)

// CheckResult is one check of the migration guides, and what it found.
type CheckResult struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	State   State    `json:"state"`
	Count   int      `json:"count"` // of objects
	Objects []string `json:"objects,omitempty"`
	Reason  string   `json:"reason"` // why it matters
	Remedy  string   `json:"remedy"`
	Note    string   `json:"note,omitempty"`
}

// Finding is a finding, whether the user accepted it, and what it asks for.
type Finding struct {
	finding.Finding
	Accepted bool   `json:"accepted,omitempty"`
	Do       string `json:"do"` // the ID of its group
}

// Group is a part of the work list: what the user must do.
type Group struct {
	ID    string `json:"id"` // decide, before, application, nothing
	Title string `json:"title"`
	Count int    `json:"count"` // of findings
	Items []Item `json:"items"`
}

// Item is all findings of one code and severity in a group.
type Item struct {
	Code     finding.Code     `json:"code"`
	Severity finding.Severity `json:"severity"`
	Reason   string           `json:"reason"` // what the code means
	Remedy   string           `json:"remedy,omitempty"`
	Accepted bool             `json:"accepted,omitempty"`
	Count    int              `json:"count"` // of findings
	Details  []Detail         `json:"details"`
}

// Detail is all findings of an item with the same message.
type Detail struct {
	Message string   `json:"message"`
	Remedy  string   `json:"remedy,omitempty"` // where it is another than the item's
	Objects []string `json:"objects"`          // all
}

// Extension is an installed extension with what needs it.
type Extension struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Carried bool     `json:"carried"`         // the target has it, or what it gives
	Users   []string `json:"users,omitempty"` // objects that need it, sorted
}

// Estimate is what the move will take.
type Estimate struct {
	Tables      int   `json:"tables"`
	Rows        int64 `json:"rows"`           // by the source's statistics
	RowsUnknown int   `json:"tables_unknown"` // tables whose rows are not known: never analyzed
	RowsChosen  bool  `json:"rows_chosen"`    // conditions of the user's choose rows: what goes is guessed by the source's planner
	HeapBytes   int64 `json:"heap_bytes"`
	ToastBytes  int64 `json:"toast_bytes"`
	IndexBytes  int64 `json:"index_bytes"` // of the source's indexes: built anew, not moved
	Bytes       int64 `json:"bytes"`       // of COPY text to move, estimated
	Parts       int   `json:"parts"`       // -1: not known

	Durations   []Duration  `json:"durations"` // empty where no rate is known
	Note        string      `json:"note,omitempty"`
	Largest     []Large     `json:"largest,omitempty"` // largest first
	Connections Connections `json:"connections"`
}

// Duration is how long the rows take at one rate.
type Duration struct {
	Rate  string     `json:"rate"`             // "documented, low"; "documented, high"; "measured"
	Bytes float64    `json:"bytes_per_second"` // of one connection
	Basis string     `json:"basis"`            // where the rate comes from
	Jobs  []JobsTime `json:"jobs"`
}

// JobsTime is the time with a number of jobs.
type JobsTime struct {
	Jobs    int     `json:"jobs"`
	Seconds float64 `json:"seconds"`
}

// Large is one of the largest tables.
type Large struct {
	Table string  `json:"table"`
	Bytes int64   `json:"bytes"` // heap and TOAST on the source
	Rows  int64   `json:"rows"`  // -1: not known
	Share float64 `json:"share"` // of all bytes, 0 to 1
}

// Connections are those needed with Jobs jobs, and those free.
type Connections struct {
	Jobs       int  `json:"jobs"`
	Source     int  `json:"source_needed"`
	SourceFree *int `json:"source_free"` // null: the server does not say
	Target     int  `json:"target_needed"`
	TargetFree *int `json:"target_free"` // null: no target, or it does not say
}

// Acceptance is one use of --accept.
type Acceptance struct {
	Accept   string `json:"accept"`   // CODE or CODE:OBJECT, as given
	By       string `json:"by"`       // the user of the machine
	Where    string `json:"where"`    // the flag, variable, or line of the file that says so
	Findings int    `json:"findings"` // that it acknowledges; 0 is none
}
