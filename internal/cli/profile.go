package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
)

// profile is the one that the options name; nil for auto.
func profile(cfg *config.Config) (*ddlgen.Profile, error) {
	var p ddlgen.Profile
	switch cfg.Profile {
	case "", config.ProfileAuto:
		return nil, nil //nolint:nilnil // the target decides
	case config.ProfileDB9:
		p = ddlgen.DB9()
	case config.ProfilePostgres:
		p = ddlgen.Postgres()
	default:
		return profileFile(cfg.Where("profile"), cfg.Profile)
	}
	return &p, nil
}

// profileFile reads a profile: what the file does not name is as in db9's.
func profileFile(where, path string) (*ddlgen.Profile, error) {
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".yaml" && ext != ".yml" {
		return nil, &config.Error{Where: where, Reason: "the profile must be auto, db9, postgres or a YAML file (.yaml), not " + path}
	}
	data, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, &config.Error{Where: where, Reason: "the profile " + path + " cannot be read: " + err.Error()}
	}
	p := ddlgen.DB9()
	p.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if err := yaml.UnmarshalWithOptions(data, &p, yaml.Strict()); err != nil {
		return nil, &config.Error{Where: path, Reason: "no usable profile: " + yaml.FormatError(err, false, false)}
	}
	if p.NameBytes <= 0 || p.BatchRows < 0 || p.BatchBytes < 0 || p.RowBytes < 0 {
		return nil, &config.Error{Where: path, Reason: "no usable profile: name_bytes must be above 0, batch_rows, batch_bytes and row_bytes not below"}
	}
	return &p, nil
}
