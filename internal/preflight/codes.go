package preflight

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// The codes of what preflight finds. They never change: users write them in
// --accept.
const (
	SourceVersion     finding.Code = "source.version"
	SourceEncoding    finding.Code = "source.encoding"
	SourcePrivilege   finding.Code = "source.privilege"
	SourceRowSecurity finding.Code = "source.row-security"
	ServersSwapped    finding.Code = "servers.swapped"
	ConnectionsFew    finding.Code = "connections.few"
	TargetReadOnly    finding.Code = "target.read-only"
	TargetEncoding    finding.Code = "target.encoding"
	TargetPrivilege   finding.Code = "target.privilege"
	TargetNotEmpty    finding.Code = "target.not-empty"
	TargetOccupied    finding.Code = "target.occupied"
	TargetKept        finding.Code = "target.kept"
	TargetUnfinished  finding.Code = "target.unfinished-run"
	TargetTriggers    finding.Code = "target.triggers"
	TargetForeignKeys finding.Code = "target.foreign-keys"
	TargetMissing     finding.Code = "target.missing-table"
	TargetDiffers     finding.Code = "target.table-differs"
	PasswordExpires   finding.Code = "password.expires"
	TargetNotAtomic   finding.Code = "target.copy-not-atomic"
	TargetNoCopy      finding.Code = "target.copy-refused"
	CheckNotRun       finding.Code = "preflight.not-run"
)

// rule is a finding.Rule.
type rule struct {
	code     finding.Code
	severity finding.Severity
	reason   string
	remedy   string
}

var rules = []rule{
	{SourceVersion, finding.Block, "The source is older than the oldest PostgreSQL that the catalog queries are tested on.", "Upgrade the source, or restore it into a newer server first."},
	{SourceEncoding, finding.Info, "The source's encoding says nothing about the bytes in its texts: those that are not valid UTF-8 are refused by the target, and their table fails.", "Look for invalid texts first, and correct them on the source."},
	{SourcePrivilege, finding.Block, "The source's role may not read something that is to be copied.", "Run the statement that the finding gives on the source, or exclude the object."},
	{SourceRowSecurity, finding.Block, "Row security would hide rows of a table from the source's role: fewer rows would be copied than there are.", "Read as the table's owner or as a role with BYPASSRLS, or exclude the table."},
	{ServersSwapped, finding.Block, "The source holds no table and the target holds some: the two look swapped.", "Check --source and --target; the source is what is read, the target is what is written."},
	{ConnectionsFew, finding.Block, "A server has fewer connections free than the jobs need: fewer jobs are used (then it is no block), or not even one has what it needs.", "Close connections, raise the server's or the role's limit, or lower --jobs."},
	{TargetReadOnly, finding.Block, "The target takes no writes.", "Name the primary in --target, or switch default_transaction_read_only off for the role."},
	{TargetEncoding, finding.Block, "The target's encoding is not UTF-8: characters that it lacks would be refused in mid-table.", "Create a database with ENCODING 'UTF8' TEMPLATE template0, and name that one in --target."},
	{TargetPrivilege, finding.Block, "The target's role may not do what the plan needs.", "Run the statement that the finding gives on the target."},
	{TargetNotEmpty, finding.Block, "Something stands in a schema that the plan writes to.", "Use an empty database, or say by --on-existing what is to become of it."},
	{TargetOccupied, finding.Block, "A name that the plan needs belongs to something else on the target.", "Drop or rename it there, or migrate into another database."},
	{TargetKept, finding.Info, "Objects of the plan stand on the target already and are kept.", "None is needed."},
	{TargetUnfinished, finding.Block, "A run that came to no end has left its ledger on the target.", "Continue that run, or accept the finding to begin anew."},
	{TargetTriggers, finding.Block, "Triggers or rules of the target's tables would act on every row that is loaded.", "Disable them for the load, or accept the finding where they are to act."},
	{TargetForeignKeys, finding.Block, "Foreign keys on the target would refuse rows that come before those they refer to.", "Drop them for the load, or accept the finding where the order cannot matter."},
	{TargetMissing, finding.Block, "A table that is to be loaded is not on the target.", "Use clone, or make the table first by schema --apply."},
	{TargetDiffers, finding.Block, "A table on the target does not take the planned columns.", "Alter it, or let --on-existing drop make it anew."},
	{PasswordExpires, finding.Info, "The password is a token that expires before a longer run has ended.", "Give a password command: it is asked at every connect."},
	{TargetNotAtomic, finding.Block, "Rows that COPY wrote in a transaction stay when it is rolled back: no row could be counted on to be there once.", "Ask the operator of the target."},
	{TargetNoCopy, finding.Block, "COPY TEXT does not store on the target what was sent.", "Ask the operator of the target."},
	{CheckNotRun, finding.Info, "The server does not know what a check asks for.", "None is needed: what it would have found comes up during the run, if at all."},
}

// Rules lists every code of this package with its reason and remedy, by code.
func Rules() []finding.Rule {
	out := make([]finding.Rule, len(rules))
	for i, r := range rules {
		out[i] = finding.Rule{Code: r.code, Severity: r.severity, Reason: r.reason, Remedy: r.remedy}
	}
	slices.SortFunc(out, func(a, b finding.Rule) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return out
}

// Codes are all codes of this package.
func Codes() []finding.Code {
	out := make([]finding.Code, len(rules))
	for i, r := range rules {
		out[i] = r.code
	}
	return out
}

// Acceptable reports whether the user may go on in spite of a blocking finding
// of this code. The others would only fail later, with the target half written.
func Acceptable(code finding.Code) bool {
	switch code {
	case TargetTriggers, TargetForeignKeys, TargetEncoding, TargetUnfinished, ServersSwapped, SourceVersion, ConnectionsFew:
		return true
	}
	return false
}
