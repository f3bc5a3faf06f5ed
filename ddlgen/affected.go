package ddlgen

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
)

// valueClass is a class of values of a type that a target refuses or changes,
// as data: the entries of the type map name theirs.
type valueClass struct {
	kind     string
	what     string // what such a row has, in words; %d is the bound
	where    string // condition on the source; %[1]s is the value, %[2]d the bound
	refused  bool   // as Affected.Refused
	document bool   // as json such values arrive
	since    int    // the major of the source that has such values first
	until    int    // the major that has them no more; 0 is none

	bound func(Profile) int64              // the number in where and what
	kept  func(Profile) bool               // the target has proved that it keeps such values
	never func(catalog.Type, Profile) bool // the declared type excludes them
	text  func(encoding string) string     // in place of where, by the encoding of the source; empty is none
}

func keepsSpecials(p Profile) bool { return p.TimeSpecials }

// jsonNumbers finds numbers that neither a 64-bit integer nor a double
// precision number holds. Few texts of documents are long enough for one.
const jsonNumbers = `(%[1]s::pg_catalog.text ~ '[0-9.]{16}' AND EXISTS (
	SELECT FROM pg_catalog.jsonb_path_query(%[1]s, 'strict $.** ? (@.type() == "number")') AS found (v),
		LATERAL (SELECT (found.v #>> '{}')::pg_catalog.numeric) AS number (n)
	WHERE NOT (number.n = pg_catalog.trunc(number.n) AND number.n BETWEEN -9223372036854775808 AND 9223372036854775807)
		AND CASE WHEN pg_catalog.abs(number.n) BETWEEN 1e-300 AND 1e300
			THEN number.n <> number.n::pg_catalog.float8::pg_catalog.text::pg_catalog.numeric ELSE number.n <> 0 END))`

// escapedNUL finds the escape of the character that no text has, written with
// an odd number of backslashes: "\\u0000" is a backslash and five characters.
const escapedNUL = `(pg_catalog.strpos(%[1]s::pg_catalog.text, '\u0000') > 0 AND %[1]s::pg_catalog.text ~ '(^|[^\\])(\\\\)*\\u0000')`

// The classes of values, by what they are.
var (
	numericNaN = valueClass{
		kind: "nan", what: "NaN", where: `%[1]s = 'NaN'::pg_catalog.numeric`, refused: true,
		kept: func(p Profile) bool { return p.NumericDigits == 0 },
	}
	numericInfinity = valueClass{
		kind: "infinity", what: "infinity", where: `%[1]s::pg_catalog.numeric IN ('Infinity', '-Infinity')`, refused: true, since: 14,
		kept:  func(p Profile) bool { return p.NumericDigits == 0 },
		never: func(t catalog.Type, _ Profile) bool { return t.Mod >= 0 },
	}
	numericDigits = valueClass{
		kind: "digits", what: "more than %d digits", refused: true,
		where: `(pg_catalog.length(%[1]s::pg_catalog.text) > %[2]d AND (pg_catalog.scale(%[1]s) > %[2]d OR pg_catalog.length(pg_catalog.ltrim(pg_catalog.translate(%[1]s::pg_catalog.text, '-.', ''), '0')) > %[2]d))`,
		bound: func(p Profile) int64 { return int64(p.NumericDigits) },
		kept:  func(p Profile) bool { return p.NumericDigits == 0 },
		never: func(t catalog.Type, p Profile) bool { return t.Mod >= 0 && fitsDigits(t, p.NumericDigits) },
	}
	hour24   = valueClass{kind: "hour-24", what: "24:00, which the target has not", where: `%[1]s = '24:00'::pg_catalog.time`, refused: true}
	infinity = valueClass{
		kind: "infinity", what: "infinity", where: `NOT pg_catalog.isfinite(%[1]s)`, refused: true, kept: keepsSpecials,
	}
	yearBC = valueClass{
		kind: "bc", what: "a year BC", where: `(%[1]s < '0001-01-01' AND pg_catalog.isfinite(%[1]s))`, refused: true, kept: keepsSpecials,
	}
	farYear = valueClass{
		kind: "far-date", what: "a year from 200000 on", where: `(%[1]s >= '200000-01-01' AND pg_catalog.isfinite(%[1]s))`, refused: true, kept: keepsSpecials,
	}
	intervalInfinity = valueClass{
		kind: "infinity", what: "infinity", where: `NOT pg_catalog.isfinite(%[1]s)`, refused: true, since: 17,
		kept: func(p Profile) bool { return p.IntervalDigits >= microseconds },
	}
	intervalDays = valueClass{
		kind: "days", what: "days, which become hours", where: `pg_catalog.date_part('day', %[1]s) <> 0`,
		kept: func(p Profile) bool { return p.IntervalDigits >= microseconds },
	}
	longNumber = valueClass{
		kind: "long-number", what: "numbers of more digits than a 64-bit integer or a double precision number keeps",
		where: jsonNumbers, refused: true, document: true,
		kept: func(p Profile) bool { return p.JSONDigits },
	}
	jsonNUL = valueClass{
		kind: "nul", what: `\u0000, which no text holds`, where: escapedNUL,
	}
	padding = valueClass{
		kind: "padding", what: "blanks of padding, which are not carried", where: `pg_catalog.octet_length(%[1]s) > pg_catalog.octet_length(%[1]s::pg_catalog.text)`,
	}
	highByte = valueClass{
		kind: "high-byte", what: "a byte above 127, which is no character", where: `%[1]s::pg_catalog.int4 < 0`, refused: true, until: 16,
	}
	octalByte = valueClass{
		kind: "high-byte", what: `a byte above 127, which arrives as a backslash and three digits`, where: `%[1]s::pg_catalog.int4 < 0`, since: 16,
	}
	manyDimensions = valueClass{
		kind: "dimensions", what: "more than 16,000 dimensions", refused: true,
		where: `pg_catalog.split_part(%[1]s::pg_catalog.text, '/', 2)::pg_catalog.int4 > 16000`,
	}
	largeObject = valueClass{
		kind: "large-object", what: "the number of a large object, which is not carried",
		where: `%[1]s::pg_catalog.oid IN (SELECT pg2db9_lo.oid FROM pg_catalog.pg_largeobject_metadata AS pg2db9_lo)`,
	}
	lowerBound = valueClass{
		kind: "lower-bound", what: "bounds of an array that do not begin at 1", where: `pg_catalog.array_dims(%[1]s) !~ '^(\[1:[0-9]+\])+$'`,
	}
	invalidUTF8 = valueClass{kind: "invalid-utf8", what: "bytes that are not valid UTF-8", refused: true, text: notUTF8}
	controlC1   = valueClass{kind: "c1-control", what: "bytes 80 to 9F, which LATIN1 reads as control characters: text that was written as WIN1252, as a rule", text: c1Controls}

	// What becomes a text in a document, where a number stood.
	floatNaN      = valueClass{kind: "nan", what: "NaN, which a document holds as text", where: `%[1]s = 'NaN'`}
	floatInfinity = valueClass{kind: "infinity", what: "infinity, which a document holds as text", where: `%[1]s IN ('Infinity', '-Infinity')`}
	emptyLine     = valueClass{
		kind: "empty-line", what: "an empty text, which the target takes for no row where it is the only column",
		where: `%[1]s::pg_catalog.text = ''`, refused: true, document: true,
		kept: func(p Profile) bool { return p.EmptyLines },
	}
	documentNUL = valueClass{kind: "nul", what: `\u0000, which no document of the target holds`, where: escapedNUL, refused: true, document: true}
)

// documentClasses are the values that a document holds otherwise than the
// array or row that it was made of, by the type of the element or field.
var documentClasses = map[string][]valueClass{
	"float4":  {floatNaN, floatInfinity},
	"float8":  {floatNaN, floatInfinity},
	"numeric": {floatNaN, withSince(floatInfinity, 14)},
	"json":    {documentNUL},
}

func withSince(c valueClass, major int) valueClass {
	c.since = major
	return c
}

// notUTF8 finds bytes that do not make UTF-8 in a database that looks at
// bytes alone, and bytes that its encoding gives no character.
func notUTF8(encoding string) string {
	switch encoding {
	case "SQL_ASCII":
		return `%[1]s::pg_catalog.text !~ '^([\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf][\x80-\xbf]|[\xf1-\xf3][\x80-\xbf][\x80-\xbf][\x80-\xbf]|\xf4[\x80-\x8f][\x80-\xbf][\x80-\xbf])*$'`
	case "WIN1252":
		return `%[1]s::pg_catalog.text ~ '[\x81\x8d\x8f\x90\x9d]'`
	}
	return ""
}

func c1Controls(encoding string) string {
	if encoding == "LATIN1" {
		return `%[1]s::pg_catalog.text ~ '[\x80-\x9f]'`
	}
	return ""
}

// freeText are the types whose values hold whatever bytes the source took.
var freeText = map[string]bool{
	"text": true, "varchar": true, "bpchar": true, "name": true, "char": true, "json": true, "jsonb": true, "xml": true,
	"tsvector": true, "tsquery": true, "hstore/hstore": true, "citext/citext": true, "jsonpath": true,
}

// emptyText are the types whose values may be an empty line of COPY.
var emptyText = map[string]bool{
	"text": true, "varchar": true, "bpchar": true, "name": true, "char": true, "xml": true, "tsvector": true, "tsquery": true, "varbit": true,
	"citext/citext": true, "ltree/ltree": true,
}

// affected lists the values of a column that its transfer does not carry as
// they are, and those that the target refuses.
func (p *planner) affected(t *catalog.Table, c *catalog.Column, typ typing) []Affected {
	source := p.names.sourceColumn(t.Name, c.Name)
	column := ident(source)
	a := affecting{p: p, selected: typ.pick(source)}
	accepted := false
	switch typ.code {
	case typeRefused, typeUnavailable, valueRefused:
		accepted = p.accepted(typ.code, p.names.sourceObject(columnObject(t.Name, c.Name)))
	}
	base := p.withoutDomains(c.Type)
	switch {
	case accepted: // text keeps them all
	case typ.asked != nil:
		a.asked(base, column, typ)
	case typ.document || base.Kind == catalog.KindComposite && p.profile.Map:
		a.inDocument(base, column, typ)
	default:
		a.values(base, column, typ)
	}
	if !accepted {
		if typ.asked == nil {
			a.bounds(base, column, typ)
		}
		if len(t.Columns) == 1 && (c.Generated == 0 || !p.profile.Generated) && (base.Kind == catalog.KindEnum || !base.Array && emptyText[typeKey(base)]) {
			a.add(emptyLine, base, column)
		}
	}
	if a.holds(base, func(key string) bool { return freeText[key] }) {
		a.add(invalidUTF8, base, column)
		a.add(controlC1, base, column)
	}
	return a.out
}

// affecting collects the classes of one column.
type affecting struct {
	p        *planner
	selected string   // what the transfer reads of the column
	wrap     []string // around a condition on an element: EXISTS with %s
	out      []Affected
}

// add renders a class for a value, unless the target or the type excludes it.
func (a *affecting) add(c valueClass, t catalog.Type, value string) {
	major := a.p.db.ServerVersion / 10000
	if c.kept != nil && c.kept(a.p.profile) || c.never != nil && c.never(t, a.p.profile) || major < c.since || c.until > 0 && major >= c.until {
		return
	}
	where := c.where
	if c.text != nil {
		if where = c.text(a.p.db.Encoding); where == "" {
			return
		}
	}
	what := c.what
	var bound int64
	if c.bound != nil {
		bound = c.bound(a.p.profile)
		what = fmt.Sprintf(what, bound)
	}
	a.put(Affected{Kind: c.kind, What: what, Where: render(where, value, bound), Refused: c.refused, Document: c.document})
}

// render fills a condition in; bound is for those that have one.
func render(where, value string, bound int64) string {
	return strings.NewReplacer("%[1]s", value, "%[2]d", fmt.Sprint(bound)).Replace(where)
}

// put records a class once, inside of what wraps it.
func (a *affecting) put(x Affected) {
	for i := len(a.wrap) - 1; i >= 0; i-- {
		x.Where = fmt.Sprintf(a.wrap[i], x.Where)
	}
	a.out = append(a.out, x)
}

// values walks down to the base types of a value that stays what it is.
func (a *affecting) values(t catalog.Type, value string, typ typing) {
	if t.Array {
		a.elements(t, value, func(e catalog.Type, v string) { a.values(e, v, typ) })
		return
	}
	if digits := a.p.keptDigits(t, typ); digits < microseconds {
		cast := fmt.Sprintf("%s::%s(%d)", value, t.Name.Name, digits)
		a.put(Affected{
			Kind: "sub-millisecond", What: fmt.Sprintf("digits of a second beyond %d", digits),
			Where: value + " <> " + cast,
		})
	}
	if !a.p.profile.Map {
		if a.p.db.ServerVersion < 160000 && typeKey(t) == "char" {
			a.add(highByte, t, value)
		}
		return
	}
	if t.Kind != catalog.KindBase {
		return
	}
	for _, c := range typeMap[typeKey(t)].affected {
		a.add(c, t, value)
	}
}

// inDocument is values for what has become json or jsonb.
func (a *affecting) inDocument(t catalog.Type, value string, typ typing) {
	if t.Array {
		a.add(lowerBound, t, value)
	}
	a.leaves(t, value)
	number := func(key string) bool { return key == "numeric" || key == "json" || key == "jsonb" }
	if strings.HasPrefix(typ.target, "jsonb") && a.holds(t, number) {
		c := longNumber
		if nul := a.nuls(); nul != "" {
			c.where = "CASE WHEN " + nul + " THEN false ELSE " + c.where + " END"
		}
		a.add(c, t, a.selected)
	}
}

// asked is values for a column whose type the user chose: only what the
// conversion does not fail on can be told by looking at what it makes.
func (a *affecting) asked(base catalog.Type, column string, typ typing) {
	to := a.p.withoutDomains(*typ.asked)
	a.selected = column
	switch {
	case typ.inner != "": // one half of the column
		a.values(to, typ.inner, typ)
	case isTimestamp(base) && base.Name.Name != "interval" && !base.Array && !isTimestamp(to):
		if !textual(typ.target) {
			c := infinity
			c.kept = nil
			a.add(c, base, column)
		}
	case kin(base) == "number" && kin(to) == "number" && !base.Array:
		if base.Name.Name != "int2" && base.Name.Name != "int4" && base.Name.Name != "int8" {
			base.Mod = -1 // a float has no other
			a.add(numericNaN, base, column)
			a.add(numericInfinity, base, column)
		}
		a.bounds(base, column, typ)
	case kindredTypes(base, to) != other:
		a.values(base, column, typ)
		a.bounds(base, column, typ)
	}
}

// nuls is the condition under which no document can be made of the value.
func (a *affecting) nuls() string {
	var out []string
	for _, x := range a.out {
		if x.Kind == "nul" {
			out = append(out, x.Where)
		}
	}
	return strings.Join(out, " OR ")
}

// leaves walks down to the base types inside of a document.
func (a *affecting) leaves(t catalog.Type, value string) {
	switch {
	case t.Array:
		a.elements(t, value, a.leaves)
	case t.Kind == catalog.KindComposite:
		c := a.p.model.composites[t.Name]
		if c == nil {
			return
		}
		for _, f := range c.Fields {
			a.leaves(a.p.withoutDomains(f.Type), "("+value+")."+ident(f.Name))
		}
	case t.Kind == catalog.KindBase:
		for _, c := range documentClasses[typeKey(t)] {
			a.add(c, t, value)
		}
	}
}

// elements walks over the elements of an array.
func (a *affecting) elements(t catalog.Type, value string, walk func(catalog.Type, string)) {
	e := t
	e.Array, e.Text = false, strings.TrimSuffix(t.Text, "[]")
	e = a.p.withoutDomains(e)
	name, element := "e (v)", "e.v"
	if e.Kind == catalog.KindComposite { // unnest makes a column of each field
		name, element = "e", "e"
	}
	a.wrap = append(a.wrap, "EXISTS (SELECT FROM pg_catalog.unnest("+strings.ReplaceAll(value, "%", "%%")+") AS "+name+" WHERE %s)")
	walk(e, element)
	a.wrap = a.wrap[:len(a.wrap)-1]
}

// holds says whether a type is, or has inside, one of those chosen.
func (a *affecting) holds(t catalog.Type, chosen func(key string) bool) bool {
	t = a.p.withoutDomains(t)
	if t.Kind == catalog.KindComposite {
		c := a.p.model.composites[t.Name]
		if c == nil {
			return false
		}
		for _, f := range c.Fields {
			if a.holds(f.Type, chosen) {
				return true
			}
		}
		return false
	}
	return t.Kind == catalog.KindBase && chosen(typeKey(t))
}

// typeKey is a type's key in the type map.
func typeKey(t catalog.Type) string {
	switch {
	case t.Extension != "":
		return t.Extension + "/" + t.Name.Name
	case t.Name.Schema != "pg_catalog":
		return t.Name.String()
	}
	return t.Name.Name
}

// withoutDomains is the type under the domains around it.
func (p *planner) withoutDomains(t catalog.Type) catalog.Type {
	for t.Kind == catalog.KindDomain {
		d := p.model.domains[t.Name]
		if d == nil || t.Array && d.Base.Array {
			return t
		}
		array := t.Array
		t = d.Base
		t.Array = t.Array || array
	}
	return t
}

// keptDigits are the fractional digits of a second that the transfer keeps of a
// type; 6 where it keeps all that the type has, or is none of time.
func (p *planner) keptDigits(t catalog.Type, typ typing) int {
	if !isTimestamp(t) || typ.class == other {
		return microseconds
	}
	digits := p.secondDigits(t)
	if n, ok := targetModifier(typ.target, "timestamp"); ok {
		digits = min(digits, n)
	}
	if int(fraction(t)) <= digits {
		return microseconds
	}
	return digits
}

// Refused is a column with the values that the target would refuse, or change
// without a word.
type Refused struct {
	Table    *catalog.Table // of the source
	Column   string
	Where    string     // the user's condition on the rows that go; empty is all
	Affected []Affected // each with Refused set
}

// RefusedValues lists what rows can have that the target would not take, table
// by table: what is to be looked for before a plan is made. What the mapping
// leaves behind is not looked for.
func RefusedValues(db *catalog.Database, profile Profile, m *usermap.Mapping) []Refused {
	target, names := remodeled(db, m)
	p := newPlanner(target, profile, Options{Mapping: m})
	p.source, p.names = db, names
	var out []Refused
	for i := range target.Tables {
		t := &target.Tables[i]
		source := p.sourceTable(t)
		if t.Kind == catalog.TableForeign || p.model.root(t) != t || p.chosenRows(t.Name) == noRows {
			continue
		}
		where := ""
		if mapped := names.mapped(t.Name); mapped != nil {
			where = mapped.Where
		}
		for j := range t.Columns {
			c := &t.Columns[j]
			if p.extra(t.Name, c) != nil {
				continue
			}
			typ := p.userTyping(t.Name, c, p.typing(c.Type))
			if typ.code == typeRefused || typ.code == typeUnavailable {
				continue // the type itself blocks
			}
			refused := slices.DeleteFunc(p.affected(t, c, typ), func(a Affected) bool { return !a.Refused })
			if len(refused) > 0 {
				out = append(out, Refused{Table: source, Column: names.sourceColumn(t.Name, c.Name), Where: where, Affected: refused})
			}
		}
	}
	return out
}

// AffectedKinds lists the kinds of Affected that a plan can have.
func AffectedKinds() []string {
	kinds := map[string]bool{"sub-millisecond": true, "over-length": true, "out-of-range": true, "scale": true}
	note := func(classes []valueClass) {
		for _, c := range classes {
			kinds[c.kind] = true
		}
	}
	for _, m := range typeMap {
		note(m.affected)
	}
	for _, classes := range documentClasses {
		note(classes)
	}
	note([]valueClass{lowerBound, invalidUTF8, controlC1, emptyLine})
	return slices.Sorted(maps.Keys(kinds))
}
