package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// U4: answers that cannot have come yet are the network's, not the target's: a
// target at once, three tenths of a second away.
func TestU4LimitedByNetwork(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 12000)")
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: b.target.URL, Rules: db9sim.None(), Link: db9sim.LinkConfig{Delay: 150 * time.Millisecond}})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	b.target.Exec(t, "CREATE TABLE t (id int PRIMARY KEY)")
	r := run(t, "copy", "--json", "--jobs", "1", "--profile", "db9", "--probe", "never", "--skip-verify", "--source", withPassword(b.source.URL), "--target", sim.URL())
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	require.Contains(t, r.out, `"limited_by":"network"`)
	require.Greater(t, strings.Count(r.out, `"limited_by":"network"`), strings.Count(r.out, `"limited_by":"target"`))
	b.same(t, "t")
}

// U4: a target that is away is what is tried again, and the progress says so.
func TestU4LimitedByRetry(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	p := pgtest.NewProxy(t, b.target.Cluster())
	hit := p.Add(pgtest.Rule{Action: pgtest.Cut, Dir: pgtest.ToServer, After: 3 << 20})
	c := &call{args: []string{"clone", "--json", "--jobs", "1", "--retry-for", "60", "--source", withPassword(b.source.URL), "--target", withPassword(p.URL(b.target.Name))}}
	ended := c.begin(t)
	<-hit.Fired()
	p.Refuse(true)
	p.End(pgtest.Cut)
	eventually(t, "retries are named", func() bool {
		return strings.Contains(c.out.String(), `"limited_by":"retry"`) && strings.Contains(c.out.String(), `"waits_for":"retry"`)
	})
	p.Refuse(false)
	r := await(t, ended)
	require.Equal(t, OK, r.code, "%s\n%s", r.err, r.out)
	b.same(t, "big", "small")
}
