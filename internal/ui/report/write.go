package report

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/pg2db9/pg2db9/internal/outfile"
)

// CheckPath says whether a report can be written to path: by its extension,
// and by its folder. It writes nothing that stays.
func CheckPath(path string) error {
	if format(path) == nil {
		return fmt.Errorf("the report %q must end in .html, .md or .json", path)
	}
	return outfile.Check("report", path)
}

// format picks the writer for a file's extension, nil for an unknown one.
func format(path string) func(*Report, io.Writer) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return (*Report).JSON
	case ".md":
		return (*Report).Markdown
	case ".html", ".htm":
		return (*Report).HTML
	}
	return nil
}

// WriteFile writes the report to path, in the format of its extension.
func (r *Report) WriteFile(path string) error {
	write := format(path)
	if write == nil {
		return fmt.Errorf("the report %q must end in .html, .md or .json", path)
	}
	return outfile.Save("report", path, func(w io.Writer) error { return write(r, w) })
}

// JSON writes the report as one JSON document.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // names stand in it as they are
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	return nil
}
