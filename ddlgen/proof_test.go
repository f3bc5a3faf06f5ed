package ddlgen

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// A table without a key that is too large to be read back in half of the
// statement's time blocks, unless that is accepted; with a key, less rows, no
// limit or another way of reading it does not.
func TestUnproven(t *testing.T) {
	t.Parallel()
	plan := func(bytes int64, profile Profile, accept ...string) *Plan {
		db := shapes()
		db.Tables[0].HeapBytes, db.Tables[0].ToastBytes = bytes-1000, 1000
		p, err := Generate(db, profile, Options{Accept: append([]string{"type.refused"}, accept...)})
		require.NoError(t, err)
		return p
	}
	const fits = 6_000_000 // 30 s at 200 kB/s
	table := shapes().Tables[0].Name
	large := plan(fits+1, DB9())
	require.Equal(t, finding.Block, severityOf(large, tableUnproven))
	for _, f := range large.Findings {
		if f.Code == tableUnproven {
			require.Equal(t, "without a key its 6.0 MB must be read back in one statement, which at 200 kB/s does not fit half of the statement timeout of 60 s that the target keeps: "+
				"its rows cannot be proved on this target", f.Message)
		}
	}
	for _, a := range []string{"table.unproven", "table.unproven:public.shapes"} {
		accepted := plan(fits+1, DB9(), a)
		require.Equal(t, finding.Change, severityOf(accepted, tableUnproven))
		require.True(t, accepted.Unproven(table))
	}
	require.Equal(t, finding.Block, severityOf(plan(fits+1, DB9(), "table.unproven:public.other"), tableUnproven))

	small := plan(fits, DB9())
	require.Equal(t, finding.Unset, severityOf(small, tableUnproven))
	require.False(t, small.Unproven(table))
	lifted := DB9()
	lifted.StatementLimit = 0
	require.Equal(t, finding.Unset, severityOf(plan(1<<40, lifted), tableUnproven))
	copies := DB9()
	copies.ReadByKey = false
	require.Equal(t, finding.Unset, severityOf(plan(1<<40, copies), tableUnproven))
	require.Equal(t, finding.Unset, severityOf(plan(1<<40, Postgres()), tableUnproven))
}
