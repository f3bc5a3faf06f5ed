package ddlgen

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
)

var update = flag.Bool("update", false, "rewrite the golden cases")

// golden is one case of testdata: a source, its model, and what each profile
// makes of it.
type golden struct {
	path    string
	archive *archive
}

func goldens(t *testing.T) []*golden {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	out := make([]*golden, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		out = append(out, &golden{path: path, archive: parseArchive(string(text))})
	}
	return out
}

func (g *golden) name() string {
	return strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(g.path), "testdata/"), ".txtar")
}

func (g *golden) section(name string) string {
	for _, f := range g.archive.files {
		if f.name == name {
			return f.data
		}
	}
	return ""
}

func (g *golden) set(name, text string) {
	for i := range g.archive.files {
		if g.archive.files[i].name == name {
			g.archive.files[i].data = text
			return
		}
	}
	g.archive.files = append(g.archive.files, archiveFile{name: name, data: text})
}

func (g *golden) save(t *testing.T) {
	t.Helper()
	require.NoError(t, os.WriteFile(g.path, []byte(g.archive.String()), 0o644))
}

// profiles are those that the case is about.
func (g *golden) profiles() []Profile {
	switch strings.TrimSpace(g.section("profile")) {
	case "postgres":
		return []Profile{Postgres()}
	case "db9":
		return []Profile{DB9()}
	}
	return []Profile{Postgres(), DB9()}
}

func (g *golden) model(t *testing.T) *catalog.Database {
	t.Helper()
	text := g.section("catalog.json")
	require.NotEmpty(t, text, "no catalog.json: run the live test with -update")
	var db catalog.Database
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&db))
	return &db
}

func modelText(t *testing.T, db *catalog.Database) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	require.NoError(t, e.Encode(db))
	return b.String()
}

// wants renders what a case promises about a plan.
func wants(plan *Plan) map[string]string {
	return map[string]string{
		"want." + plan.Profile + ".sql":       sqlText(plan),
		"want." + plan.Profile + ".findings":  findingsText(plan),
		"want." + plan.Profile + ".transfers": transfersText(plan),
	}
}

func sqlText(plan *Plan) string {
	var b strings.Builder
	phase := PhaseUnset
	for _, s := range plan.Statements {
		if s.Phase != phase {
			phase = s.Phase
			fmt.Fprintf(&b, "-- phase: %s\n", phase)
		}
		b.WriteString(s.SQL + ";\n")
	}
	return b.String()
}

func findingsText(plan *Plan) string {
	var b strings.Builder
	for _, f := range plan.Findings {
		fmt.Fprintf(&b, "%s %s: %q: %s\n", f.Severity, f.Code, f.Object.String(), f.Message)
	}
	return b.String()
}

// transfersText names each transfer, and of its columns those that change.
func transfersText(plan *Plan) string {
	var b strings.Builder
	for _, tr := range plan.Transfers {
		fmt.Fprintf(&b, "%q", tr.Target.String())
		for _, r := range tr.Relations {
			if r != tr.Target || len(tr.Relations) > 1 {
				fmt.Fprintf(&b, " < %q", r.String())
			}
		}
		if tr.Source != tr.Target {
			fmt.Fprintf(&b, " of %q", tr.Source.String())
		}
		if tr.Key != nil {
			fmt.Fprintf(&b, " key %q", tr.Key)
		}
		if tr.KeyInline {
			b.WriteString(" inline")
		}
		fmt.Fprintf(&b, " columns %d\n", len(tr.Columns))
		for _, c := range tr.Columns {
			if c.Select == ident(c.Source) && c.TargetType == c.SourceType.Text {
				continue
			}
			fmt.Fprintf(&b, "    %s: %s", c.Select, c.TargetType)
			if c.Canon != "" {
				fmt.Fprintf(&b, " canon %s", c.Canon)
			}
			b.WriteString("\n")
		}
	}
	for _, v := range plan.Sequences {
		fmt.Fprintf(&b, "sequence %q > %q %d %t", v.Source.String(), v.Target.String(), v.LastValue, v.IsCalled)
		if v.Owner != nil {
			fmt.Fprintf(&b, " of %q", v.Owner.Table.String()+"."+v.Owner.Column)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// check compares a plan with what the case wants, or writes it there.
func (g *golden) check(t *testing.T, plan *Plan) {
	t.Helper()
	got := wants(plan)
	for _, section := range []string{".sql", ".findings", ".transfers"} {
		section = "want." + plan.Profile + section
		if *update {
			g.set(section, got[section])
			continue
		}
		require.Equal(t, g.section(section), got[section], section)
	}
}

// The pure half of the golden cases: from the model to the plan.
func TestGolden(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name(), func(t *testing.T) {
			db := g.model(t)
			for _, profile := range g.profiles() {
				plan, err := Generate(db, profile, Options{})
				require.NoError(t, err)
				requireSound(t, db, plan)
				g.check(t, plan)
			}
			if *update {
				g.save(t)
			}
		})
	}
}
