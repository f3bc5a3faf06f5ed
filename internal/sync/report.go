package sync

import (
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

// Verdict says how a table's run ended. The zero value is unknown: the run is
// under way, or its process died.
type Verdict string

// The verdicts.
const (
	Match      Verdict = "match"      // verified as closely as the job file asks
	Unverified Verdict = "unverified" // done; the job file asks for no verification
	Mismatch   Verdict = "mismatch"   // done, and verification found differences
	Failed     Verdict = "failed"     // not done: the table holds what it held, or a part of the changes
	Skipped    Verdict = "skipped"    // not begun: the run was stopped
)

// Counts are what a run did to a table.
type Counts struct {
	Read     int64 `json:"rows_read"` // of the source, to be sent or to be compared
	Sent     int64 `json:"rows_sent"` // to the target: inserted, updated, deleted
	Inserted int64 `json:"inserted"`
	Updated  int64 `json:"updated"`
	Deleted  int64 `json:"deleted"`
	Bytes    int64 `json:"bytes_sent"` // of rows and statements that were sent to the target to change it
}

// Add adds what another step did.
func (c *Counts) Add(o Counts) {
	c.Read += o.Read
	c.Sent += o.Sent
	c.Inserted += o.Inserted
	c.Updated += o.Updated
	c.Deleted += o.Deleted
	c.Bytes += o.Bytes
}

// Entry is one run of one table, as it was or as the ledger keeps it.
type Entry struct {
	Run    string       `json:"run"`
	Table  catalog.Name `json:"table"` // on the source
	Target catalog.Name `json:"target"`
	Group  string       `json:"group,omitempty"`
	Mode   jobfile.Mode `json:"mode"`
	Began  time.Time    `json:"began,omitzero"`  // by the target's clock in the ledger, by this machine's in a Report
	Ended  time.Time    `json:"ended,omitzero"`  // zero: under way, or its process died
	Moment time.Time    `json:"moment,omitzero"` // that the target shows since, by the source's clock; zero where it was not reached
	Counts
	Verdict Verdict `json:"verdict"`
	Err     string  `json:"error,omitempty"` // without secrets

	// Notes are what a person should know of this run; the ledger does not keep them.
	Notes []string `json:"notes,omitempty"`
	// Usage says that Err is a fault of the job file, seen before anything was written.
	Usage bool `json:"-"`
}

// Good says that the table holds what was asked for.
func (e *Entry) Good() bool { return e.Verdict == Match || e.Verdict == Unverified }

// Report is what a run did, table by table, in the order of the job file.
type Report struct {
	Run     string    `json:"run"`
	Began   time.Time `json:"began,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Tables  []Entry   `json:"tables"`
	Stopped bool      `json:"stopped"` // by an interrupt
}

// Good says that every table holds what was asked for.
func (r *Report) Good() bool {
	for i := range r.Tables {
		if !r.Tables[i].Good() {
			return false
		}
	}
	return !r.Stopped
}
