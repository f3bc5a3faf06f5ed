package assess

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
	"github.com/pg2db9/pg2db9/internal/scan"
)

func name(s string) catalog.Name { return catalog.Name{Schema: "shop", Name: s} }

func typ(s, text string) catalog.Type {
	return catalog.Type{Name: catalog.Name{Schema: "pg_catalog", Name: s}, Kind: catalog.KindBase, Mod: -1, Text: text}
}

// sampleDatabase is a small model with something in most areas.
func sampleDatabase() *catalog.Database {
	citext := catalog.Type{Name: catalog.Name{Schema: "public", Name: "citext"}, Kind: catalog.KindBase, Mod: -1, Text: "public.citext", Extension: "citext"}
	return &catalog.Database{
		ServerVersion: 150018, Encoding: "LATIN1", Collate: "de_DE", Ctype: "de_DE",
		Schemas:    []catalog.Schema{{Name: "shop"}},
		Extensions: []catalog.Extension{{Name: "citext", Schema: "public", Version: "1.6"}, {Name: "hstore", Schema: "public", Version: "1.8"}},
		Tables: []catalog.Table{
			{
				Name: name("customer"), Kind: catalog.TableOrdinary, AccessMeth: "heap", HeapBytes: 800 << 20, ToastBytes: 200 << 20, RowsGuess: 3_000_000,
				Columns: []catalog.Column{
					{Name: "id", Num: 1, Type: typ("int8", "bigint"), NotNull: true, Local: true, StatsTgt: -1},
					{Name: "mail", Num: 2, Type: citext, Local: true, StatsTgt: -1},
					{Name: "seen", Num: 3, Type: typ("timestamptz", "timestamp with time zone"), Local: true, StatsTgt: -1},
					{Name: "mood", Num: 4, Type: typ("int2", "smallint"), Local: true, StatsTgt: -1},
				},
			},
			{
				Name: name("event"), Kind: catalog.TablePartitioned, PartitionKey: "RANGE (id)", RowsGuess: -1,
				Columns: []catalog.Column{{Name: "id", Num: 1, Type: typ("int8", "bigint"), NotNull: true, Local: true, StatsTgt: -1}},
			},
			{
				Name: name("event_1"), Kind: catalog.TableOrdinary, AccessMeth: "heap", IsPartition: true, Inherits: []catalog.Name{name("event")}, Bound: "DEFAULT",
				HeapBytes: 5 << 30, RowsGuess: 90_000_000,
				Columns: []catalog.Column{{Name: "id", Num: 1, Type: typ("int8", "bigint"), NotNull: true, StatsTgt: -1}},
			},
			{
				Name: name("place"), Kind: catalog.TableOrdinary, AccessMeth: "heap", HeapBytes: 1 << 20, RowsGuess: -1,
				Columns: []catalog.Column{{
					Name: "at", Num: 1, Local: true, StatsTgt: -1,
					Type: catalog.Type{Name: catalog.Name{Schema: "public", Name: "geometry"}, Kind: catalog.KindBase, Mod: -1, Text: "public.geometry", Extension: "postgis"},
				}},
			},
		},
		Constraints: []catalog.Constraint{
			{Table: name("customer"), Name: "customer_pkey", Kind: catalog.PrimaryKey, Def: "PRIMARY KEY (id)", Columns: []string{"id"}, Index: "customer_pkey", Validated: true, Enforced: true},
		},
		Indexes: []catalog.Index{
			{Name: name("customer_pkey"), Table: name("customer"), Def: "CREATE UNIQUE INDEX customer_pkey ON shop.customer USING btree (id)", Method: "btree", Unique: true, Primary: true, Constraint: "customer_pkey", Valid: true, Keys: []catalog.IndexKey{{Column: "id"}}, Bytes: 60 << 20},
			{Name: name("customer_mood"), Table: name("customer"), Def: "CREATE INDEX customer_mood ON shop.customer USING hash (mood)", Method: "hash", Valid: true, Keys: []catalog.IndexKey{{Column: "mood"}}, Bytes: 80 << 20},
		},
		Settings: []catalog.Setting{{Role: "teller", Name: "default_transaction_isolation", Value: "serializable"}},
		Others: []catalog.Other{
			{Kind: "publication", Name: catalog.Name{Name: "all_tables"}},
			{Kind: "large objects", Name: catalog.Name{Name: "large objects"}, Count: 17},
		},
	}
}

// sampleInput is the model with its plan for a DB9.
func sampleInput(t *testing.T, accept ...string) *Input {
	t.Helper()
	db := sampleDatabase()
	plan, err := ddlgen.Generate(db, ddlgen.DB9(), ddlgen.Options{Accept: accept})
	require.NoError(t, err)
	free := 93
	return &Input{
		Name: "shop", Snapshot: &Snapshot{ID: "00000003-0000001B-1", Taken: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}, Moment: "Read in one snapshot.",
		Database: db, Plan: plan, Profile: ddlgen.DB9(), Accept: accept,
		Findings: []finding.Finding{{
			Code: "source.privilege", Severity: finding.Block, Object: finding.Object{Kind: "table", Schema: "shop", Name: "place"},
			Message: `the source's role "reader" may not read the table`, Remedy: "on the source: GRANT SELECT ON TABLE shop.place TO reader; or --exclude-table",
		}},
		Facts: &Facts{AdvisoryLocks: 2, Isolation: "read committed"}, Parts: 9, Jobs: 4, SourceFree: &free, ReadinessChecked: true,
	}
}

func sampleReport(t *testing.T, accept ...string) *Report {
	t.Helper()
	r := &Report{
		Version: Version, Program: "dev", Run: "20261121T120000Z-00000000", Started: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Seconds: 1.5, ExitCode: 4,
		Message: "assessed: database shop; 2 findings block a clone",
		Source:  Server{URL: "postgres://reader@old/shop", Transport: "TLS, certificate verified", Version: "PostgreSQL 15.18"},
		Profile: Profile{Name: "db9"}, Databases: []Database{Build(sampleInput(t, accept...))},
		NotRead: []NotRead{{Name: "hidden", Reason: `role "reader" lacks the CONNECT privilege`}},
	}
	for _, a := range accept {
		r.Accepted = append(r.Accepted, Acceptance{Accept: a, By: "ada", Where: "--accept", Findings: r.Acknowledged(a)})
	}
	r.Advise(true)
	return r
}

// hostile is a name that breaks whatever does not escape it.
const hostile = `</style><script>alert(1)</script><img src=x onerror=alert(2)>"'&|` + "`*_\n\t\x1b[31m" + `{{.}}`

// hostileReport has hostile names, and long ones, in every place.
func hostileReport() *Report {
	long := strings.Repeat("x", 200)
	n := 90
	d := Database{
		Name: hostile, Encoding: hostile, Collate: hostile, Moment: hostile, Score: &n,
		Snapshot:   &Snapshot{ID: hostile},
		Checks:     []CheckResult{{ID: "values", Title: "T", State: Found, Count: 1, Objects: []string{hostile}, Reason: hostile, Remedy: hostile}, {ID: "u", Title: "U", State: Unknown, Note: hostile}},
		Extensions: []Extension{{Name: hostile, Version: hostile, Users: []string{hostile, long}}},
		Estimate: Estimate{
			Tables: 1, Rows: 1, Bytes: 1, Parts: 1, Note: hostile, Largest: []Large{{Table: hostile, Bytes: 5, Rows: -1, Share: 1}},
			Durations: []Duration{{Rate: hostile, Bytes: 1, Basis: hostile, Jobs: []JobsTime{{1, 3600}, {4, 900}, {10, 360}}}},
		},
		Scan: &scan.Result{
			Mode:   scan.Mode(hostile),
			Items:  []scan.Item{{Kind: hostile, State: scan.Found, Object: finding.Object{Kind: "column", Schema: hostile, Name: hostile}, Count: 1, Keys: []string{hostile}, Query: hostile, Why: hostile}},
			Tables: []scan.Table{{Table: catalog.Name{Schema: hostile, Name: hostile}, Why: hostile}},
		},
		Source: &sourcefacts.Facts{Version: hostile, Unknown: []sourcefacts.Unknown{{What: hostile, Why: hostile}}},
	}
	for _, t := range areaTitles {
		d.Areas = append(d.Areas, Area{ID: t.id, Title: t.title, Score: &n, Objects: 1_000_000_000, Carried: 1_000_000_000, Changed: 1_000_000_000, Left: 1_000_000_000, Blocked: 1_000_000_000, Note: hostile})
	}
	for _, s := range []finding.Severity{finding.Block, finding.Left, finding.Change, finding.Info} {
		for _, o := range []string{hostile, long} {
			f := finding.Finding{Code: "object.left", Severity: s, Object: finding.Object{Kind: "table", Schema: o, Name: o}, Message: o, Remedy: o}
			d.Findings = append(d.Findings, Finding{Finding: f, Do: whatToDo(f)})
		}
	}
	d.Work = workOf(d.Findings)
	return &Report{
		Version: Version, Program: hostile, Options: []string{hostile}, Message: hostile, Source: Server{hostile, hostile, hostile}, Target: &Server{hostile, hostile, hostile},
		Profile: Profile{Name: hostile, Probing: hostile, Changes: []string{hostile}}, Databases: []Database{d}, NotRead: []NotRead{{hostile, hostile}},
		Accepted: []Acceptance{{hostile, hostile, hostile, 1}}, Application: []Advice{{ID: "a", Title: hostile, Text: hostile, Because: []string{hostile}, Count: 1}},
		WayBack: []Advice{{ID: "b", Title: hostile, Text: hostile}}, Notes: []string{hostile},
	}
}
