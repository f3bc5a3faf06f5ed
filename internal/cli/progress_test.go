package cli

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// progressOf are the progress objects of a phase.
func progressOf(all []map[string]any, phase string) (out []map[string]any) {
	for _, o := range all {
		if o["type"] == "progress" && o["phase"] == phase {
			out = append(out, o)
		}
	}
	return out
}

// U3: the data's progress is in rows and bytes, with the time left by the recent
// rate; indexes have their own, of how many are done.
func TestU3ProgressOfEachPhase(t *testing.T) {
	t.Parallel()
	b := setup(t, slowIndex, big)
	b.slow(t, "0.005")
	p, held, release := holdTarget(t, b, 3<<20)
	c := &call{args: []string{"clone", "--json", "--jobs", "1", "--profile", "db9", "--exclude-table", "a", "--exclude-table", "b", "--source", withPassword(b.source.URL), "--target", p.url()}}
	ended := c.begin(t)
	eventually(t, "rows are under way", held.Load)
	eventually(t, "progress is told", func() bool {
		return strings.Contains(c.out.String(), `"phase":"data"`) && strings.Contains(c.out.String(), `"limited_by":"target"`)
	})
	release()
	r := await(t, ended)
	require.Equal(t, OK, r.code, r.err)
	data := progressOf(jsonObjects(t, r.out), "data")
	require.NotEmpty(t, data)
	last := data[len(data)-1]
	require.Positive(t, last["rows"])
	require.Positive(t, last["bytes"])
	require.Greater(t, last["estimated_bytes"], last["estimated_bytes_done"])
	left := false
	for _, o := range data {
		left = left || o["seconds_left"] != nil
	}
	require.True(t, left, "the time left is told")

	b = setup(t, slowIndex)
	b.slow(t, "0.005")
	all := jsonObjects(t, b.ok(t, "clone", "--json").out)
	keys := progressOf(all, "keys")
	require.NotEmpty(t, keys, "an index that takes seconds has its progress")
	require.InDelta(t, 3, keys[0]["items"], 0)
	require.Contains(t, keys[0], "done")
	started := map[any]any{}
	for _, o := range all {
		if o["type"] == "phase_started" {
			started[o["phase"]] = o["items"]
		}
	}
	for _, phase := range []string{"keys", "foreign keys", "verify"} {
		require.Contains(t, started, phase)
	}
}

// U4: the progress says which side is waited for.
func TestU4LimitedBySource(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	hold := make(chan struct{})
	var seen, who atomic.Int64
	p := newProxy(t, b.source, func(conn int64, toServer bool, data []byte) bool {
		if !toServer && seen.Add(int64(len(data))) > 3<<20 {
			who.CompareAndSwap(0, conn)
		}
		if !toServer && who.Load() == conn {
			<-hold
		}
		return true
	})
	c := &call{args: []string{"clone", "--json", "--jobs", "1", "--source", p.url(), "--target", withPassword(b.target.URL)}}
	ended := c.begin(t)
	eventually(t, "the source is named", func() bool { return strings.Contains(c.out.String(), `"limited_by":"source"`) })
	close(hold)
	require.Equal(t, OK, await(t, ended).code)
	b.same(t, "big", "small")
}

// U14: one table is skipped, or redone while the others stay, by command; the one
// that destroys needs its flag.
func TestU14OneTableByCommand(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone", "--exclude-table", "log")
	require.Equal(t, "f", b.target.QueryString(t, "SELECT to_regclass('log') IS NOT NULL"), "skipped")
	b.target.Exec(t, "UPDATE customers SET name = 'ours' WHERE id = 1; DELETE FROM orders WHERE id > 2000")

	r := b.run(t, "copy", "--include-table", "orders")
	require.Equal(t, Blocked, r.code, r.err)
	require.Equal(t, "2000", b.target.QueryString(t, "SELECT count(*) FROM orders"), "nothing is emptied without its flag")

	r = b.run(t, "copy", "--include-table", "orders", "--on-existing", "truncate")
	require.Equal(t, Blocked, r.code, "a foreign key would be in the way: it is named\n%s", r.err)
	b.ok(t, "copy", "--include-table", "orders", "--on-existing", "truncate", "--accept", "target.foreign-keys")
	b.same(t, "orders")
	require.Equal(t, "ours", b.target.QueryString(t, "SELECT name FROM customers WHERE id = 1"), "the others stay as they are")

	r = b.run(t, "clone", "--redo", "orders")
	require.Equal(t, Usage, r.code, r.out)
	require.Contains(t, r.err, "--redo is for a run that is continued: it needs --resume")
}
