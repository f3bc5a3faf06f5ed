package db9sim

// copyRules lists the rules of COPY, limits and catalogs.
func copyRules() []Rule {
	return []Rule{}
}
