package ddlgen

import (
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// typing is what becomes of one type: the target's type and the way of a value.
type typing struct {
	target   string              // as format_type would say it on the target
	sel      func(string) string // quoted column to SQL expression on the source; nil is the column
	canon    digest.Canon
	class    class
	check    string // condition on the target; %s is the quoted column
	loss     string
	code     finding.Code // what to find about the column; empty is nothing
	message  string
	domains  []*catalog.Domain // expanded, outermost first
	element  []*catalog.Domain // domains of array elements, whose checks are lost
	document bool              // an array that has become a document
	asked    *catalog.Type     // what the user asks for in place of the source's; nil is nothing
	inner    string            // of one of two columns: its half of the source's, before the target's type
	fold     bool              // the source compared without regard to case (citext)
}

// pick is the SELECT expression of a column.
func (t typing) pick(column string) string {
	q := quote.Ident(column)
	if t.sel == nil {
		return q
	}
	return t.sel(q)
}

// typing decides what the target gets for a type.
func (p *planner) typing(t catalog.Type) typing {
	if p.profile.Map {
		out := p.arrayless(t, p.mapped(t))
		if out.canon == digest.Text {
			out.canon = p.profile.canonOf(out.target)
		}
		return out
	}
	if why := p.missingType(t); why != "" {
		return unavailable(t, why)
	}
	out := typing{target: t.Text}
	if digits := p.secondDigits(t); digits < 6 && isTimestamp(t) && int(fraction(t)) > digits {
		rounded(&out, t, digits)
	}
	return out
}

// unavailable is a type that blocks its column, and is text when accepted.
func unavailable(t catalog.Type, why string) typing {
	out := fromMapping(refused, t)
	out.code, out.message = typeUnavailable, fmt.Sprintf("%s: %s", t.Text, why)
	return out
}

// mapped applies the type map.
func (p *planner) mapped(t catalog.Type) typing {
	switch t.Kind {
	case catalog.KindEnum:
		if p.model.enums[t.Name] == nil {
			return refusedType(t, "the enum is not carried")
		}
		return typing{target: t.Text}
	case catalog.KindDomain:
		return p.expanded(t)
	case catalog.KindComposite:
		return fromMapping(compositeMapping, t)
	case catalog.KindRange, catalog.KindMultirange:
		return fromMapping(rangeMapping, t)
	case catalog.KindPseudo:
		return refusedType(t, "a pseudo-type")
	case catalog.KindBase:
	}

	key := t.Name.Name
	switch {
	case t.Extension != "":
		key = t.Extension + "/" + key
	case t.Name.Schema != "pg_catalog":
		return refusedType(t, "a base type of the user's")
	}
	m, known := typeMap[key]
	switch {
	case !known:
		return refusedType(t, "no type of the target holds it")
	case m.refuse:
		return refusedType(t, "the target has no "+t.Name.Name)
	case t.Extension != "" && m.target == "" && !p.extensions[t.Extension],
		m.target == "vector" && !p.extensions["vector"]:
		return refusedType(t, fmt.Sprintf("the target has no extension %s", t.Extension))
	}
	switch {
	case key == "numeric":
		return numericTyping(t, p.profile.NumericDigits)
	case isTimestamp(t):
		out := typing{target: t.Text}
		switch digits := p.secondDigits(t); {
		case int(fraction(t)) > digits:
			rounded(&out, t, digits)
		case int(fraction(t)) < digits && digits < 6 && key != "interval":
			// Its precision is syntax to the target, which keeps as many digits as it can.
			given := out.target
			out.target = timeText(key, digits)
			if t.Array {
				out.target += "[]"
			}
			out.code = typePrecision
			out.message = fmt.Sprintf("%s keeps %d fractional digits of a second, whatever is declared: values written later are not rounded", given, digits)
		}
		return out
	case key == "money":
		m.target = fmt.Sprintf("numeric(19,%d)", p.db.MoneyDigits)
	case key == "vector/sparsevec" && t.Mod > 16000:
		return refusedType(t, "a vector has at most 16,000 dimensions")
	}
	if m.target == "" {
		return typing{target: t.Text}
	}
	out := fromMapping(m, t)
	if m.own { // what converts the values stands in the source's schema
		at := t
		at.Name = p.names.sourceName(t.Name)
		out.sel = fromMapping(m, at).sel
	}
	return out
}

// arrayless lets an array travel as a document, where the target may misread
// elements: "007" as a number, inner braces as text (db9.md section 4). Decimals
// keep their digits in json alone.
func (p *planner) arrayless(t catalog.Type, out typing) typing {
	if p.profile.Arrays || !strings.HasSuffix(out.target, "[]") || out.code == typeRefused || out.code == typeUnavailable {
		return out
	}
	target := "jsonb"
	if strings.HasPrefix(out.target, "numeric") {
		target = "json"
	}
	out.target, out.class, out.code, out.canon, out.document = target, other, typeMapped, "", true
	out.sel = func(c string) string { return "to_" + target + "(" + c + ")" }
	if !strings.Contains(out.loss, "array") {
		out.loss = strings.TrimPrefix(out.loss+"; the type of the array and its bounds", "; ")
	}
	out.message = fmt.Sprintf("%s becomes %s; lost: %s", t.Text, target, out.loss)
	return out
}

// fromMapping renders an entry of the map for a type with its modifier and
// brackets.
func fromMapping(m mapping, t catalog.Type) typing {
	out := typing{class: m.class, canon: m.canon, loss: m.loss, code: typeMapped}
	out.target = m.target
	if n := length(t); m.length {
		switch {
		case n > 0:
			out.target = fmt.Sprintf("%s(%d)", m.target, n)
		case t.Name.Name == "bpchar":
			out.target = "text"
		}
	}
	if t.Extension == "vector" {
		out.target = strings.Replace(out.target, m.target, quote.Name(t.Name.Schema, m.target), 1)
		out.target = unquoted(out.target)
	}
	cast := m.cast
	if cast != "" && m.own {
		cast = quote.Name(t.Name.Schema, cast)
	}
	call := m.call
	if call != "" && m.own {
		call = quote.Name(t.Name.Schema, call)
	}
	if t.Array && !m.scalar {
		out.target += "[]"
		out.canon = digest.Text
		switch {
		case m.array != "":
			cast, call = m.array, ""
		case cast != "":
			cast += "[]"
		}
	} else if !t.Array {
		out.check = m.check
	}
	switch {
	case call != "":
		out.sel = func(c string) string { return call + "(" + c + ")" }
	case cast != "":
		out.sel = func(c string) string { return c + "::" + cast }
	}
	if t.Array && m.check != "" {
		out.loss += "; the bounds of the elements"
	}
	if t.Array && m.scalar {
		out.loss += "; the bounds of the array"
	}
	out.message = fmt.Sprintf("%s becomes %s; lost: %s", t.Text, out.target, out.loss)
	return out
}

// unquoted takes the quotes off a name that needs none, as format_type writes
// it.
func unquoted(name string) string {
	out := tokenize(name)
	for i, t := range out {
		if id, ok := t.ident(); ok && plainIdent(id) {
			out[i].text = id
		}
	}
	return join(out)
}

func plainIdent(s string) bool {
	for i := range len(s) {
		c := s[i]
		if lower := c >= 'a' && c <= 'z'; !lower && c != '_' && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return s != ""
}

func refusedType(t catalog.Type, why string) typing {
	out := fromMapping(refused, t)
	out.code = typeRefused
	out.message = fmt.Sprintf("%s: %s", t.Text, why)
	return out
}

func isTimestamp(t catalog.Type) bool {
	if t.Name.Schema != "pg_catalog" || t.Kind != catalog.KindBase {
		return false
	}
	return t.Name.Name == "timestamp" || t.Name.Name == "timestamptz" || t.Name.Name == "interval"
}

// secondDigits are the fractional digits of a second that the target keeps of a
// time type.
func (p *planner) secondDigits(t catalog.Type) int {
	if t.Name.Name == "interval" {
		return p.profile.IntervalDigits
	}
	return p.profile.TimestampDigits
}

// rounded lets a time type keep the target's precision, by a cast on the source.
func rounded(out *typing, t catalog.Type, digits int) {
	cast := fmt.Sprintf("%s(%d)", t.Name.Name, digits)
	if t.Name.Name != "interval" {
		out.target = timeText(t.Name.Name, digits)
		if t.Array {
			out.target += "[]"
		}
	}
	if t.Array {
		cast += "[]"
	}
	out.sel = func(c string) string { return c + "::" + cast }
	out.code = typePrecision
	out.loss = fmt.Sprintf("digits of a second beyond %d", digits)
	out.message = fmt.Sprintf("%s keeps %d fractional digits of a second; values are rounded on the source", t.Text, digits)
	if t.Name.Name == "interval" {
		out.loss += ", the difference between a day and 24 hours"
		out.message += "; a day and 24 hours are the same to the target"
	}
}

// numericTyping keeps a numeric that fits the target's decimal, and refuses one
// declared with more digits.
func numericTyping(t catalog.Type, digits int) typing {
	out := typing{target: t.Text}
	if digits == 0 {
		return out
	}
	if t.Mod < 0 {
		out.code = typeUnbounded
		out.message = fmt.Sprintf("%s without a bound: rows with more than %d digits, NaN or infinities are refused by the target", t.Text, digits)
		return out
	}
	if !fitsDigits(t, digits) {
		return refusedType(t, fmt.Sprintf("the target keeps %d digits", digits))
	}
	return out
}

// expanded replaces a domain by its base, and keeps the domains passed on the
// way for their NOT NULL, default and checks.
func (p *planner) expanded(t catalog.Type) typing {
	d := p.model.domains[t.Name]
	if d == nil {
		if t.Name.Schema == "information_schema" || t.Extension != "" {
			return refusedType(t, "a domain that is not carried")
		}
		return refusedType(t, "the domain is not in the model")
	}
	base := d.Base
	if t.Array {
		if base.Array {
			return refusedType(t, "an array of a domain over an array")
		}
		base.Array = true
		base.Text += "[]"
	}
	out := p.mapped(base)
	if t.Array {
		out.element = append([]*catalog.Domain{d}, out.element...)
	} else {
		out.domains = append([]*catalog.Domain{d}, out.domains...)
	}
	switch out.code {
	case typeRefused, typeUnavailable:
		out.message = fmt.Sprintf("domain %s over %s", t.Text, out.message)
	case "":
		out.code, out.message = typeExpanded, fmt.Sprintf("domain %s becomes %s", t.Text, out.target)
	default:
		out.message = fmt.Sprintf("domain %s over %s", t.Text, out.message)
	}
	return out
}

// missingType says why a type is not on the target of a profile that keeps
// types; empty when it is there.
func (p *planner) missingType(t catalog.Type) string {
	if why := p.missingBuiltIn(t); why != "" || builtIn(t.Name.Schema) || t.Extension != "" {
		return why
	}
	return p.missingUserType(t.Name)
}

// missingBuiltIn is missingType so far as it is no matter of the user's types.
func (p *planner) missingBuiltIn(t catalog.Type) string {
	switch {
	case t.Kind == catalog.KindMultirange && !p.has(14):
		return p.majorText() + " has no multiranges"
	case builtIn(t.Name.Schema):
		return ""
	case t.Extension != "" && !p.extensions[t.Extension]:
		return fmt.Sprintf("the target has no extension %s", t.Extension)
	}
	return ""
}

// missingUserType is missingType for a type of the user's by its name.
func (p *planner) missingUserType(n catalog.Name) string {
	if p.model.enums[n] != nil {
		return ""
	}
	if r, ok := p.rangeOf[n]; ok {
		n = r
	}
	if d := p.node[refKey{"type", n}]; d != nil {
		return p.missingNode(d)
	}
	if p.tableCarried(n) || p.foreignCarried(n) {
		return ""
	}
	return fmt.Sprintf("type %s is left behind", n)
}
