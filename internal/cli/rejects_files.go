package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
)

type tableName = catalog.Name

// rejectsExt is how files of refused rows end: a JSON object a line.
const rejectsExt = ".jsonl"

// rejectFile is a file of one table's refused rows.
type rejectFile struct {
	table tableName
	path  string
	rows  int64
}

// rejectsWriter writes refused rows to one file a table, one after the other.
// Each file is there as a whole or not at all, and for its owner alone: it holds
// rows.
type rejectsWriter struct {
	dir   string
	used  map[string]bool // names, in lower case: some file systems know no other
	files []rejectFile

	f   *os.File
	buf *bufio.Writer
}

// saveRejects writes a run's refused rows to files in dir.
func saveRejects(ctx context.Context, conn *pgx.Conn, run, dir string) ([]rejectFile, error) {
	w := &rejectsWriter{dir: dir, used: map[string]bool{}}
	err := copier.EachReject(ctx, conn, run, w.row)
	if err == nil {
		err = w.end()
	}
	if w.f != nil {
		_ = w.f.Close()
		_ = os.Remove(w.f.Name())
		w.files = w.files[:len(w.files)-1]
	}
	return w.files, err
}

// row writes a row to its table's file.
func (w *rejectsWriter) row(table tableName, r copier.Reject) error {
	if n := len(w.files); n == 0 || w.files[n-1].table != table {
		if err := w.end(); err != nil {
			return err
		}
		if err := w.begin(table); err != nil {
			return err
		}
	}
	enc := json.NewEncoder(w.buf)
	enc.SetEscapeHTML(false) // for people's eyes
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("writing %s: %w", w.files[len(w.files)-1].path, err)
	}
	w.files[len(w.files)-1].rows++
	return nil
}

func (w *rejectsWriter) begin(table tableName) error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return fmt.Errorf("making the folder for refused rows: %w", err)
	}
	base := url.PathEscape(table.String())
	if len(base) > 200 { // file systems take 255 bytes
		base = base[:200]
	}
	name := base + rejectsExt
	for i := 2; w.used[strings.ToLower(name)]; i++ {
		name = fmt.Sprintf("%s-%d%s", base, i, rejectsExt)
	}
	w.used[strings.ToLower(name)] = true
	f, err := os.CreateTemp(w.dir, ".pg2db9-rejects-*")
	if err != nil {
		return fmt.Errorf("writing refused rows of %s: %w", table, err)
	}
	w.f, w.buf = f, bufio.NewWriterSize(f, 64<<10)
	w.files = append(w.files, rejectFile{table: table, path: filepath.Join(w.dir, name)})
	return nil
}

// end puts the file at hand in its place.
func (w *rejectsWriter) end() error {
	if w.f == nil {
		return nil
	}
	err := errors.Join(w.buf.Flush(), w.f.Sync())
	w.files[len(w.files)-1].path = w.free(w.files[len(w.files)-1].path)
	path := w.files[len(w.files)-1].path
	if err == nil {
		err = os.Rename(w.f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	err = w.f.Close()
	w.f = nil
	return err
}

// free is the path, or the next of its kind where a file stands there that says
// something else: somebody may have mended its rows.
func (w *rejectsWriter) free(path string) string {
	mine, err := os.ReadFile(w.f.Name())
	if err != nil {
		return path // and the rename tells
	}
	base := strings.TrimSuffix(path, rejectsExt)
	for i := 2; ; i++ {
		there, err := os.ReadFile(path) //nolint:gosec // in the folder that the user named
		if err != nil || bytes.Equal(there, mine) {
			return path
		}
		path = fmt.Sprintf("%s-%d%s", base, i, rejectsExt)
	}
}

// readRejects reads mended rows. A line that cannot be read is an error that
// names it, before anything is sent.
func readRejects(paths []string) ([]copier.Mended, error) {
	var out []copier.Mended
	for _, path := range paths {
		f, err := os.Open(path) //nolint:gosec // a file that the user names
		if err != nil {
			return nil, fmt.Errorf("the file of mended rows cannot be read: %w", err)
		}
		rows, err := readRejectLines(path, f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

func readRejectLines(path string, f io.Reader) ([]copier.Mended, error) {
	var out []copier.Mended
	in := bufio.NewReaderSize(f, 64<<10)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			m := copier.Mended{Where: fmt.Sprintf("%s:%d", path, n)}
			dec := json.NewDecoder(bytes.NewReader(line))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&m.Reject); err != nil {
				return nil, fmt.Errorf("%s is no refused row: %w", m.Where, err)
			}
			if m.Run == "" {
				return nil, fmt.Errorf("%s is no refused row: it does not name its run", m.Where)
			}
			out = append(out, m)
		}
		if end {
			return out, nil
		}
	}
}
