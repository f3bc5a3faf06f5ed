package cli

import (
	"context"
	"errors"
	"os"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// mappingOptions say what is otherwise on the target than on the source.
var mappingOptions = []string{"mapping", usermap.FlagExcludeColumn, "exclude-column-keys", usermap.FlagExcludeData, usermap.FlagWhere}

// readMapping reads the mapping file and the flags beside it.
func readMapping(cfg *config.Config) (*usermap.Spec, error) {
	spec := &usermap.Spec{}
	if cfg.Mapping != "" {
		data, err := os.ReadFile(cfg.Mapping)
		if err != nil {
			var pe *os.PathError
			if errors.As(err, &pe) {
				err = pe.Err
			}
			return nil, &config.Error{Where: cfg.Where("mapping"), Reason: "the mapping " + cfg.Mapping + " cannot be read: " + err.Error()}
		}
		if spec, err = usermap.Parse(cfg.Mapping, data); err != nil {
			return nil, err
		}
	}
	err := spec.AddFlags(cfg.ExcludeColumns, cfg.ExcludeTableData, cfg.Rows, cfg.ExcludeColumnKeys == config.DropKeys, cfg.Where)
	return spec, err
}

// mapNames holds the user's mapping against the schema, and lets the source
// look at what it would read.
func (j *job) mapNames(ctx context.Context, whole *catalog.Database) error {
	if j.opts.mapping.Empty() {
		return nil
	}
	return j.phase("mapping", 0, func() (int, error) {
		var err error
		if j.mapping, err = usermap.Resolve(j.opts.mapping, whole, j.db); err != nil {
			return 0, err
		}
		for _, l := range j.mapping.Lines() {
			j.rep.Mapping = append(j.rep.Mapping, report.Mapping{Line: l, Text: l.String()})
		}
		if err := preflight.CheckMapping(ctx, j.source, j.db, j.mapping); err != nil {
			return 0, err
		}
		if j.command == cmdSequences {
			return 0, nil
		}
		if j.unserved, err = preflight.Unserved(ctx, j.source, j.db, j.mapping); err != nil {
			return 0, err
		}
		j.dangling, err = preflight.Dangling(ctx, j.source, j.db, j.mapping)
		return 0, err
	})
}

// mappingFlags repeat the mapping for the commands that continue.
func (j *job) mappingFlags() []string {
	var out []string
	for _, f := range []struct {
		name   string
		values []string
	}{
		{"mapping", []string{j.opts.Mapping}},
		{usermap.FlagExcludeColumn, j.opts.ExcludeColumns},
		{"exclude-column-keys", []string{j.opts.ExcludeColumnKeys}},
		{usermap.FlagExcludeData, j.opts.ExcludeTableData},
		{usermap.FlagWhere, j.opts.Rows},
	} {
		if !j.opts.Given(f.name) || j.opts.InFile(f.name) {
			continue
		}
		for _, v := range f.values {
			out = append(out, "--"+f.name, shellWord(v))
		}
	}
	return out
}
