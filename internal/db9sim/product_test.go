package db9sim_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// The stand-in and its parser of SQL are no part of the product.
func TestProductHoldsNoStandIn(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../../cmd/pg2db9").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "github.com/pg2db9/pg2db9/internal/cli")
	for _, path := range []string{"db9sim", "pg_query", "pgquery", "wazero"} {
		require.NotContains(t, string(out), path)
	}
}
