package assess

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
	"github.com/pg2db9/pg2db9/internal/scan"
)

// The codes of what an assessment finds beside the plan. They never change:
// users write them in --accept.
const (
	extensionUsed    finding.Code = "extension.used"
	usesSerializable finding.Code = "application.serializable"
	usesNotify       finding.Code = "application.notify"
	usesAdvisory     finding.Code = "application.advisory-locks"
	viewNesting      finding.Code = "view.nesting"
	encodingRecoded  finding.Code = "source.recoded"
)

var own = []finding.Rule{
	{
		Code: extensionUsed, Severity: finding.Info,
		Reason: "Something of the user's needs an extension that the target does not have; what becomes of it is in the finding of each object.",
		Remedy: "Look at the findings of the objects named; where they are carried in another form nothing more is needed.",
	},
	{
		Code: usesSerializable, Severity: finding.Change,
		Reason: "SERIALIZABLE is used, and DB9 has snapshot isolation (repeatable read) alone: it refuses the level, or lowers it with a warning. Write skew is then possible.",
		Remedy: "Lock what a decision depends on with SELECT ... FOR UPDATE, or keep it in one row; take the setting away.",
	},
	{
		Code: usesNotify, Severity: finding.Change,
		Reason: "LISTEN and NOTIFY are used, and DB9 does not have them.",
		Remedy: "Poll a table, or use a queue or WebSockets beside the database.",
	},
	{
		Code: usesAdvisory, Severity: finding.Change,
		Reason: "Advisory locks are used. On DB9 they hold on one node alone: two sessions can hold the same lock.",
		Remedy: "Lock a row with SELECT ... FOR UPDATE, or keep a lease in a row.",
	},
	{
		Code: viewNesting, Severity: finding.Change,
		Reason: "Views stand on views more than 64 deep, and DB9 does not follow them further.",
		Remedy: "Write the views anew with fewer steps between them.",
	},
	{
		Code: encodingRecoded, Severity: finding.Info,
		Reason: "The source's encoding is not UTF-8. The server recodes every text on its way; one that cannot be is refused, and its table fails.",
		Remedy: "Look for such texts with --scan-data before the move.",
	},
}

// Rules documents every code that a run can find, of whatever package, by code.
func Rules() []finding.Rule {
	out := slices.Concat(ddlgen.Rules(), preflight.Rules(), catalog.Rules(), sourcefacts.Rules(), scan.Rules(), own)
	slices.SortFunc(out, func(a, b finding.Rule) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return out
}

// find makes a finding of one of this package's codes.
func find(code finding.Code, o finding.Object, message string) finding.Finding {
	i := slices.IndexFunc(own, func(r finding.Rule) bool { return r.Code == code })
	if i < 0 {
		panic("assess: undocumented finding " + string(code)) // a test walks over all codes
	}
	return finding.Finding{Code: code, Severity: own[i].Severity, Object: o, Message: message, Remedy: own[i].Remedy}
}
