package assess

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// golden compares with a file of testdata; UPDATE=1 writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "UPDATE=1 go test ./internal/assess writes it anew")
}

// U8: the same input gives the same report, as JSON and as Markdown.
func TestReportGolden(t *testing.T) {
	t.Parallel()
	r := sampleReport(t, "table.unproven", "type.refused:shop.place.at")
	for ext, write := range map[string]func(*Report, *bytes.Buffer) error{
		"json": func(r *Report, b *bytes.Buffer) error { return r.JSON(b) },
		"md":   func(r *Report, b *bytes.Buffer) error { return r.Markdown(b) },
	} {
		var a, b bytes.Buffer
		require.NoError(t, write(r, &a))
		require.NoError(t, write(sampleReport(t, "table.unproven", "type.refused:shop.place.at"), &b))
		require.Equal(t, a.String(), b.String())
		golden(t, filepath.Join("testdata", "report."+ext), a.String())
	}
	var back Report
	data, err := json.Marshal(r)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &back))
	again, err := json.Marshal(back)
	require.NoError(t, err)
	require.JSONEq(t, string(data), string(again), "what is written can be read")
}

// The JSON's names are a contract: testdata/schema.txt has each with its type.
// A line may be added; one that goes or changes makes a new Version.
func TestReportSchema(t *testing.T) {
	t.Parallel()
	var lines []string
	walk(&lines, "", reflect.TypeFor[Report]())
	golden(t, filepath.Join("testdata", "schema.txt"), strings.Join(lines, "\n")+"\n")
	require.Equal(t, 1, Version)
}

func walk(lines *[]string, path string, t reflect.Type) {
	switch {
	case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[finding.Severity]():
		*lines = append(*lines, path+" string")
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		walk(lines, path, t.Elem())
	case reflect.Slice:
		walk(lines, path+"[]", t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				walk(lines, path, f.Type)
			case name != "-":
				walk(lines, strings.TrimPrefix(path+"."+name, "."), f.Type)
			}
		}
	default:
		*lines = append(*lines, fmt.Sprintf("%s %s", path, t.Kind()))
	}
}

// The counts of a report agree with each other.
func TestCountsAgree(t *testing.T) {
	t.Parallel()
	d := sampleReport(t).Databases[0]
	c := d.Counts
	require.Equal(t, c.Objects, c.Carried+c.Changed+c.Left+c.Blocked)
	require.Equal(t, len(d.Findings), c.FindingsBlock+c.FindingsLeft+c.FindingsChange+c.FindingsInfo+c.FindingsAccepted)
	n := 0
	for _, g := range d.Work {
		m := 0
		for _, it := range g.Items {
			k := 0
			for _, x := range it.Details {
				k += len(x.Objects)
			}
			require.Equal(t, it.Count, k)
			m += k
		}
		require.Equal(t, g.Count, m)
		n += m
	}
	require.Len(t, d.Findings, n, "every finding is in the work list, once")
	require.Len(t, d.Areas, len(areaTitles))
	require.Len(t, d.Checks, len(checks))
}

// An area that nobody looked at has no score, and an object that is left or
// blocked counts nothing.
func TestScore(t *testing.T) {
	t.Parallel()
	require.Nil(t, score(0, 0, 0))
	require.Equal(t, 100, *score(3, 3, 0))
	require.Equal(t, 99, *score(1000, 999, 0), "nothing rounds up to 100")
	require.Equal(t, 50, *score(2, 0, 2))
	require.Zero(t, *score(2, 0, 0))
	require.Nil(t, overall([]Area{{}, {}}))
	in := sampleInput(t)
	in.ReadinessChecked = false
	for _, a := range Build(in).Areas {
		if a.ID == areaData || a.ID == areaSource {
			require.Nil(t, a.Score)
			require.Contains(t, a.Note, "not looked at")
		}
	}
}

// db9.md section 12, rows 1 to 3 and 13: routine bodies are read by tokens, and
// comments and strings are no use of anything (T23).
func TestChecksOfBodies(t *testing.T) {
	t.Parallel()
	in := sampleInput(t)
	routine := func(name, body string) catalog.Routine {
		return catalog.Routine{
			Name: catalog.Name{Schema: "shop", Name: name + "()"}, Plain: name, Kind: catalog.Function, Language: "plpgsql", Body: body, Volatility: "volatile", Parallel: "unsafe",
			Returns: "void", ReturnsType: catalog.Type{Name: catalog.Name{Schema: "pg_catalog", Name: "void"}, Kind: catalog.KindPseudo, Mod: -1, Text: "void"},
			Def: catalog.RoutineDef("CREATE OR REPLACE FUNCTION shop." + name + "()\n RETURNS void\n LANGUAGE plpgsql\nAS $function$" + body + "$function$"),
		}
	}
	in.Facts, in.Database.Settings = &Facts{}, nil
	in.Database.Routines = []catalog.Routine{
		routine("none", "BEGIN\n-- PERFORM pg_notify('a', 'b'); WHILE\nRAISE EXCEPTION 'LISTEN pg_advisory_lock EXECUTE SERIALIZABLE';\nEND"),
		routine("tells", "BEGIN\nPERFORM pg_notify('a', 'b');\nEND"),
		routine("locks", "BEGIN\n\nPERFORM pg_try_advisory_xact_lock(1);\nEND"),
		routine("loops", "BEGIN\nWHILE true LOOP\nEXECUTE 'x';\nEND LOOP;\nEND"),
	}
	plan, err := ddlgen.Generate(in.Database, in.Profile, ddlgen.Options{})
	require.NoError(t, err)
	in.Plan = plan
	d := Build(in)
	got := map[string][]string{}
	for _, c := range d.Checks {
		got[c.ID] = c.Objects
	}
	require.Equal(t, []string{"function shop.tells()"}, got["listen-notify"])
	require.Equal(t, []string{"function shop.locks()"}, got["advisory-locks"])
	require.Contains(t, got["plpgsql"], "function shop.loops()")
	require.NotContains(t, got["plpgsql"], "function shop.none()")
	require.Empty(t, got["serializable"])
	i := slices.IndexFunc(d.Findings, func(f Finding) bool { return f.Code == usesNotify })
	require.Contains(t, d.Findings[i].Message, "pg_notify in line 2")
}

// Views deeper than the target follows are found; materialized ones begin anew.
func TestViewNesting(t *testing.T) {
	t.Parallel()
	db := &catalog.Database{}
	for i := range 70 {
		v := catalog.View{Name: catalog.Name{Schema: "s", Name: fmt.Sprintf("v%02d", i)}}
		if i > 0 {
			v.Uses = []catalog.Ref{{Kind: "view", Name: db.Views[i-1].Name}}
		}
		db.Views = append(db.Views, v)
	}
	require.Len(t, nesting(db), 6)
	db.Views[30].Materialized = true
	require.Empty(t, nesting(db))
	db.Views[0].Uses = []catalog.Ref{{Kind: "view", Name: db.Views[69].Name}} // a circle ends
	require.NotPanics(t, func() { nesting(db) })
}

// An extension that the target lacks is named with what needs it, one that it
// has is not.
func TestExtensionsAndTheirUsers(t *testing.T) {
	t.Parallel()
	d := Build(sampleInput(t))
	require.Equal(t, []Extension{
		{Name: "citext", Version: "1.6", Users: []string{"column shop.customer.mail"}},
		{Name: "hstore", Version: "1.8", Carried: true},
	}, d.Extensions)
}

// More jobs than parts are of no use, and rates are those of the documents.
func TestEstimate(t *testing.T) {
	t.Parallel()
	in := sampleInput(t)
	in.Parts = 2
	e := estimate(in)
	low := e.Durations[0]
	require.InDelta(t, documentedLow, low.Bytes, 0)
	require.InDelta(t, float64(e.Bytes)/documentedLow, low.Jobs[0].Seconds, 1)
	require.InDelta(t, low.Jobs[1].Seconds, low.Jobs[2].Seconds, 0, "two parts keep two jobs busy")
	require.InDelta(t, low.Jobs[0].Seconds/2, low.Jobs[1].Seconds, 1)
	require.Equal(t, "shop.event", e.Largest[0].Table)
	require.Equal(t, 1, e.RowsUnknown)
	in.Profile = ddlgen.Postgres()
	require.Empty(t, estimate(in).Durations, "no rate is documented for a PostgreSQL")
}

// Every code has one rule, a reason, a remedy and a place in the work list.
func TestRules(t *testing.T) {
	t.Parallel()
	seen := map[finding.Code]bool{}
	for _, r := range Rules() {
		require.False(t, seen[r.Code], "%s is documented twice", r.Code)
		seen[r.Code] = true
		require.NotZero(t, r.Severity, r.Code)
		require.NotEmpty(t, r.Reason, r.Code)
		require.NotEmpty(t, r.Remedy, r.Code)
		do := whatToDo(finding.Finding{Code: r.Code, Severity: r.Severity, Remedy: r.Remedy})
		require.True(t, slices.ContainsFunc(groups, func(g Group) bool { return g.ID == do }), r.Code)
	}
	for code := range todo {
		require.True(t, seen[code], "todo names %s, which no package finds", code)
	}
}
