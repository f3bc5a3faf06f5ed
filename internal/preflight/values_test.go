package preflight

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Values that a DB9 would refuse or change are counted on the source, those
// beside the bound are not, and what the target proved is not looked for.
func TestUnfitValues(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, `CREATE DOMAIN amount AS numeric;
		CREATE TABLE a (id int PRIMARY KEY, n numeric, m amount, p numeric(10,2), t time, d date, ts timestamptz, j jsonb, free text);
		INSERT INTO a VALUES
			(1, 1234567890123456789012345678, 1, 1, '23:59:59.999999', '0001-01-01', '9999-12-31Z', '{"n": [0.1, 9223372036854775807, 1e300, 1.5000000000000000000]}', ''),
			(2, 12345678901234567890123456789, 'NaN', 'NaN', '24:00', 'infinity', '0044-03-15 BC', '{"n": 0.12345678901234567890}', ''),
			(3, 0.00000000000000000000000000001, 0.5, NULL, NULL, '0044-03-15 BC', '-infinity', '[9223372036854775808, "123456789012345678901"]', ''),
			(4, NULL, NULL, NULL, NULL, NULL, NULL, '"0.123456789012345678901234"', NULL);
		CREATE TABLE lone (v varchar(5)); INSERT INTO lone VALUES (''), ('a'), (NULL);
		CREATE TABLE tree (v text) PARTITION BY LIST (v); CREATE TABLE leaf PARTITION OF tree DEFAULT; INSERT INTO tree VALUES ('');
		CREATE TABLE fine (id int, v text); INSERT INTO fine VALUES (1, '');`)
	conn := db.Conn(t)
	_, err := conn.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	require.NoError(t, err)
	model, err := catalog.Load(t.Context(), conn, catalog.LoadOptions{})
	require.NoError(t, err)
	say := func(p ddlgen.Profile) map[string]string {
		found, err := UnfitValues(t.Context(), conn, model, p, nil)
		require.NoError(t, err)
		out := map[string]string{}
		for _, u := range found {
			out[u.Column.Table.Name+"."+u.Column.Column] = u.Why
		}
		return out
	}
	const digits = "more than 28 digits"
	const empty = "1 row has an empty text, which the target takes for no row where it is the only column"
	require.Equal(t, map[string]string{
		"a.n": "2 rows have " + digits, "a.m": "1 row has NaN", "a.p": "1 row has NaN",
		"a.t": "1 row has 24:00, which the target has not",
		"a.d": "1 row has infinity, 1 row has a year BC", "a.ts": "1 row has infinity, 1 row has a year BC",
		"a.j":    "2 rows have numbers of more digits than a 64-bit integer or a double precision number keeps",
		"lone.v": empty, "tree.v": empty,
	}, say(ddlgen.DB9()))

	proved := ddlgen.DB9()
	proved.NumericDigits, proved.EmptyLines, proved.JSONDigits, proved.TimeSpecials = 0, true, true, true
	require.Equal(t, map[string]string{"a.t": "1 row has 24:00, which the target has not"}, say(proved))
	require.Empty(t, say(ddlgen.Postgres()))
}
