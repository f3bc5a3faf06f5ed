package certificate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/pg2db9/pg2db9/internal/outfile"
)

// what is the word for the file in errors.
const what = "certificate"

// CheckPath says whether a certificate can be written to path: by its extension,
// and by its folder. It writes nothing that stays.
func CheckPath(path string) error {
	if format(path) == nil {
		return fmt.Errorf("the certificate %q must end in .json or .html", path)
	}
	return outfile.Check(what, path)
}

// format picks the writer for a file's extension, nil for an unknown one.
func format(path string) func(*Certificate, io.Writer) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return (*Certificate).JSON
	case ".html", ".htm":
		return (*Certificate).HTML
	}
	return nil
}

// WriteFile writes the certificate to path, in the format of its extension.
func (c *Certificate) WriteFile(path string) error {
	write := format(path)
	if write == nil {
		return fmt.Errorf("the certificate %q must end in .json or .html", path)
	}
	return outfile.Save(what, path, func(w io.Writer) error { return write(c, w) })
}

// JSON writes the certificate as one JSON document.
func (c *Certificate) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // names stand in it as they are
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		return fmt.Errorf("encoding the certificate: %w", err)
	}
	return nil
}

// ReadFile reads a certificate of either format and checks its chain. tool is
// the version of this program: a page that it wrote itself must be as it writes it.
func ReadFile(path, tool string) (*Certificate, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the user's choice
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	c, err := read(text, tool)
	var b *BrokenError
	if errors.As(err, &b) {
		return nil, fmt.Errorf("the certificate %q is not as it was written: %w; nothing was compared: take the file that pg2db9 wrote, or verify anew", path, err)
	}
	return c, err
}

func read(text []byte, tool string) (*Certificate, error) {
	page := bytes.HasPrefix(bytes.TrimLeft(text, " \r\n\t"), []byte("<"))
	if !page {
		return Parse(text)
	}
	data, err := dataOf(text)
	if err != nil {
		return nil, err
	}
	c, err := Parse(data)
	if err != nil || c.Entries[0].Run.Tool != tool {
		return c, err // another version's page may look otherwise
	}
	var again bytes.Buffer
	if err := c.HTML(&again); err != nil {
		return nil, err
	}
	if !bytes.Equal(again.Bytes(), text) {
		return nil, broken(0, "the page says other things than the entries in it")
	}
	return c, nil
}
