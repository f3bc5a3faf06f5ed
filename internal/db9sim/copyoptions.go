package db9sim

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// copyOptionRules say what becomes of the options of COPY.
type copyOptionRules struct{ ignored, refused bool }

var (
	ignoredOptions = []string{"force_quote", "force_not_null", "freeze", "encoding"}
	absentOptions  = []string{"on_error", "reject_limit", "default", "force_null", "log_verbosity"}
)

// copyOptions takes from a COPY the options that DB9 ignores, and refuses it
// for those that DB9 does not know.
func (w *rewriting) copyOptions(n *pg.CopyStmt) {
	rules := w.c.copies
	n.Options = slices.DeleteFunc(n.GetOptions(), func(o *pg.Node) bool {
		def := o.GetDefElem()
		name := strings.ToLower(def.GetDefname())
		if rules.refused && (slices.Contains(absentOptions, name) || name == "header" && strings.EqualFold(optionText(def), "match")) {
			w.refuse("42601", "syntax error: COPY has no option %s", strings.ToUpper(name))
		}
		gone := rules.ignored && slices.Contains(ignoredOptions, name)
		w.changed = w.changed || gone
		return gone
	})
	if rules.refused && n.GetWhereClause() != nil {
		w.refuse("42601", "syntax error: COPY has no WHERE")
	}
}
