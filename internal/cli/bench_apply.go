package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/pg2db9/pg2db9/ddlgen"
	benchresult "github.com/pg2db9/pg2db9/internal/bench/result"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/outfile"
)

// checkApplyTo finds what would keep the configuration from being written, before
// anything is measured.
func checkApplyTo(cfg *config.Config) error {
	if cfg.ApplyTo == "" {
		return nil
	}
	if ext := strings.ToLower(filepath.Ext(cfg.ApplyTo)); ext != ".yaml" && ext != ".yml" {
		return usagef(cmdBench, "%s: the configuration %q must end with .yaml", cfg.Where("apply-to"), cfg.ApplyTo)
	}
	if err := outfile.Check("configuration", cfg.ApplyTo); err != nil {
		return usagef(cmdBench, "%s: %v", cfg.Where("apply-to"), err)
	}
	return nil
}

// applyTo writes recommended settings to a configuration, whose other keys stay.
// Batches are the profile's: where they are to be otherwise, a profile is written
// beside it.
func applyTo(path string, profile ddlgen.Profile, best *benchresult.Recommendation) error {
	text, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the configuration %q: %w", path, err)
	}
	config := string(text)
	s := best.Settings
	config = setKey(config, "jobs", fmt.Sprint(s.Jobs))
	if s.PrimaryKey != "" {
		config = setKey(config, "primary-key", s.PrimaryKey)
	}
	batches := profile
	batches.BatchRows, batches.BatchBytes = s.BatchRows, s.BatchBytes
	if now := max(1, profile.Window); profile.Await && s.Pipeline > 1 || !profile.Await && s.Pipeline != now {
		batches.Window, batches.Await = s.Pipeline, profile.Await && s.Pipeline <= 1
	}
	if batches.BatchRows != profile.BatchRows || batches.BatchBytes != profile.BatchBytes || batches.Window != profile.Window || batches.Await != profile.Await {
		file := strings.TrimSuffix(path, filepath.Ext(path)) + ".profile.yaml"
		data, err := yaml.Marshal(batches)
		if err != nil {
			return fmt.Errorf("writing the profile %q: %w", file, err)
		}
		if err := saveText("profile", file, "# What bench recommends: "+profile.Name+" with other batches.\n"+string(data)); err != nil {
			return err
		}
		config = setKey(config, "profile", file)
	}
	return saveText("configuration", path, config)
}

func saveText(what, path, text string) error {
	return outfile.Save(what, path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// setKey gives a key of a flat YAML file its value, where it stands or at the end.
func setKey(text, key, value string) string {
	line := key + ": " + value
	at := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + `[ \t]*:.*$`)
	if at.MatchString(text) {
		return at.ReplaceAllLiteralString(text, line)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + "\n"
}
