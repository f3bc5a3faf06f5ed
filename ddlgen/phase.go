package ddlgen

import "fmt"

var phaseNames = [...]string{
	"unset", "prepare", "types", "sequences", "early routines", "tables", "data", "keys", "checks", "foreign keys",
	"views", "routines", "triggers", "refresh", "sequence values", "vector indexes", "rights", "comments", "analyze", "event triggers",
}

// String returns the word used in reports and on the command line.
func (p Phase) String() string {
	if p < 0 || int(p) >= len(phaseNames) {
		return fmt.Sprintf("phase(%d)", int(p))
	}
	return phaseNames[p]
}
