package jobfile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/pace"
	"github.com/pg2db9/pg2db9/internal/sync/cron"
)

// mostTime is far above what helps for a jitter or a timeout: a typing error.
const mostTime = 31 * 24 * time.Hour

// resolve turns what is written into a file that means something.
func (r *reader) resolve(in *raw) *File {
	f := &File{Path: r.path, Timezone: time.UTC}
	if v := in.timezone; v.given() {
		zone, err := time.LoadLocation(v.text)
		if err != nil || v.text == "Local" {
			r.fail(v.at, v.what, "%q is no time zone: zones have names such as Europe/Berlin or UTC", v.text)
		} else {
			f.Timezone = zone
		}
	}
	d := in.defaults
	r.word(d.mode, "", string(Full), string(Append), string(Upsert), string(Mirror))
	r.timing(value{}, d.jitter, d.missed, settings{})
	r.common(&Table{}, d, settings{})
	for _, g := range in.groups {
		r.group(f, g, d)
	}
	for _, t := range in.tables {
		r.resolveTable(f, t, d)
	}
	for _, g := range f.Groups {
		if len(f.Of(g.Name)) == 0 && !slices.ContainsFunc(in.tables, func(t rawTable) bool { return t.group.text == g.Name }) {
			r.fail(position{line: g.Line}, "groups."+g.Name, "no table is in this group")
		}
	}
	if len(in.tables) == 0 {
		r.fail(position{}, "tables", "the file names no table")
	}
	return f
}

// word checks a value that has to be one of some.
func (r *reader) word(v value, otherwise string, known ...string) string {
	switch {
	case !v.given():
		return otherwise
	case !slices.Contains(known, v.text):
		r.fail(v.at, v.what, "must be one of %s, not %q", strings.Join(known, ", "), v.text)
	}
	return v.text
}

// span reads a length of time.
func (r *reader) span(v value) time.Duration {
	if !v.given() {
		return 0
	}
	d, err := time.ParseDuration(v.text)
	if err != nil || d <= 0 || d > mostTime {
		r.fail(v.at, v.what, "must be a time such as 90s, 10m or 2h, not %q", v.text)
		return 0
	}
	return d
}

func or(a, b value) value {
	if a.given() {
		return a
	}
	return b
}

// timing reads when something runs.
func (r *reader) timing(schedule, jitter, missed value, d settings) Timing {
	out := Timing{Missed: Once}
	if schedule.given() {
		s, err := cron.Parse(schedule.text)
		if err != nil {
			r.fail(schedule.at, schedule.what, "%v", err)
		}
		out.Schedule = s
	}
	if jitter.given() {
		out.Jitter = r.span(jitter)
	} else if d.jitter.given() {
		out.Jitter, _ = time.ParseDuration(d.jitter.text) // complained about where it stands
	}
	if missed.given() {
		out.Missed = Missed(r.word(missed, "", string(Once), string(Skip)))
	} else if d.missed.given() {
		out.Missed = Missed(d.missed.text)
	}
	return out
}

func (r *reader) group(f *File, g rawGroup, d settings) {
	what := g.what
	if g.name.given() {
		what = "groups." + g.name.text
	}
	for _, v := range []*value{&g.schedule, &g.jitter, &g.missed} {
		v.what = strings.Replace(v.what, g.what, what, 1)
	}
	switch first := f.Group(g.name.text); {
	case !g.name.given():
		r.fail(g.at, what, "has no name")
		return
	case first != nil:
		r.fail(g.name.at, what, "the group stands twice: first at line %d", first.Line)
		return
	}
	if !g.schedule.given() {
		for _, v := range []value{g.jitter, g.missed} {
			if v.given() {
				r.fail(v.at, v.what, "is for a group with a schedule")
			}
		}
	}
	f.Groups = append(f.Groups, Group{Name: g.name.text, Schedule: g.schedule.text, Timing: r.timing(g.schedule, g.jitter, g.missed, d), Line: g.at.line})
}

// common reads what can stand in defaults too.
func (r *reader) common(t *Table, s, d settings) {
	t.Verify = Verify(r.word(s.verify, string(VerifyCounts), string(VerifyNone), string(VerifyCounts), string(VerifyDigest)))
	if !s.verify.given() && d.verify.given() {
		t.Verify = Verify(d.verify.text)
	}
	t.OnSchemaChange = SchemaChange(r.word(s.onSchemaChange, string(Stop), string(Stop), string(Adapt)))
	if !s.onSchemaChange.given() && d.onSchemaChange.given() {
		t.OnSchemaChange = SchemaChange(d.onSchemaChange.text)
	}
	if v := or(s.maxRate, d.maxRate); v.given() {
		rate, err := pace.ParseRate(v.text)
		switch {
		case err == nil && rate.Rows == 0:
			t.MaxRate = rate.Bytes
		case s.maxRate.given():
			r.fail(v.at, v.what, "must be bytes a second such as 10MB, not %q", v.text)
		}
	}
	if s.timeout.given() {
		t.Timeout = r.span(s.timeout)
	} else if d.timeout.given() {
		t.Timeout, _ = time.ParseDuration(d.timeout.text) // complained about where it stands
	}
}

func (r *reader) resolveTable(f *File, in rawTable, d settings) {
	t := Table{Line: in.at.line, path: r.path, place: in.places, Schedule: in.schedule.text, Group: in.group.text, Where: in.where.text}
	what := in.what
	if in.table.given() {
		name, err := tableName(in.table.text)
		switch {
		case err != nil:
			r.fail(in.table.at, in.table.what, "%q: %v", in.table.text, err)
			return
		case f.Table(name) != nil:
			r.fail(in.table.at, "tables."+name.String(), "the table stands twice: first at line %d", f.Table(name).Line)
			return
		}
		t.Table, what = name, "tables."+name.String()
	} else {
		if _, told := in.places["table"]; !told {
			r.fail(in.at, what, "names no table: table is missing")
		}
		return
	}
	for _, v := range []*value{&in.mode, &in.verify, &in.onSchemaChange, &in.maxRate, &in.timeout, &in.jitter, &in.missed, &in.group, &in.schedule, &in.cursor, &in.deletes, &in.where} {
		v.what = strings.Replace(v.what, in.what, what, 1)
	}
	r.common(&t, in.settings, d)
	t.Mode = Mode(r.word(in.mode, d.mode.text, string(Full), string(Append), string(Upsert), string(Mirror)))
	t.Deletes = Deletes(r.word(in.deletes, "", string(DeletesDigest)))
	if in.group.given() && !slices.ContainsFunc(f.Groups, func(g Group) bool { return g.Name == in.group.text }) {
		r.fail(in.group.at, in.group.what, "there is no group %q in groups", in.group.text)
	}
	if in.cursor.given() {
		t.Cursor = r.column(in.cursor, what+".cursor")
	}
	t.Key = r.columns(&t, in.key, "key", what)
	t.Columns = r.columns(&t, in.columns, "columns", what)
	for _, v := range in.allow {
		t.Allow = append(t.Allow, v.text)
	}
	r.when(&t, in, d)
	r.fits(&t, in, what)
	f.Tables = append(f.Tables, t)
}

// when reads the table's own schedule.
func (r *reader) when(t *Table, in rawTable, d settings) {
	if in.group.given() && in.schedule.given() {
		r.fail(in.schedule.at, in.schedule.what, "the table runs with its group %q: the schedule is the group's", in.group.text)
	}
	if !in.schedule.given() {
		for _, v := range []value{in.jitter, in.missed} {
			if v.given() {
				r.fail(v.at, v.what, "is for a table with a schedule of its own")
			}
		}
		return
	}
	t.Timing = r.timing(in.schedule, in.jitter, in.missed, d)
}

// fits refuses what a mode cannot have.
func (r *reader) fits(t *Table, in rawTable, what string) {
	at := func(key string) position { return in.places[key] }
	refuse := func(key, format string, args ...any) {
		if p, ok := in.places[key]; ok {
			r.fail(p, what+"."+key, format, args...)
		}
	}
	switch t.Mode {
	case "":
		if _, told := in.places["mode"]; !told {
			r.fail(in.at, what, "has no mode: full, append, upsert or mirror")
		}
		return
	case Append, Upsert:
		if _, told := in.places["cursor"]; !told {
			r.fail(in.at, what, "mode %s needs a cursor: the column that says which rows are new", t.Mode)
		}
	case Mirror:
		refuse("cursor", "mode mirror finds the rows that differ by itself, and takes no cursor")
	case Full:
		refuse("cursor", "mode full takes all rows, and no cursor")
		refuse("key", "mode full takes all rows, and no key")
	}
	switch t.Mode {
	case Append:
		refuse("deletes", "mode append deletes nothing: mode upsert does")
	case Mirror, Full:
		refuse("deletes", "mode %s carries deletions as it is", t.Mode)
	case Upsert:
	}
	if len(t.Columns) == 0 {
		return
	}
	for _, c := range t.Key {
		if !slices.Contains(t.Columns, c) {
			r.fail(at("key"), what+".key", "column %q of the key is not in columns", c)
		}
	}
	if t.Cursor != "" && !slices.Contains(t.Columns, t.Cursor) {
		r.fail(at("cursor"), what+".cursor", "column %q is not in columns", t.Cursor)
	}
}

// columns reads names of columns.
func (r *reader) columns(t *Table, list []value, key, what string) []string {
	var out []string
	for _, v := range list {
		c := r.column(v, what+"."+key)
		if c == "" {
			continue
		}
		if slices.Contains(out, c) {
			r.fail(v.at, what+"."+key, "column %q stands twice", c)
		}
		t.place[key+"."+c] = v.at
		out = append(out, c)
	}
	return out
}

// column reads a column's name, written as in SQL.
func (r *reader) column(v value, what string) string {
	parts, err := catalog.ParseName(v.text)
	if err == nil && len(parts) != 1 {
		err = fmt.Errorf("a column has one name, without its table")
	}
	if err != nil {
		r.fail(v.at, what, "%q: %v", v.text, err)
		return ""
	}
	return parts[0]
}

// tableName reads a table's name, written as in SQL.
func tableName(text string) (catalog.Name, error) {
	parts, err := catalog.ParseName(text)
	if err != nil {
		return catalog.Name{}, err
	}
	if len(parts) != 2 {
		return catalog.Name{}, fmt.Errorf("a table is named schema.table")
	}
	return catalog.Name{Schema: parts[0], Name: parts[1]}, nil
}
