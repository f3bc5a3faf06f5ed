package verify

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
)

func transfer(columns, key []string, types ...string) *ddlgen.Transfer {
	t := &ddlgen.Transfer{Target: catalog.Name{Schema: "s", Name: "t"}, Key: key}
	for i, c := range columns {
		column := ddlgen.ColumnTransfer{Source: c, Target: c, Select: `"` + c + `"`, ReadBack: `"` + c + `"`, TargetType: "text"}
		if i < len(types) {
			column.TargetType = types[i]
		}
		t.Columns = append(t.Columns, column)
	}
	return t
}

func TestPageSQL(t *testing.T) {
	t.Parallel()
	one := newPages(transfer([]string{"id", "a"}, []string{"id"}, "bigint"), false)
	two := newPages(transfer([]string{"a", "n", "b"}, []string{"b", "n"}, "text", "integer"), true)
	none := newPages(transfer([]string{"a"}, nil), false)
	low, high := int64(-5), int64(math.MinInt64)
	ranged := *one
	ranged.low, ranged.high = &low, &high
	for _, c := range []struct {
		name string
		p    *pages
		at   position
		want string
	}{
		{"first", one, position{}, `SELECT "id", "a" FROM "s"."t" ORDER BY "id" LIMIT 10`},
		{"next", one, position{key: []string{"7"}, level: 1}, `SELECT "id", "a" FROM "s"."t" WHERE "id" > 7 ORDER BY "id" LIMIT 10`},
		{"no integer constant", one, position{key: []string{"-9223372036854775808"}, level: 1}, `SELECT "id", "a" FROM "s"."t" WHERE "id" > '-9223372036854775808' ORDER BY "id" LIMIT 10`},
		{"rest of the first column's value", two, position{key: []string{`it's\`, "3"}, level: 2}, `SELECT "a", "n", "b" FROM ONLY "s"."t" WHERE "b" = E'it''s\\' AND "n" > 3 ORDER BY "b", "n" LIMIT 10`},
		{"behind the first column's value", two, position{key: []string{"x", "3"}, level: 1}, `SELECT "a", "n", "b" FROM ONLY "s"."t" WHERE "b" > 'x' ORDER BY "b", "n" LIMIT 10`},
		{"not what it says", one, position{key: []string{"1 OR true"}, level: 1}, `SELECT "id", "a" FROM "s"."t" WHERE "id" > '1 OR true' ORDER BY "id" LIMIT 10`},
		{"range", &ranged, position{}, `SELECT "id", "a" FROM "s"."t" WHERE "id" >= -5 AND "id" < '-9223372036854775808' ORDER BY "id" LIMIT 10`},
		{"inside of a range", &ranged, position{key: []string{"7"}, level: 1}, `SELECT "id", "a" FROM "s"."t" WHERE "id" > 7 AND "id" < '-9223372036854775808' ORDER BY "id" LIMIT 10`},
		{"no key", none, position{}, `SELECT "a" FROM "s"."t"`},
		{"no columns", newPages(transfer(nil, nil), false), position{}, `SELECT NULL FROM "s"."t"`},
		{"key not among the columns", newPages(&ddlgen.Transfer{Target: one.table, Key: []string{"k"}}, false), position{}, `SELECT "k" FROM "s"."t" ORDER BY "k" LIMIT 10`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.p.sql(c.at, 10))
			require.NotContains(t, c.p.sql(c.at, 10), "regclass")
		})
	}
}

// Pages of any sizes over keys of any number of columns give each row once,
// in order; a page that is read again gives the same rows.
func TestPagesGiveEachRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 3).Draw(t, "columns")
		names := []string{"a", "b", "c"}[:width]
		rows := rapid.SliceOfNDistinct(rapid.SliceOfN(rapid.IntRange(0, 4), width, width), 0, 60, func(r []int) string {
			var s strings.Builder
			for _, v := range r {
				s.WriteString(strconv.Itoa(v))
			}
			return s.String()
		}).Draw(t, "rows")
		slices.SortFunc(rows, slices.Compare[[]int])
		p := newPages(transfer(names, names, "integer", "integer", "integer"), false)
		var got [][]int
		var at position
		for n := 0; ; n++ {
			require.Less(t, n, 500, "no end")
			limit := rapid.IntRange(1, 7).Draw(t, "limit")
			var page [][]int
			for _, r := range rows {
				if len(page) < limit && behind(r, at) {
					page = append(page, r)
				}
			}
			got = append(got, page...)
			var last []string
			if len(page) > 0 {
				for _, v := range page[len(page)-1] {
					last = append(last, strconv.Itoa(v))
				}
			}
			var done bool
			if at, done = p.next(at, int64(len(page)), int64(limit), last); done {
				break
			}
		}
		require.Len(t, got, len(rows))
		for i := range rows {
			require.Equal(t, rows[i], got[i])
		}
	})
}

// behind is what the WHERE of a page says.
func behind(r []int, at position) bool {
	for i := range at.level {
		k, _ := strconv.Atoi(at.key[i])
		if i == at.level-1 && r[i] <= k || i < at.level-1 && r[i] != k {
			return false
		}
	}
	return true
}

// Every bigint, also one beyond the bounds that were asked for, is in exactly
// one range.
func TestRangesHoldEveryValueOnce(t *testing.T) {
	t.Parallel()
	whole := newPages(transfer([]string{"id"}, []string{"id"}, "bigint"), false)
	value := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-20, 20), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
	rapid.Check(t, func(t *rapid.T) {
		least, greatest, n := value.Draw(t, "least"), value.Draw(t, "greatest"), rapid.IntRange(-1, 40).Draw(t, "n")
		parts := whole.ranges(least, greatest, n)
		require.LessOrEqual(t, len(parts), max(n, 1))
		for range 20 {
			v := value.Draw(t, "value")
			in := 0
			for _, p := range parts {
				if (p.low == nil || v >= *p.low) && (p.high == nil || v < *p.high) {
					in++
				}
			}
			require.Equal(t, 1, in, "%d", v)
		}
	})
	require.Len(t, whole.ranges(1, 1000, 4), 4)
	require.Len(t, whole.ranges(1, 3, 40), 1, "nothing to cut")
}

// A page aims at 8 MB and at a quarter of the statement's time, is never empty,
// and grows and shrinks by steps.
func TestPace(t *testing.T) {
	t.Parallel()
	const limit = 60 * time.Second
	require.EqualValues(t, 500, newPace(0, 0).rows)
	require.EqualValues(t, 5000, newPace(0, 100).rows)
	require.EqualValues(t, 80, newPace(0, 100_000).rows)
	require.EqualValues(t, 1, newPace(0, 1<<30).rows)
	require.EqualValues(t, 3000, newPace(limit, 1000).rows, "15 s at 200 kB/s")

	p := newPace(limit, 100)
	p.measured(5000, 500_000, time.Second)
	require.EqualValues(t, 20_000, p.rows, "four times at most")
	p.measured(20_000, 16_000_000, time.Second)
	require.EqualValues(t, 10_000, p.rows, "8 MB")
	p.measured(10_000, 8_000_000, 30*time.Second)
	require.EqualValues(t, 5000, p.rows, "15 s")
	for range 10 {
		p.measured(p.rows, 10, time.Microsecond)
	}
	require.EqualValues(t, 50_000, p.rows)
	for range 10 {
		p.failed()
	}
	require.EqualValues(t, 1, p.rows)
	p.measured(1, 100<<20, time.Hour)
	require.EqualValues(t, 1, p.rows)
	p.measured(0, 0, 0)
	require.EqualValues(t, 1, p.rows)
}
