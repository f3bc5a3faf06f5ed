package db9sim

// copyRules lists the rules of COPY, values, limits and catalogs.
func copyRules() []Rule {
	return []Rule{
		// How COPY FROM STDIN reads and commits.
		{Name: "copy-held", Kind: Limit, Mark: "H", Section: "4", Text: "COPY FROM stores nothing before CopyDone, and holds the stream until then"},
		{Name: "copy-rotation", Kind: Silent, Mark: "H", Section: "4", Text: "COPY FROM outside of a transaction commits every 5,000 rows; into a table that references itself not, and 54000 from 50,001 rows on"},
		{Name: "copy-by-row", Kind: Silent, Mark: "H", Section: "4", Variant: true, Text: "COPY FROM outside of a transaction commits every row"},
		{Name: "copy-field-count", Kind: Silent, Mark: "H", Section: "4", Text: "a row with a wrong number of fields is skipped (PostgreSQL: 22P04)"},
		{Name: "copy-empty-line", Kind: Silent, Mark: "H", Section: "4", Text: "an empty line, which is '' for a table of one column, is no row"},
		{Name: "copy-tag", Kind: Silent, Mark: "H", Section: "11", Text: "the tag of COPY FROM counts lines that became no row"},
		{Name: "copy-null-default", Kind: Silent, Mark: "H", Section: "4", Text: `\N into a column with a default stores the default`},
		{Name: "copy-invalid-utf8", Kind: Silent, Mark: "D, H", Section: "4", Text: "bytes that are not UTF-8 become U+FFFD (PostgreSQL: 22021)"},
		{Name: "copy-hex-escape", Kind: Silent, Mark: "H", Section: "4", Text: `the escape \x41 of COPY TEXT is x41`},
		{Name: "copy-csv-lines", Kind: Silent, Mark: "H", Section: "4", Text: "CSV is cut at each line feed, also in quotes: 22P04, or the row is skipped"},
		{Name: "copy-csv-unescape", Kind: Silent, Mark: "H", Section: "4", Text: "values of CSV lose their backslashes as those of TEXT do"},
		{Name: "copy-options-ignored", Kind: Silent, Mark: "H", Section: "4", Text: "FORCE_QUOTE, FORCE_NOT_NULL, FREEZE, ENCODING are parsed and ignored"},
		{Name: "copy-options", Kind: Refuse, Mark: "H", Section: "4", Text: "ON_ERROR, REJECT_LIMIT, DEFAULT, FORCE_NULL, LOG_VERBOSITY, WHERE and HEADER MATCH: 42601"},

		// Values.
		{Name: "array-guess", Kind: Silent, Mark: "H", Section: "4", Text: `arrays in COPY FROM: elements of text arrays are guessed ({"007"} is 7, {"NULL"} NULL), blanks trimmed, inner braces not understood, bounds 22P02`},
		{Name: "bytea-literal", Kind: Silent, Mark: "H", Section: "4", Text: "bytea in COPY FROM that is no hexadecimal is stored as its bytes"},
		{Name: "jsonb-numbers", Kind: Silent, Mark: "H", Section: "4", Text: "numbers of jsonb in COPY FROM pass through 64-bit integers and floats"},
		{Name: "numeric-28", Kind: Limit, Mark: "D", Documented: true, Section: "5", Text: "numeric of more than 28 digits in COPY FROM: 22003; NaN and Infinity: 22P02"},
		{Name: "time-strict", Kind: Limit, Mark: "D, H", Section: "4", Text: "time 24:00:00, second 60 and offsets in COPY FROM: 22007"},
		{Name: "timestamp-specials", Kind: Limit, Mark: "H", Section: "4", Text: "infinity, BC and years from 262,143 on in COPY FROM, of dates too: 22007"},
		{Name: "timestamp-output", Kind: Silent, Mark: "H", Section: "4", Text: "timestamps are printed with six decimals"},
		{Name: "timestamptz-output", Kind: Silent, Mark: "H", Section: "4", Text: "COPY TO prints timestamptz in UTC and without offset"},
		{Name: "float-output", Kind: Silent, Mark: "H", Section: "4", Text: "double precision is printed as 100.0 and 1e16"},
		{Name: "array-output", Kind: Silent, Mark: "H", Section: "4", Text: "elements of text arrays are always printed in quotes"},
		{Name: "jsonb-output", Kind: Silent, Mark: "H", Section: "4", Text: "keys of jsonb are printed in another order"},
		{Name: "interval-output", Kind: Silent, Mark: "H", Section: "4", Text: "interval is printed as months and hours"},

		// Limits.
		{Name: "row-limit", Kind: Limit, Mark: "H", Section: "8", Text: "a row over 8,388,608 bytes: XX000"},
		{Name: "key-limit", Kind: Limit, Mark: "H", Section: "8", Text: "COPY FROM of a key over 4 KB: XX000"},
		{Name: "transaction-limit", Kind: Limit, Mark: "H", Section: "8", Text: "a transaction over 100 MB, or a stream that COPY FROM holds: XX000"},
		{Name: "line-limit", Kind: Limit, Mark: "H", Section: "8", Text: "COPY FROM of a line over 32 MiB: 54000"},
		{Name: "sort-limit", Kind: Limit, Mark: "H", Section: "8", Text: "a sorted result over 256 MB without LIMIT: 54000"},
		{Name: "portal-limit", Kind: Limit, Mark: "D, H", Documented: true, Section: "8", Text: "more than 32 suspended portals, or one of more than 10,000 rows or 16 MB: 54000"},
		{Name: "statement-timeout", Kind: Limit, Mark: "D, S", Documented: true, Section: "2", Text: "a statement takes at most 60 s: 57014"},
		{Name: "idle-timeout", Kind: Limit, Mark: "D", Documented: true, Section: "2", Text: "a transaction idles at most 60 s: FATAL 25P03"},
		{Name: "copy-idle-timeout", Kind: Limit, Mark: "H", Section: "2", Text: "in a transaction a COPY FROM whose client says nothing for so long: FATAL 25P03"},
		{Name: "timeouts-settable", Kind: Limit, Mark: "H", Section: "2", Text: "timeouts cannot be set to 0 or above 60 s: SHOW reads 60s"},

		// Catalogs.
		{Name: "catalog-relations", Kind: Refuse, Mark: "F, H", Section: "7", Text: "pg_catalog and information_schema have the relations of the notes and no other (pg_stat_database, pg_settings, pg_locks, pg_inherits, ...): 42P01"},
		{Name: "catalog-columns", Kind: Refuse, Mark: "F", Section: "7", Text: "pg_type.typnotnull: 42703"},
		{Name: "catalog-flags", Kind: Silent, Mark: "H", Section: "7", Text: "pg_attribute.atttypmod is -1, attidentity and attgenerated are empty"},
		{Name: "catalog-functions", Kind: Refuse, Mark: "H", Section: "7", Text: "pg_get_viewdef, pg_get_functiondef, pg_get_triggerdef, pg_get_ruledef: 42883; pg_get_constraintdef outside of a query of pg_constraint: 0A000"},
		{Name: "wide-oids", Kind: Identity, Mark: "F", Section: "7", Text: "OIDs of catalogs are bigint and above 10,000,000,000; to cast them to regclass, or to compare them with one, is 22003"},
	}
}
