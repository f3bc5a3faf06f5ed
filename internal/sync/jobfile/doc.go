// Package jobfile is the file that says which tables are kept current, how and
// when: read strictly, with the place of each thing for errors. It knows the
// file alone; what a source or a target makes of it is held against it later,
// by Table.ErrorAt.
package jobfile

import (
	"fmt"
	"time"

	_ "time/tzdata" // zones are known where the system has none, in small containers

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/sync/cron"
)

// Mode is how a table is kept current.
type Mode string

// The modes.
const (
	Full   Mode = "full"   // loaded anew
	Append Mode = "append" // rows beyond a cursor
	Upsert Mode = "upsert" // rows beyond a cursor, by key
	Mirror Mode = "mirror" // rows that differ, by digests
)

// Deletes is how deleted rows are found.
type Deletes string

// The ways. Mirror and full carry deletions whatever stands here.
const (
	DeletesNone   Deletes = ""
	DeletesDigest Deletes = "digest" // digests of key ranges on either side
)

// Verify is how closely a table is looked at after a run.
type Verify string

// The levels.
const (
	VerifyNone   Verify = "none"
	VerifyCounts Verify = "counts"
	VerifyDigest Verify = "digest"
)

// SchemaChange is what becomes of a table whose source has changed.
type SchemaChange string

// The ways.
const (
	Stop  SchemaChange = "stop"  // the table fails before anything is written
	Adapt SchemaChange = "adapt" // an added nullable column is carried, nothing else
)

// Missed is what becomes of times at which a schedule was due and nothing ran.
type Missed string

// The ways.
const (
	Once Missed = "once" // made up for by one run, however many they were
	Skip Missed = "skip" // left out
)

// Timing is when something runs.
type Timing struct {
	Schedule cron.Schedule // zero: only when asked for
	Jitter   time.Duration // up to this much later, 0 none
	Missed   Missed
}

// File is a job file.
type File struct {
	Path     string
	Timezone *time.Location
	Groups   []Group // in the file's order
	Tables   []Table // in the file's order
}

// Group is tables that are read in one snapshot and run together.
type Group struct {
	Name     string
	Schedule string // cron line; "" runs only when asked for
	Timing   Timing
	Line     int
}

// Table is one table.
type Table struct {
	Table          catalog.Name
	Group          string // "" is none
	Schedule       string // its own; a table of a group has none
	Timing         Timing // its own; a table of a group has none
	Mode           Mode
	Cursor         string   // column; "" is none
	Key            []string // columns; empty: the primary key
	Deletes        Deletes
	Where          string   // SQL condition on the source; "" is all rows
	Columns        []string // empty is all
	Verify         Verify
	OnSchemaChange SchemaChange
	MaxRate        int64         // bytes a second read from the source; 0 is no bound
	Timeout        time.Duration // of one run; 0 is none
	Allow          []string      // names of triggers and foreign keys on the target that the mode may fire or touch
	Line           int

	path  string
	place map[string]position // of "mode", "cursor", "key.id": what ErrorAt can name
}

// position is a place in the file, from 1.
type position struct{ line, column int }

// Group finds a group by name; nil is none.
func (f *File) Group(name string) *Group {
	for i := range f.Groups {
		if f.Groups[i].Name == name {
			return &f.Groups[i]
		}
	}
	return nil
}

// Table finds a table by name; nil is none.
func (f *File) Table(name catalog.Name) *Table {
	for i := range f.Tables {
		if f.Tables[i].Table == name {
			return &f.Tables[i]
		}
	}
	return nil
}

// Of lists the tables of a group.
func (f *File) Of(group string) []Table {
	var out []Table
	for _, t := range f.Tables {
		if t.Group == group && group != "" {
			out = append(out, t)
		}
	}
	return out
}

// Error is something in a file that cannot be used: a usage error.
type Error struct {
	Path   string
	Line   int // 0 is the file as a whole
	Column int
	What   string // "tables.public.orders.mode"; "" is nothing in particular
	Reason string
}

// Error implements error.
func (e *Error) Error() string {
	out := e.Path
	if e.Line > 0 {
		out = fmt.Sprintf("%s:%d", e.Path, e.Line)
		if e.Column > 0 {
			out = fmt.Sprintf("%s:%d", out, e.Column)
		}
	}
	if e.What != "" {
		out += ": " + e.What
	}
	return out + ": " + e.Reason
}

// Errorf is a usage error at the table's place in the file.
func (t Table) Errorf(format string, args ...any) error { return t.ErrorAt("", format, args...) }

// ErrorAt is a usage error at the place of one of the table's keys: "mode",
// "cursor", "where"; "key.id" and "columns.name" are single columns of a list. A
// key that does not stand in the file is at the table's own place.
func (t Table) ErrorAt(key, format string, args ...any) error {
	e := &Error{Path: t.path, Line: t.Line, What: "tables." + t.Table.String(), Reason: fmt.Sprintf(format, args...)}
	if at, ok := t.place[key]; ok {
		e.Line, e.Column = at.line, at.column
		e.What += "." + key
	}
	return e
}
