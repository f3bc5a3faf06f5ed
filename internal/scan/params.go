package scan

import (
	"errors"
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pace"
)

// Mode says how much of the data is read.
type Mode string

// The modes. Sample reads some rows of each larger table and estimates; what
// takes all rows to know (keys that collide) is Unknown there.
const (
	Sample Mode = "sample"
	Full   Mode = "full"
)

// ParseMode reads the value of --scan-data.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case Sample, Full:
		return m, nil
	}
	return "", fmt.Errorf("%q is neither sample nor full", s)
}

// Rate bounds how fast the source is read, in bytes and rows a second over all
// jobs; 0 is no bound.
type Rate = pace.Rate

// ParseRate reads "20MB/s", "20MB", "50000 rows/s" and the empty text, which is
// no bound.
func ParseRate(s string) (Rate, error) { return pace.ParseRate(s) }

// The defaults of Params.
const (
	DefaultSampleRows = 100_000
	DefaultKeys       = 5
)

// Params is what Run needs.
type Params struct {
	Source   *dial.Endpoint
	Snapshot string // exported by a connection that outlives Run; empty: Run takes one
	DB       *catalog.Database
	Plan     *ddlgen.Plan
	Profile  ddlgen.Profile

	Mode       Mode
	SampleRows int64 // rows a table that Sample looks at; 0 is DefaultSampleRows
	Keys       int   // sample keys an item; 0 is DefaultKeys
	Jobs       int   // connections; 0 is 1
	Rate       Rate
	Timeout    time.Duration // of one statement; 0 is what the role has (statement_timeout). A piece that takes longer is halved

	Bus      *event.Bus
	Progress *event.Progress
}

func (p Params) withDefaults() (Params, error) {
	if p.Source == nil || p.DB == nil || p.Plan == nil {
		return p, errors.New("scanning: no source, model or plan")
	}
	if p.Mode != Sample && p.Mode != Full {
		return p, fmt.Errorf("scanning: mode %q", p.Mode)
	}
	if p.SampleRows <= 0 {
		p.SampleRows = DefaultSampleRows
	}
	if p.Keys <= 0 {
		p.Keys = DefaultKeys
	}
	p.Jobs = max(p.Jobs, 1)
	return p, nil
}
