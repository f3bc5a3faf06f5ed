package probe

import (
	"fmt"
	"slices"
)

// Outcome is what became of a probe. Each probe has one claim: that the target
// does as PostgreSQL does. The assumption beside it is what pg2db9 goes by
// where nothing is known, and is always the safer of the two.
type Outcome int

// The outcomes. The zero value is no answer and must not be believed.
const (
	Unset   Outcome = iota
	Proved          // the target showed that the claim holds: pg2db9 may do more than it assumes
	Refuted         // the target showed that the claim does not hold; Finding says what it does instead
	Assumed         // in doubt: no answer, or one that shows nothing. The assumption is kept
	Skipped         // not asked. The assumption is kept
)

var outcomeNames = []string{"unset", "proved", "refuted", "assumed", "skipped"}

// String is the outcome's stable name.
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomeNames) {
		return fmt.Sprintf("outcome %d", int(o))
	}
	return outcomeNames[o]
}

// MarshalText implements encoding.TextMarshaler.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Outcome) UnmarshalText(text []byte) error {
	i := slices.Index(outcomeNames, string(text))
	if i < 0 {
		return fmt.Errorf("no outcome of a probe is named %q", text)
	}
	*o = Outcome(i)
	return nil
}
