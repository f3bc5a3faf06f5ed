package assess

import "github.com/pg2db9/pg2db9/internal/guide"

// Advice is one thing to do outside of the database.
type Advice = guide.Advice

// Advise fills the report's advice: what every move to a DB9 needs, and what the
// findings of its databases make necessary.
func (r *Report) Advise(toDB9 bool) {
	r.Application, r.WayBack = []Advice{}, guide.WayBack(toDB9)
	if !toDB9 {
		return
	}
	all := make([]guide.Found, len(r.Databases))
	for i, d := range r.Databases {
		all[i].Database = d.Name
		for _, f := range d.Findings {
			all[i].Findings = append(all[i].Findings, f.Finding)
		}
	}
	r.Application = guide.Application(all)
}
