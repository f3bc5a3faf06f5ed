package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

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

// A target that vanishes without a word while rows are sent or an index is
// built: the second interrupt ends the program within a bounded time, and the
// command that continues does.
func TestInterruptsBeforeABlackHole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql, slow string
		under     func(b *bundle) bool
	}{
		"rows": {big, "0", func(b *bundle) bool {
			return b.target.QueryString(t, "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'BEGIN%COPY%' AND query LIKE '%big%'") == "t"
		}},
		"index": {slowIndex, "0.01", func(b *bundle) bool { return b.target.QueryString(t, building) == "t" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, c.sql)
			b.slow(t, c.slow)
			p := pgtest.NewProxy(t, b.target.Cluster())
			if name == "rows" {
				p.Add(pgtest.Rule{Action: pgtest.Stall, Dir: pgtest.ToServer, After: 2 << 20})
			}
			signals := make(chan os.Signal, 2)
			x := &call{args: []string{"clone", "--jobs", "1", "--source", withPassword(b.source.URL), "--target", p.URL(b.target.Name)}, signals: signals}
			ended := x.begin(t)
			eventually(t, "work is under way", func() bool { return c.under(b) })
			require.NoError(t, p.Swallow())
			signals <- syscall.SIGINT
			eventually(t, "the signal is heard", func() bool { return strings.Contains(x.err.String(), "a second interrupt stops at once") })
			signals <- syscall.SIGINT
			began := time.Now()
			select {
			case r := <-ended:
				require.Equal(t, Interrupted, r.code, r.err)
				require.Contains(t, r.last(), "continue with: pg2db9 clone ")
			case <-time.After(time.Minute):
				require.Fail(t, "the program does not end")
			}
			require.Less(t, time.Since(began), 40*time.Second)
			t.Logf("ended %s after the second interrupt", time.Since(began))
			p.End(pgtest.Reset)
			b.slow(t, "0")
			r := b.run(t, "clone", "--resume")
			require.Equal(t, OK, r.code, r.err)
		})
	}
}
