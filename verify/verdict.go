package verify

import (
	"fmt"
	"slices"
)

// Verdict is the outcome of one check. The zero value is Unknown: what nobody
// looked at is never a match.
type Verdict int

// The verdicts.
const (
	Unknown  Verdict = iota // not looked at
	Match                   // looked at on both sides, and equal
	Mismatch                // looked at, and different
	Skipped                 // not looked at by the user's leave
	Errored                 // could not be looked at
)

var verdictNames = [...]string{"unknown", "match", "mismatch", "skipped", "errored"}

// String returns the word used in reports and JSON.
func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		return fmt.Sprintf("verdict(%d)", int(v))
	}
	return verdictNames[v]
}

// MarshalText implements encoding.TextMarshaler.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Verdict) UnmarshalText(text []byte) error {
	i := slices.Index(verdictNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown verdict %q", text)
	}
	*v = Verdict(i)
	return nil
}
