package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/guide"
	"github.com/pg2db9/pg2db9/internal/probe"
	"github.com/pg2db9/pg2db9/internal/provider"
	"github.com/pg2db9/pg2db9/verify"
)

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func obj(kind, schema, parent, name string) finding.Object {
	return finding.Object{Kind: kind, Schema: schema, Parent: parent, Name: name}
}

// found is what differs in a table, of each kind.
func found() *verify.RowsFound {
	name := catalog.Name{Schema: "public", Name: "lines"}
	return &verify.RowsFound{
		Missing: 1, Extra: 2, Changed: 1204, Unlocalised: 7,
		Columns: []verify.ColumnTally{{Column: "total", Rows: 1204, How: "rounded"}, {Column: "note", Rows: 1}},
		Shown: []verify.RowDifference{
			{Table: name, Source: name, Kind: verify.RowMissing, Key: []verify.KeyValue{{Column: "id", Value: "3"}}, Copies: 1},
			{Table: name, Source: name, Kind: verify.RowExtra, Key: []verify.KeyValue{{Column: "id", Null: true}}, Copies: 2, Columns: []verify.ValueDifference{{Column: "note", Target: &verify.Value{Text: "x | y"}}}},
			{Table: name, Source: name, Kind: verify.RowChanged, Key: []verify.KeyValue{{Column: "id", Value: "4"}, {Column: "day", Value: "2026-01-01"}}, Copies: 1, Columns: []verify.ValueDifference{
				{Column: "total", Source: &verify.Value{Text: "1.25"}, Target: &verify.Value{Text: "1.3"}},
				{Column: "note", Source: &verify.Value{Text: "…<b>long…", Bytes: 70000}, Target: &verify.Value{Null: true}},
			}},
		},
	}
}

// full is a report with one of everything, given in no particular order.
func full() *Report {
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := &Report{
		Groups:  []ddlgen.Group{{Code: "privilege.left", Objects: []finding.Object{obj("privileges on table", "public", "", "t | u"), obj("privileges on schema", "", "", "app")}}},
		Version: "v0", Run: "20260102-030405-abcd", Command: "clone", Options: []string{"jobs=8", "source=***"},
		Started: started, Seconds: 75.25, ExitCode: 5,
		Message: "1 of 3 tables was not copied: run pg2db9 copy",
		Next:    []string{`pg2db9 copy --include-table 'public."odd | name"'`},
		Source:  Server{URL: "postgres://app@db.example/shop", Transport: "TLS, certificate verified", Version: "PostgreSQL 15.18"},
		Target:  Server{URL: "postgres://admin@pg.example/postgres", Transport: "plaintext (sslmode=disable)", Version: "PostgreSQL 16.0"},
		Profile: Profile{
			Name: "db9", Simulated: true, Settings: &ddlgen.Profile{Name: "db9", BatchRows: 5000, Window: 8},
			Probing: "probed at 2026-01-02T03:04:05Z, from cache", Changes: []string{"await: true -> false"},
			Probe: &probe.Result{
				Probed: started, Seconds: 1.5, Target: "postgres://admin@pg.example/postgres", Version: "PostgreSQL 16.0 db9sim",
				Left: []string{"schema _pg2db9_probe (no answer)"},
				Facts: []probe.Fact{
					{Number: 1, Name: "tls", Topic: "encryption", Claim: "the server speaks TLS", Outcome: probe.Proved, Finding: "tls", Evidence: "SSLRequest answered S", Assumed: "TLS", Millis: 3},
					{Number: 6, Name: "timeout-state", Topic: "a timeout", Claim: "25P02", Outcome: probe.Refuted, Finding: "silent-rollback", Evidence: "status I | <none>", Assumed: "rolled back", Millis: 60},
					{Number: 15, Name: "copy-out", Topic: "COPY TO", Claim: "taken", Outcome: probe.Refuted, Finding: "refused", Values: map[string]string{"query": "refused", "quoted": "kept"}, Evidence: "query 0A000", Assumed: "refused", Millis: 5},
					{Number: 16, Name: "index-methods", Topic: "indexes", Claim: "used", Outcome: probe.Assumed, Trouble: true, Evidence: "the connection is lost", Assumed: "slow", Millis: 7},
					{Number: 17, Name: "row-security", Topic: "policies", Claim: "enforced", Outcome: probe.Skipped, Evidence: "skipped by the user", Assumed: "none"},
				},
			},
		},
		Snapshot: &Snapshot{
			ID: "00000003-0000001B-1", Taken: started, Held: 12.5,
		},
		Phases: []Phase{{Name: "catalog", Seconds: 0.2}, {Name: "data", Seconds: 61, Items: 4, Failed: 1}},
		Tables: []Table{
			{Target: "public.orders", Source: "public.orders", Read: 1234567, Framed: 1234567, Acked: 1234567, Ledger: 1234567, Counted: 1234567, Bytes: 98765432, Parts: 2, Seconds: 60.4, SourceDigest: "00ff", TargetDigest: "00ff", Verdict: "match", Detail: "1234567 rows"},
			{Target: "public.odd | name", Source: "public.odd | name", Read: 10, Framed: 9, Acked: Uncounted, Ledger: Uncounted, Counted: Uncounted, Seconds: 1, Verdict: "skipped", Error: "the target refused row 10: invalid input <x> `y`"},
			{Target: "public.lines", Source: "public.lines", Read: 5, Framed: 5, Acked: 5, Ledger: 5, Counted: 6, Bytes: 50, Seconds: 0.1, SourceDigest: "01", TargetDigest: "02", Verdict: "mismatch", Detail: "5 rows sent, 6 on the target", Level: "rows", ReadAgain: 11, Found: found(), Excused: []verify.Excused{{Why: "digits of a second beyond 3", Column: "at", Rows: 2}}},
		},
		Sequences: []Sequence{
			{Target: "public.seq_b", Source: "public.seq_b", Set: &Position{1, false}, Found: &Position{1, false}, Now: &Position{7, true}, Verdict: "match"},
			{Target: "public.seq_a", Source: "public.seq_a", Verdict: "unknown", ErrorMsg: "permission denied"},
		},
		Behaviour: []Behaviour{
			{Object: "public.orders.orders_pkey", Kind: "unique", What: "a second row like one that is there", Verdict: "match", Detail: "refused with SQLSTATE 23505"},
			{Object: "public.odd | name.b", Kind: "check", What: "a row that does not fulfil it", Verdict: "mismatch", Detail: "the target took a row that it must refuse (rolled back)"},
		},
		Statements: []Statement{
			{ID: "foreign keys/b", Phase: "foreign keys", Object: obj("foreign key", "public", "lines", "lines_fk"), SQL: "ALTER TABLE \"public\".\"lines\"\nADD x", Status: StatementSkipped, Reason: "public.orders is not complete"},
			{ID: "keys/a", Phase: "keys", Object: obj("index", "public", "", "orders_idx"), SQL: "CREATE UNIQUE INDEX orders_idx\nON orders", Status: StatementFailed, Reason: "could not create unique index (SQLSTATE 23505)", SQLState: "23505"},
		},
		Notes: []string{"a new snapshot was taken"},
	}
	for _, f := range []finding.Finding{
		{Code: "object.left", Severity: finding.Left, Object: obj("view", "public", "", "v_two"), Message: "views are not carried", Remedy: "create it by hand"},
		{Code: "object.left", Severity: finding.Left, Object: obj("view", "public", "", "v_one"), Message: "views are not carried", Remedy: "create it by hand"},
		{Code: "type.mapped", Severity: finding.Change, Object: obj("column", "public", "orders", "at"), Message: "timestamp becomes timestamp(3)"},
		{Code: "table.no-key", Severity: finding.Info, Object: obj("table", "public", "", "odd | name"), Message: "no key"},
		{Code: "type.refused", Severity: finding.Block, Object: obj("column", "public", "orders", "back`tick"), Message: "cannot be carried"},
	} {
		r.Findings = append(r.Findings, Finding{Finding: f})
	}
	r.Findings[4].Accepted = true
	r.Counts.Carried = 12
	r.Finish()
	r.Ending = guide.End(guide.Run{
		State: guide.Undone, Next: r.Next, DB9: true, Taken: started, Provider: provider.Neon,
		Findings: []finding.Finding{{Code: "type.precision", Severity: finding.Change, Object: obj("column", "public", "orders", "a*b")}},
		Source:   guide.Server{URL: "postgres://app:***@db.example:5432/shop?sslmode=verify-full", Role: "app", Bastion: "u@bastion"},
		Target:   guide.Server{URL: "postgres://t.admin:***@pg.example:5433/postgres?sslmode=require", Role: "t.admin"},
	})
	return r
}

func outputs(t require.TestingT, r *Report) (text, js, markdown string) {
	var a, b, c bytes.Buffer
	r.Text(&a)
	require.NoError(t, r.JSON(&b))
	require.NoError(t, r.Markdown(&c))
	return a.String(), b.String(), c.String()
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	text, js, markdown := outputs(t, full())
	golden(t, "full.txt", text)
	golden(t, "full.json", js)
	golden(t, "full.md", markdown)
	require.True(t, json.Valid([]byte(js)))
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	r := &Report{Command: "clone", Message: "the source holds no tables"}
	r.Finish()
	text, js, markdown := outputs(t, r)
	require.NotContains(t, text+markdown, "Tables\n")
	require.Contains(t, markdown, "the source holds no tables")
	require.True(t, json.Valid([]byte(js)))
}

// The order of work leaves no trace: the same facts give the same bytes.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	a := full()
	b := full()
	for i, j := 0, len(b.Tables)-1; i < j; i, j = i+1, j-1 {
		b.Tables[i], b.Tables[j] = b.Tables[j], b.Tables[i]
	}
	for i, j := 0, len(b.Findings)-1; i < j; i, j = i+1, j-1 {
		b.Findings[i], b.Findings[j] = b.Findings[j], b.Findings[i]
	}
	b.Findings = append(b.Findings, b.Findings[0]) // seen twice, told once
	b.Statements[0], b.Statements[1] = b.Statements[1], b.Statements[0]
	b.Finish()
	at, aj, am := outputs(t, a)
	bt, bj, bm := outputs(t, b)
	require.Equal(t, at, bt)
	require.Equal(t, aj, bj)
	require.Equal(t, am, bm)
}

// Whoever searches a report for an object's name finds it, in every format.
func TestNamesStandLiterally(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching("[A-Za-z_$*<>&`. |-]*[A-Za-z_$]+[A-Za-z0-9_$*<>&`. |-]*").Draw(t, "name")
		r := &Report{Command: "clone"}
		n := rapid.IntRange(1, 3).Draw(t, "n")
		for i := range n {
			r.Findings = append(r.Findings, Finding{Finding: finding.Finding{
				Code: "object.left", Severity: finding.Left, Message: "left", Object: obj("view", "s", "", name+strings.Repeat("x", i)),
			}})
		}
		r.Finish()
		text, js, markdown := outputs(t, r)
		for i := range n {
			want := "s." + name + strings.Repeat("x", i)
			require.Contains(t, text, want)
			require.Contains(t, markdown, want)
			require.Contains(t, js, want[2:])
		}
	})
}

func TestManyTablesOnATerminal(t *testing.T) {
	t.Parallel()
	r := &Report{Command: "clone"}
	for i := range 100 {
		x := Table{Target: "public.t" + strings.Repeat("a", i), Verdict: "match"}
		if i == 7 {
			x.Verdict, x.Detail = "mismatch", "other rows"
		}
		r.Tables = append(r.Tables, x)
	}
	r.Finish()
	text, _, markdown := outputs(t, r)
	require.Contains(t, text, "99 tables without a difference are not listed here")
	require.Contains(t, text, "public.taaaaaaa  ")
	require.Contains(t, markdown, "public.t"+strings.Repeat("a", 99))
}

func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"r.json", "r.md", "R.MD"} {
		path := filepath.Join(dir, name)
		require.NoError(t, CheckPath(path))
		_, err := os.Stat(path)
		require.ErrorIs(t, err, os.ErrNotExist, "a check leaves nothing")
		require.NoError(t, full().WriteFile(path))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o644), info.Mode().Perm())
		require.NoError(t, full().WriteFile(path), "an older report is replaced")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 3, "no trial file is left")
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.md"), 0o755))
	for path, want := range map[string]string{
		filepath.Join(dir, "r.txt"):          "must end in .html, .md or .json",
		filepath.Join(dir, "r"):              "must end in .html, .md or .json",
		filepath.Join(dir, "none", "r.json"): "cannot be written: no such file or directory",
		filepath.Join(dir, "folder.md"):      "is a folder",
	} {
		require.ErrorContains(t, CheckPath(path), want)
	}
	require.ErrorContains(t, full().WriteFile(filepath.Join(dir, "none", "r.json")), "no such file or directory")
	require.ErrorContains(t, full().WriteFile("r.txt"), "must end in")
}
