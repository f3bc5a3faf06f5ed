package catalog

import "github.com/pg2db9/pg2db9/catalog/finding"

// Rules documents every code of Select's findings.
func Rules() []finding.Rule {
	return []finding.Rule{
		{Code: codeForeignKey, Severity: finding.Left, Reason: "A foreign key refers to a table that the filters leave out.", Remedy: "Select that table as well, or leave it so."},
		{Code: codeView, Severity: finding.Left, Reason: "A view reads something that the filters leave out.", Remedy: "Select that as well, or leave it so."},
		{Code: codeDetached, Severity: finding.Change, Reason: "A partition or child becomes a table of its own: the filters leave its parent out.", Remedy: "Select the parent as well, or leave it so."},
		{Code: codeChild, Severity: finding.Left, Reason: "The filters leave a child out whose parent is selected: the parent shows fewer rows.", Remedy: "Select the child as well, or leave it so."},
		{Code: codeUnselected, Severity: finding.Info, Reason: "What the filters leave out, counted.", Remedy: "None is needed."},
	}
}
