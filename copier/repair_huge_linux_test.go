package copier

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	repairMemory = 64 << 10 // KiB beside the row
	// A row that is repaired is held as it came, in its statement, as it is sent,
	// and, where it is inserted, as one of the statement's rows, each with a begin of
	// what is not collected yet.
	repairHolds = 6
)

// A huge row that differs and one that is missing are written by a repair that
// holds such a row a few times and no more, however large (Y12, Y15). HUGE_ROW_MB
// says how large (make verify-huge: 500).
func TestY12Y15RepairOfHugeRows(t *testing.T) {
	if p, ok := apartPair(); ok {
		got, err := repairCase(t, p, RepairTable{Transfer: keyed(transfer("huge", "n", "v"), "n"), Rows: []RepairRow{
			{Kind: RepairChanged, Key: keyText("7"), Columns: []string{"v"}, Copies: 1},
			{Kind: RepairMissing, Key: keyText("8"), Copies: 1},
			{Kind: RepairChanged, Key: keyText("9"), Columns: []string{"v"}, Copies: 1},
		}})
		require.NoError(t, err)
		require.Empty(t, got.Refused)
		require.Equal(t, []int64{1, 2}, []int64{got.Inserted, got.Updated})
		tellPeak(t)
		return
	}
	t.Parallel()
	mb := hugeMB(t, 20)
	p := newPair(t)
	p.both(t, "CREATE TABLE public.huge (n integer PRIMARY KEY, v text); ALTER TABLE public.huge ALTER v SET STORAGE EXTERNAL; INSERT INTO public.huge SELECT n, 'v' FROM generate_series(1, 9) n WHERE n <> 8")
	p.source.Exec(t, fmt.Sprintf(`UPDATE public.huge SET v = repeat('0123456789ab''\ef', %d) WHERE n = 7; INSERT INTO public.huge VALUES (8, repeat('0123456789abcdef', %[1]d)); UPDATE public.huge SET v = 'w' WHERE n = 9`, mb<<16))
	used := apart(t, p)
	t.Logf("%d MiB resident at most, with rows of %d MiB", used>>10, mb)
	if !raceEnabled {
		require.LessOrEqual(t, used, repairMemory+repairHolds*mb<<10)
	}
	const sums = "SELECT string_agg(n || ' ' || md5(v), ', ' ORDER BY n) FROM public.huge"
	require.Equal(t, p.source.QueryString(t, sums), p.target.QueryString(t, sums))
}
