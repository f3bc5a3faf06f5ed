package ddlgen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// integerDigits are the decimal digits that an integer type can have.
var integerDigits = map[string]int{"int2": 5, "int4": 10, "int8": 19}

// bounds adds the values that a narrower type of the target does not take.
func (a *affecting) bounds(t catalog.Type, column string, typ typing) {
	if strings.HasSuffix(typ.target, "[]") || t.Array {
		return
	}
	value := a.selected
	if n, ok := targetModifier(typ.target, "character varying"); ok && !fitsLength(t, n) {
		a.put(Affected{
			Kind: "over-length", What: fmt.Sprintf("more than %d characters", n), Refused: true,
			Where: fmt.Sprintf("pg_catalog.char_length(%s::pg_catalog.text) > %d", value, n),
		})
	}
	if precision, scale, ok := targetNumeric(typ.target); ok && !fitsNumeric(t, precision, scale) {
		a.put(Affected{
			Kind: "out-of-range", What: fmt.Sprintf("more than %d digits before the point", precision-scale), Refused: true,
			Where: fmt.Sprintf("pg_catalog.abs(pg_catalog.round(%s::pg_catalog.numeric, %d)) >= 1e%d", value, scale, precision-scale),
		})
		a.put(Affected{
			Kind: "scale", What: fmt.Sprintf("more than %d digits behind the point", scale),
			Where: fmt.Sprintf("%[1]s::pg_catalog.numeric <> pg_catalog.round(%[1]s::pg_catalog.numeric, %[2]d)", column, scale),
		})
	}
	if low, high, ok := integerRange(typ.target); ok && !fitsInteger(t, typ.target) {
		a.put(Affected{
			Kind: "out-of-range", What: "a number that " + typ.target + " does not take", Refused: true,
			Where: fmt.Sprintf("%s::pg_catalog.numeric NOT BETWEEN %s AND %s", value, low, high),
		})
	}
}

// targetModifier reads the one modifier of a type of the target by its name.
func targetModifier(target, name string) (int, bool) {
	rest, ok := strings.CutPrefix(target, name+"(")
	if !ok {
		return 0, false
	}
	digits, _, ok := strings.Cut(rest, ")")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil
}

func targetNumeric(target string) (precision, scale int, ok bool) {
	rest, ok := strings.CutPrefix(target, "numeric(")
	if !ok {
		return 0, 0, false
	}
	text, _, ok := strings.Cut(rest, ")")
	first, second, two := strings.Cut(text, ",")
	precision, err := strconv.Atoi(first)
	if two && err == nil {
		scale, err = strconv.Atoi(second)
	}
	return precision, scale, ok && err == nil
}

func integerRange(target string) (low, high string, ok bool) {
	switch target {
	case "smallint":
		return "-32768", "32767", true
	case "integer":
		return "-2147483648", "2147483647", true
	case "bigint":
		return "-9223372036854775808", "9223372036854775807", true
	}
	return "", "", false
}

// fitsLength says whether no value of a type has more than n characters.
func fitsLength(t catalog.Type, n int) bool {
	switch typeKey(t) {
	case "varchar", "bpchar", "bit", "varbit":
		return length(t) > 0 && int(length(t)) <= n
	case "char":
		return n >= 4
	case "bool":
		return n >= 5
	}
	if d, ok := integerDigits[typeKey(t)]; ok {
		return d < n
	}
	return false
}

// fitsNumeric says whether no value of a type has more digits before the point,
// and none behind it, than numeric(precision,scale).
func fitsNumeric(t catalog.Type, precision, scale int) bool {
	key := typeKey(t)
	if d, ok := integerDigits[key]; ok {
		return d <= precision-scale
	}
	switch key {
	case "money":
		return precision >= 19
	case "numeric":
		if t.Mod < 0 {
			return false
		}
		p, s := numericMod(t.Mod)
		return int(s) <= scale && int(p-s) <= precision-scale
	}
	return false
}

// fitsDigits says whether a declared numeric has no more digits than a target
// keeps.
func fitsDigits(t catalog.Type, digits int) bool {
	precision, scale := numericMod(t.Mod)
	return int(max(precision, scale, precision-scale)) <= digits
}

// fitsInteger says whether an integer type of the target takes all values of t.
func fitsInteger(t catalog.Type, target string) bool {
	bytes := map[string]int{"int2": 2, "smallint": 2, "int4": 4, "integer": 4, "oid": 5, "xid": 5, "cid": 5, "int8": 8, "bigint": 8}
	from, ok := bytes[typeKey(t)]
	return ok && from <= bytes[target] || typeKey(t) == "bool"
}
