package sync

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// Rows are written in the order of the key, however they were found: numbers by
// their value, texts by their bytes, NULL last.
func TestRowsAreWrittenInTheOrderOfTheKey(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	want := []copier.RepairRow{
		{Key: []*string{text("-10"), text("b")}},
		{Key: []*string{text("9"), text("Z")}},
		{Key: []*string{text("9"), text("a")}},
		{Key: []*string{text("9"), text("ä")}},
		{Key: []*string{text("9"), nil}},
		{Key: []*string{text("100.5"), text("a")}},
		{Key: []*string{nil, text("a")}},
	}
	of := &table{transfer: &ddlgen.Transfer{Key: []string{"n", "s"}, Columns: []ddlgen.ColumnTransfer{
		{Source: "n", Target: "n", TargetType: "numeric(10,2)"}, {Source: "s", Target: "s", TargetType: "text"},
	}}}
	for seed := range uint64(20) {
		got := append([]copier.RepairRow(nil), want...)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		of.sort(got)
		require.Equal(t, want, got, "seed %d", seed)
	}
}
