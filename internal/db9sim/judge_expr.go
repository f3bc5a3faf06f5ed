package db9sim

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
)

var (
	systemColumns = []string{"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"}
	// absentFunctions are not DB9's, or are not PostgreSQL's algorithm there.
	absentFunctions = []string{"bit_and", "bit_or", "bit_xor", "hashtext", "lastval", "pg_get_serial_sequence"}
	slotFunctions   = []string{
		"pg_create_logical_replication_slot", "pg_create_physical_replication_slot", "pg_drop_replication_slot",
		"pg_logical_slot_get_changes", "pg_logical_slot_peek_changes", "pg_logical_emit_message",
	}
)

// mostSeries is how many rows generate_series gives.
const mostSeries = 1_000_000

// expressions judges what stands anywhere in a statement.
func (v *verdict) expressions(tree *pg.RawStmt) {
	sole := soleColumn(tree.GetStmt().GetSelectStmt())
	walk(tree, func(m proto.Message) {
		switch n := m.(type) {
		case *pg.Node:
			v.expression(n, n == sole)
		case *pg.SelectStmt:
			v.skipLocked(n)
		}
	})
}

// soleColumn is the only column of a SELECT without FROM, or nil.
func soleColumn(n *pg.SelectStmt) *pg.Node {
	if n == nil || len(n.GetTargetList()) != 1 || len(n.GetFromClause()) > 0 {
		return nil
	}
	return n.GetTargetList()[0].GetResTarget().GetVal()
}

func (v *verdict) expression(n *pg.Node, sole bool) {
	switch e := n.GetNode().(type) {
	case *pg.Node_ColumnRef:
		fields := e.ColumnRef.GetFields()
		if name := fields[len(fields)-1].GetString_().GetSval(); slices.Contains(systemColumns, name) {
			v.no("system-columns", "42703", "column %q does not exist", name)
		}
	case *pg.Node_SqlvalueFunction:
		if e.SqlvalueFunction.GetOp() == pg.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG && v.does("database-name") {
			n.Node = own("current_database").Node
		}
	case *pg.Node_FuncCall:
		v.function(n, e.FuncCall, sole)
	}
}

// own calls a function of the stand-in's.
func own(name string, args ...*pg.Node) *pg.Node {
	return pg.MakeFuncCallNode(qualified("_db9sim", name), args, -1)
}

func (v *verdict) function(n *pg.Node, f *pg.FuncCall, sole bool) {
	name := builtin(f.GetFuncname())
	missing := func(rule string) { v.no(rule, "42883", "function %s does not exist", name) }
	switch {
	case name == "version" && len(f.GetArgs()) == 0:
		if v.does("version") {
			f.Funcname = qualified("_db9sim", "version")
		}
	case name == "current_database":
		if v.does("database-name") {
			f.Funcname = qualified("_db9sim", "current_database")
		}
	case name == "current_setting" && len(f.GetArgs()) > 0:
		v.currentSetting(n, f)
	case name == "set_config" && len(f.GetArgs()) == 3:
		v.setConfig(n, f, sole)
	case strings.Contains(name, "advisory_") && strings.HasPrefix(name, "pg_"):
		if len(f.GetArgs()) > 0 && v.does("advisory-locks") {
			f.Args = []*pg.Node{pg.MakeFuncCallNode(qualified("pg_catalog", "pg_backend_pid"), nil, -1), own("lock_key", f.GetArgs()...)}
		}
	case name == "generate_series" && len(f.GetArgs()) >= 2:
		from, to := f.GetArgs()[0].GetAConst(), f.GetArgs()[1].GetAConst()
		if len(f.GetArgs()) == 2 && from.GetIval() != nil && to.GetIval() != nil &&
			int64(to.GetIval().GetIval())-int64(from.GetIval().GetIval()) >= mostSeries {
			v.no("generate-series", "54000", "generate_series gives at most %d rows", mostSeries)
		}
	case name == "pg_notify":
		missing("listen")
	case strings.HasPrefix(name, "lo_") || name == "loread" || name == "lowrite":
		missing("large-objects")
	case slices.Contains(slotFunctions, name):
		missing("replication")
	case slices.Contains(absentFunctions, name):
		missing("functions")
	}
}

func (v *verdict) currentSetting(n *pg.Node, f *pg.FuncCall) {
	name := constText(f.GetArgs()[0])
	if value, ok := v.constant(name); ok {
		n.Node = pg.MakeAConstStrNode(value, -1).Node
		v.changed = true
	} else if name != "" && v.shelved(name) {
		f.Funcname = qualified("_db9sim", "current_setting")
		v.changed = true
	}
}

func (v *verdict) setConfig(n *pg.Node, f *pg.FuncCall, sole bool) {
	if !sole && v.does("set-config") {
		n.Node = f.GetArgs()[1].GetNode()
		return
	}
	name := constText(f.GetArgs()[0])
	if name == "session_replication_role" {
		v.no("session-replication-role", unsupported, "session_replication_role cannot be set")
	}
	v.restricted(strings.ToLower(name), f.GetArgs()[1:2])
	if name != "" && v.shelved(name) {
		f.Args[0] = pg.MakeAConstStrNode(shelf+strings.ToLower(name), -1)
		v.changed = true
	}
	v.out.setter = constText(f.GetArgs()[2]) == "false" && v.rules.On("set-outlives-rollback")
}

// skipLocked refuses a parameter as the LIMIT of FOR UPDATE SKIP LOCKED.
func (v *verdict) skipLocked(n *pg.SelectStmt) {
	if n.GetLimitCount() == nil {
		return
	}
	for _, l := range n.GetLockingClause() {
		if l.GetLockingClause().GetWaitPolicy() != pg.LockWaitPolicy_LockWaitSkip {
			continue
		}
		walk(n.GetLimitCount(), func(m proto.Message) {
			if _, ok := m.(*pg.ParamRef); ok {
				v.no("skip-locked-limit", unsupported, "a parameter as LIMIT beside SKIP LOCKED is not supported")
			}
		})
	}
}
