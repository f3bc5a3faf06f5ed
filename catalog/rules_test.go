package catalog

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
)

// Every code of Select is documented once.
func TestRules(t *testing.T) {
	t.Parallel()
	var documented []finding.Code
	for _, r := range Rules() {
		require.NotZero(t, r.Severity, r.Code)
		require.NotEmpty(t, r.Reason, r.Code)
		require.NotEmpty(t, r.Remedy, r.Code)
		documented = append(documented, r.Code)
	}
	require.ElementsMatch(t, []finding.Code{codeForeignKey, codeView, codeDetached, codeChild, codeUnselected}, documented)
}
