package db9sim

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

const unsupported = "0A000"

// theNine are the extensions that DB9 has.
var theNine = []string{"http", "uuid-ossp", "hstore", "fs9", "pg_cron", "parquet", "zhparser", "vector", "embedding"}

// kinds refuses statements that DB9 has nothing of.
func (v *verdict) kinds(n *pg.Node) {
	switch n := n.GetNode().(type) {
	case *pg.Node_CreatePolicyStmt, *pg.Node_AlterPolicyStmt:
		v.no("policies", unsupported, "row-level security is not supported")
	case *pg.Node_ListenStmt, *pg.Node_UnlistenStmt, *pg.Node_NotifyStmt:
		v.no("listen", unsupported, "LISTEN and NOTIFY are not supported")
	case *pg.Node_CreateFdwStmt, *pg.Node_AlterFdwStmt, *pg.Node_CreateForeignServerStmt, *pg.Node_AlterForeignServerStmt,
		*pg.Node_CreateForeignTableStmt, *pg.Node_CreateUserMappingStmt, *pg.Node_AlterUserMappingStmt, *pg.Node_ImportForeignSchemaStmt:
		v.no("foreign-tables", unsupported, "foreign tables are not supported")
	case *pg.Node_CreatePublicationStmt, *pg.Node_AlterPublicationStmt, *pg.Node_CreateSubscriptionStmt,
		*pg.Node_AlterSubscriptionStmt, *pg.Node_DropSubscriptionStmt:
		v.no("publications", unsupported, "logical replication is not supported")
	case *pg.Node_RuleStmt:
		v.no("rewrite-rules", unsupported, "CREATE RULE is not supported")
	case *pg.Node_CreateEventTrigStmt, *pg.Node_AlterEventTrigStmt:
		v.no("event-triggers", unsupported, "event triggers are not supported")
	case *pg.Node_DeclareCursorStmt, *pg.Node_FetchStmt, *pg.Node_ClosePortalStmt:
		v.no("cursors", unsupported, "Unsupported statement: cursors")
	case *pg.Node_VacuumStmt:
		if n.VacuumStmt.GetIsVacuumcmd() {
			v.no("vacuum", unsupported, "Unsupported statement: VACUUM")
		}
	case *pg.Node_ClusterStmt, *pg.Node_ReindexStmt, *pg.Node_CheckPointStmt:
		v.no("vacuum", unsupported, "Unsupported statement")
	case *pg.Node_ExplainStmt:
		if n.ExplainStmt.GetQuery().GetSelectStmt() == nil {
			v.no("explain", unsupported, "EXPLAIN is supported for SELECT only")
		}
	case *pg.Node_TruncateStmt:
		if n.TruncateStmt.GetRestartSeqs() || n.TruncateStmt.GetBehavior() == pg.DropBehavior_DROP_CASCADE {
			v.no("truncate-options", unsupported, "TRUNCATE ... RESTART IDENTITY or CASCADE is not supported")
		}
	case *pg.Node_RefreshMatViewStmt:
		if n.RefreshMatViewStmt.GetConcurrent() {
			v.no("refresh-concurrently", unsupported, "REFRESH MATERIALIZED VIEW CONCURRENTLY is not supported")
		}
	case *pg.Node_CreateDomainStmt, *pg.Node_AlterDomainStmt:
		v.no("domains", unsupported, "domains are not supported")
	case *pg.Node_CreateRangeStmt:
		v.no("range-types", unsupported, "range types are not supported")
	case *pg.Node_DefineStmt:
		if n.DefineStmt.GetKind() == pg.ObjectType_OBJECT_COLLATION {
			v.no("collations", unsupported, "CREATE COLLATION is not supported")
		} else {
			v.no("base-types", unsupported, "the kind of object is not supported")
		}
	case *pg.Node_CreateCastStmt, *pg.Node_CreateOpClassStmt, *pg.Node_CreateOpFamilyStmt, *pg.Node_CreateConversionStmt,
		*pg.Node_CreateTransformStmt, *pg.Node_CreateAmStmt, *pg.Node_CreatePlangStmt:
		v.no("base-types", unsupported, "the kind of object is not supported")
	case *pg.Node_CreateRoleStmt:
		if n.CreateRoleStmt.GetStmtType() == pg.RoleStmtType_ROLESTMT_USER {
			v.no("create-user", unsupported, "CREATE USER is not supported, CREATE ROLE ... LOGIN is")
		}
	case *pg.Node_CreateExtensionStmt:
		v.extension(n.CreateExtensionStmt)
	case *pg.Node_AlterSeqStmt:
		v.alterSequence(n.AlterSeqStmt)
	case *pg.Node_AlterTableStmt:
		v.alterTable(n.AlterTableStmt)
	case *pg.Node_RenameStmt:
		v.rename(n.RenameStmt)
	case *pg.Node_AlterObjectSchemaStmt:
		v.no("alter-forms", unsupported, "ALTER ... SET SCHEMA is not supported")
	case *pg.Node_ViewStmt:
		v.persistence(n.ViewStmt.GetView())
	case *pg.Node_CreateSeqStmt:
		v.persistence(n.CreateSeqStmt.GetSequence())
	case *pg.Node_CreateTableAsStmt:
		v.persistence(n.CreateTableAsStmt.GetInto().GetRel())
		v.storage(n.CreateTableAsStmt.GetInto().GetOptions(), n.CreateTableAsStmt.GetInto().GetTableSpaceName())
	case *pg.Node_CreateStmt:
		v.createTable(n.CreateStmt)
	case *pg.Node_IndexStmt:
		v.createIndex(n.IndexStmt)
	case *pg.Node_CreateTrigStmt:
		v.createTrigger(n.CreateTrigStmt)
	case *pg.Node_CreateFunctionStmt:
		v.createRoutine(n.CreateFunctionStmt)
	case *pg.Node_CopyStmt:
		v.copyStatement(n.CopyStmt)
	case *pg.Node_VariableSetStmt:
		v.set(n.VariableSetStmt)
	case *pg.Node_VariableShowStmt:
		v.show(n.VariableShowStmt)
	case *pg.Node_TransactionStmt:
		v.transaction(n.TransactionStmt)
	case *pg.Node_UpdateStmt:
		v.updateKey(n.UpdateStmt)
	case *pg.Node_SelectStmt:
		if v.rules.On("table-command") && firstWord(v.out.text) == "TABLE" {
			v.no("table-command", "42601", `syntax error at or near "TABLE"`)
		}
	}
}

func (v *verdict) extension(n *pg.CreateExtensionStmt) {
	name := n.GetExtname()
	if name == "plpgsql" {
		return
	}
	if !slices.Contains(theNine, name) {
		v.no("extensions", unsupported, "extension %q is none of DB9's", name)
		return
	}
	if name != "vector" && v.rules.On("extension-metadata") {
		v.nothing("CREATE EXTENSION")
	}
}

// alterSequence lets OWNED BY through; OWNER TO is an ALTER TABLE to the parser.
func (v *verdict) alterSequence(n *pg.AlterSeqStmt) {
	for _, o := range n.GetOptions() {
		if o.GetDefElem().GetDefname() != "owned_by" {
			v.no("alter-sequence", unsupported, "ALTER SEQUENCE supports OWNED BY and OWNER TO only")
		}
	}
}

func (v *verdict) rename(n *pg.RenameStmt) {
	switch n.GetRenameType() {
	case pg.ObjectType_OBJECT_SEQUENCE:
		v.no("alter-sequence", unsupported, "ALTER SEQUENCE supports OWNED BY and OWNER TO only")
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_COLUMN, pg.ObjectType_OBJECT_TABCONSTRAINT,
		pg.ObjectType_OBJECT_SCHEMA, pg.ObjectType_OBJECT_ROLE:
	default:
		v.no("alter-forms", unsupported, "this form of RENAME is not supported")
	}
}

// persistence refuses what is not kept as tables are.
func (v *verdict) persistence(rel *pg.RangeVar) {
	switch rel.GetRelpersistence() {
	case "t":
		v.no("temp-tables", unsupported, "temporary objects are not supported")
	case "u":
		v.no("unlogged", unsupported, "UNLOGGED is not supported")
	}
}

// storage refuses where and how a relation is to be stored.
func (v *verdict) storage(options []*pg.Node, tablespace string) {
	if len(options) > 0 {
		v.no("storage-options", unsupported, "storage parameters are not supported")
	}
	if tablespace != "" && tablespace != "pg_default" {
		v.no("tablespaces", unsupported, "tablespace %q does not exist", tablespace)
	}
}

// updateKey has an UPDATE refused that would change a primary key's column.
func (v *verdict) updateKey(n *pg.UpdateStmt) {
	if !v.rules.On("update-key") {
		return
	}
	var columns []string
	for _, target := range n.GetTargetList() {
		columns = append(columns, literal(target.GetResTarget().GetName()))
	}
	v.out.checks = append(v.out.checks, check{
		sql: `SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		       WHERE i.indisprimary AND i.indrelid = pg_catalog.to_regclass(` + literal(relationName(n.GetRelation())) + `)
		         AND a.attname IN (` + strings.Join(columns, ", ") + `)`,
		refuse: refuse(unsupported, "UPDATE of a primary key's column is not supported"),
	})
}
