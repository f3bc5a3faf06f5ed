package verify

import (
	"time"

	"github.com/pg2db9/pg2db9/ddlgen"
)

const (
	firstPage     = 5000      // rows of the first page, where the size of a row is known
	blindPage     = 500       // and where it is not
	largestPage   = 50_000    // rows
	pageBytes     = 8_000_000 // of COPY TEXT that a page aims at
	pageGrowth    = 4         // times the last page, at most
	pageShrink    = 4         // by which a page is smaller after a failure
	limitFraction = 4         // of the statement limit that a page aims at: well below the half
)

// ReadRate is what one connection to DB9 is assumed to carry until pages were
// measured, in bytes a second: the low end of what its pages tell of loading.
const ReadRate = ddlgen.ReadRate

// pace sizes pages: in bytes, and in time where a statement has a limit.
type pace struct {
	rows  int64
	limit time.Duration // of a statement; 0 is none
}

// newPace begins with rows of a known length, or of none (0).
func newPace(limit time.Duration, rowLen int64) pace {
	p := pace{rows: blindPage, limit: limit}
	if rowLen > 0 {
		budget := float64(pageBytes)
		if limit > 0 {
			budget = min(budget, ReadRate*(limit/limitFraction).Seconds())
		}
		p.rows = min(firstPage, int64(budget)/rowLen)
	}
	p.rows = max(p.rows, 1)
	return p
}

// measured takes a page that arrived.
func (p *pace) measured(rows, bytes int64, elapsed time.Duration) {
	if rows == 0 {
		return
	}
	factor := min(pageGrowth, float64(pageBytes)/float64(max(bytes, 1)))
	if p.limit > 0 && elapsed > 0 {
		factor = min(factor, (p.limit/limitFraction).Seconds()/elapsed.Seconds())
	}
	// A page that came short says what its rows cost, not that the next must be small.
	p.rows = max(1, min(int64(float64(max(rows, 1))*factor), p.rows*pageGrowth, largestPage))
}

// failed takes a page that did not.
func (p *pace) failed() { p.rows = max(1, p.rows/pageShrink) }
