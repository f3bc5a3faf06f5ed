package cli

import (
	"context"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
)

// surveySource finds out what the source is and what stands before it. The
// schemas of a managed service are out from here on, unless the user names them.
func (j *job) surveySource(ctx context.Context) error {
	return j.phase("source", 0, func() (int, error) {
		var err error
		if j.facts, err = sourcefacts.Survey(ctx, j.opts.source, j.source); err != nil {
			return 0, err
		}
		j.opts.filter.HideSchemas = j.facts.Provider.SchemaNames()
		found := j.facts.Findings(func(schema string) bool { return !j.opts.filter.Hides(schema) })
		if j.command != cmdClone && j.command != cmdCopy && j.command != cmdAssess { // which are short, and leave the target as it is
			found = slices.DeleteFunc(found, func(f finding.Finding) bool {
				return f.Severity != finding.Block && f.Code != sourcefacts.ProviderSchema
			})
		}
		j.found(found)
		return 0, j.refuseUnfit()
	})
}

// foundGrants gives the script of the rights that are missing on what is chosen:
// the tables, and the sequences beside them.
func (j *job) foundGrants(names []catalog.Name) {
	tables, schemas := map[catalog.Name]bool{}, map[string]bool{}
	for _, n := range names {
		tables[n], schemas[n.Schema] = true, true
	}
	j.facts.OnlyRights(func(m sourcefacts.Missing) bool {
		return tables[catalog.Name{Schema: m.Schema, Name: m.Name}] || m.Kind == "sequence" && schemas[m.Schema]
	})
	j.found(j.facts.GrantFindings())
}
