package cli

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/certificate"
	"github.com/pg2db9/pg2db9/verify"
)

// verify --live says what became of the rows that differed: nothing to say of equal
// sides, a row that differs and stands still is a difference at the deadline, and
// sequences that go on at the source are left for cut-over (Y10).
func TestY10VerifyLive(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--profile", "postgres")
	r, rep := b.reported(t, "verify", "--profile", "postgres", "--live")
	require.Equal(t, OK, r.code, r.err)
	require.Equal(t, "rows", rep.Level)
	b.source.Exec(t, "SELECT nextval('alone')")
	path := filepath.Join(t.TempDir(), "c.json")
	r = b.ok(t, "verify", "--profile", "postgres", "--live", "--level", "deep", "--certificate", path)
	c, err := certificate.ReadFile(path, version())
	require.NoError(t, err)
	require.Contains(t, c.Summary, "all equal; 2 sequences, 1 view too; 1 sequence not compared; both sides could be written meanwhile")
	require.Nil(t, c.Run().Snapshot)
	require.Equal(t, OK, b.recheck(t, path).code)
	require.Contains(t, r.err+r.out, "0 rows differed at first and settled; the positions of 1 sequence are given at cut-over")

	b.target.Exec(t, "UPDATE orders SET total = total + 1 WHERE id = 7; DELETE FROM log WHERE ctid = '(0,1)'")
	r, rep = b.reported(t, "verify", "--profile", "postgres", "--live", "--deadline", "500ms")
	require.Equal(t, Differences, r.code, r.err)
	live := map[string]*verify.Live{}
	for _, x := range rep.Tables {
		live[x.Target] = x.Live
	}
	require.Equal(t, &verify.Live{Differ: 1}, live["public.orders"])
	require.Equal(t, &verify.Live{}, live["public.customers"])
	require.EqualValues(t, 1, live["public.log"].Differ)
	require.Positive(t, live["public.log"].Whole)
	require.Contains(t, r.err, "1 row differs and did not change any more")

	for _, args := range [][]string{{"--deadline", "5m"}, {"--live", "--deadline", "soon"}, {"--live", "--deadline", "0s"}, {"--live", "--level", "digest"}} {
		require.Equal(t, Usage, b.run(t, "verify", args...).code, "%v", args)
	}
}
