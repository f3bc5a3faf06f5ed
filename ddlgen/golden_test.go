package ddlgen

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
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

// variant is a target that a case is planned for.
type variant struct {
	name    string
	profile Profile
	opts    Options
	major   int // of the server that stands for the target
}

// major is the PostgreSQL that the source of a case needs.
func (g *golden) major(t *testing.T) int {
	t.Helper()
	text := strings.TrimSpace(g.section("major"))
	if text == "" {
		return goldenMajor
	}
	major, err := strconv.Atoi(text)
	require.NoError(t, err)
	return major
}

// variants are the targets that the case is about. A source newer than the
// usual is also planned for an older PostgreSQL.
func (g *golden) variants(t *testing.T) []variant {
	t.Helper()
	postgres := variant{name: "postgres", profile: Postgres(), opts: g.options(t), major: g.major(t)}
	db9 := variant{name: "db9", profile: DB9(), opts: g.options(t), major: goldenMajor}
	switch strings.TrimSpace(g.section("profile")) {
	case "postgres":
		return []variant{postgres}
	case "db9":
		return []variant{db9}
	}
	if postgres.major == goldenMajor {
		return []variant{postgres, db9}
	}
	older := variant{name: "older", profile: Postgres(), opts: Options{TargetVersion: goldenMajor * 10000}, major: goldenMajor}
	return []variant{postgres, older, db9}
}

// options are the words of the section of that name.
func (g *golden) options(t *testing.T) Options {
	t.Helper()
	var o Options
	for _, word := range strings.Fields(g.section("options")) {
		switch word {
		case "privileges":
			o.Privileges = true
		case "owners":
			o.Owners = true
		case "roles":
			o.Roles = true
		case "policies":
			o.Policies = true
		case "no-comments":
			o.NoComments = true
		default:
			require.Failf(t, "options", "no option %q", word)
		}
	}
	return o
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

// mapping is what the case's user wants otherwise; nil is nothing.
func (g *golden) mapping(t *testing.T, db *catalog.Database) *usermap.Mapping {
	t.Helper()
	spec, err := usermap.Parse("mapping", []byte(g.section("mapping")))
	require.NoError(t, err)
	m, err := usermap.Resolve(spec, db, db)
	require.NoError(t, err)
	return m
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
	return map[string]string{"sql": sqlText(plan), "findings": findingsText(plan), "transfers": transfersText(plan)}
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
		if tr.NoData != "" {
			fmt.Fprintf(&b, "    no data by %s\n", tr.NoData)
		}
		for _, r := range tr.Relations {
			if where := tr.WhereOf(r); where != "" {
				fmt.Fprintf(&b, "    of %q where %s\n", r.String(), where)
			}
		}
		for _, c := range tr.Columns {
			if c.Select == ident(c.Source) && c.TargetType == c.SourceType.Text && c.Affected == nil && c.Target == c.Source {
				continue
			}
			fmt.Fprintf(&b, "    %s: %s", c.Select, c.TargetType)
			if c.Target != c.Source {
				fmt.Fprintf(&b, " > %s", ident(c.Target))
			}
			if c.Canon != "" {
				fmt.Fprintf(&b, " canon %s", c.Canon)
			}
			b.WriteString("\n")
			for _, a := range c.Affected {
				refused := ""
				if a.Refused {
					refused = " refused"
				}
				fmt.Fprintf(&b, "        %s%s: %s\n", a.Kind, refused, strings.Join(strings.Fields(a.Where), " "))
			}
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
func (g *golden) check(t *testing.T, v variant, plan *Plan) {
	t.Helper()
	got := wants(plan)
	for _, what := range []string{"sql", "findings", "transfers"} {
		section := "want." + v.name + "." + what
		if *update {
			g.set(section, got[what])
			continue
		}
		require.Equal(t, g.section(section), got[what], section)
	}
}

// The pure half of the golden cases: from the model to the plan.
func TestGolden(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name(), func(t *testing.T) {
			db := g.model(t)
			for _, v := range g.variants(t) {
				v.opts.Mapping = g.mapping(t, db)
				plan, err := Generate(db, v.profile, v.opts)
				require.NoError(t, err)
				requireSound(t, db, plan, v.opts.Mapping)
				g.check(t, v, plan)
			}
			if *update {
				g.save(t)
			}
		})
	}
}
