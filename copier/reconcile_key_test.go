package copier

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// hostileKeys are values at the edges of each type that keys have.
var hostileKeys = map[string]string{
	"smallint": "'-32768', '-1', '0', '7', '10', '32767'",
	"integer":  "'-2147483648', '-10', '-9', '0', '9', '10', '2147483647'",
	"bigint":   "'-9223372036854775808', '-9223372036854775807', '-1', '0', '1', '9223372036854775807'",
	"numeric": `'-Infinity', 'Infinity', 'NaN', '0', '-0.5', '-0.50001', '-5', '-49', '-50', '-500', '-1e30', '-1e-30', '1e-30', '1.1e-30', '0.1', '0.09', '0.5', '0.49999',
		'1', '1.5', '9', '10', '10.01', '99', '100', '123456789012345678901234567890', '123456789012345678901234567891', '1e30'`,
	"text":                  `'', ' ', '  ', 'a', 'A', 'a ', 'ab', 'B', 'b', '_', '-', 'é', 'e', 'ﬀ', '😀', '￿', E'\t', E'\n', E'\\', E'\\N', E'a\x01', E'\x01', 'ß', 'z', 'Ω'`,
	"character varying(20)": `'', ' ', 'a', 'a ', 'A', 'Z', 'é', E'a\x01'`,
	"character(9)":          `'', 'a', 'A', 'ab', E'a\x01', E'a\x1f', 'é', E'\x01', 'a b'`,
	"name":                  `'', 'a', 'A', 'Z', 'é', '_'`,
	"uuid":                  "'00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-0000000000ff', '0a000000-0000-0000-0000-000000000000', 'A0000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
	"boolean":               "true, false",
	"bytea":                 `'', '\x00', '\x0000', '\x00ff', '\x01', '\x7f', '\x80', '\xff', '\xff00', '\x5c'`,
	"date":                  "'-infinity', 'infinity', '4713-01-01 BC', '0045-12-31 BC', '0044-03-15 BC', '0001-12-31 BC', '0001-01-01', '0999-12-31', '2020-01-31', '2020-02-01', '9999-12-31', '10000-01-01', '5874897-12-31'",
	"time(3)":               "'00:00', '00:00:00.001', '09:59:59.999', '10:00', '10:00:00.5', '23:59:59.999', '24:00'",
	"timestamp":             "'-infinity', 'infinity', '4713-01-01 00:00:00 BC', '0001-12-31 23:59:59.999999 BC', '0001-01-01', '2020-01-01', '2020-01-01 00:00:00.5', '2020-01-01 00:00:00.49', '2020-01-01 00:00:01', '2020-01-01 10:00', '294276-12-31 23:59:59.999999'",
	"timestamptz":           "'-infinity', 'infinity', '4713-01-02 00:00:00Z BC', '0001-12-31 23:59:59.999999Z BC', '2020-01-01 00:00Z', '2020-01-01 00:00:00.000001Z', '2020-01-01 00:00+01', '2020-01-01 00:00-01', '294276-12-31 23:59:59.999999Z'",
}

// keyTransfer is that of a table t whose columns are its key.
func keyTransfer(types ...string) *ddlgen.Transfer {
	tr := transfer("t")
	for i, typ := range types {
		name := fmt.Sprintf("k%d", i)
		column := transfer("t", name).Columns[0]
		column.TargetType = typ
		tr.Columns, tr.Key = append(tr.Columns, column), append(tr.Key, name)
	}
	return &tr
}

// inOrder reads a table as a reconciliation does, and requires that keys ascend
// as the server gives them.
func inOrder(t *testing.T, db *pgtest.DB, tr *ddlgen.Transfer, rows int) {
	t.Helper()
	key, err := sortKeyOf(tr)
	require.NoError(t, err)
	conn, err := parse(t, dial.Source, db.URL).Connect(t.Context(), dial.Reader())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var out bytes.Buffer
	_, err = conn.PgConn().CopyTo(t.Context(), &out, sortedSQL(tr, key, tr.Relations, conn.PgConn().ParameterStatus("server_encoding")))
	require.NoError(t, err)
	var before []byte
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	require.Len(t, lines, rows)
	for i, line := range lines {
		var values [][]byte
		for _, f := range strings.Split(line, "\t") {
			values = append(values, []byte(f))
		}
		now, ok := key.encode(nil, values)
		require.True(t, ok, "%q", line)
		require.True(t, i == 0 || bytes.Compare(before, now) < 0, "%q must be above %q", line, lines[max(i-1, 0)])
		before = now
	}
}

// Keys sort here as they do on the server, each type alone and as the first or
// the last of two.
func TestReconcileKeysSortAsTheServerDoes(t *testing.T) {
	t.Parallel()
	for _, collation := range []string{"", ` COLLATE "und-x-icu"`} {
		db := pgtest.Server(t).Database(t)
		for typ, values := range hostileKeys {
			if collation != "" && !strings.Contains(typ, "char") && typ != "text" {
				continue
			}
			db.Exec(t, fmt.Sprintf(`DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (k0 %[1]s%[3]s, k1 %[1]s%[3]s);
				INSERT INTO public.t SELECT a::%[1]s, b::%[1]s FROM unnest(ARRAY[%[2]s]::text[]) a, unnest(ARRAY[%[2]s]::text[]) b`, typ, values, collation))
			var n int
			require.NoError(t, db.Conn(t).QueryRow(t.Context(), "SELECT count(*) FROM public.t").Scan(&n))
			full := db.QueryString(t, "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attname = 'k0'")
			inOrder(t, db, keyTransfer(full, full), n)
		}
	}
}

// A database in another encoding sorts by other bytes than those that arrive.
func TestReconcileKeysOfAnotherEncoding(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"WIN1252", "EUC_JP", "LATIN1"} {
		db := pgtest.Server(t).Database(t, pgtest.DBOptions{Encoding: encoding})
		values := map[string]string{"WIN1252": "'€', 'é', 'ÿ', 'Œ', 'a', 'ž'", "EUC_JP": "'ｱ', '亜', 'あ', '―', 'a', 'Я'", "LATIN1": "'é', 'ÿ', 'a', 'A'"}[encoding]
		conn, err := parse(t, dial.Source, db.URL).Connect(t.Context(), dial.Reader())
		require.NoError(t, err)
		mustExec(t, conn, fmt.Sprintf("CREATE TABLE public.t (k0 text); INSERT INTO public.t SELECT unnest(ARRAY[%s])", values))
		require.NoError(t, conn.Close(t.Context()))
		inOrder(t, db, keyTransfer("text"), strings.Count(values, ",")+1)
	}
}

// What cannot be ordered alike on both servers is refused with its own error,
// before anything is written.
func TestReconcileRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	type column = ddlgen.ColumnTransfer
	typ := func(name string, kind catalog.TypeKind) *catalog.Type {
		return &catalog.Type{Name: catalog.Name{Schema: "pg_catalog", Name: name}, Text: name, Kind: kind}
	}
	for name, c := range map[string]struct {
		edit func(tr *ddlgen.Transfer)
		why  string
	}{
		"no key":               {func(tr *ddlgen.Transfer) { tr.Key = nil }, "no primary key"},
		"float":                {func(tr *ddlgen.Transfer) { tr.Columns[0].TargetType = "double precision" }, "of type double precision"},
		"enum":                 {func(tr *ddlgen.Transfer) { tr.Columns[0].TargetType = "public.mood" }, "of type public.mood"},
		"domain":               {func(tr *ddlgen.Transfer) { tr.Columns[0].TargetType = "public.word" }, "of type public.word"},
		"citext":               {func(tr *ddlgen.Transfer) { tr.Columns[0].TargetType = "public.citext" }, "of type public.citext"},
		"interval":             {func(tr *ddlgen.Transfer) { tr.Columns[0].TargetType = "interval" }, "of type interval"},
		"array":                {func(tr *ddlgen.Transfer) { tr.Columns[0].TargetType = "integer[]" }, "of type integer[]"},
		"another order":        {func(tr *ddlgen.Transfer) { tr.Columns[0].SourceType = typ("inet", catalog.KindBase) }, "is inet on the source and text on the target"},
		"an enum becomes text": {func(tr *ddlgen.Transfer) { tr.Columns[0].SourceType = typ("mood", catalog.KindEnum) }, "is mood on the source"},
		"key not copied":       {func(tr *ddlgen.Transfer) { tr.Key = []string{"generated"} }, "is not copied"},
		"read as another":      {func(tr *ddlgen.Transfer) { tr.Columns[0].ReadBack = "lower(k0)" }, "read back as lower(k0)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := keyTransfer("text")
			c.edit(tr)
			_, err := Reconcile(t.Context(), ReconcileParams{Transfer: tr, Profile: ddlgen.Postgres()})
			var refused *NotByKeyError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, c.why)
			require.ErrorContains(t, err, "load it anew")
		})
	}
	for name, edit := range map[string]func(c *column){
		"a domain over text":      func(c *column) { c.SourceType = typ("word", catalog.KindDomain) },
		"cast on the source":      func(c *column) { c.SourceType, c.Select = typ("inet", catalog.KindBase), "host(k0)" },
		"blanks that are cut off": func(c *column) { c.SourceType = typ("bpchar", catalog.KindBase) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := keyTransfer("text")
			edit(&tr.Columns[0])
			_, err := sortKeyOf(tr)
			require.NoError(t, err)
		})
	}
}
