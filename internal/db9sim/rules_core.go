package db9sim

// coreRules lists the rules of statements and identity.
func coreRules() []Rule {
	return []Rule{}
}
