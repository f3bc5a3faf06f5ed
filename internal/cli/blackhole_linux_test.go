package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// C5: a source that vanishes in mid-row without a word is noticed within the
// network timeout; the part is read again over a new connection.
func TestC5BlackHoleInMidRun(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	p := pgtest.NewProxy(t, b.source.Cluster())
	hit := p.Add(pgtest.Rule{Action: pgtest.BlackHole, Dir: pgtest.ToClient, After: 2 << 20})
	r := run(t, "clone", "--source", p.URL(b.source.Name), "--target", withPassword(b.target.URL), "--network-timeout", "1", "--retry-for", "30")
	require.Equal(t, OK, r.code, r.err)
	<-hit.Fired()
	require.Contains(t, r.err, "the source gave no sign for 1s (--network-timeout) while waiting for its answer")
	require.Contains(t, r.err, "public.big", "what was being done")
	b.same(t, "big", "small")
}
