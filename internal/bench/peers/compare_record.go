package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
)

// recordVersion is that of a record's form.
const recordVersion = 1

// record keeps the last runs of every case beside every tool. A case is a report
// of its own, as each may have been measured at another time or place.
type record struct {
	Version int       `json:"version"`
	Cases   []*report `json:"cases"` // of one result each, in the order of the cases
}

// readRecord reads a record; an empty one where there is no file.
func readRecord(path string) (*record, error) {
	rec := &record{Version: recordVersion}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return rec, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was measured: %w", err)
	}
	if err := json.Unmarshal(text, rec); err != nil {
		return nil, fmt.Errorf("read what was measured from %s: %w", path, err)
	}
	if rec.Version != recordVersion {
		return nil, fmt.Errorf("read what was measured from %s: it has version %d, not %d: name another file", path, rec.Version, recordVersion)
	}
	for _, r := range rec.Cases {
		if len(r.Results) != 1 {
			return nil, fmt.Errorf("read what was measured from %s: a case of %d results: name another file", path, len(r.Results))
		}
	}
	return rec, nil
}

// put takes a case in, in place of what was measured of it before.
func (rec *record) put(r *report) {
	name := r.Results[0].Case
	rec.Cases = slices.DeleteFunc(rec.Cases, func(x *report) bool { return x.Results[0].Case == name })
	rec.Cases = append(rec.Cases, r)
	order := func(r *report) int {
		return slices.IndexFunc(comparedCases(), func(c benchCase) bool { return c.name == r.Results[0].Case })
	}
	slices.SortStableFunc(rec.Cases, func(a, b *report) int { return order(a) - order(b) })
}

// keep puts one result of the report into the record and, where there is one, the
// page. What the record holds of other cases stays, in both.
func (r *report) keep(recordPath, page string, of *result) error {
	rec, err := readRecord(recordPath)
	if err != nil {
		return err
	}
	one := *r
	one.Results = []*result{of}
	rec.put(&one)
	out, err := json.MarshalIndent(rec, "", " ")
	if err != nil {
		return fmt.Errorf("keep what was measured: %w", err)
	}
	if err := replaceFile(recordPath, append(out, '\n')); err != nil {
		return err
	}
	if page == "" {
		return nil
	}
	return writePage(page, rec.markdown())
}

// replaceFile writes a file so that it is there whole or as it was.
func replaceFile(path string, data []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(next, path); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(next))
	}
	return nil
}
