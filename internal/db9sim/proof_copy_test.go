package db9sim_test

import "slices"

// copyProofs prove the rules of COPY, limits and catalogs.
func copyProofs() map[string][]proving {
	all := map[string][]proving{}
	for _, p := range slices.Concat(copyRuleProofs(), outputProofs(), timeoutProofs(), limitProofs(), catalogProofs()) {
		all[p.rule] = append(all[p.rule], p.prove)
	}
	return all
}
