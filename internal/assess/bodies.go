package assess

import (
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/plsql"
)

// asked are the kinds of use that have a code of their own: not the routine
// alone, which the plan tells of, but whoever works beside it must do without.
var asked = []struct {
	kind plsql.Kind
	code finding.Code
	what string
}{
	{plsql.Notify, usesNotify, "it uses LISTEN or NOTIFY"},
	{plsql.AdvisoryLock, usesAdvisory, "it uses advisory locks"},
	{plsql.Serializable, usesSerializable, "it makes transactions SERIALIZABLE"},
}

// bodies finds by their tokens routines that use what a whole application must
// do without, each with its lines.
func bodies(db *catalog.Database) []finding.Finding {
	var out []finding.Finding
	for i := range db.Routines {
		r := &db.Routines[i]
		uses := ddlgen.Constructs(r)
		for _, a := range asked {
			var places []string
			for _, u := range uses {
				if u.Kind == a.kind {
					places = append(places, fmt.Sprintf("%s in line %d", u.Word, u.Line))
				}
			}
			if len(places) > 0 {
				o := finding.Object{Kind: string(r.Kind), Schema: r.Name.Schema, Name: r.Name.Name}
				out = append(out, find(a.code, o, a.what+": "+few(places, len(places), mostNamed, "")))
			}
		}
	}
	return out
}
