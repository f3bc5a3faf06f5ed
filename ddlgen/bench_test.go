package ddlgen

import (
	"fmt"
	"testing"

	"github.com/pg2db9/pg2db9/catalog"
)

// manyTables is a model of n tables with a key, a sequence, an index, a check
// and a foreign key each.
func manyTables(n int) *catalog.Database {
	db := &catalog.Database{ServerVersion: 150000, Schemas: []catalog.Schema{{Name: "public"}}}
	for i := range n {
		name := catalog.Name{Schema: "public", Name: fmt.Sprintf("t%06d", i)}
		up := catalog.Name{Schema: "public", Name: fmt.Sprintf("t%06d", i/2)}
		seq := catalog.Name{Schema: "public", Name: name.Name + "_id_seq"}
		db.Sequences = append(db.Sequences, catalog.Sequence{
			Name: seq, Type: "bigint", Start: 1, Increment: 1, Min: 1, Max: 1<<63 - 1, Cache: 1, LastValue: 1,
			Owner: &catalog.ColumnRef{Table: name, Column: "id"},
		})
		t := catalog.Table{Name: name, Kind: catalog.TableOrdinary, Columns: []catalog.Column{
			{
				Name: "id", Num: 1, Type: builtInType("int8", "bigint", -1), NotNull: true, Local: true, StatsTgt: -1,
				Default: catalog.Expr("nextval('" + seq.String() + "'::regclass)"), Uses: []catalog.Ref{{Kind: "sequence", Name: seq}}, Sequence: &seq,
			},
			{Name: "up", Num: 2, Type: builtInType("int8", "bigint", -1), Local: true, StatsTgt: -1},
		}}
		for c := range 8 {
			t.Columns = append(t.Columns, catalog.Column{
				Name: fmt.Sprintf("c%d", c), Num: int16(3 + c), Type: builtInType("timestamptz", "timestamp with time zone", -1),
				Default: "now()", Local: true, StatsTgt: -1,
			})
		}
		db.Tables = append(db.Tables, t)
		db.Constraints = append(db.Constraints,
			catalog.Constraint{Table: name, Name: name.Name + "_check", Kind: catalog.Check, Def: "CHECK ((id > 0))", Columns: []string{"id"}, Validated: true, Enforced: true},
			catalog.Constraint{Table: name, Name: name.Name + "_pkey", Kind: catalog.PrimaryKey, Def: "PRIMARY KEY (id)", Columns: []string{"id"}, Index: name.Name + "_pkey", Validated: true, Enforced: true},
			catalog.Constraint{
				Table: name, Name: name.Name + "_up", Kind: catalog.ForeignKey, Def: catalog.ConstraintDef("FOREIGN KEY (up) REFERENCES " + up.String() + "(id)"),
				Columns: []string{"up"}, Validated: true, Enforced: true, RefTable: &up, RefColumns: []string{"id"},
			})
		db.Indexes = append(db.Indexes,
			catalog.Index{
				Name: catalog.Name{Schema: "public", Name: name.Name + "_pkey"}, Table: name, Method: "btree", Unique: true, Primary: true, Valid: true,
				Def:        catalog.IndexDef("CREATE UNIQUE INDEX " + name.Name + "_pkey ON " + name.String() + " USING btree (id)"),
				Constraint: name.Name + "_pkey", Keys: []catalog.IndexKey{{Column: "id"}},
			},
			catalog.Index{
				Name: catalog.Name{Schema: "public", Name: name.Name + "_up"}, Table: name, Method: "btree", Valid: true,
				Def: catalog.IndexDef("CREATE INDEX " + name.Name + "_up ON " + name.String() + " USING btree (up)"), Keys: []catalog.IndexKey{{Column: "up"}},
			})
	}
	return db
}

func BenchmarkGenerate(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		db := manyTables(n)
		for _, profile := range []Profile{Postgres(), DB9()} {
			b.Run(fmt.Sprintf("%s/%d", profile.Name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Generate(db, profile, Options{}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/table")
			})
		}
	}
}
