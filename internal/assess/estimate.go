package assess

import (
	"cmp"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
)

// How many bytes of COPY text a byte on the source's disk makes. Heap rows have
// headers and padding that do not travel, while numbers grow as text; values in
// TOAST are compressed and travel at their full length. Measured on the sample
// databases of the tests; a database may differ by half.
const (
	heapFactor  = 0.8
	toastFactor = 2.0
)

// CopyBytes is about how many bytes of COPY text the bytes of heap and TOAST make.
func CopyBytes(heap, toast int64) int64 {
	return int64(heapFactor*float64(heap) + toastFactor*float64(toast))
}

// The rates that DB9's documents give for one connection, in bytes a second:
// batched COPY at its slowest, and one psql COPY at its fastest.
const (
	documentedLow  = 150_000
	documentedHigh = 700_000
)

// rowsChosen says where the numbers of filtered tables come from.
const rowsChosen = "Of tables with a condition the rows that it chooses are counted, as the source's planner guesses them"

// mostLarge is how many of the largest tables a report names.
const mostLarge = 10

// estimateJobs are the numbers of jobs that durations are told for.
var estimateJobs = []int{1, 4, 10}

// Rate is what one connection moves.
type Rate struct {
	Name  string
	Bytes float64 // a second
	Basis string
}

// estimate weighs the plan's rows.
func estimate(in *Input) Estimate {
	e := Estimate{Parts: in.Parts, Durations: []Duration{}, Connections: connections(in)}
	var all []Large
	for i := range in.Plan.Transfers {
		x := &in.Plan.Transfers[i]
		l := Large{Table: x.Source.String()}
		for _, r := range x.Relations {
			t := tableOf(in.Database, r)
			if t == nil {
				continue
			}
			heap, toast, rows := t.HeapBytes, t.ToastBytes, t.RowsGuess
			if chosen, ok := in.Chosen[r]; ok {
				part := 1.0
				if rows > 0 {
					part = min(1, chosen/float64(rows))
				}
				heap, toast, rows = int64(float64(heap)*part), int64(float64(toast)*part), int64(chosen)
				e.RowsChosen = true
			}
			e.HeapBytes += heap
			e.ToastBytes += toast
			l.Bytes += heap + toast
			switch {
			case rows < 0 && heap > 0:
				l.Rows = -1
			case l.Rows >= 0:
				l.Rows += max(0, rows)
			}
		}
		e.Tables++
		if l.Rows < 0 {
			e.RowsUnknown++
		} else {
			e.Rows += l.Rows
		}
		all = append(all, l)
	}
	for i := range in.Database.Indexes {
		e.IndexBytes += in.Database.Indexes[i].Bytes
	}
	e.Bytes = CopyBytes(e.HeapBytes, e.ToastBytes)
	e.Largest = largest(all, e.HeapBytes+e.ToastBytes)
	e.Durations, e.Note = durations(in, e.Bytes)
	return e
}

// tableOf finds a table of the model, which is sorted by name.
func tableOf(db *catalog.Database, n catalog.Name) *catalog.Table {
	i, ok := slices.BinarySearchFunc(db.Tables, n, func(t catalog.Table, n catalog.Name) int { return t.Name.Compare(n) })
	if !ok {
		return nil
	}
	return &db.Tables[i]
}

func largest(all []Large, whole int64) []Large {
	slices.SortStableFunc(all, func(a, b Large) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Table, b.Table))
	})
	if len(all) > mostLarge {
		all = slices.Clone(all[:mostLarge])
	}
	all = slices.DeleteFunc(all, func(l Large) bool { return l.Bytes == 0 })
	for i := range all {
		all[i].Share = float64(all[i].Bytes) / float64(whole)
	}
	return all
}

// durations tells how long the rows take at each rate. Rows of a part go one
// after the other, so more jobs than parts are of no use.
func durations(in *Input, bytes int64) ([]Duration, string) {
	rates := in.Rates
	note := ""
	if in.Profile.Map {
		rates = append([]Rate{
			{"documented, low", documentedLow, "DB9's documents: batches of 5,000 rows or 2 MB, one connection"},
			{"documented, high", documentedHigh, "DB9's documents: one COPY by psql"},
		}, rates...)
		note = "guidance of DB9's documents, not a promise; beyond 10 connections a gain is not to be expected. Building indexes and verification come on top."
	}
	out := []Duration{}
	for _, r := range rates {
		d := Duration{Rate: r.Name, Bytes: r.Bytes, Basis: r.Basis}
		for _, jobs := range estimateJobs {
			at := jobs
			if in.Parts >= 0 {
				at = max(1, min(jobs, in.Parts))
			}
			d.Jobs = append(d.Jobs, JobsTime{Jobs: jobs, Seconds: float64(bytes) / (r.Bytes * float64(at))})
		}
		out = append(out, d)
	}
	if len(out) == 0 {
		note = "no rate is documented for this target: copy a part of the tables, and divide"
	}
	return out, note
}

// connections are those that a clone opens at most: the source's hold the
// snapshot, look at the live catalog, and lock a hundred tables each.
func connections(in *Input) Connections {
	const lockersAtMost, tablesPerLocker = 10, 100
	relations := 0
	for _, x := range in.Plan.Transfers {
		relations += len(x.Relations)
	}
	return Connections{
		Jobs:   in.Jobs,
		Source: in.Jobs + 2 + min(lockersAtMost, (relations+tablesPerLocker-1)/tablesPerLocker), SourceFree: in.SourceFree,
		Target: in.Jobs + 1, TargetFree: in.TargetFree,
	}
}
