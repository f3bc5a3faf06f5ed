package db9sim

// wireRules lists the rules of the connection. TLS, expiring passwords, the
// link and faults are no rules but settings: see Config.
func wireRules() []Rule {
	return []Rule{
		{Name: "tenant-users", Kind: Wire, Mark: "D", Documented: true, Section: "1", Text: "users are <tenant_id>.<role>, split at the first dot; others are refused: 28000"},
		{Name: "database-postgres", Kind: Wire, Mark: "D", Documented: true, Section: "1", Text: "the only database is postgres; others: 3D000"},
		{Name: "cleartext-password", Kind: Wire, Mark: "H", Section: "1", Text: "a password is asked for in clear text (PostgreSQL: SCRAM-SHA-256)"},
		{Name: "connection-cap", Kind: Limit, Mark: "H", Section: "1", Text: "1,000 connections, then FATAL 53300"},
	}
}
