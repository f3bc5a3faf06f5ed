package assess

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
	"github.com/pg2db9/pg2db9/internal/scan"
)

// Input is what has been found out about one database.
type Input struct {
	Name     string
	Snapshot *Snapshot
	Moment   string

	Database *catalog.Database
	Plan     *ddlgen.Plan
	Profile  ddlgen.Profile
	Findings []finding.Finding // beside the plan's: of the filters, of checks, of the scan
	Accept   []string          // CODE or CODE:OBJECT, as --accept takes them

	Facts      *Facts             // nil: the source was not asked
	Source     *sourcefacts.Facts // nil: the source was not surveyed
	Scan       *scan.Result       // nil: no rows were looked at
	Parts      int                // -1: not known
	Jobs       int
	SourceFree *int
	TargetFree *int
	Rates      []Rate // measured ones, beside those documented

	// Chosen is how many rows of a relation the user's conditions choose, by the
	// guess of the source's planner; those without a condition are not in it.
	Chosen map[catalog.Name]float64

	ReadinessChecked bool // the source's rights and servers were checked
}

// Build makes a database's section of the report. Same input, same section.
func Build(in *Input) Database {
	extensions := extensionsOf(in.Database, in.Plan)
	plain := slices.Concat(in.Findings, in.Plan.Findings, usageFindings(in), usedExtensions(extensions))
	if in.Scan != nil {
		plain = append(plain, in.Scan.Findings()...)
	}
	finding.Sort(plain)
	plain = slices.Compact(plain)
	out := Database{
		Name: in.Name, Encoding: in.Database.Encoding, Collate: in.Database.Collate, Snapshot: in.Snapshot, Moment: in.Moment,
		Findings: make([]Finding, len(plain)), Extensions: extensions, Scan: in.Scan, Source: in.Source, Groups: in.Plan.Groups,
	}
	for i, f := range plain {
		out.Findings[i] = Finding{Finding: f, Accepted: acceptedBy(in.Accept, f), Do: whatToDo(f)}
	}
	out.Areas = areasOf(in, out.Findings)
	out.Score = overall(out.Areas)
	for _, a := range out.Areas {
		if a.ID == areaData { // whose objects are tables, once more
			continue
		}
		out.Counts.Objects += a.Objects
		out.Counts.Carried += a.Carried
		out.Counts.Changed += a.Changed
		out.Counts.Left += a.Left
		out.Counts.Blocked += a.Blocked
	}
	countFindings(&out.Counts, out.Findings)
	for _, c := range checks {
		out.Checks = append(out.Checks, c.answer(in, out.Findings))
	}
	out.Work = workOf(out.Findings)
	out.Estimate = estimate(in)
	return out
}

// acceptedBy reports whether one of the user's words acknowledges a finding. The
// plan's own are changes by then, and say so; of the others only those may be
// accepted with which a clone would go on.
func acceptedBy(accept []string, f finding.Finding) bool {
	switch {
	case f.Severity == finding.Change && !strings.HasSuffix(f.Message, planAccepted),
		f.Severity == finding.Block && !Acceptable(f.Code),
		f.Severity != finding.Change && f.Severity != finding.Block:
		return false
	}
	return slices.ContainsFunc(accept, func(a string) bool { return acknowledges(a, f) })
}

// Acceptable reports whether a blocking finding that is not the plan's may be
// accepted. What the scan of rows found may: the user may know better what
// becomes of them until the move.
func Acceptable(code finding.Code) bool {
	return preflight.Acceptable(code) || sourcefacts.Acceptable(code) || slices.ContainsFunc(scan.Rules(), func(r finding.Rule) bool { return r.Code == code })
}

// planAccepted ends the message of a finding of the plan's that was accepted.
const planAccepted = " (accepted)"

func acknowledges(accept string, f finding.Finding) bool {
	return accept == string(f.Code) || accept == string(f.Code)+":"+f.Object.Path()
}

// Acknowledged counts the findings that one use of --accept acknowledges.
func (r *Report) Acknowledged(accept string) int {
	n := 0
	for _, d := range r.Databases {
		for _, f := range d.Findings {
			if f.Accepted && acknowledges(accept, f.Finding) {
				n++
			}
		}
	}
	return n
}

func countFindings(c *Counts, all []Finding) {
	for _, f := range all {
		switch {
		case f.Accepted:
			c.FindingsAccepted++
		case f.Severity == finding.Block:
			c.FindingsBlock++
		case f.Severity == finding.Left:
			c.FindingsLeft++
		case f.Severity == finding.Change:
			c.FindingsChange++
		default:
			c.FindingsInfo++
		}
	}
}

// Blocking are the findings that stand in the way: not accepted.
func (d *Database) Blocking() []Finding {
	var out []Finding
	for _, f := range d.Findings {
		if f.Severity == finding.Block && !f.Accepted {
			out = append(out, f)
		}
	}
	return out
}

// areasOf scores all areas. An area without an object has no score, and says
// that it is empty; one that nobody looked at says that.
func areasOf(in *Input, all []Finding) []Area {
	counts := takeInventory(in.Database, in.Plan, all)
	var out []Area
	for _, t := range areaTitles {
		a := Area{ID: t.id, Title: t.title}
		if c := counts[t.id]; c != nil {
			a = *c
			a.Title = t.title
		}
		switch t.id {
		case areaData:
			dataArea(in, &a)
		case areaSource:
			sourceArea(in, all, &a)
		default:
			if a.Score = score(a.Objects, a.Carried, a.Changed); a.Score == nil {
				a.Note = "none in this database"
			}
		}
		out = append(out, a)
	}
	return out
}

// dataArea counts tables whose rows were looked at: one without a row that
// changes or fails is carried. Those that nobody looked at are not counted.
func dataArea(in *Input, a *Area) {
	if in.Scan == nil {
		a.Note = "not looked at: --scan-data sample, or full"
		return
	}
	worst := map[catalog.Name]fate{}
	for _, x := range in.Scan.Items {
		switch {
		case x.State != scan.Found:
		case x.Refused:
			worst[x.Table] = blocked
		default:
			worst[x.Table] = max(worst[x.Table], changed)
		}
	}
	unseen := 0
	for _, t := range in.Scan.Tables {
		if t.Rows == 0 && !t.Whole {
			unseen++
			continue
		}
		a.Objects++
		switch worst[t.Table] {
		case carried, left:
			a.Carried++
		case changed:
			a.Changed++
		case blocked:
			a.Blocked++
		}
	}
	a.Score = score(a.Objects, a.Carried, a.Changed)
	switch {
	case a.Score == nil:
		a.Note = "no rows were looked at"
	case unseen > 0:
		a.Note = plural(unseen, "table") + " not looked at"
	case in.Scan.Sampled:
		a.Note = "by a sample"
	}
}

// sourceArea is 100 less what findings about the source itself take away: 25
// for one that blocks, 5 for any other.
func sourceArea(in *Input, all []Finding, a *Area) {
	if !in.ReadinessChecked {
		a.Note = "not looked at"
		return
	}
	n := 100
	for _, f := range all {
		if !aboutSource(f.Finding) {
			continue
		}
		if f.Severity == finding.Block && !f.Accepted {
			n -= 25
		} else {
			n -= 5
		}
	}
	n = max(0, n)
	a.Score = &n
}

// aboutSource reports findings about the source as a server, and the rights on
// it.
func aboutSource(f finding.Finding) bool {
	switch f.Code {
	case "source.privilege", "source.row-security":
		return true
	}
	return f.Object.Kind == "server" && f.Object.Name == "source" || strings.HasPrefix(string(f.Code), "source.") && f.Code != sourcefacts.ProviderSchema
}
