package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Hash names the version of the schema: SHA-256 over the model as JSON, which is
// the same for equal models since they hold no maps. What running the database
// changes is left out: sizes, guesses of row counts, the positions of sequences,
// large objects, whether a materialized view is filled, the server's version: the
// same schema has the same hash on every major that renders the texts of its
// views alike (16 leaves out prefixes that 15 writes). Nor do rights, labels and
// edges count: whose a table is and who may read it changes no row and no
// definition, so that a GRANT while a run is interrupted does not keep it from
// being continued.
func (db *Database) Hash() string {
	d := *db
	d.ServerVersion = 0
	d.Tables = slices.Clone(db.Tables)
	for i := range d.Tables {
		d.Tables[i].HeapBytes, d.Tables[i].ToastBytes, d.Tables[i].RowsGuess = 0, 0, 0
	}
	d.Indexes = slices.Clone(db.Indexes)
	for i := range d.Indexes {
		d.Indexes[i].Bytes = 0
	}
	d.Views = slices.Clone(db.Views)
	for i := range d.Views {
		d.Views[i].HeapBytes, d.Views[i].ToastBytes, d.Views[i].RowsGuess, d.Views[i].Populated = 0, 0, 0, false
	}
	d.Sequences = slices.Clone(db.Sequences)
	for i := range d.Sequences {
		d.Sequences[i].LastValue, d.Sequences[i].IsCalled, d.Sequences[i].Unreadable = 0, false, false
	}
	d.Roles, d.Owners, d.Grants, d.DefaultPrivileges, d.Settings, d.SecurityLabels, d.Dependencies = nil, nil, nil, nil, nil, nil, nil
	d.Others = keep(db.Others, func(o Other) bool { return !isData(o.Kind) })
	for i := range d.Others {
		d.Others[i].Count = 0
	}
	d.Comments = keep(db.Comments, func(c Comment) bool { return !isData(c.Kind) })
	for i := range d.Comments {
		if d.Comments[i].Kind == "database" {
			d.Comments[i].Name = Name{} // the database's own name is not its schema's
		}
	}
	b, err := json.Marshal(&d)
	if err != nil {
		panic(fmt.Sprintf("a model of plain values cannot be marshalled: %v", err)) // impossible
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// isData says that a kind of object is content rather than schema.
func isData(kind string) bool { return strings.HasSuffix(kind, "large object") }
