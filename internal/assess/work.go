package assess

import (
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// The groups of the work list, in the order of a report.
const (
	doDecide      = "decide"
	doBefore      = "before"
	doApplication = "application"
	doNothing     = "nothing"
)

var groups = []Group{
	{ID: doDecide, Title: "Decide"},
	{ID: doBefore, Title: "Change before the move"},
	{ID: doApplication, Title: "Change the application"},
	{ID: doNothing, Title: "Nothing to do"},
}

// todo says what a finding asks of the user, where that does not follow from
// its severity and remedy alone.
var todo = map[finding.Code]string{
	"source.privilege":           doBefore,
	"source.row-security":        doBefore,
	"source.version":             doBefore,
	"source.encoding":            doBefore,
	"connections.few":            doBefore,
	"target.read-only":           doBefore,
	"target.encoding":            doBefore,
	"target.privilege":           doBefore,
	"target.not-empty":           doBefore,
	"target.occupied":            doBefore,
	"target.triggers":            doBefore,
	"target.foreign-keys":        doBefore,
	"password.expires":           doBefore,
	"key.precision":              doBefore,
	"type.unbounded":             doBefore,
	"table.no-key":               doBefore,
	"type.precision":             doApplication,
	"type.mapped":                doApplication,
	"table.flattened":            doApplication,
	"table.inheritance":          doApplication,
	"index.slow":                 doApplication,
	"sequence.renamed":           doApplication,
	"default.lost":               doDecide,
	"generated.plain":            doDecide,
	"collation.lost":             doApplication,
	"extension.left":             doDecide,
	"extension.used":             doDecide,
	"filter.foreign-key":         doDecide,
	"filter.view":                doDecide,
	"comment.left":               doNothing,
	"data.sub-millisecond":       doApplication,
	"data.days":                  doApplication,
	"data.padding":               doApplication,
	"data.lower-bound":           doApplication,
	"source.provider":            doNothing,
	"source.provider-schema":     doDecide,
	"source.session-pooler":      doNothing,
	"source.unknown":             doNothing,
	"source.sessions-hidden":     doNothing,
	"role.left":                  doDecide,
	"owner.left":                 doDecide,
	"role.password":              doBefore,
	"setting.left":               doApplication,
	"trigger.late":               doApplication,
	"view.types":                 doApplication,
	"view.not-filled":            doDecide,
	"source.recoded":             doBefore,
	"application.serializable":   doApplication,
	"application.notify":         doApplication,
	"application.advisory-locks": doApplication,
}

// whatToDo names the group of a finding. Where the table has no word for its
// code: who must do nothing is told so by the remedy, what blocks or is left
// must be decided, and what is changed is seen by the application first.
func whatToDo(f finding.Finding) string {
	if f.Severity == finding.Block {
		if todo[f.Code] == doBefore || strings.HasPrefix(string(f.Code), "data.") || strings.HasPrefix(string(f.Code), "source.") {
			return doBefore
		}
		return doDecide
	}
	if do, ok := todo[f.Code]; ok {
		return do
	}
	for _, p := range []struct{ prefix, do string }{{"data.", doBefore}, {"source.", doBefore}} {
		if strings.HasPrefix(string(f.Code), p.prefix) {
			return p.do
		}
	}
	switch {
	case strings.HasPrefix(f.Remedy, "None is needed"), f.Severity == finding.Info:
		return doNothing
	case f.Severity == finding.Left:
		return doDecide
	}
	return doApplication
}

// workOf makes the work list of findings that are sorted worst first: those of
// one code are one item, those that say the same one detail of it.
func workOf(all []Finding) []Group {
	type itemKey struct {
		do       string
		code     finding.Code
		severity finding.Severity
		accepted bool
	}
	type detailKey struct {
		itemKey
		message, remedy string
	}
	documented := map[finding.Code]finding.Rule{}
	for _, r := range Rules() {
		documented[r.Code] = r
	}
	out := make([]Group, len(groups))
	at := map[string]int{}
	for i, g := range groups {
		out[i] = Group{ID: g.ID, Title: g.Title, Items: []Item{}}
		at[g.ID] = i
	}
	items, details := map[itemKey]int{}, map[detailKey]int{}
	for _, f := range all {
		g := &out[at[f.Do]]
		g.Count++
		ik := itemKey{f.Do, f.Code, f.Severity, f.Accepted}
		i, ok := items[ik]
		if !ok {
			i = len(g.Items)
			items[ik] = i
			r := documented[f.Code]
			g.Items = append(g.Items, Item{Code: f.Code, Severity: f.Severity, Accepted: f.Accepted, Reason: r.Reason, Remedy: r.Remedy})
		}
		it := &g.Items[i]
		it.Count++
		dk := detailKey{ik, f.Message, f.Remedy}
		d, ok := details[dk]
		if !ok {
			d = len(it.Details)
			details[dk] = d
			it.Details = append(it.Details, Detail{Message: f.Message})
			if f.Remedy != it.Remedy {
				it.Details[d].Remedy = f.Remedy
			}
		}
		it.Details[d].Objects = append(it.Details[d].Objects, f.Object.String())
	}
	return out
}
