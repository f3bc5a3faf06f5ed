package copier

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// keysOfEveryType are the types that a key may have, each with an expression that
// makes another value of every n from 0 to 20,000, in no order of n.
var keysOfEveryType = []struct{ name, typ, value string }{
	{"small", "smallint", "(n * 7919 % 20011 - 10000)::smallint"},
	{"int", "integer", "n * 7919 % 20011 - 10000"},
	{"big", "bigint", "(n * 7919 % 20011 - 10000)::bigint * 922337203685477"},
	{"num", "numeric", "CASE n % 5 WHEN 0 THEN -n * 0.37 WHEN 1 THEN n / 1000000.0 WHEN 2 THEN n * 1e15 WHEN 3 THEN n + 0.50 ELSE -n - 1e-9 END"},
	{"id", "uuid", "md5(n::text)::uuid"},
	{"txt", "text", `CASE n % 7 WHEN 0 THEN upper(md5(n::text)) WHEN 1 THEN 'é' || n WHEN 2 THEN chr(128512) || n WHEN 3 THEN E'a\tb\nc\\''"' || n
		WHEN 4 THEN ' ' || n || '  ' WHEN 5 THEN repeat('z', n % 300) || n || chr(1 + n % 31) ELSE '' || n END`},
	{"vc", "varchar(60)", "CASE n % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'a' ELSE '_' END || md5(n::text)"},
	{"pad", "char(60)", "CASE n % 3 WHEN 0 THEN md5(n::text) WHEN 1 THEN md5(n::text) || chr(1) || 'x' ELSE 'Ü' || n END"},
	{"bin", "bytea", "decode(CASE WHEN n % 4 = 0 THEN lpad(to_hex(n), 8, '0') ELSE md5(n::text) || repeat('ff', n % 3) END, 'hex')"},
	{"ts", "timestamp", "timestamp '1999-12-31 23:59:59.5' + (n * 7919 % 20011 - 10000) * interval '37 hours 1.25 s'"},
	{"tz", "timestamptz", "timestamptz '1999-12-31 23:59:59.5Z' + (n * 7919 % 20011 - 10000) * interval '37 hours 1.25 s'"},
	{"day", "date", "date '1999-12-31' + (n * 7919 % 20011 - 10000)"},
	{"clock", "time", "time '00:00' + (n * 7919 % 20011) * interval '4.001 s'"},
}

// everyKey is DDL for a table of each type of key, and some more.
func everyKey() string {
	var b strings.Builder
	for _, k := range keysOfEveryType {
		fmt.Fprintf(&b, "CREATE TABLE public.%[1]s (v text, k %[2]s PRIMARY KEY, n integer, w numeric(9,2)); CREATE FUNCTION public.key_%[1]s(n integer) RETURNS %[2]s LANGUAGE sql AS $$SELECT %[3]s$$;\n", k.name, k.typ, k.value)
	}
	b.WriteString(`CREATE TABLE public.flag (v text, k boolean PRIMARY KEY, n integer, w numeric(9,2));
		CREATE TABLE public.two (a text, v text, b integer, w numeric(9,2), n integer, PRIMARY KEY (a, b));
		CREATE TABLE public.three (c date, n integer, b bigint, a uuid, v text, w numeric(9,2), PRIMARY KEY (a, b, c))`)
	return b.String()
}

// insert adds rows of n between two bounds.
func (m *mending) insert(t *testing.T, from, to int) {
	t.Helper()
	var b strings.Builder
	for _, k := range keysOfEveryType {
		fmt.Fprintf(&b, "INSERT INTO public.%[1]s (v, k, n, w) SELECT 'v' || n, public.key_%[1]s(n), n, n / 8.0 FROM generate_series(%[2]d, %[3]d) n ON CONFLICT DO NOTHING;\n", k.name, from, to)
	}
	fmt.Fprintf(&b, `INSERT INTO public.flag SELECT 'v', n %% 2 = 0, n FROM generate_series(%[1]d, %[2]d) n ON CONFLICT DO NOTHING;
		INSERT INTO public.two (a, b, n) SELECT chr(97 + n %% 9) || repeat('Z', n %% 3), n / 4, n FROM generate_series(%[1]d, %[2]d) n ON CONFLICT DO NOTHING;
		INSERT INTO public.three (a, b, c, n) SELECT md5((n / 20)::text)::uuid, n / 5 %% 4, date '2020-01-01' + n %% 5, n FROM generate_series(%[1]d, %[2]d) n ON CONFLICT DO NOTHING`, from, to)
	m.source.Exec(t, b.String())
}

// edit changes all tables at random: rows new, gone, changed, and of another key.
func (m *mending) edit(t *testing.T, rng *rand.Rand, round int) {
	t.Helper()
	base := 2000 * (round + 1)
	if round == 1 {
		var all []string
		for _, k := range keysOfEveryType {
			all = append(all, "public."+k.name)
		}
		m.source.Exec(t, "TRUNCATE "+strings.Join(all, ", ")+", public.two, public.three, public.flag")
		m.insert(t, rng.IntN(150), 150+rng.IntN(150))
	}
	m.insert(t, base, base+rng.IntN(150))
	for i, share := 0, 2+rng.IntN(40); i < 3; i++ {
		var b strings.Builder
		for _, k := range keysOfEveryType {
			fmt.Fprintf(&b, "UPDATE public.%s SET v = v || '%d' WHERE n %% %d = %d;", k.name, round, share, rng.IntN(share))
			fmt.Fprintf(&b, "UPDATE public.%s SET w = NULL WHERE n %% %d = %d;", k.name, 3*share, rng.IntN(share))
			fmt.Fprintf(&b, "DELETE FROM public.%s WHERE n %% %d = %d;", k.name, share, rng.IntN(share))
			fmt.Fprintf(&b, "UPDATE public.%[1]s SET k = public.key_%[1]s(n + %[2]d), n = n + %[2]d WHERE n BETWEEN %[3]d AND %[3]d + 299 AND n %% %[4]d = 0;\n", k.name, 300+400*i, base, share)
		}
		fmt.Fprintf(&b, `UPDATE public.two SET v = '%[1]d' WHERE n %% %[2]d = 1; DELETE FROM public.two WHERE n %% %[2]d = 0; UPDATE public.two SET b = -b - 1 WHERE n %% %[2]d = 2;
			UPDATE public.three SET v = '%[1]d' WHERE n %% %[2]d = 1; DELETE FROM public.three WHERE n %% %[2]d = 0; UPDATE public.three SET c = c + 100 WHERE n %% %[2]d = 2;
			UPDATE public.flag SET n = %[1]d WHERE k = (%[2]d %% 2 = 0); DELETE FROM public.flag WHERE k = (%[2]d %% 3 = 0)`, round, share)
		m.source.Exec(t, b.String())
	}
}

// Random edits between two snapshots, for every type of key: rows that differ are
// mended, and all is equal by SQL.
func TestReconcileEveryKeyAfterRandomEdits(t *testing.T) {
	t.Parallel()
	everyProfile(t, func(t *testing.T, profile ddlgen.Profile) {
		t.Helper()
		m := uncopied(t, profile, everyKey(), "")
		m.insert(t, 0, 250)
		m.copy(t)
		for round := range 2 {
			rng := rand.New(rand.NewPCG(uint64(round), 7))
			m.edit(t, rng, round)
			snapshot := m.open(t)
			var all Reconciled
			for i := range m.plan.Transfers {
				got := m.mendTo(t, snapshot, m.plan.Transfers[i].Target.Name)
				all.add(*got)
			}
			snapshot.Close(t.Context())
			require.Positive(t, all.Inserted)
			require.Positive(t, all.Updated)
			require.Positive(t, all.Deleted)
			require.Positive(t, all.Same)
		}
		again := m.mend(t, "txt")
		require.Zero(t, again.Inserted+again.Updated+again.Deleted, "nothing is left to do")
	})
}
