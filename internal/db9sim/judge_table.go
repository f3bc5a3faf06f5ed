package db9sim

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// createTable takes from a CREATE TABLE what DB9 refuses or loses.
func (v *verdict) createTable(n *pg.CreateStmt) {
	if n.GetPartspec() != nil || n.GetPartbound() != nil {
		v.no("partitions", unsupported, "partitioned tables are not supported")
	} else if len(n.GetInhRelations()) > 0 {
		v.no("inheritance", unsupported, "table inheritance is not supported")
	}
	v.persistence(n.GetRelation())
	v.storage(n.GetOptions(), n.GetTablespacename())
	for _, e := range n.GetTableElts() {
		if c := e.GetColumnDef(); c != nil {
			v.column(c)
		}
		if k := e.GetConstraint(); k != nil {
			v.constraint(k)
		}
	}
	if n.GetPartspec() == nil && n.GetPartbound() == nil {
		v.valuesTrigger(n.GetRelation(), true)
	}
}

// column judges a column of a new or altered table.
func (v *verdict) column(c *pg.ColumnDef) {
	v.columnType(c.GetTypeName())
	kept := c.Constraints[:0]
	for _, node := range c.GetConstraints() {
		k := node.GetConstraint()
		switch k.GetContype() { //nolint:exhaustive // the rest is kept
		case pg.ConstrType_CONSTR_ATTR_DEFERRABLE, pg.ConstrType_CONSTR_ATTR_DEFERRED,
			pg.ConstrType_CONSTR_ATTR_IMMEDIATE, pg.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE:
			if v.does("deferrable") {
				continue
			}
		case pg.ConstrType_CONSTR_GENERATED:
			if v.does("generated-stored") {
				continue
			}
		}
		v.constraint(k)
		kept = append(kept, node)
	}
	c.Constraints = kept
}

// constraint judges a constraint, of a column or of a table.
func (v *verdict) constraint(k *pg.Constraint) {
	switch k.GetContype() { //nolint:exhaustive // the rest has nothing of its own
	case pg.ConstrType_CONSTR_EXCLUSION:
		v.no("exclusion-constraints", unsupported, "exclusion constraints are not supported")
	case pg.ConstrType_CONSTR_IDENTITY:
		if len(k.GetOptions()) > 0 && v.does("identity-options") {
			k.Options = nil
		}
		if k.GetGeneratedWhen() == "a" && v.does("identity-always") {
			k.GeneratedWhen = "d"
		}
		return
	}
	if k.GetSkipValidation() {
		v.no("not-valid", unsupported, "NOT VALID is not supported")
	}
	v.storage(k.GetOptions(), k.GetIndexspace())
	if (k.GetDeferrable() || k.GetInitdeferred()) && v.does("deferrable") {
		k.Deferrable, k.Initdeferred = false, false
	}
	if k.GetNullsNotDistinct() && v.does("nulls-not-distinct") {
		k.NullsNotDistinct = false
	}
	if k.GetFkMatchtype() == "f" && v.does("match-full") {
		k.FkMatchtype = "s"
	}
	if len(k.GetFkDelSetCols()) > 0 && v.does("set-null-columns") {
		k.FkDelSetCols = nil
	}
	if len(k.GetIncluding()) > 0 && v.does("index-include") {
		k.Including = nil
	}
}

// alterTable lets the forms through that DB9 handles.
func (v *verdict) alterTable(n *pg.AlterTableStmt) {
	const other = "this form of ALTER is not supported"
	if n.GetObjtype() == pg.ObjectType_OBJECT_SEQUENCE {
		for _, c := range n.GetCmds() {
			if c.GetAlterTableCmd().GetSubtype() != pg.AlterTableType_AT_ChangeOwner {
				v.no("alter-sequence", unsupported, "ALTER SEQUENCE supports OWNED BY and OWNER TO only")
			}
		}
		return
	}
	for _, node := range n.GetCmds() {
		c := node.GetAlterTableCmd()
		switch c.GetSubtype() {
		case pg.AlterTableType_AT_AddColumn:
			v.column(c.GetDef().GetColumnDef())
			v.valuesTrigger(n.GetRelation(), false)
		case pg.AlterTableType_AT_AddConstraint:
			v.constraint(c.GetDef().GetConstraint())
		case pg.AlterTableType_AT_DropColumn:
			if c.GetBehavior() == pg.DropBehavior_DROP_CASCADE {
				v.no("drop-column-cascade", unsupported, "DROP COLUMN CASCADE is not supported")
			}
		case pg.AlterTableType_AT_AlterColumnType:
			v.no("alter-column-type", unsupported, "ALTER COLUMN TYPE is not supported")
			v.columnType(c.GetDef().GetColumnDef().GetTypeName())
		case pg.AlterTableType_AT_ColumnDefault, pg.AlterTableType_AT_DropConstraint,
			pg.AlterTableType_AT_SetNotNull, pg.AlterTableType_AT_DropNotNull:
		case pg.AlterTableType_AT_AddIdentity, pg.AlterTableType_AT_SetIdentity, pg.AlterTableType_AT_DropIdentity:
			v.no("add-generated", unsupported, "ALTER COLUMN ... GENERATED AS IDENTITY is not supported")
		case pg.AlterTableType_AT_AttachPartition, pg.AlterTableType_AT_DetachPartition, pg.AlterTableType_AT_DetachPartitionFinalize:
			v.no("partitions", unsupported, "partitioned tables are not supported")
		case pg.AlterTableType_AT_AddInherit, pg.AlterTableType_AT_DropInherit:
			v.no("inheritance", unsupported, "table inheritance is not supported")
		case pg.AlterTableType_AT_EnableRowSecurity, pg.AlterTableType_AT_DisableRowSecurity,
			pg.AlterTableType_AT_ForceRowSecurity, pg.AlterTableType_AT_NoForceRowSecurity:
			v.no("policies", unsupported, "row-level security is not supported")
		case pg.AlterTableType_AT_ValidateConstraint:
			v.no("not-valid", unsupported, "VALIDATE CONSTRAINT is not supported")
		default:
			v.no("alter-forms", unsupported, other)
		}
	}
}

// createIndex takes from a CREATE INDEX what DB9 refuses or loses.
func (v *verdict) createIndex(n *pg.IndexStmt) {
	switch n.GetAccessMethod() {
	case "", "btree":
		v.storage(n.GetOptions(), n.GetTableSpace())
	case "hash", "gin", "gist":
		v.out.then = v.unusedIndexes(n.GetRelation())
	case "hnsw":
	case "ivfflat":
		v.no("ivfflat", unsupported, `access method "ivfflat" does not exist`)
	default:
		v.no("index-methods", unsupported, "access method %q does not exist", n.GetAccessMethod())
	}
	if len(n.GetIndexIncludingParams()) > 0 && v.does("index-include") {
		n.IndexIncludingParams = nil
	}
	if n.GetNullsNotDistinct() && v.does("nulls-not-distinct") {
		n.NullsNotDistinct = false
	}
	for _, node := range n.GetIndexParams() {
		e := node.GetIndexElem()
		if len(e.GetOpclass()) > 0 && n.GetAccessMethod() != "hnsw" && v.does("index-opclass") {
			e.Opclass, e.Opclassopts = nil, nil
		}
		ordered := e.GetOrdering() > pg.SortByDir_SORTBY_DEFAULT || e.GetNullsOrdering() > pg.SortByNulls_SORTBY_NULLS_DEFAULT
		if (ordered || len(e.GetCollation()) > 0) && v.does("index-order") {
			e.Ordering, e.NullsOrdering, e.Collation = pg.SortByDir_SORTBY_DEFAULT, pg.SortByNulls_SORTBY_NULLS_DEFAULT, nil
		}
	}
	if n.GetConcurrent() && v.rules.On("concurrently-async") {
		v.background = true
	}
}

// unusedIndexes has the planner leave a table's indexes of some methods alone.
// They are kept up to date all the same.
func (v *verdict) unusedIndexes(rel *pg.RangeVar) []string {
	var methods []string
	if v.rules.On("gin-scan") {
		methods = append(methods, "'gin'", "'gist'")
	}
	if v.rules.On("hash-scan") {
		methods = append(methods, "'hash'")
	}
	if len(methods) == 0 {
		return nil
	}
	return []string{`UPDATE pg_catalog.pg_index i SET indisvalid = false
	  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am a ON a.oid = c.relam
	 WHERE c.oid = i.indexrelid AND i.indrelid = pg_catalog.to_regclass(` + literal(relationName(rel)) + `)
	   AND a.amname IN (` + strings.Join(methods, ", ") + `)
	   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid)`}
}
