package db9sim_test

// wireProofs prove the rules of the connection.
func wireProofs() map[string]proof { return map[string]proof{} }
