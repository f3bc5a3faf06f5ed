package copier

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// printedValue is how many bytes of a value are printed.
const printedValue = 120

// literal is a value as a statement has it: whole where it is executed, shortened
// where it is printed.
func (w *repairWriter) literal(v *string) string {
	if w.repairer.p.Print == nil || v == nil {
		return literalOf(v)
	}
	return printedLiteral(*v)
}

// printedLiteral is a value for people. What a terminal would obey is escaped, and
// where it is cut, its size is said.
func printedLiteral(v string) string {
	cut := v
	tail := ""
	if len(v) > printedValue {
		end := printedValue
		for end > 0 && !utf8.RuneStart(v[end]) {
			end--
		}
		cut, tail = v[:end]+"…", fmt.Sprintf(" /* the begin of %d bytes */", len(v))
	}
	unsafe := func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }
	if !strings.ContainsFunc(cut, unsafe) {
		return strings.TrimPrefix(quote.Literal(cut), " ") + tail
	}
	var b strings.Builder
	b.WriteString("E'")
	for _, r := range cut {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\'':
			b.WriteString(`''`)
		case r == '\\':
			b.WriteString(`\\`)
		case unsafe(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString("'")
	return b.String() + tail
}

// name is the table in UPDATE and DELETE: its own rows, and never those of tables
// that inherit from it.
func (w *repairWriter) name() string {
	t := w.table.Transfer.Target
	name := quote.Name(t.Schema, t.Name)
	if w.repairer.p.Profile.FullCatalog && !w.repairer.facts.partitioned[t] {
		name = "ONLY " + name
	}
	return name
}

// insertSQL is one statement for some rows.
func (w *repairWriter) insertSQL(values []string) string {
	t := w.table.Transfer
	head := "INSERT INTO " + quote.Name(t.Target.Schema, t.Target.Name)
	if len(t.Columns) == 0 {
		return head + " DEFAULT VALUES"
	}
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Target
	}
	head += " (" + quote.Idents(names) + ")"
	if len(w.table.Always) > 0 {
		head += " OVERRIDING SYSTEM VALUE"
	}
	return head + " VALUES " + strings.Join(values, ", ")
}

// values are a row of the source as INSERT takes it.
func (w *repairWriter) values(fields [][]byte) string {
	var b strings.Builder
	b.WriteString("(")
	for i, f := range fields {
		if i > 0 {
			b.WriteString(", ")
		}
		w.writeField(&b, f)
	}
	b.WriteString(")")
	return b.String()
}

// updateSQL gives a row of the target the source's values in the columns that
// differ.
func (w *repairWriter) updateSQL(row RepairRow, fields [][]byte) string {
	t := w.table.Transfer
	var b strings.Builder
	fmt.Fprintf(&b, "UPDATE %s SET ", w.name())
	first := true
	key := make([]*string, len(t.Key))
	for i, c := range t.Columns {
		if at := slices.Index(t.Key, c.Target); at >= 0 {
			key[at] = plainField(fields[i])
		}
		if slices.Contains(row.Columns, c.Target) {
			if !first {
				b.WriteString(", ")
			}
			first = false
			b.WriteString(quote.Ident(c.Target) + " = ")
			w.writeField(&b, fields[i])
		}
	}
	b.WriteString(" WHERE " + w.is(key))
	return b.String()
}

func (w *repairWriter) deleteSQL(row RepairRow) string {
	return fmt.Sprintf("DELETE FROM %s WHERE %s", w.name(), w.is(row.Key))
}

// is names a row by its whole key.
func (w *repairWriter) is(key []*string) string {
	list := make([]string, len(key))
	for i, v := range key {
		list[i] = quote.Ident(w.table.Transfer.Key[i])
		if v == nil {
			list[i] += " IS NULL"
		} else {
			list[i] += " = " + w.literal(v)
		}
	}
	return strings.Join(list, " AND ")
}
