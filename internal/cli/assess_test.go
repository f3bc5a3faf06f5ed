package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/assess"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// assessed runs assess with a JSON report and returns that.
func assessed(t *testing.T, url string, want Code, args ...string) (assess.Report, result) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	r := run(t, append([]string{"assess", "--source", withPassword(url), "--report", path}, args...)...)
	require.Equal(t, want, r.code, "%s\n%s", r.err, r.out)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var rep assess.Report
	require.NoError(t, json.Unmarshal(data, &rep))
	require.Equal(t, int(want), rep.ExitCode)
	require.Equal(t, assess.Version, rep.Version)
	return rep, r
}

// U8: an assessment needs no target, ends with 0, and says what a clone will do.
func TestAssess(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, shop)
	rep, r := assessed(t, db.URL, OK)
	require.Contains(t, r.last(), "nothing blocks a clone")
	require.Nil(t, rep.Target)
	require.Equal(t, "db9", rep.Profile.Name)
	require.Len(t, rep.Databases, 1)
	d := rep.Databases[0]
	require.Equal(t, db.Name, d.Name)
	require.NotNil(t, d.Score)
	require.Equal(t, d.Counts.Objects, d.Counts.Carried+d.Counts.Changed+d.Counts.Left+d.Counts.Blocked)
	require.Equal(t, 4, d.Estimate.Tables)
	require.Positive(t, d.Estimate.Bytes)
	require.Positive(t, d.Estimate.Parts)
	require.NotNil(t, d.Estimate.Connections.SourceFree)
	require.NotEmpty(t, rep.Application)
	require.NotEmpty(t, rep.WayBack)
	for _, a := range d.Areas {
		if a.ID == "data" {
			require.Nil(t, a.Score, "no rows were looked at")
		}
	}

	all := jsonObjects(t, run(t, "assess", "--source", db.URL, "--json").out)
	require.Equal(t, "assessment", all[len(all)-2]["type"])
	require.Equal(t, "exit", all[len(all)-1]["type"])
}

// Findings that block end an assessment with 4 after all of it was looked at;
// who accepts one is recorded, and only what is accepted no longer blocks.
func TestAssessBlockedAndAccepted(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE a (id int PRIMARY KEY, acl aclitem); CREATE TABLE b (id int PRIMARY KEY, acl aclitem)`)
	rep, r := assessed(t, db.URL, Blocked)
	require.Contains(t, r.last(), "2 findings block a clone, the first: column public.a.acl")
	require.Equal(t, 2, rep.Databases[0].Counts.FindingsBlock)
	require.NotEmpty(t, rep.Application, "a block does not end an assessment")

	rep, _ = assessed(t, db.URL, Blocked, "--accept", "type.refused:public.a.acl")
	require.Equal(t, 1, rep.Databases[0].Counts.FindingsBlock)
	require.Equal(t, 1, rep.Databases[0].Counts.FindingsAccepted)

	c := call{args: []string{"assess", "--source", db.URL}, env: map[string]string{"USER": "ada", "PG2DB9_ACCEPT": "type.refused"}}
	path := filepath.Join(t.TempDir(), "r.json")
	c.args = append(c.args, "--report", path)
	r = c.run(t)
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.last(), "2 findings accepted")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &rep))
	require.Equal(t, []assess.Acceptance{{Accept: "type.refused", By: "ada", Where: "PG2DB9_ACCEPT", Findings: 2}}, rep.Accepted)
	require.Zero(t, rep.Databases[0].Counts.FindingsBlock)
}

// What the role may not read is found, all of it, and blocks.
func TestAssessWithoutRights(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	role := "reader_" + db.Name
	db.Exec(t, `CREATE TABLE open (id int PRIMARY KEY); CREATE TABLE closed (id serial PRIMARY KEY); CREATE ROLE `+role+` LOGIN; GRANT SELECT ON open TO `+role)
	t.Cleanup(func() { dropRole(db, role) })
	rep, _ := assessed(t, asUser(t, db.URL, role), Blocked)
	var blocked []string
	for _, f := range rep.Databases[0].Blocking() {
		blocked = append(blocked, f.Object.String())
		require.Equal(t, "before", f.Do)
		require.Contains(t, f.Remedy, "GRANT")
	}
	require.ElementsMatch(t, []string{"table public.closed", "sequence public.closed_id_seq"}, blocked)
}

// Filters choose what is assessed; a pattern that matches nothing is no use.
func TestAssessFilters(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, shop)
	rep, _ := assessed(t, db.URL, OK, "--include-table", "customers")
	require.Equal(t, 1, rep.Databases[0].Estimate.Tables)
	r := run(t, "assess", "--source", db.URL, "--include-table", "nothing")
	require.Equal(t, Usage, r.code, r.err)
}

// Nothing is written to the source: no transaction takes a number there, and its
// log of writes stands where it stood. Nor is anything written to a target.
func TestAssessWritesNothing(t *testing.T) {
	t.Parallel()
	source := pgtest.New(t, pgtest.ClusterOptions{Settings: map[string]string{
		"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0", "checkpoint_timeout": "1d",
	}}).Database(t)
	target := pgtest.Server(t).Database(t)
	source.Exec(t, shop)
	source.Exec(t, "VACUUM (FREEZE, ANALYZE)")
	source.Exec(t, "CHECKPOINT")
	assess := func() {
		r := run(t, "assess", "--source", source.URL, "--target", target.URL, "--profile", "db9")
		require.Equal(t, OK, r.code, r.err)
	}
	const position = "SELECT pg_current_wal_insert_lsn() || ' ' || txid_snapshot_xmax(txid_current_snapshot())"
	assess() // pages that were never read before may get hints, which go to the log under checksums
	before := source.QueryString(t, position)
	assess()
	require.Equal(t, before, source.QueryString(t, position))
	(&bundle{source: source, target: target}).untouched(t)
}

// U9: with --scan-data the rows are looked at; what would fail blocks, with its
// count, keys and query, until it is accepted.
func TestAssessScansData(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE t (id int PRIMARY KEY, n numeric, at timestamp);
		INSERT INTO t SELECT i, i, '2020-01-01' FROM generate_series(1, 100) i;
		INSERT INTO t VALUES (101, 'NaN', '2020-01-01 00:00:00.123456')`)
	rep, _ := assessed(t, db.URL, Blocked, "--scan-data", "full")
	d := rep.Databases[0]
	require.True(t, d.Scan.Complete)
	require.EqualValues(t, 101, d.Scan.Rows)
	require.Len(t, d.Blocking(), 1)
	require.Equal(t, "data.nan", string(d.Blocking()[0].Code))
	require.Contains(t, d.Blocking()[0].Message, "id=101")
	for _, a := range d.Areas {
		if a.ID == "data" {
			require.NotNil(t, a.Score)
			require.Equal(t, 1, a.Blocked)
		}
	}
	rep, _ = assessed(t, db.URL, OK, "--scan-data", "sample", "--scan-rows", "1000", "--scan-rate", "100MB/s", "--accept", "data.nan")
	require.Equal(t, 1, rep.Databases[0].Counts.FindingsAccepted)
}

// Every database of a server is a section of one report; those that cannot be
// connected to are listed, and filters hold in each.
func TestAssessAllDatabases(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.ClusterOptions{})
	a, b, closed := c.Database(t), c.Database(t), c.Database(t)
	a.Exec(t, shop)
	b.Exec(t, "CREATE TABLE only_here (id int PRIMARY KEY, acl aclitem)")
	a.Exec(t, "ALTER DATABASE "+closed.Name+" ALLOW_CONNECTIONS false")
	rep, r := assessed(t, a.URL, Blocked, "--all-databases")
	var names []string
	for _, d := range rep.Databases {
		names = append(names, d.Name)
	}
	require.ElementsMatch(t, []string{a.Name, b.Name, "postgres"}, names)
	require.IsIncreasing(t, names)
	require.Equal(t, []assess.NotRead{{Name: closed.Name, Reason: "it allows no connections"}}, rep.NotRead)
	require.Contains(t, strings.Join(strings.Fields(r.out), " "), "database "+closed.Name+" was not read: it allows no connections")
	require.Contains(t, r.last(), "3 databases; 1 finding blocks a clone")

	rep, _ = assessed(t, a.URL, Blocked, "--all-databases", "--include-table", "only_here")
	require.Len(t, rep.Databases, 1)
	require.Equal(t, b.Name, rep.Databases[0].Name)
	require.Len(t, rep.NotRead, 3)
}

// Names that break what does not escape them pass through all outputs.
func TestAssessHostileNames(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE SCHEMA "<script>alert(1)</script>"; CREATE TABLE "<script>alert(1)</script>"."`+"`|*\n\t\x1b[31m{{.}}"+`" ("</td>" aclitem, b numeric)`)
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "r.html"), filepath.Join(dir, "r.md"), filepath.Join(dir, "r.json")}
	r := run(t, "assess", "--source", db.URL, "--report", files[0], "--report", files[1], "--report", files[2])
	require.Equal(t, Blocked, r.code, r.err)
	require.NotContains(t, r.out+r.err, "\x1b[31m")
	page, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NotContains(t, string(page), "<script>alert")
	text, err := os.ReadFile(files[1])
	require.NoError(t, err)
	require.NotContains(t, strings.ReplaceAll(string(text), "`", ""), "\n\t\x1b")
}

// The estimate goes by what the user's conditions choose, as the source's planner
// guesses it, and by the rate that a probed target was measured at.
func TestAssessEstimatesWhatGoes(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE TABLE big (id int PRIMARY KEY, day date, v text); INSERT INTO big SELECT i, '2020-01-01'::date + i % 100, repeat('x', 100) FROM generate_series(1, 100000) i;
		CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other SELECT generate_series(1, 1000); ANALYZE big; ANALYZE other`)
	all, _ := assessed(t, db.URL, OK)
	some, r := assessed(t, db.URL, OK, "--where", "big=day < '2020-01-11'")
	whole, part := all.Databases[0].Estimate, some.Databases[0].Estimate
	require.EqualValues(t, 101_000, whole.Rows)
	require.False(t, whole.RowsChosen)
	require.InDelta(t, 11_000, part.Rows, 3_000)
	require.True(t, part.RowsChosen)
	require.InDelta(t, float64(whole.Bytes)/10, float64(part.Bytes), float64(whole.Bytes)/20)
	require.Contains(t, strings.Join(strings.Fields(r.out), " "), "as the source's planner guesses")
	for _, d := range whole.Durations {
		require.Contains(t, d.Rate, "documented")
	}

	sim, target := standIn(t)
	probed, r := assessed(t, db.URL, OK, "--target", sim.URL(), "--probe", "always", "--probe-cache", t.TempDir())
	last := probed.Databases[0].Estimate.Durations
	measured := last[len(last)-1]
	require.Equal(t, "measured", measured.Rate, r.out)
	require.Greater(t, measured.Bytes, 100_000.0)
	require.Contains(t, measured.Basis, "batches of 2.0 MB, each awaited")
	require.Equal(t, "0", target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '\\_pg2db9%'"), "nothing is left")
}
