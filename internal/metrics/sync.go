// Package metrics shows what syncs do to Prometheus, from a registry of its own.
package metrics

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// SyncTable is what is known of a table before its first run under this
// process.
type SyncTable struct {
	Table   string    // as it is called in the job file
	Success time.Time // end of the last good run; zero: none
	Moment  time.Time // of the source that the target shows; zero: unknown
}

// SyncRun is one run of a table that has ended.
type SyncRun struct {
	Table    string
	Mode     string
	Verdict  string // "match", "failed" and the like
	Good     bool   // the table holds what was asked for
	Ended    time.Time
	Moment   time.Time // of the source that the target shows; zero: it was not reached
	Duration time.Duration

	Read, Inserted, Updated, Deleted int64 // rows
	Bytes                            int64 // sent to the target

	// Differs says that the rows that were sent are those that differed, as in
	// mode mirror: they are counted as differences.
	Differs bool
}

// SyncUnit is what is scheduled together.
type SyncUnit struct {
	Name    string
	Running bool
	Next    time.Time // zero: never
	Failing int       // tables that wait to be tried again
}

// Sync holds the metrics of a process that syncs.
type Sync struct {
	registry *prometheus.Registry
	now      func() time.Time

	runs, rows, bytes, seconds       *prometheus.CounterVec
	success, last, verdict, differ   *prometheus.GaugeVec
	unitRunning, unitNext, unitFails *prometheus.GaugeVec
	reloads                          *prometheus.CounterVec

	mu      sync.Mutex
	moments map[string]time.Time // by table
	units   []string
}

// NewSync makes the metrics of a version of this program; now is the clock by
// which data age.
func NewSync(version string, now func() time.Time) *Sync {
	m := &Sync{registry: prometheus.NewRegistry(), now: now, moments: map[string]time.Time{}}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pg2db9", Subsystem: "sync", Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "pg2db9", Subsystem: "sync", Name: name, Help: help}, labels)
		m.registry.MustRegister(g)
		return g
	}
	m.runs = counter("runs_total", "Runs of a table that have ended, by how: match, unverified, mismatch, failed, skipped.", "table", "verdict")
	m.rows = counter("rows_total", "Rows of a table: read on the source; inserted, updated and deleted on the target.", "table", "what")
	m.bytes = counter("sent_bytes_total", "Bytes sent to the target to change a table.", "table")
	m.seconds = counter("duration_seconds_total", "Time that a table's runs took.", "table")
	m.last = gauge("last_duration_seconds", "Time that a table's last run took.", "table")
	m.success = gauge("last_success_timestamp_seconds", "When a table's last good run ended.", "table")
	m.verdict = gauge("good", "Whether a table's last run left it as asked for (1) or not (0).", "table")
	m.differ = gauge("differences", "Rows of a table that differed when its last run in mode mirror began.", "table")
	m.unitRunning = gauge("unit_running", "Whether a group, or a table with a schedule of its own, is under way.", "unit")
	m.unitNext = gauge("unit_next_timestamp_seconds", "When a group, or a table with a schedule of its own, is due next.", "unit")
	m.unitFails = gauge("unit_failing_tables", "Tables of a group that failed and are tried again.", "unit")
	m.reloads = counter("job_file_reloads_total", "How often the job file was read again: good, or bad (the one before is kept).", "outcome")
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "pg2db9", Name: "build_info", Help: "The version of pg2db9; always 1."}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	m.registry.MustRegister(info, (*ages)(m), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers with the metrics.
func (m *Sync) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Know begins with what the ledger knows of tables, and forgets all others: they
// have left the job file.
func (m *Sync) Know(tables []SyncTable) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := map[string]time.Time{}
	for _, t := range tables {
		kept[t.Table] = m.moments[t.Table]
		if t.Moment.After(kept[t.Table]) {
			kept[t.Table] = t.Moment
		}
		if !t.Success.IsZero() {
			m.success.WithLabelValues(t.Table).Set(seconds(t.Success))
		}
	}
	for t := range m.moments {
		if _, ok := kept[t]; ok {
			continue
		}
		for _, v := range []interface {
			DeletePartialMatch(labels prometheus.Labels) int
		}{m.runs, m.rows, m.bytes, m.seconds, m.last, m.success, m.verdict, m.differ} {
			v.DeletePartialMatch(prometheus.Labels{"table": t})
		}
	}
	m.moments = kept
}

// Ran counts a run of a table.
func (m *Sync) Ran(r SyncRun) {
	m.runs.WithLabelValues(r.Table, r.Verdict).Inc()
	for what, n := range map[string]int64{"read": r.Read, "inserted": r.Inserted, "updated": r.Updated, "deleted": r.Deleted} {
		m.rows.WithLabelValues(r.Table, what).Add(float64(n))
	}
	m.bytes.WithLabelValues(r.Table).Add(float64(r.Bytes))
	m.seconds.WithLabelValues(r.Table).Add(r.Duration.Seconds())
	m.last.WithLabelValues(r.Table).Set(r.Duration.Seconds())
	m.verdict.WithLabelValues(r.Table).Set(truth(r.Good))
	if r.Differs {
		m.differ.WithLabelValues(r.Table).Set(float64(r.Inserted + r.Updated + r.Deleted))
	}
	if r.Good {
		m.success.WithLabelValues(r.Table).Set(seconds(r.Ended))
	}
	if !r.Moment.IsZero() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.moments[r.Table] = r.Moment
	}
}

// Units shows the state of all units; those that are no longer among them vanish.
func (m *Sync) Units(units []SyncUnit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, u := range units {
		names = append(names, u.Name)
		m.unitRunning.WithLabelValues(u.Name).Set(truth(u.Running))
		m.unitFails.WithLabelValues(u.Name).Set(float64(u.Failing))
		if u.Next.IsZero() {
			m.unitNext.DeleteLabelValues(u.Name)
		} else {
			m.unitNext.WithLabelValues(u.Name).Set(seconds(u.Next))
		}
	}
	for _, name := range m.units {
		if !slices.Contains(names, name) {
			m.unitRunning.DeleteLabelValues(name)
			m.unitFails.DeleteLabelValues(name)
			m.unitNext.DeleteLabelValues(name)
		}
	}
	m.units = names
}

// Reloaded counts a job file that was read again.
func (m *Sync) Reloaded(good bool) {
	outcome := "bad"
	if good {
		outcome = "good"
	}
	m.reloads.WithLabelValues(outcome).Inc()
}

// ages tells how old data are at the moment that they are asked for.
type ages Sync

var ageDesc = prometheus.NewDesc("pg2db9_sync_data_age_seconds", "How far in the past the state of the source is that a table on the target shows.", []string{"table"}, nil)

// Describe implements prometheus.Collector.
func (a *ages) Describe(ch chan<- *prometheus.Desc) { ch <- ageDesc }

// Collect implements prometheus.Collector.
func (a *ages) Collect(ch chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for table, moment := range a.moments {
		if !moment.IsZero() {
			ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, now.Sub(moment).Seconds(), table)
		}
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
