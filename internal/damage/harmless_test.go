package damage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/damage"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// TestHarmless gives a copy every form that is no damage, from the oldest
// PostgreSQL to the newest, under hostile settings of both databases, and under
// each profile: all match (Y3, Y7, Y9, V30).
func TestHarmless(t *testing.T) {
	t.Parallel()
	cases := damage.Harmless(seed(t))
	require.GreaterOrEqual(t, len(cases), 40)
	source := pgtest.Major(t, 13).Database(t)
	for _, c := range cases {
		source.Exec(t, c.Setup)
	}
	hostile(t, source, damage.Postgres)
	for _, profile := range []string{damage.Postgres, damage.DB9} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, source, profile)
			p.clone(t)
			for _, c := range cases {
				sql := c.Damage
				if profile == damage.DB9 {
					sql = c.DB9
				}
				if c.For(profile) && !(profile == damage.DB9 && c.Name == "inheritance") {
					conn := p.target.Conn(t)
					for _, one := range strings.Split(sql, ";") { // CLUSTER and REINDEX begin no transaction of many
						_, err := conn.Exec(t.Context(), one)
						require.NoError(t, err, "%s: %s", c.Name, one)
					}
				}
			}
			hostile(t, p.target, profile)
			o := p.verify(t, "rows")
			requireHarmless(t, o, cases, profile)
			require.Equal(t, done, o.code, o.troubles())
			require.Empty(t, o.rows)
			if profile == damage.Postgres {
				o = p.verify(t, "deep")
				require.Equal(t, done, o.code, o.troubles())
			}
		})
	}
}

// hostile gives a database settings that would change every text.
func hostile(t *testing.T, db *pgtest.DB, profile string) {
	t.Helper()
	for _, s := range damage.Settings(profile) {
		db.Exec(t, fmt.Sprintf("ALTER DATABASE %s SET %s", db.Name, s))
	}
}

func requireHarmless(t *testing.T, o outcome, cases []damage.Case, profile string) {
	t.Helper()
	list := newLines("form", "profile", "verdict", "of")
	count := map[string]int{}
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
		count[verdict]++
		list.add(c.Name, profile, verdict, seen)
	}
	assert.GreaterOrEqual(t, count["match"], 40)
	list.print(t, "Harmless forms under profile "+profile)
}
