package ddlgen

import (
	"github.com/pg2db9/pg2db9/catalog"
)

// Options are the user's wishes that shape a plan.
type Options struct {
	// TargetExtensions lists what the target can install (pg_available_extensions);
	// nil is unknown: then the profile alone decides.
	TargetExtensions []string
	// TargetCollations lists the target's collations by name, pg_catalog's too;
	// nil is unknown.
	TargetCollations []string
	// Accept holds finding codes ("code" or "code:object path") that the user accepts:
	// a blocking finding that is accepted becomes Left or Change, its column or table goes without.
	Accept []string
	// OnlyData leaves out every statement: transfers alone, for tables that exist.
	OnlyData bool
}

// Generate turns a model into a plan. It does no I/O.
func Generate(db *catalog.Database, profile Profile, opts Options) (*Plan, error) {
	panic("unwritten")
}
