package damage_test

import (
	"fmt"
	"regexp"
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

// TestDamage does all damage of the suite to one copy, under each profile, and
// verifies once: every case is found, as what it is and where it is, and nothing
// else (Y1, Y2, Y6, Y9, Y13, Y14).
func TestDamage(t *testing.T) {
	t.Parallel()
	cases := damage.Cases(seed(t))
	require.GreaterOrEqual(t, len(cases), 60)
	source := pgtest.Server(t).Database(t)
	source.Exec(t, neighbours)
	for _, c := range cases {
		source.Exec(t, c.Setup)
	}
	for _, profile := range []string{damage.Postgres, damage.DB9} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, source, profile)
			p.clone(t)
			o := p.verify(t, "rows")
			require.Equal(t, done, o.code, "before any damage: %s", o.troubles())
			require.Empty(t, o.rows)
			n := 0
			for _, c := range cases {
				if !c.For(profile) {
					continue
				}
				n++
				sql := c.Damage
				if profile == damage.DB9 {
					sql = c.DB9
				}
				_, err := p.target.Conn(t).Exec(t.Context(), sql)
				require.NoError(t, err, "%s: %s", c.Name, sql)
			}
			require.GreaterOrEqual(t, n, 60)
			o = p.verify(t, "rows")
			require.Equal(t, differences, o.code, o.troubles())
			requireFound(t, o, cases, profile)
		})
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
