package copier

import "regexp"

var ledgerTable = regexp.MustCompile(`(?m)^CREATE TABLE IF NOT EXISTS _pg2db9\.([a-z_]+)`)

// LedgerTables are the names of the ledger's tables, in schema _pg2db9.
func LedgerTables() []string {
	var out []string
	for _, m := range ledgerTable.FindAllStringSubmatch(schemaSQL, -1) {
		out = append(out, m[1])
	}
	return out
}
