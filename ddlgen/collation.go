package ddlgen

import (
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// hasCollation says whether the target has a collation. Those of the user's are
// left behind in this version.
func (p *planner) hasCollation(n catalog.Name) bool {
	switch {
	case !builtIn(n.Schema):
		return false
	case n.Name == "default" || n.Name == "C":
		return true
	case !p.profile.Collations:
		return n.Name == "POSIX"
	case p.collations == nil:
		return true
	}
	return p.collations[n.Name]
}

// collate is the COLLATE clause of a column, field or domain, with a blank
// before it; empty where there is none or the target lacks it.
func (p *planner) collate(n *catalog.Name, o finding.Object) string {
	if n == nil {
		return ""
	}
	if !p.hasCollation(*n) {
		p.find(collationLost, o, "collation %s is not on the target: the default one is used", n)
		return ""
	}
	return fmt.Sprintf(" COLLATE %s", quote.Name(n.Schema, n.Name))
}
