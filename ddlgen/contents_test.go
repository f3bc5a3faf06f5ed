package ddlgen

import (
	"cmp"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// N17, by a second witness: whatever pg_dump would write of a database with one of
// everything is in a statement or in a finding. pg_dump is part of Debian's
// packages and of no other binaries that tests use: what the one of PostgreSQL 15
// wrote is kept in testdata/contents.txt, and held against it where there is one
// (UPDATE=1 writes the file).
func TestContentsOfPgDump(t *testing.T) {
	t.Parallel()
	source := serverOf(t, goldenMajor).Database(t)
	everything(t, source, true)
	source.Exec(t, "SELECT lo_create(0), lo_create(0)")
	contents := keptContents(t, source)
	require.Greater(t, len(contents), 200)

	db := load(t, source.Conn(t))
	for _, profile := range []Profile{Postgres(), DB9()} {
		plan, err := Generate(db, profile, Options{})
		require.NoError(t, err)
		told := contentsOfPlan(db, plan)
		var vanished []string
		for _, line := range contents {
			if !told[line] {
				vanished = append(vanished, line)
			}
		}
		require.Empty(t, vanished, profile.Name)
	}
}

// keptContents are the entries as they are kept, and as pg_dump writes them where
// it is there.
func keptContents(t *testing.T, source *pgtest.DB) []string {
	t.Helper()
	const file = "testdata/contents.txt"
	if dumpTool(t, source.Cluster(), "pg_dump") != "" && dumpTool(t, source.Cluster(), "pg_restore") != "" {
		lines := contentsOfDump(t, source)
		if os.Getenv("UPDATE") == "1" {
			require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
		}
		kept, err := os.ReadFile(file)
		require.NoError(t, err)
		require.ElementsMatch(t, lines, strings.Split(strings.TrimSuffix(string(kept), "\n"), "\n"))
	}
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(kept), "\n"), "\n")
}

// dumpTool finds a client program of the server's major; "" is none.
func dumpTool(t *testing.T, server *pgtest.Cluster, name string) string {
	t.Helper()
	for _, path := range []string{filepath.Join("/usr/lib/postgresql", "15", "bin", name), name} {
		path, err := exec.LookPath(path)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(t.Context(), path, "--version").Output()
		if err == nil && strings.Contains(string(out), " 15.") && server.Major() == 15 {
			return path
		}
	}
	return ""
}

// contentsOfDump are the entries of pg_dump's table of contents, as "KIND schema
// tag", without what is no object: settings of the dump, rows.
func contentsOfDump(t *testing.T, source *pgtest.DB) []string {
	t.Helper()
	dump, restore := dumpTool(t, source.Cluster(), "pg_dump"), dumpTool(t, source.Cluster(), "pg_restore")
	file := filepath.Join(t.TempDir(), "everything.dump")
	u, err := url.Parse(source.URL)
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), dump, "--format=custom", "--schema-only", "--file", file, "--dbname", u.String()).CombinedOutput()
	require.NoError(t, err, "%s", out)
	list, err := exec.CommandContext(t.Context(), restore, "--list", file).Output()
	require.NoError(t, err)
	require.NoError(t, os.Remove(file))

	entry := regexp.MustCompile(`^[0-9]+; [0-9]+ [0-9]+ (` + strings.Join(contentKinds, "|") + `) (-|app|other|public|Odd Schema|ext)(?: (.*))?$`)
	var lines []string
	for line := range strings.Lines(string(list)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, ";") || line == "" {
			continue
		}
		m := entry.FindStringSubmatch(line)
		require.NotNil(t, m, "an entry of a kind that the test does not know: %s", line)
		kind, schema, tag := m[1], m[2], m[3]
		if i := strings.LastIndexByte(tag, ' '); i >= 0 && kind != "CAST" && kind != "TRANSFORM" { // the owner comes last; some kinds have none, but a space
			tag = tag[:i]
		}
		if kind == "ACL" && schema == "ext" { // of members of an extension, which are left to it (N11)
			continue
		}
		if kind == "BLOB" || kind == "BLOBS" {
			kind, tag = "BLOB", ""
		}
		lines = append(lines, strings.TrimSpace(kind+" "+schema+" "+strings.TrimSpace(tag)))
	}
	return lines
}

// contentKinds are the kinds of pg_dump's entries; longer ones before those that
// they begin with.
var contentKinds = []string{
	"ACCESS METHOD", "ACL", "AGGREGATE", "BLOBS", "BLOB", "CAST", "CHECK CONSTRAINT", "COLLATION", "COMMENT", "CONSTRAINT", "CONVERSION", "DEFAULT ACL", "DEFAULT",
	"DOMAIN", "EVENT TRIGGER", "EXTENSION", "FK CONSTRAINT", "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "FUNCTION", "INDEX ATTACH", "INDEX", "MATERIALIZED VIEW",
	"OPERATOR CLASS", "OPERATOR FAMILY", "OPERATOR", "POLICY", "PROCEDURAL LANGUAGE", "PROCEDURE", "PUBLICATION TABLES IN SCHEMA", "PUBLICATION TABLE", "PUBLICATION",
	"ROW SECURITY", "RULE", "SCHEMA", "SECURITY LABEL", "SEQUENCE OWNED BY", "SEQUENCE", "SERVER", "SHELL TYPE", "STATISTICS", "SUBSCRIPTION", "TABLE ATTACH", "TABLE",
	"TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE", "TRANSFORM", "TRIGGER", "TYPE", "USER MAPPING", "VIEW",
}

// contentsOfPlan writes what a plan accounts for as pg_dump names it.
func contentsOfPlan(db *catalog.Database, plan *Plan) map[string]bool {
	out := map[string]bool{}
	for o := range accounted(db, plan) {
		schema := o.Schema
		if schema == "" {
			schema = "-"
		}
		add := func(kind string, tag ...string) {
			out[strings.TrimSpace(kind+" "+schema+" "+strings.Join(tag, " "))] = true
		}
		name := strings.ReplaceAll(o.Name, ",", ", ")
		if on, is := strings.CutPrefix(o.Kind, "comment on "); is {
			add("COMMENT", contentOfComment(on, o, name))
			continue
		}
		if on, is := strings.CutPrefix(o.Kind, "privileges on "); is {
			switch on {
			case "column":
				add("ACL", "COLUMN "+o.Parent+"."+o.Name)
			case "view", "materialized view":
				add("ACL", "TABLE "+o.Name)
			case "function", "procedure", "aggregate", "window function":
				for _, r := range db.Routines {
					if r.Name == (catalog.Name{Schema: o.Schema, Name: o.Name}) {
						add("ACL", strings.ToUpper(on)+" "+r.Plain+"("+r.IdentityArgs+")")
					}
				}
			default:
				add("ACL", strings.ToUpper(on)+" "+name)
			}
			continue
		}
		switch o.Kind {
		case "table":
			for _, kind := range []string{"TABLE", "FOREIGN TABLE", "TABLE ATTACH", "ROW SECURITY"} {
				add(kind, o.Name)
			}
		case "row security":
			add("ROW SECURITY", o.Name)
		case "column":
			add("DEFAULT", o.Parent, o.Name)
		case "type", "range type", "base type":
			add("TYPE", o.Name)
			add("SHELL TYPE", o.Name) // of a base type, before its functions
		case "shell type":
			add("SHELL TYPE", o.Name)
			add("TYPE", o.Name)
		case "constraint":
			for _, kind := range []string{"CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT"} {
				add(kind, o.Parent, o.Name)
			}
		case "index":
			add("INDEX", o.Name)
			add("INDEX ATTACH", o.Name)
		case "sequence":
			add("SEQUENCE", o.Name)
			add("SEQUENCE OWNED BY", o.Name)
		case "function", "procedure", "aggregate", "window function":
			kind := strings.ToUpper(strings.TrimPrefix(o.Kind, "window "))
			add(kind, strings.Replace(name, "()", map[bool]string{true: "(*)", false: "()"}[o.Kind == "aggregate"], 1))
		case "operator":
			add("OPERATOR", strings.SplitN(o.Name, "(", 2)[0])
		case "operator class", "operator family":
			plain, _, _ := strings.Cut(o.Name, " USING ")
			add(strings.ToUpper(o.Kind), plain)
		case "cast":
			add("CAST", "CAST ("+o.Name+")")
		case "transform":
			add("TRANSFORM", "TRANSFORM "+o.Name)
		case "language":
			add("PROCEDURAL LANGUAGE", o.Name)
		case "trigger", "rule", "policy":
			add(strings.ToUpper(o.Kind), o.Parent, o.Name)
		case "publication":
			add("PUBLICATION", o.Name)
			contentsOfPublication(db, o.Name, out)
		case "user mapping":
			role, server, _ := strings.Cut(o.Name, " SERVER ")
			add("USER MAPPING", "USER MAPPING", strings.TrimPrefix(role, "FOR "), "SERVER", server)
		case "extension":
			add("EXTENSION", o.Name)
			add("COMMENT", "EXTENSION "+o.Name) // its own comes with it; the user's is told apart by catalog's tests
		case "default privileges":
			for i := range db.DefaultPrivileges {
				if d := &db.DefaultPrivileges[i]; defaultPrivilegeObject(d) == o {
					schema = cmp.Or(d.Schema, "-")
					add("DEFAULT ACL", "DEFAULT PRIVILEGES FOR "+strings.ToUpper(d.Objects))
				}
			}
		case "large object":
			add("BLOB") // they are counted
		default:
			add(strings.ToUpper(o.Kind), o.Name)
		}
	}
	for _, d := range db.Domains { // its checks go the way of the domain
		for _, c := range d.Checks {
			if out["DOMAIN "+d.Name.Schema+" "+d.Name.Name] {
				out["CHECK CONSTRAINT "+d.Name.Schema+" "+d.Name.Name+" "+c.Name] = true
			}
		}
	}
	return out
}

func contentOfComment(on string, o finding.Object, name string) string {
	switch on {
	case "column":
		return "COLUMN " + o.Parent + "." + o.Name
	case "constraint", "trigger", "rule", "policy":
		return strings.ToUpper(on) + " " + o.Name + " ON " + o.Parent
	case "constraint on domain":
		return "CONSTRAINT " + o.Name + " ON DOMAIN " + o.Parent
	case "operator":
		return "OPERATOR " + strings.Replace(name, "(", " (", 1)
	case "cast":
		return "CAST (" + o.Name + ")"
	case "statistics":
		return `STATISTICS "` + o.Name + `"`
	case "range type", "base type", "shell type":
		return "TYPE " + o.Name
	}
	return strings.ToUpper(on) + " " + name
}

// contentsOfPublication adds what hangs on a publication: it goes with it.
func contentsOfPublication(db *catalog.Database, publication string, out map[string]bool) {
	i := slices.IndexFunc(db.Others, func(o catalog.Other) bool { return o.Kind == "publication" && o.Name.Name == publication })
	if i < 0 {
		return
	}
	def := strings.Join(db.Others[i].Def, " ")
	for _, t := range db.Tables {
		if strings.Contains(def, t.Name.String()) {
			out["PUBLICATION TABLE "+t.Name.Schema+" "+publication+" "+t.Name.Name] = true
		}
	}
	for _, s := range db.Schemas {
		if strings.Contains(def, " "+s.Name) {
			out["PUBLICATION TABLES IN SCHEMA "+s.Name+" "+publication+" "+s.Name] = true
		}
	}
}
