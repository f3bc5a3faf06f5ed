package ddlgen

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
)

// What a narrower type of the target does not take is found, and nothing is
// asked where every value fits.
func TestBoundsOfMappedColumns(t *testing.T) {
	t.Parallel()
	server := serverOf(t, goldenMajor)
	db := server.Database(t)
	db.Exec(t, `CREATE TABLE v (id int PRIMARY KEY, t text, v varchar(10), c char(4), n numeric, p numeric(10,2), i bigint, s smallint, at timestamptz, m money, bo boolean);
		INSERT INTO v VALUES (1, 'äöüß', 'abc', 'ab', 1.5, 1.5, 1, 1, '2020-01-01Z', 1, true), (2, 'longer', 'longer', 'abcd', 1234.5, 12345678.99, 3000000000, 32767, '2020-01-01 00:00:00.5Z', 1, false),
			(3, NULL, NULL, NULL, 1.255, 0.01, -1, -1, NULL, NULL, NULL)`)
	conn := db.Conn(t)
	model := load(t, conn)
	p := newPlanner(model, Postgres(), Options{})
	for _, c := range []struct {
		column, target, sel string
		want                []string
	}{
		{column: "t", target: "character varying(4)", want: []string{"over-length 1"}},
		{column: "t", target: "character varying(6)", want: []string{"over-length 0"}},
		{column: "t", target: "character varying(3)", sel: "pg_catalog.left(%s, 3)", want: []string{"over-length 0"}},
		{column: "v", target: "character varying(5)", want: []string{"over-length 1"}},
		{column: "v", target: "character varying(10)"},
		{column: "c", target: "character varying(4)"},
		{column: "bo", target: "character varying(5)"},
		{column: "i", target: "character varying(20)"},
		{column: "i", target: "character varying(8)", want: []string{"over-length 1"}},
		{column: "n", target: "numeric(5,2)", want: []string{"out-of-range 1", "scale 1"}},
		{column: "n", target: "numeric(6,3)", want: []string{"out-of-range 1", "scale 0"}},
		{column: "p", target: "numeric(10,2)"},
		{column: "p", target: "numeric(12,4)"},
		{column: "p", target: "numeric(8,2)", want: []string{"out-of-range 1", "scale 0"}},
		{column: "m", target: "numeric(19,2)"},
		{column: "i", target: "integer", want: []string{"out-of-range 1"}},
		{column: "i", target: "bigint"},
		{column: "s", target: "integer"},
		{column: "i", target: "smallint", want: []string{"out-of-range 1"}},
		{column: "at", target: "timestamp(0) with time zone", want: []string{"sub-millisecond 1"}},
		{column: "at", target: "timestamp(3) with time zone", want: []string{"sub-millisecond 0"}},
	} {
		table := &model.Tables[0]
		i := slices.IndexFunc(table.Columns, func(x catalog.Column) bool { return x.Name == c.column })
		typ := typing{target: c.target}
		if c.sel != "" {
			typ.sel = func(q string) string { return fmt.Sprintf(c.sel, q) }
		}
		var got []string
		for _, a := range p.affected(table, &table.Columns[i], typ) {
			var n int
			require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM v WHERE "+a.Where).Scan(&n), a.Where)
			got = append(got, fmt.Sprintf("%s %d", a.Kind, n))
		}
		require.Equal(t, c.want, got, "%s as %s", c.column, c.target)
	}
}
