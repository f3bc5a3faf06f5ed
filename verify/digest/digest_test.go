package digest_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/verify/digest"
)

func sum(rows ...string) digest.Sum {
	var s digest.Sum
	for _, r := range rows {
		s.Add([]byte(r))
	}
	return s
}

// rows draws few different rows, so that duplicates are common.
func rows(t *rapid.T) []string {
	return rapid.SliceOf(rapid.OneOf(
		rapid.SampledFrom([]string{"", "1", "2", `\N`, "a\tb", "b\ta"}),
		rapid.StringMatching(`[a-c\\]{0,3}(\t[a-c]{0,3}){0,2}`),
	)).Draw(t, "rows")
}

func TestSumIsFreeOfOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rows(t)
		require.Equal(t, sum(r...), sum(rapid.Permutation(r).Draw(t, "permuted")...))
	})
}

func TestSumMergesAnyPartition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rows(t)
		parts := make([]digest.Sum, rapid.IntRange(1, 5).Draw(t, "parts"))
		for _, row := range r {
			parts[rapid.IntRange(0, len(parts)-1).Draw(t, "part")].Add([]byte(row))
		}
		var merged digest.Sum
		for _, p := range rapid.Permutation(parts).Draw(t, "order") {
			merged.Merge(p)
		}
		require.Equal(t, sum(r...), merged)
	})
}

// Sums are equal exactly when the multisets of rows are: a duplicate beside a
// missing row, or two of them, does not cancel out (Y2, Y6).
func TestSumIsAMultisetY2Y6(t *testing.T) {
	t.Parallel()
	count := func(rows []string) map[string]int {
		m := map[string]int{}
		for _, r := range rows {
			m[r]++
		}
		return m
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rows(t), rows(t)
		if len(a) > 0 && rapid.Bool().Draw(t, "edit a") {
			b = append([]string(nil), a...)
			i := rapid.IntRange(0, len(a)-1).Draw(t, "from")
			b[rapid.IntRange(0, len(a)-1).Draw(t, "to")] = b[i]
		}
		equal := len(a) == len(b)
		for row, n := range count(a) {
			equal = equal && count(b)[row] == n
		}
		require.Equal(t, equal, sum(a...) == sum(b...), "%q and %q", a, b)
	})
}

// Every pair differs: what the COPY TEXT form tells apart, the digest does (V12,
// V13, V14, Y1).
func TestSumTellsApartY1(t *testing.T) {
	t.Parallel()
	sets := map[string][]string{
		"no row":                        {},
		"one empty string":              {""},
		"two empty strings":             {"", ""},
		"NULL":                          {`\N`},
		`text \N`:                       {`\\N`},
		`text \.`:                       {`\\.`},
		"text NULL":                     {"NULL"},
		"empty, NULL":                   {"\t" + `\N`},
		"NULL, empty":                   {`\N` + "\t"},
		"a, b":                          {"a\tb"},
		"b, a":                          {"b\ta"},
		"a tab b in one value":          {`a\tb`},
		"rows (1,2) (3,4)":              {"1\t2", "3\t4"},
		"rows swapped in one column":    {"3\t2", "1\t4"},
		"rows swapped across columns":   {"2\t1", "4\t3"},
		"CR":                            {`\r`},
		"LF":                            {`\n`},
		"CRLF":                          {`\r\n`},
		"vertical tab":                  {`\v`},
		"0x01":                          {"\x01"},
		"backslash n":                   {`\\n`},
		"lone backslash at the end":     {`a\\`},
		"two backslashes at the end":    {`a\\\\`},
		"quotes":                        {`"`},
		"10,000 backslashes":            {strings.Repeat(`\\`, 10_000)},
		"10,001 backslashes":            {strings.Repeat(`\\`, 10_001)},
		"a row and another twice":       {"x", "y", "y"},
		"another row and the one twice": {"x", "x", "y"},
		"trailing blank":                {"x "},
		"no trailing blank":             {"x"},
		"upper case":                    {"X"},
	}
	seen := map[digest.Sum]string{}
	for name, set := range sets {
		s := sum(set...)
		require.Empty(t, seen[s], "%s is taken for it", name)
		seen[s] = name
	}
}

func TestParseReadsHex(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := digest.Sum{Rows: rapid.Uint64().Draw(t, "rows"), Hi: rapid.Uint64().Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		back, err := digest.Parse(s.Rows, s.Hex())
		require.NoError(t, err)
		require.Equal(t, s, back)
	})
	for _, bad := range []string{"", "00", strings.Repeat("0", 31), strings.Repeat("0", 34), strings.Repeat("g", 32)} {
		_, err := digest.Parse(1, bad)
		require.Error(t, err, bad)
	}
}

// BenchmarkSum is the digest's share of the hot path, by bytes of a row.
func BenchmarkSum(b *testing.B) {
	canon, err := digest.ForRow(make([]digest.Canon, 10))
	require.NoError(b, err)
	for _, size := range []int{32, 100, 500, 8 << 10, 1 << 20} {
		row := bytes.Repeat([]byte("7"), size)
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			var s digest.Sum
			for b.Loop() {
				s.Add(canon.Row(row))
			}
		})
	}
}
