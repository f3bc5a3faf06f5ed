package assess

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

func comma(n int) string { return humanize.Comma(int64(n)) }

func size(n int64) string { return humanize.Bytes(uint64(max(0, n))) }

// number is a count of rows, as people say it where it is a guess.
func rowCount(n int64) string {
	switch {
	case n < 0:
		return "unknown"
	case n < 10_000:
		return humanize.Comma(n)
	case n < 10_000_000:
		return fmt.Sprintf("%s thousand", humanize.Comma(int64(math.Round(float64(n)/1e3))))
	}
	return fmt.Sprintf("%s million", humanize.Comma(int64(math.Round(float64(n)/1e6))))
}

// span is an estimated time: never more exact than it is.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < 10*time.Second:
		return "seconds"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(math.Round(d.Seconds()/10))*10)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
	case d < 72*time.Hour:
		return fmt.Sprintf("%d h", int(math.Round(d.Hours())))
	}
	return fmt.Sprintf("%s days", humanize.Comma(int64(math.Round(d.Hours()/24))))
}

// of100 is a score for people.
func of100(s *int) string {
	if s == nil {
		return "unknown"
	}
	return fmt.Sprint(*s)
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if strings.HasSuffix(word, "y") {
		return comma(n) + " " + strings.TrimSuffix(word, "y") + "ies"
	}
	return comma(n) + " " + word + "s"
}

// few lists the first names, and how many there are beside them.
func few(all []string, count, most int, where string) string {
	n := min(len(all), most)
	text := strings.Join(all[:n], ", ")
	if more := count - n; more > 0 {
		text += fmt.Sprintf(" and %s more%s", comma(more), where)
	}
	return text
}

// duration is the time of an estimate with a number of jobs, from the fastest
// rate to the slowest.
func (e Estimate) duration(jobs int) string {
	low, high := math.Inf(1), 0.0
	for _, d := range e.Durations {
		for _, j := range d.Jobs {
			if j.Jobs == jobs {
				low, high = min(low, j.Seconds), max(high, j.Seconds)
			}
		}
	}
	if high == 0 && math.IsInf(low, 1) {
		return "unknown"
	}
	a, b := span(low), span(high)
	if a == b {
		return b
	}
	if n, unit, ok := strings.Cut(a, " "); ok && strings.HasSuffix(b, " "+unit) {
		a = n
	}
	return a + " to " + b
}
