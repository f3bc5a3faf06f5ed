package verify

import (
	"cmp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// A position is ordered as the server orders the values, and a border's literal
// parts the rows where the positions do: for every pair of values and each border
// of the types that ranges are of.
func TestPositionsAreTheServersOrder(t *testing.T) {
	t.Parallel()
	conn := pgtest.Server(t).Database(t).Conn(t)
	for typ, values := range map[string][]string{
		"bigint":                   {"-9223372036854775808", "-9223372036854775807", "-10", "-9", "-1", "0", "1", "9", "10", "9223372036854775807"},
		"smallint":                 {"-32768", "-1", "0", "7", "32767"},
		"uuid":                     {"00000000-0000-0000-0000-000000000000", "00000000-0000-0001-0000-000000000001", "7fffffff-ffff-ffff-ffff-ffffffffffff", "80000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
		"bytea":                    {`\x`, `\x00`, `\x0000`, `\x01`, `\x0100`, `\x010000000000000000`, `\x7f`, `\x80`, `\xff00`, `\xffffffffffffffffff`},
		"date":                     {"-infinity", "0044-03-15 BC", "0001-01-01", "1999-12-31", "2000-02-29", "2000-03-01", "9999-12-31", "10000-01-01", "infinity"},
		"timestamp with time zone": {"-infinity", "0044-03-15 BC", "0001-01-01 00:00:00+00", "1999-12-31 23:59:59.999999+00", "2000-01-01 00:00:00+00", "2000-01-01 00:00:00.000001+00", "2000-01-01 00:00:00.1+00", "20000-01-01 00:00:00+00", "infinity"},
	} {
		form := formOf(typ)
		require.NotNil(t, form, typ)
		var texts []string
		rows, err := conn.Query(t.Context(), "SET timezone = 'UTC'")
		require.NoError(t, err)
		rows.Close()
		rows, err = conn.Query(t.Context(), "SELECT v::"+typ+"::text FROM unnest($1::text[]) WITH ORDINALITY u(v, i) ORDER BY v::"+typ, values)
		require.NoError(t, err)
		for rows.Next() {
			var s string
			require.NoError(t, rows.Scan(&s))
			texts = append(texts, s)
		}
		require.NoError(t, rows.Err())
		at := func(s string) uint64 {
			if typ == "bytea" {
				s = `\` + s
			}
			p, ok := form.position([]byte(s))
			require.True(t, ok, "%s %q", typ, s)
			return p
		}
		for i := 1; i < len(texts); i++ {
			require.LessOrEqual(t, at(texts[i-1]), at(texts[i]), "%s: %q before %q", typ, texts[i-1], texts[i])
		}
		for i, border := range slices.Concat(texts, texts) {
			p := at(border)
			if i >= len(texts) { // between two values
				p++
			}
			if p == 0 || p >= lastMoment && typ != "bytea" && typ != "uuid" && typ != "bigint" && typ != "smallint" {
				continue // no border is there
			}
			for _, v := range texts {
				var below bool
				require.NoError(t, conn.QueryRow(t.Context(), "SELECT $1::text::"+typ+" < "+form.literal(p), v).Scan(&below))
				require.Equal(t, cmp.Less(at(v), p), below, "%s: %q beside the border %s", typ, v, form.literal(p))
			}
		}
	}
	for typ, bad := range map[string][]string{
		"bigint": {"", "-", "x", "1.5", `\N`, "99999999999999999999", "9223372036854775808"}, "uuid": {"", "zz", `\N`}, "bytea": {"", "x", `\N`},
		"date": {"", "2020", `\N`, "2020-13-01"}, "timestamp without time zone": {"2020-01-01 10", "2020-01-01T10:00:00", "2020-01-01 10:00:00+05"},
	} {
		for _, s := range bad {
			_, ok := formOf(typ).position([]byte(s))
			require.False(t, ok, "%s %q", typ, s)
		}
	}
}
