package catalog

import "context"

// TableRef is a table in the first, cheap listing: enough to choose by name and
// to lock.
type TableRef struct {
	Name        Name
	Kind        TableKind
	IsPartition bool
	Parent      *Name // of a partition
}

type listRow struct {
	Schema       string `db:"schema"`
	Name         string `db:"name"`
	Kind         string `db:"kind"`
	IsPartition  bool   `db:"is_partition"`
	ParentSchema string `db:"parent_schema"`
	Parent       string `db:"parent"`
}

// ListTables lists the user's tables, sorted by name, without opening any.
func ListTables(ctx context.Context, q Querier) ([]TableRef, error) {
	rows, err := collect[listRow](ctx, q, "list_tables")
	if err != nil {
		return nil, err
	}
	refs := make([]TableRef, len(rows))
	for i, t := range rows {
		refs[i] = TableRef{
			Name: Name{Schema: t.Schema, Name: t.Name}, Kind: tableKinds[t.Kind], IsPartition: t.IsPartition, Parent: name(t.ParentSchema, t.Parent),
		}
	}
	sortTableRefs(refs)
	return refs, nil
}
