//go:build unix

package sync

import (
	"context"
	"encoding/json"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
)

const childVariable = "PG2DB9_SYNC_CHILD"

// childParams are what a process that is killed is told.
type childParams struct {
	Source, Target, File string
	Point                int           // it kills itself when it has come to so many points; 0 is none
	After                time.Duration // or so long after it has begun with a table
	BatchRows            int64         // of a transaction; 0 is what the profile has
	Held                 int           // rows that differ and are held at once; 0 is the default
}

// child runs a job file, and kills itself on the way.
func child(text string) {
	var c childParams
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(err)
	}
	die := func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	file, err := jobfile.Parse("sync.yaml", []byte(c.File))
	if err != nil {
		panic(err)
	}
	source, err := dial.Parse(dial.Source, c.Source)
	if err != nil {
		panic(err)
	}
	target, err := dial.Parse(dial.Target, c.Target)
	if err != nil {
		panic(err)
	}
	debug.SetGCPercent(GCPercent)
	profile := ddlgen.Postgres()
	profile.BatchRows = c.BatchRows
	points := 0
	_, err = New(Params{Source: source, Target: target, File: file, Profile: profile, Jobs: 2, Tool: "test", held: c.Held, faults: &faults{at: func(point string) error {
		if points++; points == c.Point {
			die()
		}
		if c.After > 0 && point == "claimed" {
			time.AfterFunc(c.After, die)
		}
		return nil
	}}}).Run(context.Background(), Selection{})
	if err != nil {
		panic(err)
	}
}
