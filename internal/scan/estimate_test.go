package scan

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
)

func TestEstimate(t *testing.T) {
	t.Parallel()
	count, low, high := estimate(0, 1000, 1e6)
	require.Zero(t, count)
	require.Zero(t, low)
	require.InDelta(t, 3800, high, 200, "what was not seen may be there all the same")
	count, low, high = estimate(100, 1000, 1e6)
	require.InDelta(t, 1e5, count, 1)
	require.Less(t, low, 9e4)
	require.Greater(t, high, 1.1e5)
	count, low, high = estimate(7, 7, 7)
	require.Equal(t, []float64{7, 7, 7}, []float64{count, low, high})
	_, low, high = estimate(1000, 1000, 10) // the statistics are older than the rows
	require.Equal(t, []float64{1000, 1000}, []float64{low, high})
	count, _, high = estimate(0, 0, 50)
	require.Equal(t, []float64{0, 50}, []float64{count, high})
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"": {}, "20MB/s": {Bytes: 20_000_000}, "1MiB": {Bytes: 1 << 20}, "50000rows/s": {Rows: 50000}, "50,000 rows": {Rows: 50000},
	} {
		got, err := ParseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"fast", "0", "-1MB", "rows/s", "5 rows/min"} {
		_, err := ParseRate(text)
		require.ErrorContains(t, err, text)
	}
	m, err := ParseMode("full")
	require.NoError(t, err)
	require.Equal(t, Full, m)
	_, err = ParseMode("all")
	require.ErrorContains(t, err, "neither sample nor full")
}

// Every kind that a plan or a scan can name has a rule.
func TestRules(t *testing.T) {
	t.Parallel()
	kinds := append(ddlgen.AffectedKinds(), kindCollision, kindDuplicate, kindWideRow, kindLongKey, kindKeyLimit, kindOrphan, kindCheck, kindNull, kindSequence)
	for _, k := range kinds {
		r := ruleOf(finding.Code("data." + k))
		require.NotEqual(t, finding.Unset, r.Severity)
		require.NotEmpty(t, r.Reason)
		require.NotEmpty(t, r.Remedy)
	}
	require.Len(t, Rules(), len(kinds)+1, "and one for what is unknown")
}

func TestCheckExpr(t *testing.T) {
	t.Parallel()
	for def, want := range map[string]string{
		"CHECK ((a > 0)) NOT VALID":                           "((a > 0))",
		`CHECK (((")" > 0) AND (b <> ')'::text))) NO INHERIT`: `(((")" > 0) AND (b <> ')'::text)))`,
		"CHECK ((c <> 'it''s )'::text)) NOT ENFORCED":         "((c <> 'it''s )'::text))",
		"EXCLUDE USING gist (a WITH =)":                       "",
		"CHECK ((a":                                           "",
	} {
		require.Equal(t, want, checkExpr(def), def)
	}
	require.Equal(t, `(("c" > 0) AND ("c" <> 'VALUE'::text) AND (xVALUE > VALUES) AND ("VALUE" > "c"))`,
		withValue(`((VALUE > 0) AND (VALUE <> 'VALUE'::text) AND (xVALUE > VALUES) AND ("VALUE" > VALUE))`, `"c"`))
}
