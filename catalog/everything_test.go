package catalog

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// everything makes one of everything that the database's major has.
func everything(t *testing.T, db *pgtest.DB) {
	t.Helper()
	script(t, db, "everything.sql")
	for major := 14; major <= db.Cluster().Major(); major++ {
		name := fmt.Sprintf("everything.%d.sql", major)
		if _, err := os.Stat("testdata/" + name); err == nil { // not every major has a file
			script(t, db, name)
		}
	}
	if db.QueryString(t, "SELECT count(*) FROM pg_available_extensions WHERE name IN ('citext', 'hstore', 'btree_gist')") == "3" {
		script(t, db, "everything.ext.sql")
	} else {
		t.Log("the server lacks contrib's extensions: without them")
	}
	db.Exec(t, "CREATE SUBSCRIPTION taken CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, enabled = false, create_slot = false, slot_name = NONE)")
	t.Cleanup(func() { db.Exec(t, "DROP SUBSCRIPTION taken") }) // or the database cannot be dropped
}

// N17: every object of the catalogs is in the model, and nothing else is. The
// left side asks each system catalog by itself, and takes away what the server
// makes without being asked and what belongs to an extension.
func TestNothingVanishesAndNothingIsInvented(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile("testdata/objects.sql")
	require.NoError(t, err)
	onMajors(t, majors, func(t *testing.T, db *pgtest.DB) {
		everything(t, db)
		conn := db.Conn(t)
		_, err := conn.Exec(t.Context(), "CREATE TEMP TABLE passing (id serial PRIMARY KEY); CREATE TYPE pg_temp.passing_too AS ENUM ('a'); SET search_path = ''") // N10
		require.NoError(t, err)
		rows, err := conn.Query(t.Context(), string(sql))
		require.NoError(t, err)
		want, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)

		classes := map[string]bool{}
		for _, o := range want {
			class, _, _ := strings.Cut(o, " ")
			classes[class] = true
		}
		for _, class := range []string{
			"pg_class", "pg_type", "pg_proc", "pg_constraint", "pg_index", "pg_trigger", "pg_rewrite", "pg_policy", "pg_operator",
			"pg_opclass", "pg_opfamily", "pg_cast", "pg_collation", "pg_conversion", "pg_ts_config", "pg_ts_dict", "pg_ts_parser",
			"pg_ts_template", "pg_statistic_ext", "pg_publication", "pg_event_trigger", "pg_foreign_data_wrapper",
			"pg_foreign_server", "pg_user_mapping", "pg_foreign_table", "pg_language", "pg_am", "pg_transform", "pg_namespace",
			"pg_extension", "pg_default_acl", "pg_largeobject_metadata", "pg_attribute", "pg_description", "pg_subscription",
			"pg_db_role_setting", "pg_inherits", "pg_enum",
		} {
			require.True(t, classes[class], "the schema has nothing of %s", class)
		}

		got := objects(load(t, db))
		if vanished := without(want, got); len(vanished) > 0 {
			t.Errorf("vanished:\n%q", vanished)
		}
		if invented := without(got, want); len(invented) > 0 {
			t.Errorf("invented:\n%q", invented)
		}
	})
}

// without takes from one list what another has, each as often as it is there.
func without(list, other []string) []string {
	count := map[string]int{}
	for _, s := range other {
		count[s]++
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool {
		count[s]--
		return count[s] >= 0
	})
}

// objects lists what a model holds, as objects.sql lists the catalogs.
func objects(db *Database) []string {
	var out []string
	add := func(class string, words ...any) {
		out = append(out, class+" "+strings.TrimSuffix(fmt.Sprintln(words...), "\n"))
	}
	for _, s := range db.Schemas {
		add("pg_namespace", s.Name)
	}
	for _, x := range db.Extensions {
		add("pg_extension", x.Name)
	}
	for _, e := range db.Enums {
		add("pg_type", "enum", e.Name)
		for _, l := range e.Labels {
			add("pg_enum", e.Name, l)
		}
	}
	for _, d := range db.Domains {
		add("pg_type", "domain", d.Name)
		for _, c := range d.Checks {
			add("pg_constraint", "domain", d.Name, c.Name)
		}
	}
	for _, c := range db.Composites {
		add("pg_class", "composite", c.Name)
		for _, f := range c.Fields {
			add("pg_attribute", c.Name, f.Name)
		}
	}
	for _, x := range db.Ranges {
		add("pg_type", "range type", x.Name)
	}
	for _, x := range db.Collations {
		add("pg_collation", x.Name)
	}
	for _, x := range db.Statistics {
		add("pg_statistic_ext", x.Table, x.Name)
	}
	for _, s := range db.Sequences {
		add("pg_class", "sequence", s.Name)
	}
	for _, t := range db.Tables {
		add("pg_class", t.Kind.String(), t.Name)
		if t.Kind == TableForeign {
			add("pg_foreign_table", t.Name, t.Foreign.Server)
		}
		for _, c := range t.Columns {
			add("pg_attribute", t.Name, c.Name)
		}
		for _, p := range t.Inherits {
			add("pg_inherits", t.Name, p)
		}
	}
	for _, k := range db.Constraints {
		add("pg_constraint", "table", k.Table, k.Name)
	}
	for _, x := range db.Indexes {
		add("pg_class", "index", x.Name)
		add("pg_index", x.Name, x.Table)
		if x.Parent != nil {
			add("pg_inherits", x.Name, *x.Parent)
		}
	}
	for _, v := range db.Views {
		add("pg_class", v.Kind(), v.Name)
		for _, c := range v.Columns {
			add("pg_attribute", v.Name, c.Name)
		}
	}
	for _, g := range db.Triggers {
		add("pg_trigger", g.Table, g.Name)
	}
	for _, g := range db.EventTriggers {
		add("pg_event_trigger", Name{Name: g.Name})
	}
	for _, r := range db.Rules {
		add("pg_rewrite", r.Table, r.Name)
	}
	for _, p := range db.Policies {
		add("pg_policy", p.Table, p.Name)
	}
	seen := map[Name]bool{} // one row of the catalog may be several entries
	for _, d := range db.DefaultPrivileges {
		n := Name{d.Schema, "FOR ROLE " + d.Role + " ON " + d.Objects}
		if !seen[n] {
			add("pg_default_acl", n)
		}
		seen[n] = true
	}
	for _, s := range db.Settings {
		switch {
		case !s.Database: // objects.sql asks for this database's
		case s.Role == "":
			add("pg_db_role_setting", s.Name)
		default:
			add("pg_db_role_setting", s.Name, "OF ROLE", s.Role)
		}
	}
	for _, r := range db.Routines {
		add("pg_proc", string(r.Kind), r.Name)
	}
	for _, o := range db.Others {
		for range max(1, o.Count) {
			otherObject(o, add)
		}
	}
	for _, c := range db.Comments {
		add("pg_description", c.Text)
	}
	return out
}

func otherObject(o Other, add func(string, ...any)) {
	switch o.Kind {
	case "base type", "range type", "shell type":
		add("pg_type", o.Kind, o.Name)
	case "statistics":
		add("pg_statistic_ext", *o.Table, o.Name)
	case "extension configuration table": // no object, but the mark of one
	default:
		class, ok := map[string]string{
			"operator": "pg_operator", "operator class": "pg_opclass", "operator family": "pg_opfamily", "cast": "pg_cast",
			"collation": "pg_collation", "conversion": "pg_conversion", "text search configuration": "pg_ts_config",
			"text search dictionary": "pg_ts_dict", "text search parser": "pg_ts_parser", "text search template": "pg_ts_template",
			"publication": "pg_publication", "foreign data wrapper": "pg_foreign_data_wrapper",
			"server": "pg_foreign_server", "user mapping": "pg_user_mapping", "language": "pg_language", "access method": "pg_am",
			"transform": "pg_transform", "large object": "pg_largeobject_metadata",
			"subscription": "pg_subscription", "comment on large object": "pg_description_of_large_object",
		}[o.Kind]
		if !ok {
			class = "unknown kind " + o.Kind
		}
		add(class, o.Name)
	}
}
