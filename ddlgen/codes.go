package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// The codes of what a plan finds. They never change: users write them in
// --accept, and reports are compared by them.
const (
	typeMapped      finding.Code = "type.mapped"
	typePrecision   finding.Code = "type.precision"
	typeUnbounded   finding.Code = "type.unbounded"
	typeRefused     finding.Code = "type.refused"
	typeUnavailable finding.Code = "type.unavailable"
	typeExpanded    finding.Code = "type.expanded"
	typeLeft        finding.Code = "type.left"
	typeLargeObject finding.Code = "type.large-object"

	defaultLost      finding.Code = "default.lost"
	functionReplaced finding.Code = "function.replaced"
	generatedPlain   finding.Code = "generated.plain"
	generatedStored  finding.Code = "generated.stored"
	identityLoosened finding.Code = "identity.by-default"
	collationLost    finding.Code = "collation.lost"
	notNullLost      finding.Code = "not-null.lost"

	tableFlattened   finding.Code = "table.flattened"
	tableInheritance finding.Code = "table.inheritance"
	tableForeign     finding.Code = "table.foreign"
	tableLogged      finding.Code = "table.logged"
	tableOptions     finding.Code = "table.options"
	tablePlace       finding.Code = "table.tablespace"
	tableAccess      finding.Code = "table.access-method"
	tableTyped       finding.Code = "table.typed"
	tableRowSecurity finding.Code = "table.row-security"
	tableNoKey       finding.Code = "table.no-key"
	tableUnproven    finding.Code = "table.unproven"

	constraintLost    finding.Code = "constraint.lost"
	constraintChanged finding.Code = "constraint.changed"
	constraintAdded   finding.Code = "constraint.added"
	keyPrecision      finding.Code = "key.precision"
	indexLost         finding.Code = "index.lost"
	indexChanged      finding.Code = "index.changed"
	indexSlow         finding.Code = "index.slow"
	indexEarly        finding.Code = "index.early"
	indexVector       finding.Code = "index.vector"

	viewLost      finding.Code = "view.lost"
	viewChanged   finding.Code = "view.changed"
	viewTypes     finding.Code = "view.types"
	viewNotFilled finding.Code = "view.not-filled"

	sequenceRenamed finding.Code = "sequence.renamed"
	sequenceType    finding.Code = "sequence.type"
	sequenceOwner   finding.Code = "sequence.owner"
	sequenceLost    finding.Code = "sequence.lost"

	triggerLeft          finding.Code = "trigger.left"
	triggerChanged       finding.Code = "trigger.changed"
	triggerLate          finding.Code = "trigger.late"
	eventTriggerLeft     finding.Code = "event-trigger.left"
	ruleLeft             finding.Code = "rule.left"
	policyLeft           finding.Code = "policy.left"
	policyChanged        finding.Code = "policy.changed"
	roleLeft             finding.Code = "role.left"
	roleThere            finding.Code = "role.there"
	roleChanged          finding.Code = "role.changed"
	rolePassword         finding.Code = "role.password"
	ownerLeft            finding.Code = "owner.left"
	privilegeLeft        finding.Code = "privilege.left"
	privilegeChanged     finding.Code = "privilege.changed"
	defaultPrivilegeLeft finding.Code = "default-privilege.left"
	settingLeft          finding.Code = "setting.left"
	labelLeft            finding.Code = "label.left"

	routineLeft        finding.Code = "routine.left"
	routineUnsupported finding.Code = "routine.unsupported"
	routineChanged     finding.Code = "routine.changed"
	routineOverloaded  finding.Code = "routine.overloaded"

	routineUnproved finding.Code = "routine.unproved"

	extensionLeft    finding.Code = "extension.left"
	extensionBuiltIn finding.Code = "extension.built-in"
	commentLeft      finding.Code = "comment.left"
	objectLeft       finding.Code = "object.left"
	optionLeft       finding.Code = "object.option"

	// What the user's mapping and filters do.
	filterColumn   finding.Code = "filter.column"
	filterData     finding.Code = "filter.data"
	filterRows     finding.Code = "filter.rows"
	filterNoIndex  finding.Code = "filter.no-index"
	filterDangling finding.Code = "filter.dangling"
	filterReads    finding.Code = "filter.reads"
	mappingLeft    finding.Code = "mapping.left"
	mappingType    finding.Code = "mapping.type"
	mappingAdded   finding.Code = "mapping.added"
)

// rule documents one code: a finding.Rule.
type rule struct {
	Code     finding.Code
	Severity finding.Severity
	Reason   string
	Remedy   string
}

var rules = []rule{
	{typeMapped, finding.Change, "The target has no such type: the column gets another, and each value travels in a form that keeps it.", "Check what the application does with the column; the loss is named."},
	{typePrecision, finding.Change, "The target keeps fewer fractional digits of a second: values are rounded on the source.", "Where microseconds matter, keep them in a bigint or text column before the move."},
	{typeUnbounded, finding.Info, "A numeric without a bound may hold more digits, NaN or infinities than the target takes: such a row is refused.", "Look for values of more than 28 digits, NaN and infinities before the move."},
	{typeRefused, finding.Block, "The target has no type that keeps the values' meaning.", "Exclude the column or table, or accept the finding: the column becomes text."},
	{valueRefused, finding.Block, "The source holds values that the target would refuse in the middle of the copy, or change without a word.", "Change or delete the rows on the source, exclude the column's table, or accept the finding: the column becomes one that keeps them, json where that is told, else text."},
	{typeUnavailable, finding.Block, "The column's type is not on the target: its extension cannot be installed there, or the type itself is left behind.", "Make the type available on the target, exclude the column or table, or accept the finding: the column becomes text."},
	{typeExpanded, finding.Change, "The target has no domains: each column gets the base type, NOT NULL, the default and the checks.", "Change the checks of each column where the domain would have been changed."},
	{typeLeft, finding.Left, "The type is not created on the target; columns of it have findings of their own.", "None is needed where no column uses it."},

	{typeLargeObject, finding.Change, "The database holds large objects, which are not carried, and the column may hold their numbers: those arrive, and lead nowhere.", "Keep the objects in a bytea column (lo_get gives their bytes), or outside of the database, before the move. assess --scan-data full counts the rows that refer to one."},

	{defaultLost, finding.Change, "The default cannot be carried: it uses something that the target does not have, or a value that the mapped type does not take.", "Give the column a default on the target by hand, or set the value in the application."},
	{functionReplaced, finding.Info, "The expression calls a function of an extension, which the target has by itself under another name.", "None is needed."},
	{generatedPlain, finding.Change, "The column is generated on the source by an expression that the target cannot have: it becomes a plain column, and its values are copied.", "Keep the column up to date in the application, or add the expression by hand."},
	{generatedStored, finding.Change, "A virtual generated column becomes a stored one.", "None is needed; the column takes space."},
	{identityLoosened, finding.Change, "GENERATED ALWAYS becomes GENERATED BY DEFAULT: explicit values are accepted.", "Do not insert explicit values into the column."},
	{collationLost, finding.Change, "The collation is not on the target: the default one takes its place, and sorting and comparison may differ.", "Check the order in which the application expects the texts, and unique keys over them."},
	{notNullLost, finding.Change, "The NOT NULL constraint is not carried as it was.", "Add it by hand once the data allow it."},

	{tableFlattened, finding.Change, "The target has no partitions: the whole tree becomes one table, read leaf by leaf.", "Replace the dropping of partitions by DELETE; check queries that name a partition."},
	{tableInheritance, finding.Change, "Inheritance differs on the target: see the message.", "Where the tables stand apart, query each, or a view over them."},
	{tableForeign, finding.Left, "A foreign table holds no rows of its own and is not carried.", "Create it by hand where the target has the foreign data wrapper."},
	{tableLogged, finding.Change, "UNLOGGED is not kept: the relation is an ordinary one.", "None is needed."},
	{tableOptions, finding.Change, "Storage options are not kept.", "None is needed; they do not change results."},
	{tablePlace, finding.Change, "The tablespace is not kept: the target's default is used.", "Move the relation by hand where the target has such a tablespace."},
	{tableAccess, finding.Change, "The table access method is not kept: the target's default is used.", "Check what the access method was for."},
	{tableTyped, finding.Change, "A table OF a type becomes a plain table with the same columns.", "None is needed."},
	{tableRowSecurity, finding.Left, "Row security is not carried: on the target every role that may read the table reads all rows.", "Grant no rights on the table before the policies are there."},
	{tableNoKey, finding.Info, "The table has no primary key and no unique key without NULLs: rows cannot be told apart.", "Add a key where rows must be found, resumed or repaired one by one."},
	{tableUnproven, finding.Block, "The target ends statements after a time, and a table without a key cannot be read in pieces: after the copy nobody could say that its rows are the source's.", "Add a primary key on the source, lift the target's statement timeout, exclude the table, or accept the finding: its rows are copied, counted while they are written, and not compared."},

	{constraintLost, finding.Left, "The constraint is not carried.", "Create it by hand where the target allows it, or check it in the application."},
	{constraintChanged, finding.Change, "The constraint is carried in another form.", "Check the difference that the message names."},
	{constraintAdded, finding.Info, "A check of the target's own keeps what the source's type or domain kept.", "None is needed."},
	{keyPrecision, finding.Change, "A key column loses fractional digits of a second: rows that differ only there collide, and the load of the table fails.", "Look for keys that are equal when rounded before the move."},
	{indexLost, finding.Left, "The index is not carried.", "Create another index for the queries that used it."},
	{indexChanged, finding.Change, "The index is carried in another form.", "Check the queries that used it."},
	{indexSlow, finding.Info, "The target takes the index, but may answer with a scan of the table.", "Measure the queries that need it."},

	{indexVector, finding.Info, "The graph of an HNSW index may have to fit into one value of the target's store, some thousand rows: the index is built last, and where the target refuses it, that is reported and the run goes on.", "Build it by hand over fewer rows, or search without it: the answers are exact then, and slow."},
	{indexEarly, finding.Info, "The key or index is made before the rows: building it afterwards could last longer than the target's statement timeout.", "None is needed; the load of the table is slower. Where the timeout can be lifted, it is made afterwards."},

	{viewLost, finding.Left, "The view is not carried: its query uses something that the target does not have.", "Create it by hand in a form that the target takes, or ask the tables in the application."},
	{viewChanged, finding.Change, "The view is carried without some of its options.", "Check what the message names: who may read and write through the view."},
	{viewTypes, finding.Info, "Columns of the view have other types on the target, as the columns of the tables have that they show.", "Check what the application does with them; the tables' findings name the loss."},
	{viewNotFilled, finding.Change, "The materialized view is created, but stays without rows.", "REFRESH it by hand once what it reads has been refreshed."},

	{sequenceRenamed, finding.Change, "The sequence of an identity column gets the name that the target gives it.", "Change what calls it by name."},
	{sequenceType, finding.Info, "The sequence is a bigint one with the bounds of the source's.", "None is needed."},
	{sequenceOwner, finding.Change, "The sequence belongs to no column on the target: dropping the table leaves it.", "None is needed."},
	{sequenceLost, finding.Change, "The sequence is not carried.", "Create it by hand where something calls it."},

	{triggerLeft, finding.Left, "The trigger is not carried: what it did by itself is not done on the target.", "Do it in the application, or write the trigger in a form that the target takes."},
	{triggerChanged, finding.Change, "The trigger is carried, and acts at other times than at the source.", "Check whether the difference that the message names matters."},
	{triggerLate, finding.Change, "Nobody has shown that the target fires AFTER triggers within the statement that causes them.", "Read nothing in the same transaction that an AFTER trigger writes, or let the target be probed."},
	{eventTriggerLeft, finding.Left, "The event trigger is not carried.", "Watch changes of the schema in another way, or create it by hand as a superuser."},
	{ruleLeft, finding.Left, "The rule is not carried: statements act on the table or view itself.", "Write a trigger instead, or change the application's statements."},
	{policyLeft, finding.Left, "The policy is not carried.", "Grant nobody rights on the table who must not see all of its rows, and filter them in the application; or create roles and functions that the policy needs first."},
	{policyChanged, finding.Change, "The policy is carried, but not for all of its roles.", "Create the roles first: --roles does it for those that are not a provider's."},

	{roleLeft, finding.Left, "The role is not created on the target.", "Say --roles, or create it by hand with what it may do."},
	{roleThere, finding.Info, "The target has a role of this name, and keeps it as it is.", "Check that it is the same one."},
	{roleChanged, finding.Change, "The role is created with fewer rights than it has at the source.", "Give it what it needs by hand."},
	{rolePassword, finding.Info, "Passwords are not read from the source: the role is created without one.", "Give it a password before it logs in: ALTER ROLE ... PASSWORD."},
	{ownerLeft, finding.Left, "The owner is not set: the object belongs to the role that loads the target.", "Say --owners, or give it away by hand."},
	{privilegeLeft, finding.Left, "The privilege is not carried: what was granted is not, and what was revoked is not either.", "Say --privileges, with --roles for those that are missing."},
	{privilegeChanged, finding.Change, "Not all of the privileges are carried.", "None is needed."},
	{defaultPrivilegeLeft, finding.Left, "The default privilege is not carried: it says nothing about the objects that are there, but about those to come.", "Say --privileges, or set it by hand."},
	{settingLeft, finding.Left, "A parameter that is set for the database or for a role is not carried: sessions start with the target's own.", "Set it on the target, or in the application's connections: search_path and isolation levels change what statements do."},
	{labelLeft, finding.Left, "The security label is not carried: it says something to a module of the source's server.", "Set it by hand where the target has the module."},

	{routineLeft, finding.Left, "The routine is not carried, nor what calls it in a default, check, index or view.", "Write it anew in a language and form that the target takes, or do its work in the application."},
	{routineUnsupported, finding.Left, "The routine's body uses what the target is not known to take. Many servers look into a body only when it is called, so that it would be there and fail.", "Rewrite the body without what the message names; or, where the target is known to take it, list that under constructs in a profile file."},
	{routineChanged, finding.Change, "The routine is carried with other types, or in another form.", "Check its callers, and what its body does with the values."},
	{routineOverloaded, finding.Info, "Several routines have one name. The target is not known to tell them apart by their arguments: where it refuses one, that is reported, and the run goes on.", "Rename those that are refused."},
	{routineUnproved, finding.Info, "The routine was created on the target. Whether it works there is not known: bodies may be looked into only when they are called, and it was not safe to call it, or the call failed.", "Call it in a test of the application."},

	{extensionLeft, finding.Left, "The extension is not on the target; what needs it has findings of its own.", "None is needed where nothing uses it."},
	{extensionBuiltIn, finding.Info, "The target has this without an extension.", "None is needed."},
	{commentLeft, finding.Left, "The comment is not carried, since what it describes is not.", "None is needed."},
	{objectLeft, finding.Left, "Objects of this kind are not carried.", "Create it by hand where the target allows it."},
	{optionLeft, finding.Change, "An option of a server, wrapper or foreign table may hold a secret, and is not carried.", "Set it by hand on the target."},

	{filterColumn, finding.Left, "The column stays behind, as asked for.", "None is needed where nothing on the target misses it."},
	{filterData, finding.Left, "The table goes without its rows, as asked for; nothing compares them.", "None is needed."},
	{filterRows, finding.Change, "Of the table go the rows that the user's condition chooses.", "None is needed; verification compares these rows."},
	{filterNoIndex, finding.Info, "No index serves the condition on a large table: all of it is read to find the rows that go.", "Create an index for the condition on the source, or leave it so."},
	{filterDangling, finding.Left, "The foreign key refers to rows that stay behind: it could not be made on the target.", "Choose the rows of both tables by conditions that fit together, or leave it so."},
	{filterReads, finding.Info, "It reads a table of which not all rows are on the target: there it shows fewer.", "None is needed."},
	{mappingLeft, finding.Left, "What it names is named otherwise on the target, or stays behind, and its text cannot be rewritten with certainty.", "Create it by hand under the target's names."},
	{mappingType, finding.Change, "The column gets the type that the user's mapping says.", "Check what the application does with the column; the loss is named."},
	{mappingAdded, finding.Info, "The column is the target's own, as the user's mapping says.", "None is needed."},
}

// Rules lists every code with its reason and remedy, by code.
func Rules() []finding.Rule {
	out := make([]finding.Rule, len(rules))
	for i, r := range rules {
		out[i] = finding.Rule(r)
	}
	slices.SortFunc(out, func(a, b finding.Rule) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return out
}

func ruleOf(code finding.Code) rule {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.Code == code })
	if i < 0 {
		panic("ddlgen: undocumented finding " + string(code)) // a test walks over all codes
	}
	return rules[i]
}

// find records a finding, once. A blocking one that the user accepts asks no
// more than a change does.
func (p *planner) find(code finding.Code, o finding.Object, format string, args ...any) {
	p.findAtSource(code, p.names.sourceObject(o), format, args...)
}

// findAtSource is find for an object in the source's names.
func (p *planner) findAtSource(code finding.Code, o finding.Object, format string, args ...any) {
	r := ruleOf(code)
	f := finding.Finding{Code: code, Severity: r.Severity, Object: o, Message: fmt.Sprintf(format, args...), Remedy: r.Remedy}
	if f.Severity == finding.Block && p.accepted(code, o) {
		f.Severity = finding.Change
		f.Message += " (accepted)"
	}
	if p.seen[f] {
		return
	}
	p.seen[f] = true
	p.findings = append(p.findings, f)
}

func (p *planner) accepted(code finding.Code, o finding.Object) bool {
	return slices.ContainsFunc(p.opts.Accept, func(a string) bool {
		return a == string(code) || a == string(code)+":"+o.Path()
	})
}

// aboutData keeps the findings that matter when only rows are copied: what
// blocks, and what becomes of the values.
func aboutData(fs []finding.Finding) []finding.Finding {
	return slices.DeleteFunc(fs, func(f finding.Finding) bool {
		return f.Severity != finding.Block && !strings.HasPrefix(string(f.Code), "type.") &&
			!strings.HasPrefix(string(f.Code), "filter.") && f.Code != mappingType && f.Code != tableFlattened && f.Code != tableForeign && f.Code != tableNoKey && f.Code != tableUnproven
	})
}
