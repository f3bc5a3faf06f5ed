package cli

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/internal/ui/report"
	"github.com/pg2db9/pg2db9/verify"
)

// fillBehaviour tells what the target was seen to do.
func (j *job) fillBehaviour() {
	if j.verified == nil {
		return
	}
	for _, c := range j.verified.Behaviour {
		j.rep.Behaviour = append(j.rep.Behaviour, report.Behaviour{Object: c.Object, Kind: c.Kind, What: c.What, Verdict: c.Verdict.String(), Detail: redact(c.Detail)})
	}
}

// behaved names the checks of behaviour that have one of the verdicts.
func (j *job) behaved(which []verify.Verdict) (out []string) {
	for _, c := range j.verified.Behaviour {
		if slices.Contains(which, c.Verdict) {
			out = append(out, fmt.Sprintf("%s %s (%s)", c.Kind, c.Object, c.Detail))
		}
	}
	return out
}
