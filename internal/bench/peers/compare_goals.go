package main

import (
	"fmt"
	"strings"
)

// What the cases beside every tool are to keep.
const (
	mostOfPeer     = 1.0  // wall to that of any peer
	mostOfNew      = 0.80 // of 505 tables, to that of pgcopydb 0.18
	leastOfFloor   = 0.90 // of 505 tables
	mostFarOfDump  = 0.2  // over the link, to that of pg_dump and pg_restore
	mostClientCPU  = 0.8  // seconds per GB of COPY TEXT
	mostMemory     = 64.0 // MiB, with eight jobs
	leastForPerGB  = 50e6 // bytes below which starting the program is most of its time
	fullSizeWithin = 0.99 // of the full size, from which on goals are judged
)

// goals are the figures that the case is held to.
func (r *result) goals() []figure {
	ours := r.named(oursName)
	if ours == nil {
		return nil
	}
	wall := median(ours.walls())
	var out []figure
	for _, p := range r.peers() {
		name, limit := "wall to that of "+p.Name, mostOfPeer
		switch {
		case r.Case == "505" && strings.HasPrefix(p.Name, pgcopydbNew):
			limit = mostOfNew
		case r.Case == "far" && p.Name == dirDump:
			limit = mostFarOfDump
		}
		out = append(out, atMost(name, wall/median(p.walls()), "", limit))
	}
	if r.Bytes >= leastForPerGB {
		out = append(out, atMost("client CPU", perGB(ours, r.Bytes), "s per GB", mostClientCPU))
	}
	if many := r.named(manyJobs); many != nil {
		out = append(out, atMost("max RSS, eight jobs", median(many.rss()), "MiB", mostMemory))
	}
	return out
}

// floorGoal is how near the floor 505 tables come; false for the other cases.
func (r *result) floorGoal(cores int) (figure, bool) {
	ours, floor := r.named(oursName), r.floor(cores)
	if r.Case != "505" || ours == nil || floor == 0 {
		return figure{}, false
	}
	return atLeast("floor to wall", floor/median(ours.walls()), "", leastOfFloor), true
}

// perGB is the client's processor time for a GB of COPY TEXT.
func perGB(c *contender, bytes int64) float64 { return median(c.cpus()) / (float64(bytes) / gb) }

// missed says by how much a figure misses its limit; "kept" where it does not.
func (f figure) missed() string {
	switch {
	case f.Kept:
		return "kept"
	case f.Least:
		return fmt.Sprintf("missed by %.0f %%", 100*(1-f.Value/f.Limit))
	}
	return fmt.Sprintf("missed by %.0f %%", 100*(f.Value/f.Limit-1))
}
