package assess

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// nestingLimit is how deep DB9 follows views.
const nestingLimit = 64

// usageFindings are what the model and the source's own words say of features
// that DB9 lacks and no statement of the plan stands for.
func usageFindings(in *Input) []finding.Finding {
	var out []finding.Finding
	if in.Profile.Map {
		out = append(out, isolation(in)...)
		out = append(out, locksNow(in)...)
		out = append(out, nesting(in.Database)...)
		out = append(out, bodies(in.Database)...)
	}
	if e := in.Database.Encoding; e != "UTF8" && e != "SQL_ASCII" && e != "" {
		out = append(out, find(encodingRecoded, finding.Object{Kind: "server", Name: "source"},
			fmt.Sprintf("the database's encoding is %s: every text is recoded to UTF-8 by the source", e)))
	}
	return out
}

// isolation finds SERIALIZABLE as a default: of a role, of the database, of the
// server, or of a routine.
func isolation(in *Input) []finding.Finding {
	var out []finding.Finding
	const parameter = "default_transaction_isolation"
	for _, s := range in.Database.Settings {
		if s.Name != parameter || !strings.EqualFold(s.Value, "serializable") {
			continue
		}
		o := finding.Object{Kind: "setting", Name: parameter}
		switch {
		case s.Role != "" && s.Database:
			o.Name += " of role " + s.Role + " in this database"
		case s.Role != "":
			o.Name += " of role " + s.Role
		default:
			o.Name += " of the database"
		}
		out = append(out, find(usesSerializable, o, "its transactions are SERIALIZABLE by default"))
	}
	for _, r := range in.Database.Routines {
		for _, s := range r.Settings {
			if name, value, _ := strings.Cut(s, "="); strings.EqualFold(name, parameter) && strings.EqualFold(strings.Trim(value, `'"`), "serializable") {
				out = append(out, find(usesSerializable, finding.Object{Kind: string(r.Kind), Schema: r.Name.Schema, Name: r.Name.Name}, "it sets transactions to SERIALIZABLE"))
			}
		}
	}
	if f := in.Facts; f != nil {
		if f.Isolation == "serializable" && len(out) == 0 {
			out = append(out, find(usesSerializable, finding.Object{Kind: "setting", Name: parameter + " of the server"}, "transactions are SERIALIZABLE by default"))
		}
		if f.PredicateLocks > 0 {
			out = append(out, find(usesSerializable, finding.Object{Kind: "sessions", Name: "now"},
				fmt.Sprintf("SERIALIZABLE transactions hold %d predicate locks in this database at this moment", f.PredicateLocks)))
		}
	}
	return out
}

// locksNow finds advisory locks that sessions hold while the source is looked
// at. That there are none at this moment says nothing.
func locksNow(in *Input) []finding.Finding {
	if in.Facts == nil || in.Facts.AdvisoryLocks == 0 {
		return nil
	}
	return []finding.Finding{find(usesAdvisory, finding.Object{Kind: "sessions", Name: "now"},
		fmt.Sprintf("sessions hold %d advisory locks in this database at this moment", in.Facts.AdvisoryLocks))}
}

// nesting finds views that stand on views too deep for the target.
func nesting(db *catalog.Database) []finding.Finding {
	at := map[catalog.Name]*catalog.View{}
	for i := range db.Views {
		at[db.Views[i].Name] = &db.Views[i]
	}
	depth := map[catalog.Name]int{}
	var deep func(catalog.Name) int
	deep = func(n catalog.Name) int {
		v := at[n]
		if v == nil {
			return 0
		}
		if d, ok := depth[n]; ok {
			return d
		}
		depth[n] = 1 // of a circle, which rules can make
		d := 0
		for _, r := range v.Uses {
			d = max(d, deep(r.Name))
		}
		if v.Materialized {
			d = 0 // its rows are its own
		}
		depth[n] = d + 1
		return d + 1
	}
	var out []finding.Finding
	for _, v := range db.Views {
		if d := deep(v.Name); d > nestingLimit {
			out = append(out, find(viewNesting, finding.Object{Kind: viewKind(v), Schema: v.Name.Schema, Name: v.Name.Name},
				fmt.Sprintf("it stands on views %d deep, and the target follows %d", d, nestingLimit)))
		}
	}
	return out
}
