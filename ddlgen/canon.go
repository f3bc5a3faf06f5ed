package ddlgen

import (
	"strings"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// canons are the forms under which values of a target's type are compared,
// where the target prints them in its own way (db9.md section 4): by type, as
// format_type writes it without modifiers.
var canons = map[string]digest.Canon{
	"boolean":                     digest.Bool,
	"double precision":            digest.Float8,
	"numeric":                     digest.Numeric,
	"time without time zone":      digest.Time,
	"timestamp without time zone": digest.Timestamp,
	"timestamp with time zone":    digest.TimestampTZ,
	"jsonb":                       digest.JSONB,
}

// microseconds are the fractional digits of a second that PostgreSQL keeps. A
// target that keeps them of intervals keeps days apart from hours too.
const microseconds = 6

// canonOf is the form for a type of the target; Text where its values are
// written by all servers alike.
func (p Profile) canonOf(target string) digest.Canon {
	element, array := strings.CutSuffix(target, "[]")
	if open := strings.IndexByte(element, '('); open >= 0 { // numeric(12,2), timestamp(3) with time zone
		if end := strings.IndexByte(element[open:], ')'); end >= 0 {
			element = element[:open] + element[open+end+1:]
		}
	}
	if element == "vector" || strings.HasSuffix(element, ".vector") {
		return digest.Float4Array // the extension keeps single precision, and prints it
	}
	canon := canons[element]
	if element == "interval" || strings.HasPrefix(element, "interval ") { // interval day to second
		canon = digest.Interval
		if p.IntervalDigits >= microseconds {
			canon = digest.IntervalDays
		}
	}
	if array {
		return digest.ArrayOf(canon)
	}
	return canon
}
