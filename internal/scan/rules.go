package scan

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

const codeUnknown finding.Code = "data.unknown"

// The kinds that are not of the type map.
const (
	kindCollision = "collision"
	kindDuplicate = "duplicate"
	kindWideRow   = "wide-row"
	kindLongKey   = "long-key"
	kindKeyLimit  = "key-limit"
	kindOrphan    = "orphan"
	kindCheck     = "check"
	kindNull      = "null"
	kindSequence  = "sequence-behind"
)

// rules are the codes by severity of a refused value; where the transfer itself
// changes the value, it is a change.
var rules = []finding.Rule{
	{Code: "data.sub-millisecond", Severity: finding.Change, Reason: "The value has more fractional digits of a second than the target keeps: it is rounded on the source.", Remedy: "Keep microseconds in a bigint or text column where they matter."},
	{Code: "data.nan", Severity: finding.Block, Reason: "The target's decimals have no NaN; a document holds it as text.", Remedy: "Replace NaN by NULL on the source, or map the column to text or double precision."},
	{Code: "data.infinity", Severity: finding.Block, Reason: "The target has no infinity of this type; a document holds it as text.", Remedy: "Replace it on the source (NULL, or a date that stands for ever), or map the column to text."},
	{Code: "data.digits", Severity: finding.Block, Reason: "The number has more digits than the target's decimals keep.", Remedy: "Round the values on the source, or map the column to text."},
	{Code: "data.scale", Severity: finding.Block, Reason: "The number has more digits behind the point than the mapped type: they are rounded away.", Remedy: "Map the column to a type with a larger scale."},
	{Code: "data.out-of-range", Severity: finding.Block, Reason: "The number is larger than the mapped type takes.", Remedy: "Map the column to a wider type, or correct the rows."},
	{Code: "data.over-length", Severity: finding.Block, Reason: "The text is longer than the mapped type takes.", Remedy: "Map the column to a longer type or to text, or shorten the rows."},
	{Code: "data.bc", Severity: finding.Block, Reason: "The target may not know years BC.", Remedy: "Correct the rows on the source, or map the column to text."},
	{Code: "data.far-date", Severity: finding.Block, Reason: "The target may not know years so far ahead.", Remedy: "Correct the rows on the source, or map the column to text."},
	{Code: "data.hour-24", Severity: finding.Block, Reason: "The target has no 24:00.", Remedy: "Write 00:00 of the next day or 23:59:59.999999 on the source, or map the column to text."},
	{Code: "data.days", Severity: finding.Change, Reason: "The target keeps months and milliseconds of an interval: a day becomes 24 hours, also over a change of the clocks.", Remedy: "Map the column to text where days are not 24 hours."},
	{Code: "data.nul", Severity: finding.Block, Reason: `\u0000 in a json text stands for a character that no text of the target holds: what reads the value as text or jsonb fails.`, Remedy: `Replace \u0000 in the rows on the source.`},
	{Code: "data.long-number", Severity: finding.Block, Reason: "The target reads numbers of documents as 64-bit integers and double precision numbers: longer ones lose digits.", Remedy: "Map the column to json, which keeps the text, or write such numbers as texts."},
	{Code: "data.padding", Severity: finding.Change, Reason: "A char(n) arrives without its padding: comparisons that count on it differ.", Remedy: "Compare without trailing blanks in the application."},
	{Code: "data.high-byte", Severity: finding.Block, Reason: "A value of type \"char\" is half of a character, which no text of the target holds.", Remedy: "Replace the value on the source, or map the column to an integer."},
	{Code: "data.invalid-utf8", Severity: finding.Block, Reason: "The bytes of the text make no UTF-8 in the source's encoding: the row would end the copy of its table.", Remedy: "Correct the texts on the source (convert_from with their true encoding)."},
	{Code: "data.c1-control", Severity: finding.Change, Reason: "A LATIN1 database holds bytes that are control characters there: text of Windows, as a rule, whose quotes and dashes would arrive as such.", Remedy: "Correct the texts on the source, if they were written as WIN1252."},
	{Code: "data.lower-bound", Severity: finding.Change, Reason: "An array becomes a document, whose elements are counted from its beginning: bounds of its own are lost.", Remedy: "None is needed where the application does not use them."},
	{Code: "data.dimensions", Severity: finding.Block, Reason: "A vector of the target has at most 16,000 dimensions.", Remedy: "Exclude the column, or map it to text."},
	{Code: "data.large-object", Severity: finding.Change, Reason: "The column holds numbers of large objects, which the target does not have: the numbers arrive and lead nowhere.", Remedy: "Keep the objects as bytea, or outside of the database, before the move."},
	{Code: "data.empty-line", Severity: finding.Block, Reason: "The target takes an empty line of COPY for no row, and the table has no other column.", Remedy: "Add a column to the table, or accept that the column becomes json."},

	{Code: "data." + kindCollision, Severity: finding.Block, Reason: "Keys that differ below the target's precision of time become equal: the second row is refused.", Remedy: "Change the rows, add a column to the key, or keep the time in a bigint or text column."},
	{Code: "data." + kindDuplicate, Severity: finding.Block, Reason: "Keys that differ on the source are equal in their form on the target: the second row is refused.", Remedy: "Change the rows, or map the key's columns otherwise."},
	{Code: "data." + kindWideRow, Severity: finding.Block, Reason: "The row is larger than the target takes.", Remedy: "Move the large values elsewhere (object storage), or exclude the rows with --where."},
	{Code: "data." + kindLongKey, Severity: finding.Change, Reason: "The key comes near to the 4 KB that the target's index takes, with what it adds.", Remedy: "Index a hash or a prefix of the value."},
	{Code: "data." + kindKeyLimit, Severity: finding.Left, Reason: "The key is longer than the target's index takes: building the index fails, or the row where the index stands before it.", Remedy: "Index a hash or a prefix of the value, or drop the index before the move."},
	{Code: "data." + kindOrphan, Severity: finding.Left, Reason: "Rows refer to rows that are not there: the foreign key is refused, the rows are copied.", Remedy: "Delete or correct the rows before the move, or create the key by hand afterwards."},
	{Code: "data." + kindCheck, Severity: finding.Left, Reason: "Rows break a check that was never validated: the target, which checks all rows, refuses the constraint.", Remedy: "Correct the rows and run ALTER TABLE ... VALIDATE CONSTRAINT, or drop the check."},
	{Code: "data." + kindNull, Severity: finding.Left, Reason: "Rows break a NOT NULL that was never validated.", Remedy: "Correct the rows and run ALTER TABLE ... VALIDATE CONSTRAINT."},
	{Code: "data." + kindSequence, Severity: finding.Change, Reason: "The sequence stands behind the values of its column: the next row that takes a number from it collides, on the source too.", Remedy: "Set the sequence (setval) on the source before the move."},
	{Code: codeUnknown, Severity: finding.Info, Reason: "What a finding of this code names was not looked at, or not wholly: nothing says that it is clean.", Remedy: "Grant SELECT, lift the timeout, or scan in full, and look again."},
}

// Rules lists every code of this package, by code.
func Rules() []finding.Rule {
	out := slices.Clone(rules)
	slices.SortFunc(out, func(a, b finding.Rule) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return out
}

func ruleOf(code finding.Code) finding.Rule {
	i := slices.IndexFunc(rules, func(r finding.Rule) bool { return r.Code == code })
	if i < 0 {
		panic("scan: undocumented finding " + string(code)) // a test walks over all kinds
	}
	return rules[i]
}
