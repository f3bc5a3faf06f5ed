package verify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// What all changes of a column have in common is said in a word, and nothing is
// said where they have nothing in common.
func TestColumnTally(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pairs []string // source, target, source, target, ...
		how   string
	}{
		{[]string{"14.29", "14.30", "9.97", "10.00", "-0.55", "-0.6"}, "rounded"},
		{[]string{"14.29", "14.2", "-9.97", "-9.9"}, "digits cut off"},
		{[]string{"5", "-5", "1.5", "-1.5"}, "sign"},
		{[]string{"5", "7", "100", "102"}, "by +2"},
		{[]string{"5", "7", "100", "101"}, ""},
		{[]string{"1.50", "1.5", "2.0", "2"}, "scale"},
		{[]string{"a", `\N`, "5", `\N`}, "to NULL"},
		{[]string{`\N`, "", `\N`, "x"}, "from NULL"},
		{[]string{"ab  ", "ab", "c ", "c"}, "trailing blanks lost"},
		{[]string{" ab ", "ab", "c ", "c"}, "trimmed"},
		{[]string{"Ab", "AB", "c", "C"}, "upper case"},
		{[]string{"Äb", "äb"}, "lower case"},
		{[]string{"é", "\uFFFD", "xö", "x\uFFFD"}, "characters replaced"},
		{[]string{"abcdef", "abc", "xyz", "x"}, "cut off"},
		{[]string{"abcdef", "abc", "xyz", "q"}, ""},
		{[]string{"abc", "", "d", ""}, "emptied"},
		{[]string{"2020-01-01 10:00:00", "2020-01-01 12:00:00", "2021-06-01 00:00:00", "2021-06-01 02:00:00"}, "by +2h0m0s"},
		{[]string{"2020-01-01 10:00:00.123456", "2020-01-01 10:00:00.123", "2020-01-01 10:00:00.9996", "2020-01-01 10:00:01"}, "rounded"},
		{[]string{"2020-01-01", "2020-01-02", "1999-12-31", "2000-01-01"}, "by +24h0m0s"},
		{[]string{`a\nb`, "ab"}, "blanks"},
		{[]string{"x", "y"}, ""},
	} {
		tallies := newColumnTallies(&ddlgen.Transfer{Columns: []ddlgen.ColumnTransfer{{Target: "c"}}})
		for i := 0; i < len(c.pairs); i += 2 {
			tallies.add(&row{text: []byte(c.pairs[i])}, &row{text: []byte(c.pairs[i+1])})
		}
		require.Equal(t, []ColumnTally{{Column: "c", Rows: int64(len(c.pairs) / 2), How: c.how}}, tallies.list(), "%q", c.pairs)
	}
}
