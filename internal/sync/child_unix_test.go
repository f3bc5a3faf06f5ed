//go:build unix

package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
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
	profile := ddlgen.Postgres()
	profile.BatchRows = c.BatchRows
	points := 0
	if path := os.Getenv("PG2DB9_SYNC_PROFILE"); path != "" {
		defer profileTo(path)()
	}
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

func profileTo(path string) func() {
	f, _ := os.Create(path + ".cpu")
	_ = pprof.StartCPUProfile(f)
	stop := make(chan struct{})
	runtime.MemProfileRate = 64 << 10
	go func() {
		var most uint64
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			if m.HeapInuse > most+2<<20 {
				most = m.HeapInuse
				h, _ := os.Create(path + ".heap")
				_ = pprof.WriteHeapProfile(h)
				_ = h.Close()
				_ = os.WriteFile(path+".mem", []byte(fmt.Sprintf("inuse %d idle %d sys %d stack %d\n", m.HeapInuse>>10, m.HeapIdle>>10, m.Sys>>10, m.StackInuse>>10)), 0o600)
			}
		}
	}()
	return func() { close(stop); pprof.StopCPUProfile(); _ = f.Close() }
}
