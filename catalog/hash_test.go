package catalog

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A model survives JSON without loss, whatever it holds.
func TestModelSurvivesJSON(t *testing.T) {
	t.Parallel()
	models := rapid.Make[Database]()
	for seed := range 10 { // each a model of some thousand objects
		db := models.Example(seed)
		b, err := json.Marshal(&db)
		require.NoError(t, err)
		var again Database
		require.NoError(t, json.Unmarshal(b, &again))
		require.Empty(t, cmp.Diff(db, again, cmpopts.EquateEmpty()), seed) // Load makes no empty list, only none
		require.Equal(t, db.Hash(), again.Hash())
	}
}

func TestHashIsOfTheSchemaAlone(t *testing.T) {
	t.Parallel()
	base := Database{
		ServerVersion: 150017,
		Tables:        []Table{{Name: Name{"public", "t"}, Columns: []Column{{Name: "a", Num: 1}}, HeapBytes: 8192, ToastBytes: 8192, RowsGuess: 1}},
		Indexes:       []Index{{Name: Name{"public", "i"}, Table: Name{"public", "t"}, Bytes: 8192}},
		Sequences:     []Sequence{{Name: Name{"public", "s"}, LastValue: 3, IsCalled: true, Unreadable: true}},
		Views:         []View{{Name: Name{"public", "m"}, Materialized: true, HeapBytes: 8192, ToastBytes: 8192, RowsGuess: 1}},
		Others:        []Other{{Kind: "subscription", Count: 1}},
		Comments:      []Comment{{Kind: "database", Name: Name{Name: "d"}, Text: "x"}},
	}
	before, err := json.Marshal(&base)
	require.NoError(t, err)
	hash := base.Hash()
	tests := []struct {
		name   string
		change func(*Database)
		same   bool
	}{
		{"sizes", func(d *Database) { d.Tables[0].HeapBytes, d.Tables[0].ToastBytes, d.Tables[0].RowsGuess = 1, 2, 3 }, true},
		{"index size", func(d *Database) { d.Indexes[0].Bytes = 1 }, true},
		{"a refreshed view", func(d *Database) {
			d.Views[0].HeapBytes, d.Views[0].ToastBytes, d.Views[0].RowsGuess, d.Views[0].Populated = 1, 2, 3, true
		}, true},
		{"a view's query", func(d *Database) { d.Views[0].Def = "SELECT 1" }, false},
		{"position", func(d *Database) { d.Sequences[0].LastValue, d.Sequences[0].IsCalled = 7, true }, true},
		{"database's name", func(d *Database) { d.Comments[0].Name.Name = "e" }, true},
		{"position known", func(d *Database) { d.Sequences[0].Unreadable = false }, true},
		{"version", func(d *Database) { d.ServerVersion = 160001 }, true},
		{"large objects", func(d *Database) { d.Others = append(d.Others, Other{Kind: "large object", Count: 3}) }, true},
		{"counts", func(d *Database) { d.Others[0].Count = 2 }, true},
		{"roles", func(d *Database) { d.Roles = []Role{{Name: "r"}} }, true},
		{"owners", func(d *Database) { d.Owners = []Owner{{Role: "r"}} }, true},
		{"grants", func(d *Database) { d.Grants = []Grant{{Grantee: "r"}} }, true},
		{"default privileges", func(d *Database) { d.DefaultPrivileges = []DefaultPrivilege{{Role: "r"}} }, true},
		{"settings", func(d *Database) { d.Settings = []Setting{{Name: "s"}} }, true},
		{"labels", func(d *Database) { d.SecurityLabels = []SecurityLabel{{Label: "l"}} }, true},
		{"edges", func(d *Database) { d.Dependencies = []Dependency{{Extension: "x"}} }, true},
		{"trigger", func(d *Database) { d.Triggers = []Trigger{{Name: "g"}} }, false},
		{"event trigger", func(d *Database) { d.EventTriggers = []EventTrigger{{Name: "g"}} }, false},
		{"rule", func(d *Database) { d.Rules = []Rule{{Name: "u"}} }, false},
		{"policy", func(d *Database) { d.Policies = []Policy{{Name: "p"}} }, false},
		{"column", func(d *Database) { d.Tables[0].Columns = append(d.Tables[0].Columns, Column{Name: "b", Num: 2}) }, false},
		{"type", func(d *Database) { d.Tables[0].Columns = []Column{{Name: "a", Num: 1, Type: Type{Mod: 5}}} }, false},
		{"sequence's start", func(d *Database) { d.Sequences[0].Start = 7 }, false},
		{"another object", func(d *Database) { d.Others = append(d.Others, Other{Kind: "operator", Name: Name{"public", "v"}}) }, false},
		{"comment", func(d *Database) { d.Comments = []Comment{{Kind: "table", Name: Name{"public", "t"}, Text: "x"}} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := base
			d.Tables, d.Indexes, d.Sequences = slices.Clone(base.Tables), slices.Clone(base.Indexes), slices.Clone(base.Sequences)
			d.Views = slices.Clone(base.Views)
			d.Others, d.Comments = slices.Clone(base.Others), slices.Clone(base.Comments)
			tt.change(&d)
			require.Equal(t, tt.same, d.Hash() == hash)
			b, err := json.Marshal(&base)
			require.NoError(t, err)
			require.Equal(t, string(before), string(b), "Hash changed the model")
		})
	}
}
