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

func ids(list []ddlgen.Statement) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.ID)
	}
	return out
}

// Keys are ready when the rows of their table are: constraints in one list, each
// index in its own; what waits for another table's is left.
func TestKeysBeside(t *testing.T) {
	t.Parallel()
	k := newKeysBeside([]ddlgen.Statement{
		keyStatement("a", "a/pk", "primary key"), keyStatement("a", "a/unique", "unique constraint"), keyStatement("a", "a/i1", "index"), keyStatement("a", "a/i2", "index"),
		keyStatement("b", "b/attach", "index", "a/i1"), keyStatement("b", "b/pk", "primary key"), keyStatement("c", "c/i", "index"),
		{ID: "elsewhere", Phase: ddlgen.PhaseForeignKeys},
	})
	require.Nil(t, k.take(), "no table is complete")
	k.complete(catalog.Name{Schema: "public", Name: "a"})
	require.Equal(t, []string{"a/pk", "a/unique"}, ids(k.take()))
	require.Equal(t, []string{"a/i1"}, ids(k.take()))
	require.Equal(t, []string{"a/i2"}, ids(k.take()))
	require.Nil(t, k.take())
	k.complete(catalog.Name{Schema: "public", Name: "a"})
	require.Nil(t, k.take(), "once")
	k.complete(catalog.Name{Schema: "public", Name: "b"})
	require.Equal(t, []string{"b/pk"}, ids(k.take()), "what waits for another table's index is left to the phase")
}

// Who has nothing to copy waits for keys while a part is under way, and no longer.
func TestKeysBesideAreWaitedFor(t *testing.T) {
	t.Parallel()
	for _, completes := range []bool{true, false} {
		k := newKeysBeside([]ddlgen.Statement{keyStatement("a", "a/pk", "primary key")})
		k.begin()
		got := make(chan []string, 1)
		go func() { got <- ids(k.wait(t.Context(), nil)) }()
		select {
		case x := <-got:
			t.Fatalf("it did not wait: %v", x)
		case <-time.After(20 * time.Millisecond): // it can only be seen not to happen
		}
		if completes {
			k.complete(catalog.Name{Schema: "public", Name: "a"})
		}
		k.end()
		want := map[bool]string{true: "[a/pk]", false: "[]"}[completes]
		require.Equal(t, want, fmt.Sprint(<-got))
		if completes {
			k.end()
		}
		require.Nil(t, k.wait(t.Context(), nil), "nothing is under way")
	}
	stop := make(chan struct{})
	close(stop)
	k := newKeysBeside(nil)
	k.begin()
	require.Nil(t, k.wait(t.Context(), stop), "stopped")
}
