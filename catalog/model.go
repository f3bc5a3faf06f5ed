package catalog

// The model is flat: sorted slices of plain structs that refer to each other
// by Name. It holds no OIDs (they mean nothing on another server), no maps
// (their order is random) and no pointers between objects, so that two models
// compare with ==-like tools, hash the same and survive JSON without loss.

// Name is a schema-qualified name, unquoted, exactly as pg_catalog holds it.
type Name struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// String renders the name for people, unquoted. SQL text needs dial.Quote.
func (n Name) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Compare orders names by schema, then name, in byte order.
func (n Name) Compare(o Name) int {
	switch {
	case n.Schema < o.Schema:
		return -1
	case n.Schema > o.Schema:
		return 1
	case n.Name < o.Name:
		return -1
	case n.Name > o.Name:
		return 1
	}
	return 0
}

// Text rendered by the server (pg_get_expr and kin) with an empty search_path.
type (
	// Expr is an expression: a default, a check, an index column.
	Expr string
	// IndexDef is the text of pg_get_indexdef.
	IndexDef string
	// ConstraintDef is the text of pg_get_constraintdef.
	ConstraintDef string
	// PartitionBound is "FOR VALUES ..." or "DEFAULT".
	PartitionBound string
	// PartitionKey is "RANGE (created_at)" and the like.
	PartitionKey string
)

// Database is the whole schema of one database, read in one snapshot.
type Database struct {
	ServerVersion int    `json:"server_version"` // server_version_num, e.g. 150018
	Encoding      string `json:"encoding"`       // server encoding, e.g. "UTF8"
	Collate       string `json:"collate"`
	Ctype         string `json:"ctype"`
	MoneyDigits   int    `json:"money_digits"` // digits after the point that lc_monetary gives money

	Schemas     []Schema     `json:"schemas"`
	Extensions  []Extension  `json:"extensions"`
	Enums       []Enum       `json:"enums"`
	Domains     []Domain     `json:"domains"`
	Composites  []Composite  `json:"composites"`
	Sequences   []Sequence   `json:"sequences"`
	Tables      []Table      `json:"tables"`
	Constraints []Constraint `json:"constraints"`
	Indexes     []Index      `json:"indexes"`
	Comments    []Comment    `json:"comments"`

	// Beside tables; see model_objects.go.
	Ranges        []RangeType    `json:"ranges,omitempty"`
	Views         []View         `json:"views,omitempty"`
	Routines      []Routine      `json:"routines,omitempty"`
	Triggers      []Trigger      `json:"triggers,omitempty"`
	EventTriggers []EventTrigger `json:"event_triggers,omitempty"`
	Rules         []Rule         `json:"rules,omitempty"`
	Policies      []Policy       `json:"policies,omitempty"`
	Statistics    []Statistics   `json:"statistics,omitempty"`
	Collations    []Collation    `json:"collations,omitempty"`
	Others        []Other        `json:"others"` // what the server has no words for: operators, casts, text search objects, ...

	// Rights; see model_rights.go.
	Roles             []Role             `json:"roles,omitempty"`
	Owners            []Owner            `json:"owners,omitempty"`
	Grants            []Grant            `json:"grants,omitempty"`
	DefaultPrivileges []DefaultPrivilege `json:"default_privileges,omitempty"`
	Settings          []Setting          `json:"settings,omitempty"`
	SecurityLabels    []SecurityLabel    `json:"security_labels,omitempty"`
	Dependencies      []Dependency       `json:"dependencies,omitempty"`
}

// Schema is a namespace of the user's. "public" is listed like any other.
type Schema struct {
	Name string `json:"name"`
}

// Extension is an installed extension; what it owns is not in the model.
type Extension struct {
	Name    string `json:"name"`
	Schema  string `json:"schema"`
	Version string `json:"version"`
	Members int64  `json:"members,omitempty"`       // objects that belong to it
	Config  []Name `json:"config_tables,omitempty"` // member tables whose rows are the user's (pg_extension_config_dump)
}

// Enum is an enumerated type with its labels in enumsortorder.
type Enum struct {
	Name   Name     `json:"name"`
	Labels []string `json:"labels"`
}

// Domain is a domain over Base (which may be a domain itself).
type Domain struct {
	Name      Name          `json:"name"`
	Base      Type          `json:"base"`
	NotNull   bool          `json:"not_null,omitempty"`
	Default   Expr          `json:"default,omitempty"`
	Collation *Name         `json:"collation,omitempty"` // only when it differs from the base type's
	Checks    []DomainCheck `json:"checks,omitempty"`    // by name
	Uses      []Ref         `json:"uses,omitempty"`      // what default and checks depend on
}

// DomainCheck is one check of a domain, as pg_get_constraintdef says it.
type DomainCheck struct {
	Name      string        `json:"name"`
	Def       ConstraintDef `json:"def"` // "CHECK ((VALUE > 0))"
	Validated bool          `json:"validated"`
}

// Composite is a stand-alone composite type (CREATE TYPE ... AS).
type Composite struct {
	Name   Name             `json:"name"`
	Fields []CompositeField `json:"fields"` // in attnum order
}

// CompositeField is one attribute of a composite type.
type CompositeField struct {
	Name      string `json:"name"`
	Type      Type   `json:"type"`
	Collation *Name  `json:"collation,omitempty"`
}

// Type is the type of a column, field or domain base.
//
// For an array, Name, Kind and Extension are those of the element, and Array is
// true (PostgreSQL does not distinguish the number of dimensions in a type).
type Type struct {
	Name      Name     `json:"name"`                // pg_type's own: {pg_catalog int4}, {public mood}
	Text      string   `json:"text"`                // format_type: "character varying(20)[]", qualified where not in pg_catalog
	Extension string   `json:"extension,omitempty"` // the extension that owns the (element) type
	Mod       int32    `json:"mod"`                 // atttypmod; -1 is none
	Kind      TypeKind `json:"kind"`
	Array     bool     `json:"array,omitempty"`
}

// Ref names an object that an expression depends on (pg_depend), other than
// the columns of its own table and built-in objects. What the target will not
// have decides whether the expression can be carried.
type Ref struct {
	Kind      string `json:"kind"`             // "routine", "operator", "operator class", "type", "collation", "sequence", "text search configuration", "table"
	Name      Name   `json:"name"`             // routines with their argument types in Name: f(integer,text)
	Column    string `json:"column,omitempty"` // of a table or view, where the dependency is on that column
	Extension string `json:"extension,omitempty"`
}

// Sequence is a sequence with its definition, position and owner.
type Sequence struct {
	Name      Name   `json:"name"`
	Type      string `json:"type"` // smallint, integer, bigint
	Start     int64  `json:"start"`
	Increment int64  `json:"increment"`
	Min       int64  `json:"min"`
	Max       int64  `json:"max"`
	Cache     int64  `json:"cache"`
	Cycle     bool   `json:"cycle,omitempty"`
	Unlogged  bool   `json:"unlogged,omitempty"`

	LastValue int64 `json:"last_value"`
	IsCalled  bool  `json:"is_called"`

	// Unreadable says that the position is not known: the reader may not SELECT
	// from the sequence, or it is unlogged on a standby. Nor does Hash count it.
	Unreadable bool `json:"unreadable,omitempty"`

	Owner    *ColumnRef `json:"owner,omitempty"`    // OWNED BY, or the identity column
	Identity bool       `json:"identity,omitempty"` // it is an identity column's own
}

// ColumnRef names a column.
type ColumnRef struct {
	Table  Name   `json:"table"`
	Column string `json:"column"`
}

// Table is a table, partitioned table, partition or foreign table.
type Table struct {
	Name        Name            `json:"name"`
	Kind        TableKind       `json:"kind"`
	Unlogged    bool            `json:"unlogged,omitempty"`
	RowSecurity bool            `json:"row_security,omitempty"`
	ForceRLS    bool            `json:"force_row_security,omitempty"`
	IsPartition bool            `json:"is_partition,omitempty"`
	ReplIdent   ReplicaIdentity `json:"replica_identity,omitempty"`
	AccessMeth  string          `json:"access_method,omitempty"` // "heap" or another; empty where there is none
	Options     []string        `json:"options,omitempty"`       // reloptions, sorted: "fillfactor=70", "toast.autovacuum_enabled=off"
	Tablespace  string          `json:"tablespace,omitempty"`    // empty is the database's
	OfType      *Name           `json:"of_type,omitempty"`       // CREATE TABLE ... OF type
	Foreign     *Foreign        `json:"foreign,omitempty"`       // of a foreign table, and only of one

	Inherits     []Name         `json:"inherits,omitempty"`        // parents in inhseqno order; for a partition its one parent
	PartitionKey PartitionKey   `json:"partition_key,omitempty"`   // of a partitioned table
	Bound        PartitionBound `json:"partition_bound,omitempty"` // of a partition
	Uses         []Ref          `json:"uses,omitempty"`            // what PartitionKey depends on

	Columns []Column `json:"columns"` // in attnum order, dropped ones left out

	// Sizes are what the catalog and the file system say at the moment of the
	// read; they weigh the work and are not part of Hash.
	HeapBytes  int64 `json:"heap_bytes"`  // main fork, from pg_relation_size
	ToastBytes int64 `json:"toast_bytes"` // TOAST heap, its main fork
	RowsGuess  int64 `json:"rows_guess"`  // reltuples; -1 unknown
}

// Foreign is what a foreign table has beside other tables.
type Foreign struct {
	Server  string   `json:"server"`
	Options []string `json:"options,omitempty"` // sorted: "table_name=t"; those that may hold a secret left out
	Secrets []string `json:"secrets,omitempty"` // names of the options left out
}

// Column is one live column.
type Column struct {
	Name      string      `json:"name"`
	Num       int16       `json:"num"`          // attnum; gaps are dropped columns
	StatsTgt  int16       `json:"stats_target"` // attstattarget; -1 is the default
	NotNull   bool        `json:"not_null,omitempty"`
	Local     bool        `json:"local,omitempty"` // attislocal: declared on the table itself
	Identity  Identity    `json:"identity,omitempty"`
	Generated Generation  `json:"generated,omitempty"`
	Storage   Storage     `json:"storage,omitempty"` // only when it differs from the type's
	Compress  Compression `json:"compression,omitempty"`
	Type      Type        `json:"type"`
	Default   Expr        `json:"default,omitempty"`   // or the generation expression, when Generated is set
	Collation *Name       `json:"collation,omitempty"` // only when it differs from the type's
	Uses      []Ref       `json:"uses,omitempty"`      // what Default depends on
	Sequence  *Name       `json:"sequence,omitempty"`  // the sequence of an identity column, or the one owned by this column
	Options   []string    `json:"options,omitempty"`   // attoptions

	ServerOpts []string `json:"foreign_options,omitempty"` // of a foreign table's column: "column_name=c"
}

// Constraint is a table's constraint.
type Constraint struct {
	Table      Name           `json:"table"`
	Name       string         `json:"name"`
	Kind       ConstraintKind `json:"kind"`
	Deferrable bool           `json:"deferrable,omitempty"`
	Deferred   bool           `json:"initially_deferred,omitempty"`
	Validated  bool           `json:"validated"`
	NoInherit  bool           `json:"no_inherit,omitempty"`
	Inherited  bool           `json:"inherited,omitempty"`  // not local, or the child of a partitioned table's (conparentid)
	Enforced   bool           `json:"enforced"`             // false only on 18 and later
	MatchFull  bool           `json:"match_full,omitempty"` // of a foreign key
	Def        ConstraintDef  `json:"def"`
	Columns    []string       `json:"columns,omitempty"` // conkey in its order; an expression has none
	Index      string         `json:"index,omitempty"`   // the index behind primary key, unique and exclusion; same schema as the table
	Uses       []Ref          `json:"uses,omitempty"`

	// Foreign keys only.
	RefTable   *Name    `json:"ref_table,omitempty"`
	RefColumns []string `json:"ref_columns,omitempty"`
	OnUpdate   string   `json:"on_update,omitempty"` // "cascade", "set null", ...; empty is no action
	OnDelete   string   `json:"on_delete,omitempty"`
	SetColumns []string `json:"set_columns,omitempty"` // ON DELETE SET NULL (columns)
}

// Index is an index. Those behind a constraint are listed too (Constraint set).
type Index struct {
	Name       Name       `json:"name"`
	Table      Name       `json:"table"`
	Unique     bool       `json:"unique,omitempty"`
	Primary    bool       `json:"primary,omitempty"`
	Valid      bool       `json:"valid"`
	NullsEqual bool       `json:"nulls_not_distinct,omitempty"` // 15 and later
	Clustered  bool       `json:"clustered,omitempty"`
	ReplIdent  bool       `json:"replica_identity,omitempty"`
	Def        IndexDef   `json:"def"`
	Method     string     `json:"method"`
	Constraint string     `json:"constraint,omitempty"` // the constraint it stands behind
	Parent     *Name      `json:"parent,omitempty"`     // the partitioned index it belongs to
	Keys       []IndexKey `json:"keys"`
	Include    []string   `json:"include,omitempty"`
	Predicate  Expr       `json:"predicate,omitempty"`
	Options    []string   `json:"options,omitempty"`
	Tablespace string     `json:"tablespace,omitempty"`
	Uses       []Ref      `json:"uses,omitempty"`
	Bytes      int64      `json:"bytes"` // not part of Hash
}

// IndexKey is one key column or expression of an index.
type IndexKey struct {
	Column     string `json:"column,omitempty"` // empty for an expression
	Expr       Expr   `json:"expr,omitempty"`
	Collation  *Name  `json:"collation,omitempty"` // only when it differs from the column's
	OpClass    *Name  `json:"opclass,omitempty"`   // only when it is not the default
	Descending bool   `json:"desc,omitempty"`
	NullsFirst bool   `json:"nulls_first,omitempty"` // the stored bit: DESC without it is NULLS LAST

	OpClassOptions []string `json:"opclass_options,omitempty"` // "siglen=32"
}

// Comment is one COMMENT ON.
type Comment struct {
	Kind   string `json:"kind"`             // as COMMENT ON spells it, lower case: "table", "column", "index", ...
	Name   Name   `json:"name"`             // schema-qualified; for columns, constraints, triggers that of the table
	Sub    string `json:"sub,omitempty"`    // column, constraint, trigger, rule or policy name
	Args   string `json:"args,omitempty"`   // a routine's identity arguments; what an operator, cast or the like needs beside its name
	Text   string `json:"text"`             //
	Object string `json:"object,omitempty"` // pg_identify_object's identity, for the kinds that the plan leaves
}

// Other is an object of a kind that only PostgreSQL itself takes: it is carried
// there as it is, and left elsewhere.
type Other struct {
	Kind    string   `json:"kind"` // "operator", "cast", "text search configuration", ...
	Name    Name     `json:"name"` // with what tells it from others of its name: argument types, USING method
	Table   *Name    `json:"table,omitempty"`
	Def     []string `json:"def,omitempty"`     // the statements that make it, in order, without semicolons; secrets are left out
	Uses    []Ref    `json:"uses,omitempty"`    // what must stand before
	Secrets []string `json:"secrets,omitempty"` // names of options that Def leaves out, since they may hold a secret
	Count   int64    `json:"count,omitempty"`   // for kinds that are only counted, such as large objects
	Bytes   int64    `json:"bytes,omitempty"`   // of those, where it is known
}
