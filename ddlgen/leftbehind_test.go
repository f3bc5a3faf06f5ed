package ddlgen

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// N17: whatever a DB9 does not get has its definition among what is left behind:
// a PostgreSQL that has all the rest becomes the source again by them.
func TestRemnantsMakeWhatIsLeft(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			source := pgtest.Major(t, major).Database(t)
			everything(t, source, false)
			db := load(t, source.Conn(t))
			plan, err := Generate(db, DB9(), Options{})
			require.NoError(t, err)
			remnants := Remnants(db, plan, nil, nil)
			left := map[finding.Object]bool{}
			for _, r := range remnants {
				require.NotEmpty(t, r.Findings, r.Object)
				require.True(t, len(r.SQL) > 0 || r.Why != "", r.Object)
				left[r.Object] = !r.Carried
			}
			for _, f := range plan.Findings {
				if f.Severity == finding.Left && !isSummary(f.Object) && f.Code != tableRowSecurity {
					require.Contains(t, left, f.Object, f)
				}
			}

			// A server gets the rest and, in its place, what is left.
			target := pgtest.Major(t, major).Database(t)
			conn := target.Conn(t)
			_, err = conn.Exec(t.Context(), "SET search_path = ''; SET check_function_bodies = off")
			require.NoError(t, err)
			run := func(object finding.Object, sql string, there ...string) {
				_, err := conn.Exec(t.Context(), sql)
				var pg *pgconn.PgError
				if err != nil && (!errors.As(err, &pg) || !slices.Contains(there, pg.Code)) {
					t.Errorf("%s: %v\n%s", object, err, sql)
				}
			}
			whole := newOriginals(db).plan
			rest, made := 0, 0
			for i, s := range whole.Statements {
				if !left[s.Object] {
					rest++
					if s.Phase != PhaseAnalyze {
						run(s.Object, s.SQL)
					}
				}
				for _, r := range remnants {
					if r.at != i || r.Carried {
						continue
					}
					made++
					var inside []string
					if whole.Statements[i].Object != r.Object { // it stands in the definition of another
						inside = []string{"42710", "42P07", "42701"}
					}
					for _, sql := range r.SQL {
						run(r.Object, sql, inside...)
					}
				}
			}
			require.Greater(t, rest, 100)
			require.Greater(t, made, 60)
			back := load(t, conn)
			if diff := cmp.Diff(comparable(db, whole), comparable(back, whole), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the model read back differs:\n%s", diff)
			}
		})
	}
}

// A definition that stands inside of another, an object that the filters leave,
// a partition made flat: each has its definition.
func TestRemnantsOfParts(t *testing.T) {
	t.Parallel()
	source := serverOf(t, goldenMajor).Database(t)
	source.Exec(t, `
		CREATE TABLE parent (id integer PRIMARY KEY);
		CREATE TABLE t (id integer PRIMARY KEY REFERENCES parent, net cidr DEFAULT '10.0.0.0/8', CONSTRAINT odd CHECK (masklen(net) > 3));
		ALTER TABLE t ENABLE ROW LEVEL SECURITY;
		CREATE TABLE p (id integer, day date) PARTITION BY RANGE (day);
		CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
		CREATE VIEW v AS SELECT id FROM parent;`)
	db := load(t, source.Conn(t))
	chosen, found, err := db.Select(catalog.Filter{ExcludeTables: []string{"parent"}})
	require.NoError(t, err)
	plan, err := Generate(chosen, DB9(), Options{})
	require.NoError(t, err)
	got := map[string]Remnant{}
	for _, r := range Remnants(db, plan, nil, found) {
		got[r.Object.String()] = r
	}
	for object, want := range map[string]struct {
		carried bool
		sql     string
	}{
		"constraint public.t.odd":       {false, `ALTER TABLE "public"."t" ADD CONSTRAINT "odd" CHECK ((masklen((net)::inet) > 3))`},
		"constraint public.t.t_id_fkey": {false, `ALTER TABLE ONLY "public"."t" ADD CONSTRAINT "t_id_fkey" FOREIGN KEY (id) REFERENCES public.parent(id)`},
		"column public.t.net":           {true, `ALTER TABLE "public"."t" ADD COLUMN "net" cidr DEFAULT '10.0.0.0/8'::cidr`},
		"row security public.t":         {false, `ALTER TABLE "public"."t" ENABLE ROW LEVEL SECURITY`},
		"view public.v":                 {false, "CREATE VIEW"},
		"table public.p":                {true, `ATTACH PARTITION "public"."p1" FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')`},
	} {
		r, ok := got[object]
		require.True(t, ok, "%s is not among %v", object, got)
		require.Equal(t, want.carried, r.Carried, object)
		require.Contains(t, strings.Join(r.SQL, "\n"), want.sql, object)
		require.NotEmpty(t, r.Findings, object)
	}
}
