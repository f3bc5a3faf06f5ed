// Package finding holds what pg2db9 has to tell the user about an object: a
// code that never changes, a severity, the object, what happened and what the
// user can do. A finding is not an error: an error says that something could
// not be looked at, a finding says what was seen.
package finding

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity orders findings by what they ask of the user.
type Severity int

// The severities, from harmless to stopping. The zero value is Unset, so that
// a finding built without one is noticed.
const (
	Unset  Severity = iota
	Info            // worth knowing, nothing is lost
	Change          // carried, but not as it was
	Left            // not carried; the run goes on
	Block           // nothing may be written until the user decides
)

var severityNames = [...]string{"unset", "info", "change", "left", "block"}

// String returns the word used in reports and JSON.
func (s Severity) String() string {
	if s < 0 || int(s) >= len(severityNames) {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severityNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("unknown severity %q", text)
	}
	*s = Severity(i)
	return nil
}

// Code names a kind of finding, for example "type.mapped". Codes are stable:
// users write them in --accept.
type Code string

// Object identifies what a finding is about.
type Object struct {
	Kind   string `json:"kind"`             // "table", "column", "index", "routine", ...
	Schema string `json:"schema,omitempty"` // empty for objects outside of schemas
	Name   string `json:"name"`             // the object's own name; routines with their argument types
	Parent string `json:"parent,omitempty"` // the table of a column, index, constraint or trigger
}

// String renders the object for people, unquoted: "column public.t.c".
func (o Object) String() string {
	s := o.Kind + " "
	if o.Schema != "" {
		s += o.Schema + "."
	}
	if o.Parent != "" {
		s += o.Parent + "."
	}
	return s + o.Name
}

// Path is the object without its kind: "public.t.c", the form --accept takes.
func (o Object) Path() string {
	return o.String()[len(o.Kind)+1:]
}

// Finding is one thing seen that matters to the user.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Object   Object   `json:"object"`
	Message  string   `json:"message"`          // what happens to the object, and what that loses
	Remedy   string   `json:"remedy,omitempty"` // what the user can do about it
}

// Sort orders findings by severity (worst first), code and object, so that
// reports and goldens are the same from run to run.
func Sort(fs []Finding) {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Object.Kind, b.Object.Kind),
			cmp.Compare(a.Object.Schema, b.Object.Schema),
			cmp.Compare(a.Object.Parent, b.Object.Parent),
			cmp.Compare(a.Object.Name, b.Object.Name),
			cmp.Compare(a.Message, b.Message),
		)
	})
}

// Count returns how many findings have the severity.
func Count(fs []Finding, s Severity) int {
	n := 0
	for _, f := range fs {
		if f.Severity == s {
			n++
		}
	}
	return n
}
