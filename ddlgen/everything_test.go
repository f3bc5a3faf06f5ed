package ddlgen

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// majors are those that a source may have.
var majors = []int{13, 14, 15, 16, 17, 18}

// everything makes one of everything that the database's major has; extensions,
// whose members are made up, where they are asked for.
func everything(t *testing.T, db *pgtest.DB, extensions bool) {
	t.Helper()
	script := func(name string) {
		sql, err := os.ReadFile("../catalog/testdata/" + name)
		if os.IsNotExist(err) { // not every major has a file
			return
		}
		require.NoError(t, err)
		db.Exec(t, string(sql))
	}
	script("everything.sql")
	for major := 14; major <= db.Cluster().Major(); major++ {
		script(fmt.Sprintf("everything.%d.sql", major))
	}
	if extensions {
		script("everything.ext.sql")
	}
	db.Exec(t, "CREATE SUBSCRIPTION taken CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, enabled = false, create_slot = false, slot_name = NONE)")
	t.Cleanup(func() { db.Exec(t, "DROP SUBSCRIPTION taken") }) // or the database cannot be dropped
}

// N17: every object of the source's catalogs is in a statement or in a finding,
// under both profiles. The left side asks the catalogs by itself.
func TestEveryObjectIsAccountedFor(t *testing.T) {
	t.Parallel()
	sql, err := os.ReadFile("../catalog/testdata/objects.sql")
	require.NoError(t, err)
	for _, major := range majors {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			source := pgtest.Major(t, major).Database(t)
			everything(t, source, true)
			conn := source.Conn(t)
			_, err = conn.Exec(t.Context(), "SET search_path = ''")
			require.NoError(t, err)
			rows, err := conn.Query(t.Context(), string(sql))
			require.NoError(t, err)
			want, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.Greater(t, len(want), 300)

			db := load(t, source.Conn(t))
			for _, profile := range []Profile{Postgres(), DB9()} {
				plan, err := Generate(db, profile, Options{})
				require.NoError(t, err)
				requireSound(t, db, plan)
				told := toldLines(db, plan)
				var vanished []string
				for _, line := range want {
					class, _, _ := strings.Cut(line, " ")
					switch class {
					case "pg_index", "pg_inherits", "pg_enum", "pg_foreign_table": // parts of what has a line of its own
					default:
						if !told[line] {
							vanished = append(vanished, line)
						}
					}
				}
				require.Empty(t, vanished, profile.Name)
			}
		})
	}
}

// toldLines writes what a plan accounts for as objects.sql writes the catalogs. Of
// what is left as a whole, the columns and checks are left with it.
func toldLines(db *catalog.Database, plan *Plan) map[string]bool {
	out := map[string]bool{}
	add := func(words ...any) { out[strings.TrimSuffix(fmt.Sprintln(words...), "\n")] = true }
	has := accounted(db, plan)
	for o := range has {
		name, parent := catalog.Name{Schema: o.Schema, Name: o.Name}, catalog.Name{Schema: o.Schema, Name: o.Parent}
		switch o.Kind {
		case "schema":
			add("pg_namespace", o.Name)
		case "extension":
			add("pg_extension", o.Name)
		case "table":
			for _, kind := range []string{"table", "partitioned", "foreign"} {
				add("pg_class", kind, name)
			}
		case "column":
			add("pg_attribute", parent, o.Name)
		case "type":
			add("pg_type enum", name)
			add("pg_class composite", name)
		case "domain", "range type", "base type", "shell type":
			add("pg_type", o.Kind, name)
		case "constraint":
			add("pg_constraint table", parent, o.Name)
			add("pg_constraint domain", parent, o.Name)
		case "sequence", "view", "materialized view", "index":
			add("pg_class", o.Kind, name)
		case "function", "procedure", "aggregate", "window function":
			add("pg_proc", o.Kind, name)
		case "trigger":
			add("pg_trigger", parent, o.Name)
		case "rule":
			add("pg_rewrite", parent, o.Name)
		case "policy":
			add("pg_policy", parent, o.Name)
		default:
			add(classOfKind[o.Kind], name)
		}
	}
	for _, s := range db.Statistics {
		if has[objectOf("statistics", s.Name)] {
			add("pg_statistic_ext", s.Table, s.Name)
		}
	}
	for _, c := range db.Comments {
		if has[commentObject(c)] {
			add("pg_description", c.Text)
		}
	}
	left := map[catalog.Name]bool{}
	for _, f := range plan.Findings {
		if f.Code == tableForeign || f.Code == typeLeft || f.Code == typeExpanded {
			left[catalog.Name{Schema: f.Object.Schema, Name: f.Object.Name}] = true
		}
	}
	for _, t := range db.Tables {
		for _, c := range t.Columns {
			if left[t.Name] {
				add("pg_attribute", t.Name, c.Name)
			}
		}
	}
	for _, c := range db.Composites { // the fields are the type
		for _, f := range c.Fields {
			add("pg_attribute", c.Name, f.Name)
		}
	}
	for _, d := range db.Domains {
		for _, c := range d.Checks {
			if left[d.Name] {
				add("pg_constraint domain", d.Name, c.Name)
			}
		}
	}
	return out
}

// classOfKind is the catalog of objects that need no more than a name.
var classOfKind = map[string]string{
	"operator": "pg_operator", "operator class": "pg_opclass", "operator family": "pg_opfamily", "cast": "pg_cast", "collation": "pg_collation",
	"conversion": "pg_conversion", "text search configuration": "pg_ts_config", "text search dictionary": "pg_ts_dict",
	"text search parser": "pg_ts_parser", "text search template": "pg_ts_template", "publication": "pg_publication",
	"event trigger": "pg_event_trigger", "foreign data wrapper": "pg_foreign_data_wrapper", "server": "pg_foreign_server",
	"user mapping": "pg_user_mapping", "language": "pg_language", "access method": "pg_am", "transform": "pg_transform",
	"default privileges": "pg_default_acl", "large object": "pg_largeobject_metadata", "subscription": "pg_subscription",
	"setting": "pg_db_role_setting", "comment on large object": "pg_description_of_large_object",
}

// What only PostgreSQL takes is made anew there: the plan of everything applies,
// what it makes is the source's model again so far as no finding speaks of it,
// and that gives the same plan (T22, T24, T25).
func TestEverythingApplies(t *testing.T) {
	t.Parallel()
	for _, major := range majors {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			source := pgtest.Major(t, major).Database(t)
			everything(t, source, false)
			db := load(t, source.Conn(t))
			plan, err := Generate(db, Postgres(), Options{})
			require.NoError(t, err)
			target := pgtest.Major(t, major).Database(t)
			conn := target.Conn(t)
			_, err = conn.Exec(t.Context(), "SET search_path = ''")
			require.NoError(t, err)
			for _, s := range plan.Statements {
				if _, err := conn.Exec(t.Context(), s.SQL); err != nil && s.ID != "analyze/app.moods" { // a partition's wrapper has no handler
					t.Errorf("%s: %v\n%s", s.ID, err, s.SQL)
				}
			}
			back := load(t, target.Conn(t))
			if diff := cmp.Diff(comparable(db, plan), comparable(back, plan), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the model read back differs, and no finding says so:\n%s", diff)
			}
			again, err := Generate(back, Postgres(), Options{})
			require.NoError(t, err)
			require.Equal(t, statementsOf(plan), statementsOf(again), "the plan of what the plan made")
		})
	}
}
