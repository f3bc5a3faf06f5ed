package verify

import (
	"bytes"
	"unicode/utf8"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// shownCharacters is how much of a value is shown, unless values were asked for
// whole.
const shownCharacters = 60

// describe says how a row differs.
func (v *run) describe(c *comparison, p pairFound) RowDifference {
	t := c.transfer
	d := RowDifference{Table: t.Target, Source: t.Source, Kind: p.kind, Copies: p.copies}
	n := len(t.Columns)
	var source, target []cell
	either := p.source
	if p.source != nil {
		source = p.source.cells(n)
	}
	if p.target != nil {
		target = p.target.cells(n)
	}
	if either == nil {
		either = p.target
	}
	d.Hash = [2]uint64{either.hi, either.lo}
	keyed := len(c.buckets.keys) > 0
	if keyed {
		d.Key = keyValues(t, c.buckets.keys, either.key)
	}
	for i, column := range t.Columns {
		switch {
		case p.kind == RowChanged:
			if !source[i].equal(target[i]) {
				s, o := v.values(source[i], target[i])
				d.Columns = append(d.Columns, ValueDifference{Column: column.Target, Source: s, Target: o})
			}
		case keyed && (!v.p.ShowValues || c.buckets.isKey(i)):
		case p.kind == RowMissing:
			s, _ := v.values(source[i], cell{})
			d.Columns = append(d.Columns, ValueDifference{Column: column.Target, Source: s})
		default:
			o, _ := v.values(target[i], cell{})
			d.Columns = append(d.Columns, ValueDifference{Column: column.Target, Target: o})
		}
	}
	return d
}

func (b *bucketing) isKey(field int) bool {
	for _, k := range b.keys {
		if k == field {
			return true
		}
	}
	return false
}

// keyValues are the values of a key, in the key's order.
func keyValues(t *ddlgen.Transfer, fields []int, key []byte) []KeyValue {
	byName := map[string]KeyValue{}
	for i, text := range bytes.Split(key, []byte{'\t'}) {
		if i < len(fields) {
			k := KeyValue{Column: t.Columns[fields[i]].Target, Null: string(text) == digest.Null}
			if !k.Null {
				k.Value = string(digest.AppendUnescaped(nil, text))
			}
			byName[k.Column] = k
		}
	}
	list := make([]KeyValue, len(t.Key))
	for i, name := range t.Key {
		list[i] = byName[name]
	}
	return list
}

// values are two values as they are shown: where both are long, from a little
// before the place where they differ.
func (v *run) values(a, b cell) (*Value, *Value) {
	from := 0
	left, right := plain(a), plain(b)
	if !v.p.ShowValues && b.whole {
		from = firstDifference(left, right) - shownCharacters/3
	}
	return v.value(a, left, from), v.value(b, right, from)
}

// plain is a field without the escapes of COPY TEXT.
func plain(c cell) []byte { return digest.AppendUnescaped(nil, c.text) }

func firstDifference(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func (v *run) value(c cell, text []byte, from int) *Value {
	if c.null() {
		return &Value{Null: true}
	}
	out := &Value{Text: string(bytes.ToValidUTF8(text, []byte("\uFFFD")))}
	if c.whole && (v.p.ShowValues || utf8.RuneCount(text) <= shownCharacters) {
		return out
	}
	out.Bytes = c.length
	if c.whole {
		out.Bytes = int64(len(text))
	}
	out.Text = window(text, from)
	return out
}

// window is the part of a text that is shown, from about a place on.
func window(text []byte, from int) string {
	begin := ""
	from = min(max(from, 0), max(0, len(text)-shownCharacters))
	for from > 0 && from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	if from > 0 {
		begin = "…"
	}
	rest := text[from:]
	end := 0
	for range shownCharacters {
		if end >= len(rest) {
			break
		}
		_, n := utf8.DecodeRune(rest[end:])
		end += n
	}
	tail := ""
	if end < len(rest) {
		tail = "…"
	}
	return begin + string(bytes.ToValidUTF8(rest[:end], []byte("\uFFFD"))) + tail
}
