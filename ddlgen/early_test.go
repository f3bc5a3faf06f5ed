package ddlgen

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
)

// Indexes whose build could outlast the target's statement timeout are made
// before the rows; where the timeout can be lifted, all are made after them.
func TestIndexesBeforeTheRows(t *testing.T) {
	t.Parallel()
	phaseOf := func(bytes, limit int64) (Phase, []string) {
		db := shop()
		for i := range db.Tables {
			db.Tables[i].HeapBytes = bytes
		}
		profile := DB9()
		profile.StatementLimit = limit
		plan, err := Generate(db, profile, Options{})
		require.NoError(t, err)
		for _, s := range plan.Statements {
			if s.ID == "indexes/public.orders/orders_number" {
				return s.Phase, s.After
			}
		}
		t.Fatal("the index is not in the plan")
		return 0, nil
	}
	orders := tableID(catalog.Name{Schema: "public", Name: "orders"})
	phase, after := phaseOf(31_000_000, 60_000)
	require.Equal(t, PhaseTables, phase)
	require.Contains(t, after, orders)
	phase, _ = phaseOf(29_000_000, 60_000)
	require.Equal(t, PhaseKeys, phase)
	phase, _ = phaseOf(31_000_000, 0)
	require.Equal(t, PhaseKeys, phase, "the timeout can be lifted")
}
