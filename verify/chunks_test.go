package verify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Every bucket that differs is in a chunk, or its rows are counted as not read:
// chunks hold no more rows than fit, a bucket that is larger is read by parts of
// its keys, and a table whose key has no ranges is not read too often.
func TestPlanChunks(t *testing.T) {
	t.Parallel()
	const buckets = 2000
	var borders []uint64
	for i := range buckets - 1 {
		borders = append(borders, signBit+uint64(i)*10)
	}
	plan := func(b *bucketing, deep bool, budget int64, rows func(i int) (n uint32, differ bool)) (chunks []*chunk, unread, summed int64) {
		c := &comparison{buckets: b, differences: newBucketDifference(b.count), transfer: &ddlgen.Transfer{Columns: []ddlgen.ColumnTransfer{{Source: "id", Target: "id"}}}}
		for i := range b.count {
			n, differ := rows(i)
			c.differences.source[i], c.differences.target[i] = n, n
			if differ {
				c.differences.sums[i] = 1
			}
			c.source.Merge(digest.Sum{Rows: uint64(n)})
		}
		return planChunks(c, deep, budget)
	}
	odd := func(i int) (uint32, bool) { return 100, i%2 == 1 }

	chunks, unread, summed := plan(rangesOf(borders...), false, 1<<20, odd)
	require.Zero(t, unread+summed)
	ranges, rows := 0, int64(0)
	for _, k := range chunks {
		require.LessOrEqual(t, len(k.ranges), mostRanges)
		require.LessOrEqual(t, k.rows, int64(1<<20/heldRowCost))
		require.Contains(t, k.where(`"id"`), " OR ")
		ranges += len(k.ranges)
		rows += k.rows
	}
	require.Equal(t, []int64{buckets / 2, buckets / 2 * 100}, []int64{int64(ranges), rows})
	require.Contains(t, chunks[len(chunks)-1].where(`"id"`), `"id" IS NULL`, "the last range is open")

	chunks, _, _ = plan(rangesOf(borders...), true, 1<<30, odd)
	require.Len(t, chunks, 1)
	require.True(t, chunks[0].whole(), "ranges that are next to each other are one")

	chunks, unread, _ = plan(rangesOf(borders...), false, 1<<20, func(i int) (uint32, bool) { return 100_000, i == 5 })
	require.Len(t, chunks, mostPasses)
	for i, k := range chunks {
		require.EqualValues(t, i, k.part)
		require.EqualValues(t, 25, k.of)
	}
	require.Positive(t, unread)

	hashed := &bucketing{keys: []int{0}, count: buckets}
	chunks, unread, summed = plan(hashed, false, 1<<20, odd)
	require.Len(t, chunks, mostPasses)
	require.EqualValues(t, buckets/2*100-mostPasses*4000, unread)
	require.Zero(t, summed)
	chunks, unread, summed = plan(hashed, true, 1<<20, func(i int) (uint32, bool) { return 100, i >= buckets-10 })
	require.Len(t, chunks, mostPasses)
	require.Zero(t, unread, "those that differ come first")
	require.EqualValues(t, buckets*100-mostPasses*4000, summed)
	chunks, unread, _ = plan(hashed, false, 1<<20, func(i int) (uint32, bool) { return 1_000_000, i == 5 })
	require.Len(t, chunks, 1, "they are equal rows")
	require.Zero(t, unread)
}
