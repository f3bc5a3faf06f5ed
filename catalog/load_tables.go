package catalog

import (
	"context"
	"slices"
)

type tableRow struct {
	OID          int64    `db:"oid"`
	Schema       string   `db:"schema"`
	Name         string   `db:"name"`
	Kind         string   `db:"kind"`
	RowType      int64    `db:"row_type"`
	Unlogged     bool     `db:"unlogged"`
	AccessMethod string   `db:"access_method"`
	RowSecurity  bool     `db:"row_security"`
	ForceRLS     bool     `db:"force_row_security"`
	Options      []string `db:"options"`
	ReplIdent    string   `db:"replica_identity"`
	Tablespace   string   `db:"tablespace"`
	OfSchema     string   `db:"of_schema"`
	OfType       string   `db:"of_type"`
	Server       string   `db:"server"`
	ServerOpts   []string `db:"foreign_options"`
	Secrets      []string `db:"foreign_secrets"`
	IsPartition  bool     `db:"is_partition"`
	PartitionKey string   `db:"partition_key"`
	Bound        string   `db:"partition_bound"`
	HeapBytes    int64    `db:"heap_bytes"`
	ToastBytes   int64    `db:"toast_bytes"`
	RowsGuess    int64    `db:"rows_guess"`
}

type inheritRow struct {
	Child  int64  `db:"child"`
	Schema string `db:"schema"`
	Name   string `db:"name"`
}

var (
	tableKinds = map[string]TableKind{"r": TableOrdinary, "p": TablePartitioned, "f": TableForeign}
	replIdents = map[string]ReplicaIdentity{"f": ReplicaFull, "n": ReplicaNothing, "i": ReplicaIndex}
)

func (r *reader) tables(ctx context.Context) error {
	parents, err := collect[inheritRow](ctx, r.q, "inherits")
	if err != nil {
		return err
	}
	byChild := map[int64][]Name{}
	for _, p := range parents {
		byChild[p.Child] = append(byChild[p.Child], Name{Schema: p.Schema, Name: p.Name})
	}
	r.inherits = byChild
	r.table = map[int64]int{}
	return each(ctx, r.q, "tables", func(t tableRow) error {
		n := Name{Schema: r.text(t.Schema), Name: t.Name}
		if t.Kind == "p" && t.PartitionKey == "" || t.IsPartition && t.Bound == "" {
			return &GoneError{Kind: "table", Name: n}
		}
		r.table[t.OID] = len(r.db.Tables)
		table := Table{
			Name: n, Kind: tableKinds[t.Kind], Unlogged: t.Unlogged, AccessMeth: r.text(t.AccessMethod),
			RowSecurity: t.RowSecurity, ForceRLS: t.ForceRLS, Options: sortedStrings(t.Options), ReplIdent: replIdents[t.ReplIdent],
			Tablespace: t.Tablespace, OfType: name(t.OfSchema, t.OfType), Inherits: byChild[t.OID], IsPartition: t.IsPartition,
			PartitionKey: PartitionKey(t.PartitionKey), Bound: PartitionBound(t.Bound), Uses: r.uses[objectKey{"pg_class", t.OID}],
			HeapBytes: t.HeapBytes, ToastBytes: t.ToastBytes, RowsGuess: t.RowsGuess,
		}
		kind := "table"
		if t.Kind == "f" {
			kind = "foreign table"
			table.Foreign = &Foreign{Server: t.Server, Options: sortedStrings(t.ServerOpts), Secrets: sortedStrings(t.Secrets)}
		}
		r.db.Tables = append(r.db.Tables, table)
		r.know("pg_class", t.OID, Comment{Kind: kind, Name: n})
		return nil
	}, r.sizes)
}

type columnRow struct {
	Rel             int64    `db:"rel"`
	Num             int16    `db:"num"`
	Name            string   `db:"name"`
	Type            int64    `db:"type"`
	Mod             int32    `db:"mod"`
	NotNull         bool     `db:"not_null"`
	DefaultOID      int64    `db:"default_oid"`
	Default         string   `db:"default"`
	CollationSchema string   `db:"collation_schema"`
	Collation       string   `db:"collation"`
	Identity        string   `db:"identity"`
	Generated       string   `db:"generated"`
	Local           bool     `db:"local"`
	Storage         string   `db:"storage"`
	StatsTarget     int16    `db:"stats_target"`
	Compression     string   `db:"compression"`
	Options         []string `db:"options"`
	ServerOpts      []string `db:"foreign_options"`
}

var (
	identities   = map[string]Identity{"a": IdentityAlways, "d": IdentityByDefault}
	generations  = map[string]Generation{"s": GeneratedStored, "v": GeneratedVirtual}
	storages     = map[string]Storage{"p": StoragePlain, "e": StorageExternal, "x": StorageExtended, "m": StorageMain}
	compressions = map[string]Compression{"p": CompressionPGLZ, "l": CompressionLZ4}
)

func (r *reader) columns(ctx context.Context) error {
	var columns []Column // of the table whose rows are being read
	at := -1
	flush := func() {
		if at >= 0 {
			r.db.Tables[at].Columns = slices.Clone(columns) // no longer than it is
		}
		columns, at = columns[:0], -1
	}
	defer flush()
	return each(ctx, r.q, "columns", func(c columnRow) error {
		if i, ok := r.fields[c.Rel]; ok {
			comp := &r.db.Composites[i]
			comp.Fields = append(comp.Fields, CompositeField{
				Name: c.Name, Type: r.types[typeKey{c.Type, c.Mod}], Collation: name(c.CollationSchema, c.Collation),
			})
			return nil
		}
		if i, ok := r.view[c.Rel]; ok {
			return r.viewColumn(&r.db.Views[i], c)
		}
		i, ok := r.table[c.Rel]
		if !ok {
			return nil // of an extension's table
		}
		if i != at {
			flush()
			at = i
		}
		if c.DefaultOID != 0 && c.Default == "" {
			return &GoneError{Kind: "column", Name: r.db.Tables[i].Name, Sub: c.Name}
		}
		columns = append(columns, Column{
			Name: r.text(c.Name), Num: c.Num, Type: r.types[typeKey{c.Type, c.Mod}], NotNull: c.NotNull, Default: Expr(r.text(c.Default)),
			Collation: name(c.CollationSchema, c.Collation), Identity: identities[c.Identity], Generated: generations[c.Generated],
			Uses: r.uses[objectKey{"pg_attrdef", c.DefaultOID}], Local: c.Local, Storage: storages[c.Storage],
			StatsTgt: c.StatsTarget, Compress: compressions[c.Compression], Options: sortedStrings(c.Options), ServerOpts: sortedStrings(c.ServerOpts),
		})
		return nil
	})
}
