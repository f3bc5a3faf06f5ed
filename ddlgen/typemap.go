package ddlgen

import (
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// class says what becomes of expressions over a mapped type.
type class int

const (
	same  class = iota // the type itself: everything works as before
	alike              // another type with the same operators: expressions work once their casts are rewritten
	other              // another kind of value: only IS NULL still works
)

// mapping is one entry of the type map: what DB9 gets for a type.
type mapping struct {
	refuse bool   // blocks the column; accepted it becomes target
	target string // without modifier and brackets; empty keeps the type as it is
	length bool   // the target takes the source's length as its modifier
	cast   string // appended to the column on the source: "text::bigint"
	array  string // the cast of an array, where it is not that of the element with []
	call   string // function around the column on the source, in the type's own schema when ownCall
	own    bool   // call stands in the schema of the type's extension
	scalar bool   // arrays of it become the target itself, not an array of it
	class  class
	canon  digest.Canon
	check  string // condition that keeps the type's bounds; %s is the column
	unit   bool   // arrays travel by array although the element needs no cast
	loss   string

	affected []valueClass // values that do not arrive as they are; see affected.go
}

// typeMap is the table of DB9's types, by pg_type.typname; what an extension
// owns is under "extension/typname". A type that is not listed is refused.
var typeMap = map[string]mapping{
	"bool":     {},
	"int4":     {},
	"int8":     {},
	"uuid":     {},
	"float8":   {},
	"text":     {},
	"varchar":  {},
	"name":     {},
	"bytea":    {},
	"date":     {affected: []valueClass{infinity, yearBC, farYear}},
	"time":     {affected: []valueClass{hour24}},
	"json":     {affected: []valueClass{jsonNUL}},
	"jsonb":    {affected: []valueClass{longNumber}},
	"tsvector": {},
	"tsquery":  {},

	// Decided by their modifiers; see typing.
	"numeric":     {affected: []valueClass{numericNaN, numericInfinity, numericDigits}},
	"timestamp":   {affected: []valueClass{infinity, yearBC, farYear}},
	"timestamptz": {affected: []valueClass{infinity, yearBC, farYear}},
	"interval":    {affected: []valueClass{intervalDays, intervalInfinity}},

	"int2": {
		target: "integer", class: alike, check: "%s BETWEEN -32768 AND 32767",
		loss: "the type's name",
	},
	"float4": {
		target: "double precision", class: alike, canon: digest.Float4, array: "text[]::double precision[]", unit: true,
		loss: "new values keep 53 bits",
	},
	"bpchar": {
		target: "character varying", length: true, cast: "text", class: alike,
		loss: "the padding: trailing blanks count in later comparisons", affected: []valueClass{padding},
	},
	"char":   {target: "text", class: alike, loss: "the limit of one byte", affected: []valueClass{highByte, octalByte}},
	"money":  {target: "numeric", cast: "numeric", class: other, loss: "the currency format"},
	"timetz": {target: "text", class: other, loss: "order and arithmetic"},

	"xml":      {target: "text", class: other, loss: "well-formedness and XPath"},
	"inet":     {target: "text", class: other, loss: "order and operators"},
	"cidr":     {target: "text", class: other, loss: "order and operators"},
	"macaddr":  {target: "text", class: other, loss: "order and operators"},
	"macaddr8": {target: "text", class: other, loss: "order and operators"},
	"point":    {target: "text", class: other, loss: "operators"},
	"line":     {target: "text", class: other, loss: "operators"},
	"lseg":     {target: "text", class: other, loss: "operators"},
	"box":      {target: "text", class: other, array: "text[]", unit: true, loss: "operators"},
	"path":     {target: "text", class: other, loss: "operators"},
	"polygon":  {target: "text", class: other, loss: "operators"},
	"circle":   {target: "text", class: other, loss: "operators"},
	"bit": {
		target: "character varying", length: true, class: other, check: "%s ~ '^[01]*$'",
		loss: "operators",
	},
	"varbit": {
		target: "character varying", length: true, class: other, check: "%s ~ '^[01]*$'",
		loss: "operators",
	},

	"oid": {
		target: "bigint", cast: "text::bigint", array: "text[]::bigint[]", class: alike, loss: "what it refers to",
		affected: []valueClass{largeObject},
	},
	"xid":  {target: "bigint", cast: "text::bigint", array: "text[]::bigint[]", class: alike, loss: "what it refers to"},
	"cid":  {target: "bigint", cast: "text::bigint", array: "text[]::bigint[]", class: alike, loss: "what it refers to"},
	"xid8": {target: "text", class: other, loss: "order and operators"},
	"tid":  {target: "text", class: other, loss: "order and operators"},

	"regclass":      {target: "text", class: other, loss: "resolution of the name"},
	"regcollation":  {target: "text", class: other, loss: "resolution of the name"},
	"regconfig":     {target: "text", class: other, loss: "resolution of the name"},
	"regdictionary": {target: "text", class: other, loss: "resolution of the name"},
	"regnamespace":  {target: "text", class: other, loss: "resolution of the name"},
	"regoper":       {target: "text", class: other, loss: "resolution of the name"},
	"regoperator":   {target: "text", class: other, loss: "resolution of the name"},
	"regproc":       {target: "text", class: other, loss: "resolution of the name"},
	"regprocedure":  {target: "text", class: other, loss: "resolution of the name"},
	"regrole":       {target: "text", class: other, loss: "resolution of the name"},
	"regtype":       {target: "text", class: other, loss: "resolution of the name"},
	"pg_lsn":        {target: "text", class: other, loss: "order and operators"},
	"pg_snapshot":   {target: "text", class: other, loss: "operators"},
	"txid_snapshot": {target: "text", class: other, loss: "operators"},
	"jsonpath":      {target: "text", class: other, loss: "operators"},

	"vector/vector":  {},
	"vector/halfvec": {target: "vector", length: true, cast: "vector", own: true, class: alike, loss: "the half size"},
	"vector/sparsevec": {
		target: "vector", length: true, cast: "vector", own: true, class: alike, loss: "the sparse form",
		affected: []valueClass{manyDimensions},
	},
	"hstore/hstore": {
		target: "jsonb", call: "hstore_to_jsonb", own: true, array: "jsonb[]", class: other,
		loss: "the operators of hstore",
	},
	"citext/citext": {target: "text", class: alike, loss: "comparison without regard to case"},

	"ltree/ltree":      {target: "text", class: other, loss: "operators and indexes"},
	"ltree/lquery":     {target: "text", class: other, loss: "operators and indexes"},
	"ltree/ltxtquery":  {target: "text", class: other, loss: "operators and indexes"},
	"cube/cube":        {target: "text", class: other, loss: "operators and indexes"},
	"seg/seg":          {target: "text", class: other, loss: "operators and indexes"},
	"isn/ean13":        {target: "text", class: other, loss: "operators and indexes"},
	"isn/isbn":         {target: "text", class: other, loss: "operators and indexes"},
	"isn/isbn13":       {target: "text", class: other, loss: "operators and indexes"},
	"isn/ismn":         {target: "text", class: other, loss: "operators and indexes"},
	"isn/ismn13":       {target: "text", class: other, loss: "operators and indexes"},
	"isn/issn":         {target: "text", class: other, loss: "operators and indexes"},
	"isn/issn13":       {target: "text", class: other, loss: "operators and indexes"},
	"isn/upc":          {target: "text", class: other, loss: "operators and indexes"},
	"postgis/geometry": refused, "postgis/geography": refused, "postgis_raster/raster": refused,
}

// refused is the entry of a type that blocks its columns: accepted, the values
// become the type's output text.
var refused = mapping{
	refuse: true, target: "text", array: "text[]", unit: true, class: other,
	loss: "the type with its functions, operators and indexes",
}

// Kinds of type whose members are no names in the map.
var (
	rangeMapping     = mapping{target: "text", class: other, loss: "operators and exclusion"}
	compositeMapping = mapping{target: "jsonb", call: "to_jsonb", scalar: true, class: other, loss: "the types of the fields and access to them"}
)

// numericMod takes a numeric's modifier apart.
func numericMod(mod int32) (precision, scale int32) {
	mod -= 4
	return mod >> 16 & 0xffff, (mod&0x7ff ^ 0x400) - 0x400
}

// length is the declared length of a type with one modifier; 0 is none.
func length(t catalog.Type) int32 {
	switch {
	case t.Mod < 0:
		return 0
	case t.Name.Name == "bpchar" || t.Name.Name == "varchar":
		return t.Mod - 4
	}
	return t.Mod
}

// fraction is the declared number of fractional digits of a second; 6 where
// nothing is declared.
func fraction(t catalog.Type) int32 {
	digits := t.Mod
	if t.Name.Name == "interval" {
		digits &= 0xffff
	}
	if t.Mod < 0 || digits > 6 {
		return 6
	}
	return digits
}

// timeText is format_type's text of a timestamp type with its precision.
func timeText(name string, digits int) string {
	zone := "without"
	if name == "timestamptz" {
		zone = "with"
	}
	return fmt.Sprintf("timestamp(%d) %s time zone", digits, zone)
}
