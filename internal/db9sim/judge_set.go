package db9sim

import (
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"
)

// idleSettings are taken and do nothing, as are all of lc_*.
var idleSettings = []string{
	"check_function_bodies", "work_mem", "extra_float_digits", "xmloption", "row_security",
	"default_table_access_method", "bytea_output", "default_transaction_read_only",
}

// realSettings are those of PostgreSQL's that DB9 knows, or that are the
// protocol's or a statement's own business. To DB9 all others are unknown names.
var realSettings = []string{
	"statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "search_path", "timezone",
	"application_name", "client_min_messages", "default_text_search_config",
	"client_encoding", "datestyle", "intervalstyle", "standard_conforming_strings", "default_tablespace",
	"server_version", "server_version_num", "server_encoding", "is_superuser", "integer_datetimes", "max_connections",
	"role", "session_authorization", "session_replication_role", "seed", "all",
	"transaction_isolation", "default_transaction_isolation", "transaction_read_only", "transaction_deferrable",
}

// shelf is where the value of a parameter is kept that does nothing.
const shelf = "db9sim."

// shelved reports whether a parameter does nothing: SET keeps its value, and
// SHOW gives it back.
func (v *verdict) shelved(name string) bool {
	name = strings.ToLower(name)
	if slices.Contains(idleSettings, name) || strings.HasPrefix(name, "lc_") {
		return v.rules.On("idle-settings")
	}
	return !slices.Contains(realSettings, name) && !strings.Contains(name, ".") && v.rules.On("unknown-settings")
}

// set judges SET and RESET.
func (v *verdict) set(n *pg.VariableSetStmt) {
	name := strings.ToLower(n.GetName())
	switch name {
	case "transaction", "session characteristics":
		n.Args = v.modes(n.GetArgs())
		if len(n.Args) == 0 {
			v.nothing("SET")
		}
		return
	case "transaction snapshot", "":
		return
	case "session_authorization":
		v.no("session-authorization", "42601", `syntax error at or near "AUTHORIZATION"`)
	case "session_replication_role":
		v.no("session-replication-role", unsupported, "session_replication_role cannot be set")
	case "transaction_isolation", "default_transaction_isolation":
		if v.isolation(n.GetArgs()) {
			v.nothing("SET")
		}
	case "transaction_read_only":
		if v.rules.On("read-only") {
			v.nothing("SET")
		}
	}
	v.restricted(name, n.GetArgs())
	v.out.setter = !n.GetIsLocal() && v.rules.On("set-outlives-rollback")
	if v.shelved(name) {
		n.Name = shelf + name
		v.changed = true
	}
}

// isolation judges a level; it reports whether nothing is to be done about it.
func (v *verdict) isolation(args []*pg.Node) bool {
	if len(args) != 1 {
		return false
	}
	switch strings.ToLower(constText(args[0])) {
	case "serializable":
		v.no("serializable", unsupported, "SERIALIZABLE is not supported")
		if v.out.refuse == nil && v.does("serializable-downgrade") {
			args[0].Node = pg.MakeAConstStrNode("repeatable read", -1).Node
			v.out.notices = append(v.out.notices, &pgproto3.NoticeResponse{
				Severity: "WARNING", SeverityUnlocalized: "WARNING", Code: "01000",
				Message: "SERIALIZABLE is not supported: the transaction runs as REPEATABLE READ",
			})
		}
	case "read committed", "read uncommitted":
		return v.does("repeatable-read")
	}
	return false
}

// restricted refuses values that some parameters do not take.
func (v *verdict) restricted(name string, args []*pg.Node) {
	allowed := map[string][]string{
		"client_encoding":             {"utf8", "utf-8", "unicode"},
		"datestyle":                   {"iso", "iso, mdy", "iso,mdy"},
		"intervalstyle":               {"postgres"},
		"standard_conforming_strings": {"on", "true", "yes", "1"},
		"default_tablespace":          {"", "pg_default"},
	}[name]
	if allowed == nil || len(args) == 0 {
		return
	}
	var words []string
	for _, a := range args {
		words = append(words, strings.ToLower(constText(a)))
	}
	if value := strings.Join(words, ", "); !slices.Contains(allowed, value) {
		v.no("restricted-settings", "22023", "invalid value for parameter %q: %q", name, value)
	}
}

// show judges SHOW.
func (v *verdict) show(n *pg.VariableShowStmt) {
	name := strings.ToLower(n.GetName())
	column := " AS " + quoteName([]string{name})
	if value, ok := v.constant(name); ok {
		v.instead("SELECT "+literal(value)+"::text"+column, "SHOW")
	} else if v.shelved(name) {
		v.instead("SELECT _db9sim.current_setting("+literal(name)+")"+column, "SHOW")
	}
}

// constant is the value of a parameter that never changes.
func (v *verdict) constant(name string) (string, bool) {
	switch strings.ToLower(name) {
	case "server_version":
		return serverVersion, v.rules.On("server-version")
	case "server_version_num":
		return serverVersionNum, v.rules.On("server-version")
	}
	return "", false
}

// transaction judges BEGIN and its like.
func (v *verdict) transaction(n *pg.TransactionStmt) {
	n.Options = v.modes(n.GetOptions())
}

// modes takes from the modes of a transaction those that have no effect.
func (v *verdict) modes(options []*pg.Node) []*pg.Node {
	var kept []*pg.Node
	for _, o := range options {
		switch e := o.GetDefElem(); e.GetDefname() {
		case "transaction_isolation":
			if v.isolation([]*pg.Node{e.GetArg()}) {
				continue
			}
		case "transaction_read_only":
			if e.GetArg().GetAConst().GetIval().GetIval() == 1 && v.does("read-only") {
				continue
			}
		}
		kept = append(kept, o)
	}
	return kept
}
