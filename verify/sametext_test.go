package verify

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Two texts of one definition are told from two definitions.
func TestSameSQL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"CHECK ((a > 0))", "CHECK (a > 0)", true},
		{"CHECK ((a > 0))", "CHECK ((a > 1))", false},
		{"CHECK ((a > 0))", "CHECK ((a >= 0))", false},
		{"CHECK (((a > 0) AND ((b > 0) OR (c > 0))))", "CHECK ((((a > 0) AND (b > 0)) OR (c > 0)))", false},
		{
			"CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying(10)])::text[])))",
			"CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character varying(10))::text])))", true,
		},
		{"CHECK ((a = ANY (ARRAY['x', 'y'])))", "CHECK ((a = ANY (ARRAY['x', 'z'])))", false},
		{"CHECK ((t > '2020-01-01 00:00:00'::timestamp without time zone))", "CHECK ((t > '2020-01-01 00:00:00'::timestamp(3) with time zone))", true},
		{"CHECK ((a[1] = 2))", "CHECK ((a[2] = 2))", false},
		{"CHECK ((v ~ '^a'::text))", "CHECK ((v ~ '^A'::text))", false},
		{`CREATE INDEX "i" ON ONLY "public"."t" USING btree ("a", lower("b"))`, "CREATE INDEX i ON public.t USING btree (a, lower(b))", true},
		{`CREATE INDEX i ON public.t USING btree ("A")`, "CREATE INDEX i ON public.t USING btree (a)", false},
		{"CREATE INDEX i ON t USING btree (a, b)", "CREATE INDEX i ON t USING btree (b, a)", false},
		{"CREATE INDEX i ON t USING btree (a)", "CREATE UNIQUE INDEX i ON t USING btree (a)", false},
		{"CREATE INDEX i ON t USING btree (a DESC)", "CREATE INDEX i ON t USING btree (a)", false},
		{"FOREIGN KEY (a) REFERENCES s.t(id) ON DELETE CASCADE", "FOREIGN KEY (a) REFERENCES s.t(id)", false},
		{"CHECK ((a > 0)) NOT VALID", "CHECK ((a > 0))", false},
		{"now()", "now", false},
	} {
		require.Equal(t, c.same, sameSQL(c.a, c.b), "%s\n%s", c.a, c.b)
		require.Equal(t, c.same, sameSQL(c.b, c.a), "%s\n%s", c.b, c.a)
	}
}
