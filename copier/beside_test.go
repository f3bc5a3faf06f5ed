package copier

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
)

func keyStatement(table, id, kind string, after ...string) ddlgen.Statement {
	n := catalog.Name{Schema: "public", Name: table}
	return ddlgen.Statement{ID: id, Phase: ddlgen.PhaseKeys, Table: &n, Object: finding.Object{Kind: kind}, After: after, SQL: "-- " + id}
}

func ids(list *keyList) []string {
	var out []string
	if list != nil {
		for _, s := range list.statements {
			out = append(out, s.ID)
		}
	}
	return out
}

func besideOf(jobs int, profile ddlgen.Profile, statements ...ddlgen.Statement) *KeysBeside {
	return newKeysBeside(&Params{Jobs: jobs, Keys: statements, Profile: profile})
}

func public(table string) catalog.Name { return catalog.Name{Schema: "public", Name: table} }

// Keys are ready when the rows of their table are: constraints in one list, each
// index in its own behind it; what waits for another table's is left, and so are
// those of tables that have to be sent again, and of small ones where those share
// flights.
func TestKeysBeside(t *testing.T) {
	t.Parallel()
	k := besideOf(2, ddlgen.DB9(),
		keyStatement("a", "a/pk", "primary key"), keyStatement("a", "a/unique", "unique constraint"), keyStatement("a", "a/i1", "index"), keyStatement("a", "a/i2", "index"),
		keyStatement("b", "b/attach", "index", "a/i1"), keyStatement("b", "b/pk", "primary key"), keyStatement("c", "c/i", "index"), keyStatement("d", "d/i", "index"),
		ddlgen.Statement{ID: "elsewhere", Phase: ddlgen.PhaseForeignKeys})
	require.Nil(t, k.take(), "no table is complete")
	k.complete(public("a"), 5)
	constraints := k.take()
	require.Equal(t, []string{"a/pk", "a/unique"}, ids(constraints))
	require.Nil(t, k.take(), "indexes would wait for the constraints' lock")
	k.complete(public("d"), 1)
	k.give(constraints)
	first, second := k.take(), k.take()
	require.Equal(t, []string{"a/i1"}, ids(first), "the heavier table's")
	require.Equal(t, []string{"a/i2"}, ids(second))
	require.Nil(t, k.take(), "no more at once than jobs")
	k.give(first)
	require.Equal(t, []string{"d/i"}, ids(k.take()))
	k.give(second)
	k.complete(public("a"), 5)
	require.Nil(t, k.take(), "once")
	k.complete(public("b"), 5)
	require.Equal(t, []string{"b/pk"}, ids(k.take()), "what waits for another table's index is left to the phase")
	k.give(first)
	k.complete(public("c"), 5)
	k.incomplete(public("c"))
	require.Nil(t, k.take())

	k = besideOf(1, ddlgen.DB9(), keyStatement("a", "a/pk", "primary key"), keyStatement("a", "a/i", "index"))
	k.complete(public("a"), 5)
	constraints = k.take()
	require.Equal(t, []string{"a/pk"}, ids(constraints))
	k.incomplete(public("a"))
	k.give(constraints)
	require.Nil(t, k.take(), "what waited for the constraints is left too")

	flights := besideOf(2, ddlgen.Postgres(), keyStatement("a", "a/i", "index"), keyStatement("b", "b/i", "index"))
	flights.complete(public("a"), besideLeast-1)
	flights.complete(public("b"), besideLeast)
	require.Equal(t, []string{"b/i"}, ids(flights.take()))
	require.Nil(t, flights.take())
}

// While parts wait to be copied, half of the jobs at most build, and only what lasts
// about as long as what a job has still to copy.
func TestKeysBesideParts(t *testing.T) {
	t.Parallel()
	const heavy = 50 << 20
	for jobs, want := range map[int]int{1: 0, 2: 1, 3: 1, 4: 2} {
		k := besideOf(jobs, ddlgen.DB9(), keyStatement("a", "a/1", "index"), keyStatement("a", "a/2", "index"), keyStatement("a", "a/3", "index"), keyStatement("a", "a/4", "index"))
		k.complete(public("a"), heavy)
		require.Nil(t, k.early(heavy+1), "rows that last longer come first")
		n := 0
		for k.early(heavy) != nil {
			n++
		}
		require.Equal(t, want, n, jobs)
	}
}

// Who has nothing to copy waits for keys while a part is under way, or something is
// built, and no longer.
func TestKeysBesideAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, completes := range []bool{true, false} {
		k := besideOf(1, ddlgen.DB9(), keyStatement("a", "a/pk", "primary key"))
		k.begin()
		got := make(chan *keyList, 1)
		go func() { got <- k.wait(t.Context()) }()
		select {
		case x := <-got:
			t.Fatalf("it did not wait: %v", x)
		case <-time.After(20 * time.Millisecond): // it can only be seen not to happen
		}
		if completes {
			k.complete(public("a"), 1)
		}
		k.end()
		list := <-got
		want := map[bool]string{true: "[a/pk]", false: "[]"}[completes]
		require.Equal(t, want, fmt.Sprint(ids(list)))
		if completes {
			k.give(list)
		}
		require.Nil(t, k.wait(t.Context()), "nothing is under way")
	}
	stop := make(chan struct{})
	close(stop)
	k := besideOf(1, ddlgen.DB9())
	k.stops[1] = stop
	k.begin()
	require.Nil(t, k.wait(t.Context()), "stopped")
}
