package result

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/internal/outfile"
)

// CheckPath says whether a result can be written to path.
func CheckPath(path string) error {
	switch ext(path) {
	case ".json", ".csv", ".html":
		return outfile.Check("result", path)
	}
	return fmt.Errorf("the result %q must end with .json, .csv or .html", path)
}

func ext(path string) string { return strings.ToLower(filepath.Ext(path)) }

// WriteFile writes the result in the form that the file's name asks for.
func (r *Result) WriteFile(path string) error {
	write := r.JSON
	switch ext(path) {
	case ".csv":
		write = r.CSV
	case ".html":
		write = r.HTML
	}
	return outfile.Save("result", path, write)
}

// JSON writes the result as JSON.
func (r *Result) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("writing the result as JSON: %w", err)
	}
	return nil
}

// Read reads a result's JSON.
func Read(path string) (*Result, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		var e *os.PathError
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, fmt.Errorf("reading the result %q: %w", path, err)
	}
	r := &Result{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("reading the result %q: it is none of bench's JSON: %w", path, err)
	}
	if r.Version != Version || r.Kind == "" {
		return nil, fmt.Errorf("reading the result %q: its form has version %d, this program knows %d", path, r.Version, Version)
	}
	return r, nil
}

// Add takes the runs of another result of the same measurement in.
func (r *Result) Add(more *Result) error {
	if r.Kind != more.Kind || r.Profile != more.Profile || r.Program != more.Program || r.Target.name() != more.Target.name() || r.Source.name() != more.Source.name() {
		return errors.New("it is the result of another measurement: the program, the profile and the servers must be the same (those of the servers' versions too); write to another file")
	}
	for _, c := range more.Cells {
		i := slices.IndexFunc(r.Cells, func(x Cell) bool { return x.Settings == c.Settings })
		if i < 0 {
			r.Cells = append(r.Cells, c)
			continue
		}
		r.Cells[i].Runs = append(r.Cells[i].Runs, c.Runs...)
	}
	r.Seconds += more.Seconds
	r.Best = r.Recommend()
	return nil
}

var columns = []string{
	"kind", "shape", "order", "jobs", "batch_rows", "batch_bytes", "pipeline", "primary_key", "run", "started", "seconds", "rows", "bytes", "mb_per_s", "rows_per_s",
	"steady", "warm_up_seconds", "key_seconds", "client_cpu_seconds", "transactions", "retries", "p50_ms", "p95_ms", "p99_ms",
	"wait_source", "wait_network", "wait_target", "wait_client", "wait_other", "target_busy", "limit",
}

// CSV writes one line a run.
func (r *Result) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write(columns) // kept by the writer: see Error below
	f := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	d := func(x int64) string { return strconv.FormatInt(x, 10) }
	for _, c := range r.Cells {
		s := c.Settings
		for i, x := range c.Runs {
			_ = out.Write([]string{
				r.Kind, s.Shape, s.Order, d(int64(s.Jobs)), d(s.BatchRows), d(s.BatchBytes), d(int64(s.Pipeline)), s.PrimaryKey, d(int64(i + 1)), x.Started.UTC().Format("2006-01-02T15:04:05.000Z"),
				f(x.Seconds), d(x.Rows), d(x.Bytes), f(x.Rate), f(x.RowRate), strconv.FormatBool(x.Steady), f(x.WarmUp), f(x.KeySeconds), f(x.CPU), d(x.Batches), d(x.Retries),
				f(x.Latency.P50), f(x.Latency.P95), f(x.Latency.P99), f(x.Waits.Source), f(x.Waits.Network), f(x.Waits.Target), f(x.Waits.Client), f(x.Waits.Other), f(x.Waits.Busy), x.Waits.Limit(),
			})
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("writing the result as CSV: %w", err)
	}
	return nil
}
