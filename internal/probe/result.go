package probe

import "time"

// Result is what a target answered. It holds no secret.
type Result struct {
	Probed  time.Time `json:"probed"`
	Seconds float64   `json:"seconds"`
	Target  string    `json:"target"`         // redacted
	Version string    `json:"version"`        // all of version()
	Facts   []Fact    `json:"facts"`          // one a probe, by number
	Rate    *Rate     `json:"rate,omitempty"` // nil: not measured
	Left    []string  `json:"left,omitempty"` // what the probes made and could not take away, each named with the reason
}

// Fact is what one probe found out.
type Fact struct {
	Number  int     `json:"number"`
	Name    string  `json:"name"`
	Topic   string  `json:"topic"`
	Claim   string  `json:"claim"` // what Proved means
	Outcome Outcome `json:"outcome"`
	Trouble bool    `json:"trouble,omitempty"` // no answer came: an error, a timeout, a lost connection

	// Finding is the answer in one word, for programs; "" where there is none.
	Finding string `json:"finding,omitempty"`
	// Values are the single answers that Finding sums up.
	Values   map[string]string `json:"values,omitempty"`
	Evidence string            `json:"evidence"`   // what the target said, or why there is doubt
	Assumed  string            `json:"assumption"` // what pg2db9 goes by unless the claim is proved
	Millis   int64             `json:"elapsed_ms"`
}

// Fact returns the fact with the number; of a probe that was not made, one that
// is Assumed.
func (r *Result) Fact(number int) Fact {
	for _, f := range r.Facts {
		if f.Number == number {
			return f
		}
	}
	return Fact{Number: number, Outcome: Assumed, Evidence: "not probed"}
}

// Count is how many facts have the outcome.
func (r *Result) Count(o Outcome) int {
	n := 0
	for _, f := range r.Facts {
		if f.Outcome == o {
			n++
		}
	}
	return n
}

// proved says whether all the probes' claims were shown to hold.
func (r *Result) proved(numbers ...int) bool {
	for _, n := range numbers {
		if r.Fact(n).Outcome != Proved {
			return false
		}
	}
	return true
}

// answered says whether a probe got an answer that can be gone by.
func (f Fact) answered() bool { return f.Outcome == Proved || f.Outcome == Refuted }

// is says whether an answered fact has the value.
func (f Fact) is(key, value string) bool { return f.answered() && f.Values[key] == value }

// Numbers of probes that others look at.
const (
	CopyForms     = 13
	CopyAtomicity = 14
)
