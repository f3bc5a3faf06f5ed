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
		{"CHECK ((t > '2020-01-01 00:00:00'::timestamp without time zone))", "CHECK ((t > '2020-01-01 00:00:00'::timestamp with time zone))", false},
		{"CHECK ((t > '2020-01-01 00:00:00'::timestamp without time zone))", "CHECK (t > '2020-01-01 00:00:00'::timestamp without time zone)", true},
		{"CHECK (((amount)::integer > 0))", "CHECK ((amount > 0))", false},
		{"CHECK (((amount)::integer > 0))", "CHECK ((amount::integer) > 0)", true},
		{"CHECK (((amount)::numeric(6,2) > 0))", "CHECK (((amount)::numeric(6,3) > 0))", false},
		{"CHECK (((v)::text = 'x'::text))", "CHECK (((v)::character(3) = 'x'::text))", false},
		{"CHECK (((n)::text = 'x'))", "CHECK ((n = 'x'))", false},
		{"CHECK ((lower('x')::text = v))", "CHECK ((lower('x') = v))", false},
		{"CHECK ((n = ANY ((ARRAY[1, 2])::numeric[])))", "CHECK ((n = ANY (ARRAY[(1)::numeric, (2)::numeric])))", true},
		{"CHECK ((n = ANY ((ARRAY[1, 2])::numeric[])))", "CHECK ((n = ANY (ARRAY[(1)::numeric, (2)::double precision])))", false},
		{"CHECK ((n = ANY ((ARRAY[a, f(b, 2)])::numeric[])))", "CHECK ((n = ANY (ARRAY[(a)::numeric, (f(b, 2))::numeric])))", true},
		{"CHECK ((n = ANY ((ARRAY[a, b])::numeric[])))", "CHECK ((n = ANY (ARRAY[a, b])))", false},
		{"CREATE UNIQUE INDEX i ON t USING btree (((ts)::date))", "CREATE UNIQUE INDEX i ON t USING btree (ts)", false},
		{" SELECT a FROM ONLY parent", " SELECT a FROM parent", false},
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
