package preflight

import (
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/probe"
)

// Probed finds what a probed target lacks that no profile can make up for.
func Probed(r *probe.Result) []finding.Finding {
	var out []finding.Finding
	block := func(code finding.Code, message string, f probe.Fact) {
		out = append(out, finding.Finding{
			Code: code, Severity: finding.Block, Object: finding.Object{Kind: "server", Name: "target"},
			Message: message + " (probe " + f.Name + ": " + f.Evidence + ")",
			Remedy:  "run pg2db9 probe, and ask the operator of the target",
		})
	}
	if f := r.Fact(probe.CopyAtomicity); f.Outcome == probe.Refuted && f.Values["transaction"] != "atomic" {
		block(TargetNotAtomic, "rows that COPY wrote in a transaction stay when it is rolled back: no row could be counted on to be there once", f)
	}
	if f := r.Fact(probe.CopyForms); f.Outcome == probe.Refuted && f.Values["text"] != "kept" {
		block(TargetNoCopy, "COPY TEXT does not store what was sent", f)
	}
	return out
}
