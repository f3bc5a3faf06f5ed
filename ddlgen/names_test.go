package ddlgen

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// N3: a name of exactly the limit stays; a longer one is cut at a character
// border and stays unique.
func TestCut(t *testing.T) {
	t.Parallel()
	at := strings.Repeat("a", 63)
	require.Equal(t, at, cut(at, 63))
	umlauts := strings.Repeat("ä", 31) + "b"
	require.Equal(t, umlauts, cut(umlauts, 63))

	long := strings.Repeat("ä", 40)
	require.LessOrEqual(t, len(cut(long, 63)), 63)
	require.True(t, utf8.ValidString(cut(long, 63)))
	require.NotEqual(t, cut(long+"_check", 63), cut(long+"_range", 63))
}

func TestCutAlwaysFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 80, 200).Draw(t, "name")
		limit := rapid.IntRange(1, 70).Draw(t, "limit")
		short := cut(name, limit)
		require.NotEmpty(t, short)
		require.LessOrEqual(t, len(short), limit)
		require.Equal(t, utf8.ValidString(name), utf8.ValidString(short))
	})
}

func TestFreshAvoidsWhatIsTaken(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{}
	for range 50 {
		n := fresh(strings.Repeat("é", 40), 63, func(s string) bool { return taken[s] })
		require.False(t, taken[n])
		require.LessOrEqual(t, len(n), 63)
		taken[n] = true
	}
	require.Equal(t, "a_2", fresh("a", 63, func(s string) bool { return s == "a" }))
}

func TestImplicitName(t *testing.T) {
	t.Parallel()
	require.Equal(t, "orders_id_seq", implicitName("orders", "id", 63))
	long := implicitName(strings.Repeat("t", 60), strings.Repeat("c", 60), 63)
	require.Equal(t, strings.Repeat("t", 29)+"_"+strings.Repeat("c", 29)+"_seq", long)
	require.Equal(t, strings.Repeat("t", 57)+"_a_seq", implicitName(strings.Repeat("t", 70), "a", 63))
}
