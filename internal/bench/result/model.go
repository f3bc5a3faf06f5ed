package result

import "time"

// Version is that of the JSON's form. A reader of this version reads all results
// that say it; what is new in them it may pass over.
const Version = 1

// What was measured.
const (
	KindTarget = "target" // made rows to a target
	KindSource = "source" // a source's rows to nothing
	KindBoth   = "both"   // a source's rows to a target
	KindNone   = "none"   // made rows to nothing: the program's own ceiling
)

// Result is one measurement: runs under each of several settings.
type Result struct {
	Version int       `json:"version"`
	Program string    `json:"program"` // name and version
	Kind    string    `json:"kind"`    // target, source, both or none
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"` // all of it
	Machine Machine   `json:"machine"` // that of the client
	Source  *Server   `json:"source,omitempty"`
	Target  *Server   `json:"target,omitempty"`

	Profile   string `json:"profile"`
	Simulated bool   `json:"simulated"` // the target is a stand-in, not DB9
	Seed      uint64 `json:"seed"`

	Ceilings []Ceiling       `json:"ceilings"` // what the program passes on by itself, without a server
	Cells    []Cell          `json:"cells"`
	Best     *Recommendation `json:"best,omitempty"`
	Notes    []string        `json:"notes"` // what was otherwise than one might think
}

// Machine is where the client ran.
type Machine struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	CPUs       int    `json:"cpus"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
}

// Server is one side, and what it costs to talk to it.
type Server struct {
	URL       string  `json:"url"` // without its password
	Version   string  `json:"version"`
	Transport string  `json:"transport"`
	RoundTrip float64 `json:"round_trip_ms"` // median of an empty statement
	Connect   float64 `json:"connect_ms"`    // median of a connection until it is ready for rows
}

// Ceiling is how fast rows of a shape pass through the program, from rows that
// are made to a target that keeps nothing.
type Ceiling struct {
	Shape string  `json:"shape"`
	Jobs  int     `json:"jobs"`
	Rate  float64 `json:"mb_per_s"`
}

// Settings are those of a cell of the grid.
type Settings struct {
	Jobs       int    `json:"jobs"`
	BatchRows  int64  `json:"batch_rows"`  // 0 is no bound
	BatchBytes int64  `json:"batch_bytes"` // 0 is no bound
	Pipeline   int    `json:"pipeline"`    // batches under way on one connection
	PrimaryKey string `json:"primary_key"` // inline or after
	Order      string `json:"order"`       // key or random; of made rows
	Shape      string `json:"shape"`       // of made rows; "tables" are the source's own
}

// Cell is all that was measured under one choice of settings.
type Cell struct {
	Settings Settings `json:"settings"`
	Runs     []Run    `json:"runs"` // in the order in which they were made
}

// Run is one run.
type Run struct {
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"` // from the first part to the last answer, without the keys
	Rows    int64     `json:"rows"`
	Bytes   int64     `json:"bytes"` // of COPY TEXT

	// Rate is what counts: MB of COPY TEXT a second in the steady part of the run,
	// the time for keys that are made after the rows shared out over it.
	Rate    float64 `json:"mb_per_s"`
	RowRate float64 `json:"rows_per_s"`

	Steady     bool    `json:"steady"`             // the rate settled
	WarmUp     float64 `json:"warm_up_seconds"`    // left out at the beginning
	KeySeconds float64 `json:"key_seconds"`        // to make the primary key after the rows
	CPU        float64 `json:"client_cpu_seconds"` // user and system
	Batches    int64   `json:"transactions"`
	Retries    int64   `json:"retries"`
	Latency    Latency `json:"batch_latency"`
	Waits      Waits   `json:"waits"`
	Series     []Point `json:"series"`
}

// Latency is how long batches took, from BEGIN to the answer to COMMIT.
type Latency struct {
	P50 float64  `json:"p50_ms"`
	P95 float64  `json:"p95_ms"`
	P99 float64  `json:"p99_ms"`
	Of  []Bucket `json:"buckets"` // by powers of the square root of 2
}

// Bucket counts batches.
type Bucket struct {
	UpTo  float64 `json:"up_to_ms"`
	Count int64   `json:"count"`
}

// Waits says what the jobs did with their time: shares that add up to 1.
type Waits struct {
	Source  float64 `json:"source"`  // waited for rows that the source was making
	Network float64 `json:"network"` // waited for bytes on their way
	Target  float64 `json:"target"`  // waited for the target's work
	Client  float64 `json:"client"`  // worked, or were not given a processor
	Other   float64 `json:"other"`   // retries and pauses
	Busy    float64 `json:"target_busy"`
	Told    bool    `json:"servers_told"` // servers said when they were waiting; else network and work of theirs are told apart by round trips alone
}

// Point is the throughput at a moment.
type Point struct {
	At   float64 `json:"at"` // seconds since the run began
	Rate float64 `json:"mb_per_s"`
}

// Recommendation is the best of what was measured, and why.
type Recommendation struct {
	Settings Settings `json:"settings"`
	Rate     float64  `json:"mb_per_s"`
	Limit    string   `json:"limit"` // source, network, target or client
	Reasons  []string `json:"reasons"`
}
