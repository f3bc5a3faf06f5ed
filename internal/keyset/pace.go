package keyset

import (
	"time"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// PageBytes is how much COPY TEXT a page aims at.
const PageBytes = 8_000_000

const (
	firstPage     = 5000   // rows of the first page, where the size of a row is known
	blindPage     = 500    // and where it is not
	largestPage   = 50_000 // rows
	pageGrowth    = 4      // times the last page, at most
	pageShrink    = 4      // by which a page is smaller after a failure
	limitFraction = 4      // of the statement limit that a page aims at: well below the half
	failedAgain   = 2      // by which pages stay smaller than one that failed
	boundGrowth   = 1.2    // of that bound with each page that arrives
)

// Pace sizes pages: in bytes, and in time where a statement has a limit. Over a
// line that breaks again and again they stay below what did not arrive, and come
// near it by and by: each page that breaks is read twice.
type Pace struct {
	Rows  int64         // of the next page
	limit time.Duration // of a statement; 0 is none
	bound float64       // rows of a page since one failed; 0 is none
}

// NewPace begins with rows of a known length, or of none (0).
func NewPace(limit time.Duration, rowLen int64) Pace {
	p := Pace{Rows: blindPage, limit: limit}
	if rowLen > 0 {
		budget := float64(PageBytes)
		if limit > 0 {
			budget = min(budget, ddlgen.ReadRate*(limit/limitFraction).Seconds())
		}
		p.Rows = min(firstPage, int64(budget)/rowLen)
	}
	p.Rows = max(p.Rows, 1)
	return p
}

// Measured takes a page that arrived.
func (p *Pace) Measured(rows, bytes int64, elapsed time.Duration) {
	if rows == 0 {
		return
	}
	factor := min(pageGrowth, float64(PageBytes)/float64(max(bytes, 1)))
	if p.limit > 0 && elapsed > 0 {
		factor = min(factor, (p.limit/limitFraction).Seconds()/elapsed.Seconds())
	}
	// A page that came short says what its rows cost, not that the next must be small.
	p.Rows = max(1, min(int64(float64(max(rows, 1))*factor), p.Rows*pageGrowth, largestPage))
	if p.bound > 0 {
		p.Rows = min(p.Rows, int64(p.bound))
		if p.bound *= boundGrowth; p.bound > largestPage { // none any more, long before it is no integer
			p.bound = 0
		}
	}
}

// Failed takes a page that did not.
func (p *Pace) Failed() {
	p.bound = max(1, float64(p.Rows)/failedAgain)
	p.Rows = max(1, p.Rows/pageShrink)
}
