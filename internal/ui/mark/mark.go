// Package mark puts names and texts of other people's into Markdown, so that
// they stay what they are.
package mark

import "strings"

// Code puts text into a code span, whatever backquotes it holds.
func Code(s string) string {
	s = oneLine(s)
	run, longest := 0, 0
	for _, r := range s {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	fence := strings.Repeat("`", longest+1)
	if longest > 0 || strings.HasPrefix(s, " ") || s == "" {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}

// CodeCell is a code span in a table, where a bar would end the cell.
func CodeCell(s string) string { return strings.ReplaceAll(Code(s), "|", `\|`) }

// Cell is plain text in a table.
func Cell(s string) string { return strings.ReplaceAll(Escape(s), "|", `\|`) }

// Escape keeps words whole (names in a message stay searchable) and takes away
// what would begin HTML, emphasis or a code span.
func Escape(s string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "`", "\\`").Replace(oneLine(s))
}

// oneLine shows line breaks and other control characters as escapes.
func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
}
