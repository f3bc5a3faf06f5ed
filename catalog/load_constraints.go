package catalog

import (
	"context"
	"strings"
	"unicode/utf8"
)

type constraintRow struct {
	OID        int64    `db:"oid"`
	Rel        int64    `db:"rel"`
	Name       string   `db:"name"`
	Kind       string   `db:"kind"`
	Def        string   `db:"def"`
	Columns    []string `db:"columns"`
	Index      string   `db:"index"`
	Deferrable bool     `db:"deferrable"`
	Deferred   bool     `db:"deferred"`
	Validated  bool     `db:"validated"`
	NoInherit  bool     `db:"no_inherit"`
	Inherited  bool     `db:"inherited"`
	Enforced   bool     `db:"enforced"`
	RefSchema  string   `db:"ref_schema"`
	RefTable   string   `db:"ref_table"`
	RefColumns []string `db:"ref_columns"`
	OnUpdate   string   `db:"on_update"`
	OnDelete   string   `db:"on_delete"`
	Match      string   `db:"match"`
	SetColumns []string `db:"set_columns"`
}

var (
	constraintKinds = map[string]ConstraintKind{"p": PrimaryKey, "u": Unique, "c": Check, "f": ForeignKey, "x": Exclusion, "n": NotNull}
	actions         = map[string]string{"r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
)

func (r *reader) constraints(ctx context.Context) error {
	return each(ctx, r.q, "constraints", func(k constraintRow) error {
		i, ok := r.table[k.Rel]
		if !ok {
			return nil
		}
		table := r.db.Tables[i].Name
		if k.Def == "" {
			return &GoneError{Kind: "constraint", Name: table, Sub: k.Name}
		}
		r.know("pg_constraint", k.OID, Comment{Kind: "constraint", Name: table, Sub: k.Name})
		if k.Kind == "n" && plainNotNull(table.Name, k) {
			return nil
		}
		c := Constraint{
			Table: table, Name: k.Name, Kind: constraintKinds[k.Kind], Def: ConstraintDef(r.text(k.Def)), Columns: r.allTexts(k.Columns), Index: k.Index,
			Deferrable: k.Deferrable, Deferred: k.Deferred, Validated: k.Validated, NoInherit: k.Kind != "f" && k.Kind != "p" && k.Kind != "u" && k.Kind != "x" && k.NoInherit,
			Inherited: k.Inherited, Enforced: k.Enforced, Uses: r.uses[objectKey{"pg_constraint", k.OID}],
		}
		if k.Kind == "f" {
			c.RefTable, c.RefColumns = name(r.text(k.RefSchema), r.text(k.RefTable)), r.allTexts(k.RefColumns)
			c.OnUpdate, c.OnDelete, c.SetColumns, c.MatchFull = actions[k.OnUpdate], actions[k.OnDelete], orNil(k.SetColumns), k.Match == "f"
		}
		r.db.Constraints = append(r.db.Constraints, c)
		return nil
	})
}

// plainNotNull says that a NOT NULL constraint of 18 and later says no more than
// Column.NotNull: the server chose its name, and nothing else is special.
func plainNotNull(table string, k constraintRow) bool {
	if k.NoInherit || !k.Validated || len(k.Columns) != 1 {
		return false
	}
	if k.Inherited { // the name is the parent's
		return true
	}
	i := strings.LastIndex(k.Name, "_not_null")
	if i < 0 {
		return false
	}
	label := k.Name[i+1:] // with a number, where the name was taken
	return strings.Trim(strings.TrimPrefix(label, "not_null"), "0123456789") == "" && k.Name == serverName(table, k.Columns[0], label)
}

// serverName is the name that the server gives to what it makes for a column:
// both names are cut, the longer one first, until all fits (makeObjectName of
// commands/indexcmds.c).
func serverName(table, column, label string) string {
	const most = 63 // bytes, NAMEDATALEN - 1
	room := most - len(label) - 2
	t, c := len(table), len(column)
	for t+c > room {
		if t > c {
			t--
		} else {
			c--
		}
	}
	return clip(table, t) + "_" + clip(column, c) + "_" + label
}

// clip cuts a string to at most n bytes, at a character's border.
func clip(s string, n int) string {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

type indexRow struct {
	OID        int64    `db:"oid"`
	Rel        int64    `db:"rel"`
	Name       string   `db:"name"`
	Def        string   `db:"def"`
	Method     string   `db:"method"`
	Unique     bool     `db:"unique"`
	Primary    bool     `db:"primary"`
	Constraint string   `db:"constraint"`
	Valid      bool     `db:"valid"`
	Predicate  string   `db:"predicate"`
	NullsEqual bool     `db:"nulls_not_distinct"`
	Clustered  bool     `db:"clustered"`
	ReplIdent  bool     `db:"replica_identity"`
	Options    []string `db:"options"`
	Tablespace string   `db:"tablespace"`
	Bytes      int64    `db:"bytes"`
}

// relation is the table or view of an OID; false is one of an extension.
func (r *reader) relation(oid int64) (Name, bool) {
	if i, ok := r.table[oid]; ok {
		return r.db.Tables[i].Name, true
	}
	if i, ok := r.view[oid]; ok {
		return r.db.Views[i].Name, true
	}
	return Name{}, false
}

type indexKeyRow struct {
	Index           int64    `db:"index"`
	Ord             int      `db:"ord"`
	Included        bool     `db:"included"`
	Column          string   `db:"column"`
	Expr            string   `db:"expr"`
	CollationSchema string   `db:"collation_schema"`
	Collation       string   `db:"collation"`
	OpClassSchema   string   `db:"opclass_schema"`
	OpClass         string   `db:"opclass"`
	Option          int      `db:"option"`
	OpClassOptions  []string `db:"opclass_options"`
}

func (r *reader) indexes(ctx context.Context) error {
	index := map[int64]int{} // OID: position in db.Indexes
	err := each(ctx, r.q, "indexes", func(x indexRow) error {
		table, ok := r.relation(x.Rel)
		if !ok {
			return nil
		}
		n := Name{Schema: table.Schema, Name: x.Name}
		if x.Def == "" {
			return &GoneError{Kind: "index", Name: n}
		}
		idx := Index{
			Name: n, Table: table, Def: IndexDef(x.Def), Method: r.text(x.Method), Unique: x.Unique, Primary: x.Primary, Constraint: x.Constraint,
			Valid: x.Valid, Predicate: Expr(r.text(x.Predicate)), NullsEqual: x.NullsEqual, Clustered: x.Clustered, ReplIdent: x.ReplIdent,
			Options: sortedStrings(x.Options), Tablespace: x.Tablespace, Uses: r.uses[objectKey{"pg_class", x.OID}], Bytes: x.Bytes,
		}
		if idx.Constraint == n.Name {
			idx.Constraint = n.Name // one copy
		}
		if p := r.inherits[x.OID]; len(p) > 0 {
			idx.Parent = &p[0]
		}
		index[x.OID] = len(r.db.Indexes)
		r.db.Indexes = append(r.db.Indexes, idx)
		r.know("pg_class", x.OID, Comment{Kind: "index", Name: n})
		return nil
	}, r.sizes)
	if err != nil {
		return err
	}
	return each(ctx, r.q, "index_keys", func(k indexKeyRow) error {
		i, ok := index[k.Index]
		if !ok {
			return nil
		}
		idx := &r.db.Indexes[i]
		if k.Included {
			idx.Include = append(idx.Include, r.text(k.Column))
			return nil
		}
		idx.Keys = append(idx.Keys, IndexKey{
			Column: r.text(k.Column), Expr: Expr(r.text(k.Expr)), Collation: name(k.CollationSchema, k.Collation), OpClass: name(k.OpClassSchema, k.OpClass),
			Descending: k.Option&1 != 0, NullsFirst: k.Option&2 != 0, // INDOPTION_DESC, INDOPTION_NULLS_FIRST of access/genam.h
			OpClassOptions: orNil(k.OpClassOptions),
		})
		return nil
	})
}
