package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// CheckPath says whether a report can be written to path: by its extension,
// and by its folder. It writes nothing that stays.
func CheckPath(path string) error {
	if format(path) == nil {
		return fmt.Errorf("the report %q must end in .html, .md or .json", path)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("the report %q is a folder", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".pg2db9-report-*")
	if err != nil {
		return fmt.Errorf("the report %q cannot be written: %w", path, cause(err))
	}
	_ = f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("the report %q: removing a trial file: %w", path, cause(err))
	}
	return nil
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
	return Save(path, func(w io.Writer) error { return write(r, w) })
}

// Save writes a report to path. The file is there as a whole or not at all.
func Save(path string, write func(io.Writer) error) (err error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return fmt.Errorf("writing the report %q: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".pg2db9-report-*")
	if err != nil {
		return fmt.Errorf("writing the report %q: %w", path, cause(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = fmt.Errorf("writing the report %q: %w", path, cause(err))
		}
	}()
	if _, err := f.Write(b.Bytes()); err != nil {
		_ = f.Close()
		return err
	}
	// 0644: a report is for others to read, and holds no secret.
	if err := f.Chmod(0o644); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// cause drops the trial file's name from an error: the user never wrote it.
func cause(err error) error {
	switch e := err.(type) { //nolint:errorlint // os returns these two unwrapped
	case *os.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
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
