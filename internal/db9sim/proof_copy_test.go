package db9sim_test

// copyProofs prove the rules of COPY, limits and catalogs.
func copyProofs() map[string]proof { return map[string]proof{} }
