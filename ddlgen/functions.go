package ddlgen

import "strings"

// absentFunctions are functions of PostgreSQL's own that a DB9 does not have:
// those of types that it lacks, of its catalogs and files, and a few more
// (db9.md sections 5 to 7).
var absentFunctions = map[string]bool{
	"bit_and": true, "bit_or": true, "bit_xor": true, "hashtext": true, "lastval": true, "pg_get_serial_sequence": true,
	"pg_notify": true, "pg_export_snapshot": true, "txid_current_snapshot": true, "pg_current_snapshot": true,

	"host": true, "masklen": true, "netmask": true, "hostmask": true, "network": true, "broadcast": true, "set_masklen": true, "inet_same_family": true,
	"inet_merge": true, "abbrev": true, "inet_client_addr": true, "inet_server_addr": true, "inet_client_port": true, "inet_server_port": true, "macaddr8_set7bit": true,

	"int4range": true, "int8range": true, "numrange": true, "tsrange": true, "tstzrange": true, "daterange": true,
	"int4multirange": true, "int8multirange": true, "nummultirange": true, "tsmultirange": true, "tstzmultirange": true, "datemultirange": true,
	"multirange": true, "isempty": true, "lower_inc": true, "upper_inc": true, "lower_inf": true, "upper_inf": true, "range_merge": true, "range_agg": true, "range_intersect_agg": true,

	"xmlelement": true, "xmlforest": true, "xmlagg": true, "xmlconcat": true, "xmlpi": true, "xmlroot": true, "xmlparse": true, "xmlserialize": true,
	"xmlexists": true, "xmltable": true, "xmlcomment": true, "xmltext": true, "xpath": true, "xpath_exists": true, "xml_is_well_formed": true,
	"query_to_xml": true, "table_to_xml": true, "cursor_to_xml": true, "schema_to_xml": true, "database_to_xml": true,

	"point": true, "lseg": true, "box": true, "path": true, "polygon": true, "circle": true, "line": true, "diagonal": true, "diameter": true, "isclosed": true, "isopen": true,
	"npoints": true, "pclose": true, "popen": true, "slope": true, "bound_box": true,

	"pg_get_viewdef": true, "pg_get_functiondef": true, "pg_get_triggerdef": true, "pg_get_ruledef": true, "pg_relation_size": true, "pg_total_relation_size": true,
	"pg_table_size": true, "pg_indexes_size": true, "pg_database_size": true, "pg_tablespace_size": true, "pg_relation_filepath": true, "pg_relation_filenode": true,
	"pg_read_file": true, "pg_read_binary_file": true, "pg_ls_dir": true, "pg_stat_file": true, "pg_current_wal_lsn": true, "pg_wal_lsn_diff": true,
	"pg_last_wal_receive_lsn": true, "pg_last_wal_replay_lsn": true, "pg_last_xact_replay_timestamp": true,

	"loread": true, "lowrite": true,
}

// lacksFunction says whether a DB9 is known not to have a function of
// pg_catalog's.
func (p *planner) lacksFunction(name string) bool {
	return p.profile.Map && (absentFunctions[name] || strings.HasPrefix(name, "lo_") || strings.HasPrefix(name, "pg_stat_get_"))
}
