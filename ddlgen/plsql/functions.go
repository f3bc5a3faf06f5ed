package plsql

import "strings"

// meaning is what a call of a function is, and the extension that has it; empty
// where it is nothing special.
func meaning(name string) (kind Kind, extension string) {
	switch {
	case name == "pg_notify":
		return Notify, ""
	case strings.HasPrefix(name, "pg_advisory_"), strings.HasPrefix(name, "pg_try_advisory_"):
		return AdvisoryLock, ""
	case name == "pg_sleep", name == "pg_sleep_for", name == "pg_sleep_until":
		return Sleep, ""
	case largeObjects[name]:
		return LargeObject, ""
	case serverFunctions[name]:
		return Function, ""
	}
	if x, ok := extensionFunctions[name]; ok {
		return Function, x
	}
	for _, p := range extensionPrefixes {
		if strings.HasPrefix(name, p.prefix) {
			return Function, p.extension
		}
	}
	return "", ""
}

var largeObjects = set(`lo_creat lo_create lo_open lo_close lo_unlink lo_import lo_export lo_from_bytea lo_get lo_put
	lo_lseek lo_lseek64 lo_tell lo_tell64 lo_truncate lo_truncate64 loread lowrite`)

// serverFunctions are PostgreSQL's own that reach for what another server
// cannot have: its files, its WAL, its random state.
var serverFunctions = set(`setseed
	pg_export_snapshot pg_read_file pg_read_binary_file pg_ls_dir pg_stat_file pg_reload_conf pg_rotate_logfile pg_promote
	pg_switch_wal pg_current_wal_lsn pg_create_restore_point pg_create_logical_replication_slot pg_create_physical_replication_slot
	pg_drop_replication_slot pg_logical_slot_get_changes pg_logical_emit_message pg_replication_origin_session_setup
	tsvector_update_trigger tsvector_update_trigger_column suppress_redundant_updates_trigger
	xpath xpath_exists xmlparse xmlserialize xmlelement xmlforest xmlagg xmlconcat xmltable query_to_xml table_to_xml`)

// extensionFunctions are the functions of contrib and of common extensions, by
// name. Names that users give to their own functions as well are left out.
var extensionFunctions = byName(map[string]string{
	"pgcrypto": `crypt gen_salt gen_random_bytes hmac armor dearmor pgp_sym_encrypt pgp_sym_encrypt_bytea pgp_sym_decrypt
		pgp_sym_decrypt_bytea pgp_pub_encrypt pgp_pub_encrypt_bytea pgp_pub_decrypt pgp_pub_decrypt_bytea pgp_key_id pgp_armor_headers
		encrypt decrypt encrypt_iv decrypt_iv`,
	"pg_trgm": `similarity word_similarity strict_word_similarity show_trgm show_limit set_limit similarity_op word_similarity_op`,
	"uuid-ossp": `uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuid_nil uuid_ns_dns
		uuid_ns_url uuid_ns_oid uuid_ns_x500`,
	"tablefunc":     `crosstab crosstab2 crosstab3 crosstab4 crosstab_hash connectby normal_rand`,
	"unaccent":      `unaccent`,
	"fuzzystrmatch": `levenshtein levenshtein_less_equal soundex metaphone dmetaphone dmetaphone_alt daitch_mokotoff`,
	"ltree":         `nlevel subltree subpath text2ltree ltree2text lca`,
	"hstore":        `hstore hstore_to_json hstore_to_json_loose hstore_to_jsonb hstore_to_jsonb_loose hstore_to_array hstore_to_matrix akeys avals skeys svals`,
	"earthdistance": `earth_distance earth_box ll_to_earth sec_to_gc gc_to_sec`,
	"cube":          `cube_distance cube_ur_coord cube_ll_coord cube_subset cube_union cube_inter cube_enlarge`,
	"xml2":          `xpath_string xpath_number xpath_bool xpath_nodeset xpath_list xpath_table xslt_process`,
	"pgstattuple":   `pgstattuple pgstatindex pgstatginindex pgstattuple_approx`,
	"pg_prewarm":    `pg_prewarm autoprewarm_start_worker`,
})

// extensionPrefixes are of extensions that begin all of their names alike.
var extensionPrefixes = []struct{ prefix, extension string }{
	{"dblink", "dblink"},
	{"st_", "postgis"},
	{"postgis_", "postgis"},
	{"postgres_fdw_", "postgres_fdw"},
	{"pg_stat_statements", "pg_stat_statements"},
	{"lo_manage", "lo"},
}

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

func byName(extensions map[string]string) map[string]string {
	out := map[string]string{}
	for x, names := range extensions {
		for _, n := range strings.Fields(names) {
			out[n] = x
		}
	}
	return out
}
