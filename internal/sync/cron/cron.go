// Package cron is a leaf: when a cron line is due by the clock of a time zone,
// on the days too on which that clock is changed.
package cron

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// Schedule is a cron line, checked. The zero value is never due.
type Schedule struct {
	text   string
	fields string // the five fields; "" is no schedule
	each   bool   // of every hour: due by the time that passes, not by what the clock shows
}

// names are the lines that have one.
var names = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
}

// field is what one of the five fields may hold.
type field struct {
	name        string
	first, last int
}

var fields = []field{{"minute", 0, 59}, {"hour", 0, 23}, {"day of the month", 1, 31}, {"month", 1, 12}, {"day of the week", 0, 7}}

// Parse reads the five fields of a cron line (minute, hour, day of the month,
// month, day of the week) or one of @hourly, @daily, @weekly, @monthly and
// @yearly. Lines that are never due are errors.
func Parse(line string) (Schedule, error) {
	text := strings.Join(strings.Fields(line), " ")
	s := Schedule{text: text, fields: text}
	if strings.HasPrefix(text, "@") {
		var known bool
		if s.fields, known = names[text]; !known {
			return Schedule{}, fmt.Errorf("%q is no schedule: with a name there are @hourly, @daily, @weekly, @monthly and @yearly", line)
		}
	}
	parts := strings.Fields(s.fields)
	if len(parts) != len(fields) {
		return Schedule{}, fmt.Errorf("%q is no schedule: five fields are wanted (minute, hour, day of the month, month, day of the week), there are %d", line, len(parts))
	}
	for i, part := range parts {
		if err := check(i, part); err != nil {
			return Schedule{}, fmt.Errorf("%q is no schedule: %w", line, err)
		}
	}
	s.each = parts[1] == "*" || parts[1] == "*/1"
	// A leap year's beginning: what is not due within its search is never due.
	if _, err := gronx.NextTickAfter(s.fields, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), true); err != nil {
		return Schedule{}, fmt.Errorf("%q is no schedule: it is never due", line)
	}
	return s, nil
}

// check holds one field alone against the library, value by value: of a list
// the library looks no further than the value that is due now.
func check(i int, text string) error {
	f := fields[i]
	for _, part := range strings.Split(text, ",") {
		line := []string{"*", "*", "*", "*", "*"}
		line[i] = part
		if part == "" || !gronx.IsValid(strings.Join(line, " ")) {
			return fmt.Errorf("%q is no %s (%d to %d)", part, f.name, f.first, f.last)
		}
		_, step, stepped := strings.Cut(part, "/")
		if n, err := strconv.Atoi(step); stepped && (err != nil || n > f.last-f.first) {
			return fmt.Errorf("a step of %s is beyond a %s (%d to %d)", step, f.name, f.first, f.last)
		}
	}
	return nil
}

// String is the line as it was written.
func (s Schedule) String() string { return s.text }

// IsZero reports whether there is no schedule.
func (s Schedule) IsZero() bool { return s.fields == "" }

// ErrNever is a schedule without a next time.
var ErrNever = errors.New("the schedule is never due")

// Next is the first moment after t at which the schedule is due by the clock of
// a zone.
//
// A schedule of every hour ("*/15 * * * *") goes by the time that passes: an
// hour that the clock shows twice has it twice, one that it leaps over was not.
// Any other ("30 2 * * *") goes by what the clock shows, and is due once for
// each such time: at the first of two, and where the clock leaps over it at the
// moment of the leap.
func (s Schedule) Next(t time.Time, zone *time.Location) (time.Time, error) {
	if s.IsZero() {
		return time.Time{}, ErrNever
	}
	t = t.In(zone)
	if s.each {
		return s.nextPassing(t, zone)
	}
	return s.nextShown(t, zone)
}

// nextPassing looks through the spans between changes of the clock: in each
// of them it runs evenly.
func (s Schedule) nextPassing(t time.Time, zone *time.Location) (time.Time, error) {
	for inclusive := false; ; inclusive = true {
		_, end := t.ZoneBounds()
		next, err := gronx.NextTickAfter(s.fields, even(t), inclusive)
		if err != nil {
			return time.Time{}, fmt.Errorf("%w: %q: %w", ErrNever, s.text, err)
		}
		if end.IsZero() || next.Before(end) {
			return next.In(zone), nil
		}
		t = end.In(zone)
	}
}

// even is t in a zone whose clock is never changed.
func even(t time.Time) time.Time {
	name, offset := t.Zone()
	return t.In(time.FixedZone(name, offset))
}

// nextShown goes over the times that the clock shows, and takes the first whose
// moment is still to come.
func (s Schedule) nextShown(t time.Time, zone *time.Location) (time.Time, error) {
	shown := asUTC(t)
	for {
		next, err := gronx.NextTickAfter(s.fields, shown, false)
		if err != nil {
			return time.Time{}, fmt.Errorf("%w: %q: %w", ErrNever, s.text, err)
		}
		if at := moment(next, zone); at.After(t) {
			return at, nil
		}
		shown = next
	}
}

// asUTC is what t's clock shows, as if UTC's clock showed it.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// moment is when a zone's clock shows a time for the first time, or leaps over it.
func moment(shown time.Time, zone *time.Location) time.Time {
	// Offsets are within a day of UTC: the spans around hold all moments that can be meant.
	var spans []time.Time // beginnings
	for at := shown.Add(-24 * time.Hour).In(zone); ; {
		spans = append(spans, at)
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(shown.Add(24*time.Hour)) {
			break
		}
		at = end.In(zone)
	}
	for i, begin := range spans {
		_, offset := begin.Zone()
		at := shown.Add(-time.Duration(offset) * time.Second).In(zone)
		if i+1 < len(spans) && !at.Before(spans[i+1]) {
			continue
		}
		if at.Before(begin) {
			return begin // leapt over
		}
		return at
	}
	return slices.MaxFunc(spans, time.Time.Compare) // not reached: the last span is open
}
