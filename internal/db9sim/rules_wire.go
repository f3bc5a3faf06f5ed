package db9sim

// wireRules lists the rules of the connection.
func wireRules() []Rule {
	return []Rule{}
}
