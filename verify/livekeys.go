package verify

import (
	"bytes"
	"strings"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// liveRead is how many bytes one statement reads of a table whose key goes with
// its order: no snapshot is older than that takes.
const liveRead = 256 << 20

// liveParts cuts a read of a side that is written. Ranges of the key are the
// first choice: an UPDATE moves a row to another block, and so into a range of
// blocks that was read before or one that is read later; its key stays. Where the
// key does not go with the blocks, a table is one statement up to the size of the
// largest part, and of a table without a key, in which rows cannot be looked at
// one by one, every read is whole.
func (v *run) liveParts(r *read, s size, major int, limit int64) []part {
	b := r.table.buckets
	whole := []part{{label: "whole", bytes: r.part.bytes}}
	if len(b.keys) == 0 {
		return whole
	}
	if !b.ranged() || !b.stored || len(b.borders) == 0 {
		parts := cut(s, major, mostPart)
		if len(parts) > 1 {
			r.table.blocks = max(r.table.blocks, len(parts))
		}
		return parts
	}
	limit = min(limit, liveRead)
	n := int(min((r.part.bytes+limit-1)/limit, int64(b.count)))
	if n < 2 {
		return whole
	}
	column := r.table.sourceColumn()
	if r.target {
		column = r.table.targetColumn()
	}
	parts := make([]part, 0, n)
	var low *uint64
	for i := 1; i <= n; i++ {
		var high *uint64
		if i < n {
			high = &b.borders[i*b.count/n-1]
		}
		parts = append(parts, part{
			where: keyRange{low, high}.where(b.form, column), label: rangeLabel(b.form, low, high), bytes: r.part.bytes / int64(n),
		})
		low = high
	}
	return parts
}

func rangeLabel(form *keyForm, low, high *uint64) string {
	text := func(at *uint64) string { return strings.Trim(form.literal(*at), " E'") }
	switch {
	case low == nil:
		return "keys below " + text(high)
	case high == nil:
		return "keys from " + text(low)
	}
	return "keys from " + text(low) + " below " + text(high)
}

// exactKeys are the types whose every value is found again by its canonical text,
// each with what the two sides may call it.
var exactKeys = map[string]string{
	"smallint": "integer", "integer": "integer", "bigint": "integer", "uuid": "uuid", "bytea": "bytea", "date": "date", "boolean": "boolean",
	"text": "text", "character varying": "text", "numeric": "numeric", "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
}

// exactCanons are canonical forms that are values of the type again.
var exactCanons = map[digest.Canon]bool{digest.Text: true, digest.Bool: true, digest.Numeric: true, digest.Timestamp: true, digest.TimestampTZ: true}

// keyIsExact says whether rows can be asked for by their keys. A row that is not
// found on either side counts as gone, so there must be no doubt: with a type of
// which equality may fail, as with what is converted on the way, rows are found
// by reading more than them.
func (c *comparison) keyIsExact() bool {
	for _, i := range c.buckets.keys {
		column := c.transfer.Columns[i]
		if column.Select != quote.Ident(column.Source) || column.ReadBack != quote.Ident(column.Target) || column.SourceType == nil ||
			column.SourceType.Array || !exactCanons[column.Canon] {
			return false
		}
		source, target := exactKeys[bareType(column.SourceType.Text)], exactKeys[bareType(column.TargetType)]
		if source == "" || source != target {
			return false
		}
	}
	return true
}

// bareType is a type without its modifier.
func bareType(typ string) string {
	name, rest, ok := strings.Cut(typ, "(")
	if !ok {
		return typ
	}
	_, after, _ := strings.Cut(rest, ")")
	return name + after
}

// keyCondition finds the rows of the chunk's keys.
func (k *chunk) keyCondition(target bool) string {
	fields, columns := k.comparison.buckets.keys, k.comparison.transfer.Columns
	name := func(i int) string {
		if target {
			return quote.Ident(columns[fields[i]].Target)
		}
		return quote.Ident(columns[fields[i]].Source)
	}
	var values, rows []string
	for _, key := range k.byKey {
		parts := bytes.Split(key, []byte{'\t'})
		if len(parts) == 1 && string(parts[0]) != digest.Null {
			values = append(values, keyLiteral(parts[0]))
			continue
		}
		each := make([]string, len(parts))
		for i, text := range parts {
			if each[i] = name(i) + " = " + keyLiteral(text); string(text) == digest.Null {
				each[i] = name(i) + " IS NULL"
			}
		}
		rows = append(rows, "("+strings.Join(each, " AND ")+")")
	}
	if len(values) > 0 {
		rows = append(rows, name(0)+" IN ("+strings.Join(values, ", ")+")")
	}
	return "(" + strings.Join(rows, " OR ") + ")"
}

func keyLiteral(text []byte) string {
	return strings.TrimSpace(quote.Literal(string(digest.AppendUnescaped(nil, text))))
}
