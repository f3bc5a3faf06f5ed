package catalog

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// unstable are the fields that are not the schema's.
var unstable = cmp.Options{
	cmpopts.IgnoreFields(Database{}, "ServerVersion"),
	cmpopts.IgnoreFields(Table{}, "HeapBytes", "ToastBytes", "RowsGuess"),
	cmpopts.IgnoreFields(Index{}, "Bytes"),
}

// The same DDL is the same model on every major, and so has the same hash.
func TestEveryMajorGivesTheSameModel(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[int]*Database{}
	t.Run("load", func(t *testing.T) {
		eachMajor(t, func(t *testing.T, db *pgtest.DB) {
			script(t, db, "everything.sql")
			model := load(t, db)
			for i := range model.Comments {
				if model.Comments[i].Kind == "database" {
					model.Comments[i].Name = Name{}
				}
			}
			require.Equal(t, db.Cluster().Major(), model.ServerVersion/10000)
			mu.Lock()
			defer mu.Unlock()
			got[db.Cluster().Major()] = model
		})
	})
	first := got[majors[0]]
	if first == nil {
		t.Skip("the oldest major is not there")
	}
	for _, major := range majors[1:] {
		if got[major] == nil {
			continue
		}
		if diff := cmp.Diff(first, got[major], unstable); diff != "" {
			t.Errorf("%d (-) and %d (+) differ:\n%s", majors[0], major, diff)
		}
		require.Equal(t, first.Hash(), got[major].Hash(), "the hash on %d", major)
	}
}
