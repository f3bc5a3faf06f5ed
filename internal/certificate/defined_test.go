package certificate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/verify"
)

// A certificate of a version that kept no definitions is read and its target
// compared as ever, and it says what is not looked at; one that has them holds the
// target to all of them, however long, and says which the target did not tell of.
func TestDefinitionsOfOldAndNewCertificates(t *testing.T) {
	t.Parallel()
	old, err := ReadFile("testdata/without_definitions.json", "1.2.3")
	require.NoError(t, err)
	require.Nil(t, old.defined())
	require.Contains(t, old.NotLookedAt(), "indexes, constraints, triggers, defaults and views were not looked at: this certificate has nothing of them")

	f := facts("n")
	c, err := Parse(jsonOf(t, made(t, f)))
	require.NoError(t, err)
	d := c.defined()
	require.Equal(t, 16, d.Major)
	require.Len(t, d.Relations, 3)
	for i, r := range f.Report.Definitions.Relations {
		got := d.Relations[i]
		require.Equal(t, r.Name, got.Name)
		require.Equal(t, r.View, got.View)
		require.Len(t, got.Objects, len(r.Objects))
		for k, o := range r.Objects {
			require.Equal(t, []string{o.Kind, o.Name, o.State, o.Digest}, []string{got.Objects[k].Kind, got.Objects[k].Name, got.Objects[k].State, got.Objects[k].Digest})
			require.LessOrEqual(t, len(got.Objects[k].Text), definitionShown+len("…"))
			require.True(t, strings.HasPrefix(o.Text, strings.TrimSuffix(got.Objects[k].Text, "…")))
		}
	}
	words := c.NotLookedAt()
	require.Contains(t, words, "; constraints, triggers, defaults,")
	require.Contains(t, words, "policies and partitions were not looked at: the target does not tell of them")
	require.NotContains(t, words, "indexes")

	all := f.Report.Definitions
	all.Told = nil
	for _, k := range certifiable {
		all.Told = append(all.Told, k.kind)
	}
	require.Empty(t, made(t, f).NotLookedAt())
	f.Report.Tables[1].Data, f.Report.Tables[1].Shape.Verdict = nil, verify.Mismatch // a partition root that is not as planned
	c = made(t, f)
	require.Contains(t, c.NotLookedAt(), "; nor was what hangs on public.n")
	require.Len(t, c.defined().Relations, 2)
}
