package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen/plsql"
)

// asked are the kinds of use that have a code of their own, since not the
// routine alone but whoever calls it must do without.
var asked = map[plsql.Kind]struct {
	code finding.Code
	what string
}{
	plsql.Notify:       {usesNotify, "it uses LISTEN or NOTIFY"},
	plsql.AdvisoryLock: {usesAdvisory, "it uses advisory locks"},
	plsql.Serializable: {usesSerializable, "it makes transactions SERIALIZABLE"},
}

// lacking are the kinds that DB9's routines do not have.
var lacking = map[plsql.Kind]bool{
	plsql.While: true, plsql.Loop: true, plsql.Foreach: true, plsql.Continue: true, plsql.Exception: true, plsql.Cursor: true,
	plsql.Diagnostics: true, plsql.Execute: true, plsql.Do: true, plsql.Transaction: true, plsql.ReplicationRole: true,
	plsql.SystemColumn: true, plsql.Copy: true, plsql.TempTable: true, plsql.LargeObject: true, plsql.Function: true,
}

// bodies finds by their tokens what routines do that the target cannot, each
// with its lines.
func bodies(db *catalog.Database) []finding.Finding {
	var out []finding.Finding
	for i := range db.Routines {
		r := &db.Routines[i]
		body := r.Body
		if r.SQLBody {
			body = string(r.Def)
		}
		if body == "" || r.Kind == catalog.Aggregate {
			continue
		}
		var declared []string
		for _, a := range r.Args {
			if a.Name != "" {
				declared = append(declared, strings.ToLower(a.Name))
			}
		}
		o := finding.Object{Kind: string(r.Kind), Schema: r.Name.Schema, Name: r.Name.Name}
		places := map[finding.Code][]string{}
		for _, u := range plsql.Classify(r.Language, body, declared...) {
			at := fmt.Sprintf("%s in line %d", u.Word, u.Line)
			if x, ok := asked[u.Kind]; ok {
				places[x.code] = append(places[x.code], at)
			} else if lacking[u.Kind] {
				if u.Extension != "" {
					at += " (of extension " + u.Extension + ")"
				}
				places[bodyConstruct] = append(places[bodyConstruct], at)
			}
		}
		for _, x := range asked {
			if p := places[x.code]; len(p) > 0 {
				out = append(out, find(x.code, o, x.what+": "+few(p, len(p), mostNamed, "")))
			}
		}
		if p := places[bodyConstruct]; len(p) > 0 {
			out = append(out, find(bodyConstruct, o, "it uses "+few(p, len(p), mostNamed, "")))
		}
		if r.Language != "sql" && r.Language != "plpgsql" {
			out = append(out, find(bodyConstruct, o, "it is written in "+r.Language+", which the target does not run"))
		}
	}
	finding.Sort(out)
	return slices.Compact(out)
}
