package advise

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/pg2db9/pg2db9/catalog"
)

// FileOptions are what a job file says beside its tables.
type FileOptions struct {
	Source   string // whose catalog was looked at, without secrets
	At       time.Time
	Schedule string // cron line of all groups and tables
	Timezone string
}

// Write writes a job file.
func Write(w io.Writer, all []Advice, left []LeftOut, o FileOptions) error {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# Which tables are kept current, how, and when: docs/sync-schedule.md tells what can stand here.")
	say("# From the catalog of %s, %s. Modes and schedules are suggestions:", comment(o.Source), o.At.UTC().Format("2006-01-02 15:04 UTC"))
	say("# read why, and change what you know better.")
	say("timezone: %s", scalar(o.Timezone))
	say("defaults: {verify: counts, on_schema_change: stop}")
	var groups []string
	for _, a := range all {
		if a.Group != "" && !slices.Contains(groups, a.Group) {
			groups = append(groups, a.Group)
		}
	}
	if len(groups) > 0 {
		say("groups:")
	}
	for _, g := range groups {
		say("  # What foreign keys connect is read in one snapshot.")
		say("  - {name: %s, schedule: %s}", scalar(g), text(o.Schedule))
	}
	say("tables:")
	for _, g := range append(groups, "") {
		for _, a := range all {
			if a.Group == g {
				a.write(say, o.Schedule)
			}
		}
	}
	for _, l := range left {
		say("  # %s is left out: %s.", comment(l.Table.String()), comment(l.Why))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (a *Advice) write(say func(format string, args ...any), schedule string) {
	size := humanize.Bytes(uint64(max(a.Bytes, 0)))
	if a.Rows >= 0 {
		size += fmt.Sprintf(", about %s rows", humanize.Comma(a.Rows))
	}
	say("  # %s. Best mode %s: %s.", size, a.Mode, comment(a.Why[0]))
	for _, why := range a.Why[1:] {
		say("  # %s.", comment(why))
	}
	line := "{table: " + scalar(catalog.Pattern(a.Table))
	if a.Group != "" {
		line += ", group: " + scalar(a.Group)
	} else {
		line += ", schedule: " + text(schedule)
	}
	line += ", mode: " + string(a.Mode)
	if a.Cursor != "" {
		line += ", cursor: " + scalar(patterns([]string{a.Cursor})[0])
	}
	if len(a.Key) > 0 {
		names := patterns(a.Key)
		for i := range names {
			names[i] = scalar(names[i])
		}
		line += ", key: [" + strings.Join(names, ", ") + "]"
	}
	if a.Deletes != "" {
		line += ", deletes: " + string(a.Deletes)
	}
	say("  - %s}", line)
}

var (
	plainScalar = regexp.MustCompile(`\A[a-zA-Z_][a-zA-Z0-9_.$/]*\z`)
	yamlWord    = regexp.MustCompile(`(?i)\A(true|false|null|yes|no|on|off|y|n)\z`)
)

// scalar writes a value for YAML: as it is, or as a JSON string, which YAML reads.
func scalar(s string) string {
	if plainScalar.MatchString(s) && !yamlWord.MatchString(s) {
		return s
	}
	return text(s)
}

func text(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // cannot fail: a string
	return strings.TrimSuffix(b.String(), "\n")
}

// comment keeps what stands in a comment on its line: names may hold anything.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}
