package verify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// FileJournal is a journal in a file: one JSON object a line, added at its end,
// so that a crash loses no more than the line that was being written.
type FileJournal struct{ Path string }

// fileRecord is one line.
type fileRecord struct {
	Name   string          `json:"name"`
	Record json.RawMessage `json:"record"`
}

// Load implements Journal. A file that is not there has no records; a last line
// that was cut off is none.
func (j FileJournal) Load(context.Context) (map[string]string, error) {
	f, err := os.Open(j.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	records := map[string]string{}
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		var record fileRecord
		if err := json.Unmarshal(line, &record); err != nil || record.Name == "" {
			return nil, fmt.Errorf("%s, line %d: no record of a verification; name another file, or remove this one", j.Path, n)
		}
		records[record.Name] = string(record.Record)
	}
}

// Save implements Journal.
func (j FileJournal) Save(_ context.Context, records map[string]string) error {
	var b bytes.Buffer
	for name, text := range records {
		line, err := json.Marshal(fileRecord{name, json.RawMessage(text)})
		if err != nil {
			return err
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	f, err := os.OpenFile(j.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b.Bytes(), wholeLines(f))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// wholeLines is where the last line that was written to its end ends.
func wholeLines(f *os.File) int64 {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0
	}
	one := make([]byte, 1)
	for ; size > 0; size-- {
		if _, err := f.ReadAt(one, size-1); err == nil && one[0] == '\n' {
			break
		}
	}
	return size
}

// Clear implements Journal.
func (j FileJournal) Clear(context.Context) error {
	if err := os.Remove(j.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
