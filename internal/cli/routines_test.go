package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// routed is a source with routines that tables, indexes and views need, of which
// some call others by name alone, and with routines of every other use.
const routed = `SET check_function_bodies = off;
	CREATE TABLE log (n int PRIMARY KEY, at text DEFAULT 'now');
	CREATE FUNCTION inner_most(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n + 1';
	CREATE FUNCTION middle(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN public.inner_most(n); END$$;
	CREATE TABLE parts (id int PRIMARY KEY CHECK (middle(id) > 0), g int GENERATED ALWAYS AS (middle(id) * 2) STORED, d int DEFAULT inner_most(6));
	INSERT INTO parts (id) SELECT generate_series(1, 50);
	CREATE INDEX parts_middle ON parts (middle(id));
	CREATE FUNCTION name_of(parts) RETURNS text LANGUAGE sql STABLE AS $$SELECT 'p' || $1.id$$;
	CREATE VIEW named AS SELECT p.id, name_of(p) AS name FROM parts p;
	CREATE MATERIALIZED VIEW counted AS SELECT middle(g) AS m, count(*) AS n FROM parts GROUP BY 1;
	CREATE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(g) FROM public.parts';
	CREATE FUNCTION rows_of(lowest int) RETURNS SETOF parts LANGUAGE sql STABLE AS 'SELECT * FROM public.parts WHERE id > lowest';
	CREATE FUNCTION broken() RETURNS int LANGUAGE sql STABLE AS 'SELECT nothing FROM public.nowhere';
	CREATE FUNCTION says_no(n int) RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN IF n IS NULL THEN RAISE EXCEPTION 'n must be given'; END IF; RETURN n; END$$;
	CREATE FUNCTION liar() RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN PERFORM public.writes(); RETURN 1; END$$;
	CREATE FUNCTION writes() RETURNS void LANGUAGE sql AS 'INSERT INTO public.log VALUES (1)';
	CREATE FUNCTION strict_one(n int) RETURNS int LANGUAGE sql STABLE STRICT AS 'SELECT n';
	CREATE FUNCTION any_one(n anyelement) RETURNS anyelement LANGUAGE sql STABLE AS 'SELECT n';
	CREATE FUNCTION sleepy() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1 FROM pg_sleep(60)';
	CREATE FUNCTION next_one() RETURNS bigint LANGUAGE sql STABLE AS $$SELECT nextval('public.s')$$;
	CREATE SEQUENCE s;
	CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.at := 'fired'; RETURN NEW; END$$;
	CREATE TRIGGER fired BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION fired();
	CREATE PROCEDURE runs(INOUT n int) LANGUAGE plpgsql AS $$BEGIN n := n + 1; END$$;`

// unproved are the findings of routines that were created and not proved, by
// their names.
func unproved(rep report.Report) map[string]string {
	out := map[string]string{}
	for _, f := range rep.Findings {
		if f.Code == "routine.unproved" {
			out[f.Object.Name] = strings.TrimPrefix(f.Message, "created, not proved: ")
		}
	}
	return out
}

// wantUnproved is what is not proved of routed, and why.
var wantUnproved = map[string]string{
	"any_one(anyelement)": "its arguments have no types of their own",
	"broken()":            `a call with NULLs failed: relation "public.nowhere" does not exist (42P01)`,
	"fired()":             "a trigger alone calls it",
	"liar()":              "its body calls public.writes(), which is volatile",
	"next_one()":          "its body calls nextval",
	"runs(integer)":       "it is no function",
	"says_no(integer)":    "a call with NULLs failed: n must be given (P0001)",
	"sleepy()":            "its body uses pg_sleep",
	"strict_one(integer)": "it is strict: a call with NULLs does not run its body",
	"writes()":            "it is volatile: a call may have effects",
}

// T28, N15: routines are created in time for what needs them, what they call by name
// with them; those that are safe to call are called, and all others are
// "created, not proved". No call leaves anything behind.
func TestCloneRoutines(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--profile", "db9"}, {"--profile", "postgres", "--call-routines", "always"}} {
		t.Run(args[1], func(t *testing.T) {
			t.Parallel()
			b := setup(t, routed)
			r, rep := b.reported(t, "clone", args...)
			require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
			b.same(t, "parts", "named", "counted")
			require.Equal(t, wantUnproved, unproved(rep))
			require.Contains(t, strings.Join(rep.Notes, "\n"), "15 routines created: 5 answered a call, 10 are not proved")
			require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM log"))
			require.Equal(t, "1 false", b.target.QueryString(t, "SELECT last_value || ' ' || is_called FROM s"))
			require.Equal(t, b.source.QueryString(t, "SELECT total()"), b.target.QueryString(t, "SELECT total()"))
		})
	}
	t.Run("not unless asked for", func(t *testing.T) {
		t.Parallel()
		b := setup(t, routed)
		r, rep := b.reported(t, "clone", "--profile", "postgres")
		require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
		require.Empty(t, unproved(rep))
		r, rep = b.reported(t, "clone", "--profile", "db9", "--call-routines", "never", "--on-existing", "drop")
		require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
		require.Empty(t, unproved(rep))
	})
}

// T28: a target that takes any body tells at the call what it lacks; one that
// takes one routine of a name carries the first, and says so of the others.
func TestRoutinesThroughStandIn(t *testing.T) {
	t.Parallel()
	plain := strings.Replace(routed, "GENERATED ALWAYS AS (middle(id) * 2) STORED", "DEFAULT 4", 1) // the stand-in computes none
	b := setup(t, plain+`
		CREATE FUNCTION several(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
		CREATE FUNCTION several(text) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2';
		CREATE FUNCTION loops() RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN LOOP EXIT; END LOOP; RETURN 1; END$$;
		CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int);
		CREATE FUNCTION low(int) RETURNS int LANGUAGE internal AS 'int4um';`)
	for _, probe := range []string{"never", "auto"} {
		t.Run("probe "+probe, func(t *testing.T) {
			t.Parallel()
			sim, db := standIn(t)
			target := *db
			target.URL = sim.URL()
			r, rep := (&bundle{source: b.source, target: &target}).reported(t, "clone", "--probe", probe, "--probe-cache", t.TempDir())
			require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
			require.Equal(t, "1", db.QueryString(t, "SELECT count(*) FROM pg_proc WHERE proname = 'several'"))
			require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM pg_proc WHERE proname IN ('loops', 'agg', 'low')"))
			left := map[string]string{}
			for _, f := range rep.Findings {
				if strings.HasPrefix(string(f.Code), "routine.") && f.Code != "routine.unproved" {
					left[f.Object.Name] = string(f.Code)
				}
			}
			want := map[string]string{
				"loops()": "routine.unsupported", "agg(integer)": "routine.left", "low(integer)": "routine.left",
				"several(integer)": "routine.overloaded", "several(text)": "routine.overloaded",
			}
			if probe == "auto" { // it is known then that the second would be refused
				delete(want, "several(integer)")
				want["several(text)"] = "routine.left"
			}
			require.Equal(t, want, left)
			got := unproved(rep)
			for _, name := range []string{"broken()", "liar()", "says_no(integer)", "writes()", "fired()"} {
				require.Contains(t, got, name)
			}
			require.NotContains(t, got, "total()")
		})
	}
}
