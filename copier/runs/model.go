package runs

import "time"

// Ledger is what the ledger on a target says at one moment.
type Ledger struct {
	At   time.Time `json:"at"`   // by the target's clock, as all times of the runs but Snapshot.Taken
	Runs []Run     `json:"runs"` // newest first
}

// Run is one run.
type Run struct {
	ID      string    `json:"run"`
	Command string    `json:"command"` // clone, copy
	Tool    string    `json:"tool"`    // name and version of the program that began it
	Source  string    `json:"source"`  // without its password
	Profile string    `json:"profile"`
	Options string    `json:"options"` // JSON: what the user asked for
	State   string    `json:"state"`   // creating, loading, loaded, partial, done
	Started time.Time `json:"started"`
	Changed time.Time `json:"changed"`

	Owner    Owner    `json:"owner"`
	Snapshot Snapshot `json:"snapshot"`

	Parts         Parts      `json:"parts"`
	Rows          int64      `json:"rows"`                 // committed
	Bytes         int64      `json:"bytes"`                // of COPY TEXT, committed
	Estimated     int64      `json:"estimated_bytes"`      // of heap and TOAST on the source, all parts
	EstimatedDone int64      `json:"estimated_bytes_done"` // of finished parts, and of others up to their estimate
	LastBatch     *time.Time `json:"last_batch"`           // when the newest batch's transaction began; nil: none is committed

	Steps    Steps     `json:"steps"` // after the rows
	Failures []Failure `json:"failures"`
	Rejects  []Rejects `json:"rejects"` // by table
}

// Owner is who works on a run.
type Owner struct {
	Name  string     `json:"name"`  // host and process
	PID   int64      `json:"pid"`   // of its backend on the target
	Start string     `json:"start"` // of that backend, as the target prints it
	Lease *time.Time `json:"lease"` // until when it owns the run; nil: given back
	Alive bool       `json:"alive"` // the lease holds
}

// Silent says that an owner neither renewed its lease nor gave it back: it was
// killed, or cannot reach the target.
func (o Owner) Silent() bool { return o.Lease != nil && !o.Alive }

// Snapshot is the moment of the source that a run copies.
type Snapshot struct {
	ID      string    `json:"id"`
	Taken   time.Time `json:"taken"` // by the source's clock; zero: none is recorded
	Kept    string    `json:"kept"`  // the name under which a process of its own keeps it; "": the run itself does
	KeptBy  string    `json:"kept_by"`
	KeptPID int64     `json:"kept_pid"` // on the source
	Start   string    `json:"kept_start"`
}

// Parts counts a run's parts.
type Parts struct {
	All    int64 `json:"all"`
	Done   int64 `json:"done"`
	Begun  int64 `json:"begun"` // not done, with committed batches
	Failed int64 `json:"failed"`
}

// Steps counts the recorded steps after the rows.
type Steps struct {
	Done   int64 `json:"done"`
	Begun  int64 `json:"begun"`
	Failed int64 `json:"failed"`
}

// Failure is a part or a step that failed.
type Failure struct {
	Part  int64  `json:"part,omitempty"`
	Table string `json:"table,omitempty"` // of a part: its target table, unquoted
	Step  string `json:"step,omitempty"`
	Error string `json:"error"`
}

// Rejects counts the rows of a table that the target refused.
type Rejects struct {
	Table string `json:"table"` // unquoted
	Rows  int64  `json:"rows"`
}

// Rejected is the number of rows that the target refused, of all tables.
func (r *Run) Rejected() (n int64) {
	for _, x := range r.Rejects {
		n += x.Rows
	}
	return n
}

// Ended says that nobody works on the run, and that whoever did gave it back: it
// came to its end, or was left as it is. A silent owner's may be taken over.
func (r *Run) Ended() bool { return r.Owner.Lease == nil || r.State == StateDone }

// Unfinished says that something of the run is left to do.
func (r *Run) Unfinished() bool { return r.State != StateDone }

// StateDone is the state of a run of which nothing is left to do.
const StateDone = "done"
