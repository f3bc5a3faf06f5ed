package assess

import (
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
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
	Scan       *Scan              // nil: no rows were looked at
	Parts      int                // -1: not known
	Jobs       int
	SourceFree *int
	TargetFree *int
	Rates      []Rate // measured ones, beside those documented

	ReadinessChecked bool // the source's rights and servers were checked
}

// Build makes a database's section of the report. Same input, same section.
func Build(in *Input) Database {
	extensions := extensionsOf(in.Database, in.Plan)
	plain := slices.Concat(in.Findings, in.Plan.Findings, usageFindings(in), usedExtensions(extensions))
	finding.Sort(plain)
	plain = slices.Compact(plain)
	out := Database{
		Name: in.Name, Encoding: in.Database.Encoding, Collate: in.Database.Collate, Snapshot: in.Snapshot, Moment: in.Moment,
		Findings: make([]Finding, len(plain)), Extensions: extensions, Scan: in.Scan, Source: in.Source,
	}
	for i, f := range plain {
		out.Findings[i] = Finding{Finding: f, Accepted: acceptedBy(in.Accept, f), Do: whatToDo(f)}
	}
	out.Areas = areasOf(in, out.Findings)
	out.Score = overall(out.Areas)
	for _, a := range out.Areas {
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
		f.Severity == finding.Block && !preflight.Acceptable(f.Code) && !sourcefacts.Acceptable(f.Code),
		f.Severity != finding.Change && f.Severity != finding.Block:
		return false
	}
	return slices.ContainsFunc(accept, func(a string) bool { return acknowledges(a, f) })
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

// dataArea counts columns that were looked at: those without a value that
// changes or fails are carried.
func dataArea(in *Input, a *Area) {
	if in.Scan == nil {
		a.Note = "not looked at: --scan-data sample, or full"
		return
	}
	worst := map[string]bool{}
	for _, h := range in.Scan.Hits {
		worst[h.Column] = worst[h.Column] || h.Refused
	}
	score100 := in.Scan.Columns
	refused := 0
	for _, r := range worst {
		if r {
			refused++
		}
	}
	good, some := score100-len(worst), len(worst)-refused
	a.Score = score(score100, good, some)
	a.Note = "columns whose rows were looked at"
	if in.Scan.Mode != "full" {
		a.Note += ", in a sample"
	}
	if a.Score == nil {
		a.Note = "no column holds values that could change"
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
