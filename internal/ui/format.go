package ui

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
)

// count writes a number with its thousands apart.
func count(n int64) string { return humanize.Comma(n) }

// size writes a number of bytes in powers of 1000, as rates are read.
func size(n int64) string { return humanize.Bytes(uint64(max(0, n))) }

// span writes a duration as people say it: to a tenth below a minute, to the
// second below an hour, to the minute above.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// about writes an estimate: never more exact than it is.
func about(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "a few seconds"
	case d < time.Minute:
		return fmt.Sprintf("about %d0s", int(math.Round(d.Seconds()/10)))
	case d < time.Hour:
		return fmt.Sprintf("about %dm", int(math.Round(d.Minutes())))
	default:
		return "about " + span(d.Round(time.Minute))
	}
}

// Printable makes a name or a message safe for a terminal: control characters,
// which a name may hold and a terminal would obey, are shown as escapes.
func Printable(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unsafeRune(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unsafeRune reports characters that a terminal acts on: C0, DEL, C1 and those
// that change the direction of writing.
func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069)
}
