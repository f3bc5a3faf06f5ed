package damage_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/damage"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// neighbours are tables beside the damaged ones: none may be blamed.
const neighbours = `
	CREATE TABLE neighbour (id serial PRIMARY KEY, v text, n numeric, at timestamptz); INSERT INTO neighbour (v, n, at) SELECT 'v' || i, i / 8.0, timestamptz '2020-01-01' + i * interval '1 hour' FROM generate_series(1, 700) i;
	CREATE TABLE neighbour_bag (v text); INSERT INTO neighbour_bag SELECT 'v' || i % 7 FROM generate_series(1, 700) i;
	CREATE TABLE neighbour_of_all (id integer PRIMARY KEY REFERENCES neighbour, v text NOT NULL DEFAULT 'x', CONSTRAINT positive CHECK (id > 0));
	CREATE INDEX neighbour_index ON neighbour (v, n); CREATE VIEW neighbour_view AS SELECT v, count(*) AS n FROM neighbour GROUP BY v;`

// TestDamage makes a source of all cases on the oldest PostgreSQL, under hostile
// settings, and clones it to the newest under each profile. Every harmless form
// is no difference (Y3, Y7, V30); of all damage, done at once, each case is found
// by one verification, as what it is and where it is, and nothing else (Y1, Y2,
// Y6, Y9, Y13, Y14). DAMAGE_ALL=1 takes all cases, else some do.
func TestDamageY1Y2Y3Y6Y7Y9Y13Y14V30(t *testing.T) {
	t.Parallel()
	cases, forms := damage.Cases(seed(t)), damage.Harmless(seed(t))
	for _, profile := range []string{damage.Postgres, damage.DB9} {
		require.GreaterOrEqual(t, len(suited(cases, profile)), 60)
		require.GreaterOrEqual(t, len(suited(forms, profile)), 40)
	}
	requireApart(t, forms, slices.Concat(cases, forms))
	if !all() {
		cases, forms = some(cases, 10), some(forms, 10)
	}
	source := pgtest.Major(t, 13).Database(t)
	source.Exec(t, neighbours)
	for _, c := range slices.Concat(cases, forms) {
		source.Exec(t, c.Setup)
	}
	hostile(t, source, damage.Postgres)
	for _, profile := range []string{damage.Postgres, damage.DB9} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, source, profile)
			p.clone(t)
			p.do(t, suited(forms, profile))
			if all() {
				hostile(t, p.target, profile)
				for _, level := range []string{"rows", "deep"} {
					o := p.verify(t, level)
					require.Equal(t, done, o.code, "before any damage: %s", o.troubles())
					require.Empty(t, o.rows)
				}
				p.target.Exec(t, "ALTER DATABASE "+p.target.Name+" RESET ALL")
			}
			p.do(t, suited(cases, profile))
			hostile(t, p.target, profile)
			o := p.verify(t, "rows")
			require.Equal(t, differences, o.code, o.troubles())
			requireFound(t, o, cases, profile)
			requireHarmless(t, o, forms, profile)
			p.requireRepaired(t, o, suited(cases, profile))
		})
	}
}

// requireApart holds that what a form makes can be told from the others.
func requireApart(t *testing.T, forms, all []damage.Case) {
	t.Helper()
	for _, f := range forms {
		same := 0
		for _, c := range all {
			require.False(t, strings.HasPrefix(c.Table(), f.Table()+"_"), "%q and %q", c.Name, f.Name)
			if c.Table() == f.Table() {
				same++
			}
		}
		require.Equal(t, 1, same, f.Name)
	}
}

// all asks for every case.
func all() bool { return os.Getenv("DAMAGE_ALL") == "1" }

// some is one case in n.
func some(cases []damage.Case, n int) (out []damage.Case) {
	for i := 0; i < len(cases); i += n {
		out = append(out, cases[i])
	}
	return out
}

func suited(cases []damage.Case, profile string) (out []damage.Case) {
	for _, c := range cases {
		if c.For(profile) {
			out = append(out, c)
		}
	}
	return out
}

// do executes what the cases do to the target, behind its back.
func (p *pair) do(t *testing.T, cases []damage.Case) {
	t.Helper()
	conn := p.target.Conn(t)
	for _, c := range cases {
		sql := c.Damage
		if p.profile == damage.DB9 {
			sql = c.DB9
		}
		for _, one := range strings.Split(sql, ";") { // CLUSTER and REINDEX are no part of a longer query
			_, err := conn.Exec(t.Context(), one)
			assert.NoError(t, err, "%s: %s", c.Name, one) //nolint:testifylint // the other cases are told too
		}
	}
	_, err := conn.Exec(t.Context(), "SELECT pg_stat_force_next_flush()") // it is not counted as the repair's
	require.NoError(t, err)
}

// hostile gives a database settings that would change every text.
func hostile(t *testing.T, db *pgtest.DB, profile string) {
	t.Helper()
	for _, s := range damage.Settings(profile) {
		db.Exec(t, "ALTER DATABASE "+db.Name+" SET "+s)
	}
}

// requireFound holds the verdicts, and the rows that were found, against the cases.
func requireFound(t *testing.T, o outcome, cases []damage.Case, profile string) {
	t.Helper()
	got := map[string][2]string{} // verdict and detail, by kind and name
	o.each(func(kind, name, verdict, detail string) { got[kind+" "+name] = [2]string{verdict, detail} })
	list := newLines("case", "profile", "found", "where")
	blamed := map[string]bool{}
	for i := range cases {
		c := &cases[i]
		if !c.For(profile) {
			list.add(c.Name, profile, "-", c.Why)
			continue
		}
		name := "table public." + c.Table()
		switch {
		case c.Sequence != "":
			name = "sequence public." + c.Table() + c.Sequence
		case c.View != "":
			name = "view public." + c.Table() + c.View
		case c.Name == "row of a partition" && profile == damage.Postgres:
			name += "_high"
		}
		blamed[name] = true
		if c.Lost != "" {
			blamed["sequence public."+c.Table()+c.Lost] = true
		}
		detail := c.Detail
		if profile == damage.DB9 {
			detail = c.DB9Detail
		}
		verdict, said := got[name][0], got[name][1]
		rows := o.where(c.Table())
		place := strings.TrimPrefix(name, "table ")
		if len(c.Rows) > 0 {
			place += ": " + strings.Join(rows, "; ")
		} else {
			place += ": " + said
		}
		ok := assert.Equal(t, "mismatch", verdict, "%s: %s: %s", c.Name, name, said)
		ok = assert.Contains(t, said, detail, c.Name) && ok
		if c.Name != "missing table" && c.Name != "view in place of a table" && c.Name != "missing column" {
			ok = sameRows(t, c, rows) && ok
		}
		list.add(c.Name, profile, map[bool]string{true: "yes", false: "NO"}[ok], place)
	}
	for name, x := range got {
		if !blamed[name] {
			assert.Equal(t, "match", x[0], "undamaged %s: %s", name, x[1])
		}
	}
	list.print(t, fmt.Sprintf("Damage under profile %s", profile))
}

// sameRows holds the rows that were found against those of a case, where ~ is
// any value.
func sameRows(t *testing.T, c *damage.Case, found []string) bool {
	t.Helper()
	if !assert.Len(t, found, len(c.Rows), "%s: %v", c.Name, found) {
		return false
	}
	ok := true
	for i, want := range c.Rows {
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), "~", "[^,]*") + "$"
		ok = assert.Regexp(t, pattern, found[i], c.Name) && ok
	}
	return ok
}

// requireHarmless holds that no form was taken for damage.
func requireHarmless(t *testing.T, o outcome, cases []damage.Case, profile string) {
	t.Helper()
	list := newLines("form", "profile", "verdict", "of")
	for i := range cases {
		c := &cases[i]
		if !c.For(profile) {
			list.add(c.Name, profile, "-", c.Why)
			continue
		}
		verdict, seen := "match", ""
		o.each(func(kind, name, is, detail string) {
			if rest, own := strings.CutPrefix(name, "public."+c.Table()); own && (rest == "" || rest[0] == '_') {
				seen = name
				if is != "match" {
					verdict = is + ": " + detail
				}
				assert.Equal(t, "match", is, "%s: %s %s: %s", c.Name, kind, name, detail)
			}
		})
		assert.NotEmpty(t, seen, "%s is not in the report", c.Name)
		list.add(c.Name, profile, verdict, seen)
	}
	list.print(t, "Harmless forms under profile "+profile)
}
