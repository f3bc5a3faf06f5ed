package keyset

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
	one := New(transfer([]string{"id", "a"}, []string{"id"}, "bigint"), false)
	two := New(transfer([]string{"a", "n", "b"}, []string{"b", "n"}, "text", "integer"), true)
	none := New(transfer([]string{"a"}, nil), false)
	low, high := int64(-5), int64(math.MinInt64)
	ranged := *one
	ranged.Low, ranged.High = &low, &high
	for _, c := range []struct {
		name string
		p    *Pages
		at   Position
		want string
	}{
		{"first", one, Position{}, `SELECT "id", "a" FROM "s"."t" ORDER BY "id" LIMIT 10`},
		{"next", one, Position{Key: []string{"7"}, Level: 1}, `SELECT "id", "a" FROM "s"."t" WHERE "id" > 7 ORDER BY "id" LIMIT 10`},
		{"no integer constant", one, Position{Key: []string{"-9223372036854775808"}, Level: 1}, `SELECT "id", "a" FROM "s"."t" WHERE "id" > '-9223372036854775808' ORDER BY "id" LIMIT 10`},
		{"rest of the first column's value", two, Position{Key: []string{`it's\`, "3"}, Level: 2}, `SELECT "a", "n", "b" FROM ONLY "s"."t" WHERE "b" = E'it''s\\' AND "n" > 3 ORDER BY "b", "n" LIMIT 10`},
		{"behind the first column's value", two, Position{Key: []string{"x", "3"}, Level: 1}, `SELECT "a", "n", "b" FROM ONLY "s"."t" WHERE "b" > 'x' ORDER BY "b", "n" LIMIT 10`},
		{"not what it says", one, Position{Key: []string{"1 OR true"}, Level: 1}, `SELECT "id", "a" FROM "s"."t" WHERE "id" > '1 OR true' ORDER BY "id" LIMIT 10`},
		{"range", &ranged, Position{}, `SELECT "id", "a" FROM "s"."t" WHERE "id" >= -5 AND "id" < '-9223372036854775808' ORDER BY "id" LIMIT 10`},
		{"inside of a range", &ranged, Position{Key: []string{"7"}, Level: 1}, `SELECT "id", "a" FROM "s"."t" WHERE "id" > 7 AND "id" < '-9223372036854775808' ORDER BY "id" LIMIT 10`},
		{"no key", none, Position{}, `SELECT "a" FROM "s"."t"`},
		{"no columns", New(transfer(nil, nil), false), Position{}, `SELECT NULL FROM "s"."t"`},
		{"key not among the columns", New(&ddlgen.Transfer{Target: one.Table, Key: []string{"k"}}, false), Position{}, `SELECT "k" FROM "s"."t" ORDER BY "k" LIMIT 10`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.p.SQL(c.at, 10))
			require.NotContains(t, c.p.SQL(c.at, 10), "regclass")
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
		p := New(transfer(names, names, "integer", "integer", "integer"), false)
		var got [][]int
		var at Position
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
			if at, done = p.Next(at, int64(len(page)), int64(limit), last); done {
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
func behind(r []int, at Position) bool {
	for i := range at.Level {
		k, _ := strconv.Atoi(at.Key[i])
		if i == at.Level-1 && r[i] <= k || i < at.Level-1 && r[i] != k {
			return false
		}
	}
	return true
}

// Every bigint, also one beyond the bounds that were asked for, is in exactly
// one range.
func TestRangesHoldEveryValueOnce(t *testing.T) {
	t.Parallel()
	whole := New(transfer([]string{"id"}, []string{"id"}, "bigint"), false)
	value := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-20, 20), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
	rapid.Check(t, func(t *rapid.T) {
		least, greatest, n := value.Draw(t, "least"), value.Draw(t, "greatest"), rapid.IntRange(-1, 40).Draw(t, "n")
		parts := whole.Ranges(least, greatest, n)
		require.LessOrEqual(t, len(parts), max(n, 1))
		for range 20 {
			v := value.Draw(t, "value")
			in := 0
			for _, p := range parts {
				if (p.Low == nil || v >= *p.Low) && (p.High == nil || v < *p.High) {
					in++
				}
			}
			require.Equal(t, 1, in, "%d", v)
		}
	})
	require.Len(t, whole.Ranges(1, 1000, 4), 4)
	require.Len(t, whole.Ranges(1, 3, 40), 1, "nothing to cut")
}

// A page aims at 8 MB and at a quarter of the statement's time, is never empty,
// and grows and shrinks by steps.
func TestPace(t *testing.T) {
	t.Parallel()
	const limit = 60 * time.Second
	require.EqualValues(t, 500, NewPace(0, 0).Rows)
	require.EqualValues(t, 5000, NewPace(0, 100).Rows)
	require.EqualValues(t, 80, NewPace(0, 100_000).Rows)
	require.EqualValues(t, 1, NewPace(0, 1<<30).Rows)
	require.EqualValues(t, 3000, NewPace(limit, 1000).Rows, "15 s at 200 kB/s")

	p := NewPace(limit, 100)
	p.Measured(5000, 500_000, time.Second)
	require.EqualValues(t, 20_000, p.Rows, "four times at most")
	p.Measured(20_000, 16_000_000, time.Second)
	require.EqualValues(t, 10_000, p.Rows, "8 MB")
	p.Measured(10_000, 8_000_000, 30*time.Second)
	require.EqualValues(t, 5000, p.Rows, "15 s")
	for range 10 {
		p.Measured(p.Rows, 10, time.Microsecond)
	}
	require.EqualValues(t, 50_000, p.Rows)
	for range 10 {
		p.Failed()
	}
	require.EqualValues(t, 1, p.Rows)
	p.Measured(1, 100<<20, time.Hour)
	require.EqualValues(t, 1, p.Rows)
	p.Measured(0, 0, 0)
	require.EqualValues(t, 1, p.Rows)
}

// A line of 0.6 MB/s that breaks every ten seconds, which a page of 8 MB outlasts:
// pages find a size that arrives, and half of what the line carries is new.
func TestPaceOnALineThatBreaks(t *testing.T) {
	t.Parallel()
	const rate, every, over, row = 600_000.0, 10.0, 3600.0, 200
	p := NewPace(time.Minute, row)
	arrived, now, up := 0.0, 0.0, every
	for now < over {
		size := float64(p.Rows * row)
		took := 0.2 + size/rate // a round trip, and the rows
		if now+took > up {      // broken: a second until there is a connection again
			now, up = up+1, up+every
			p.Failed()
			continue
		}
		now += took
		arrived += size
		p.Measured(p.Rows, p.Rows*row, time.Duration(took*float64(time.Second)))
	}
	require.Greater(t, arrived, rate*over/2)
	for range 5000 { // and where it does not break any more, they are what they would be
		p.Measured(p.Rows, p.Rows*row, time.Second)
	}
	require.EqualValues(t, PageBytes/row, p.Rows)
}
