package verify

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table of the journal is the ledger's own: whoever cleans the ledger knows
// it, and whichever of the two makes it first makes the same.
func TestJournalsTableIsTheLedgers(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile("../copier/ledger/schema.sql")
	require.NoError(t, err)
	_, ddl, found := strings.Cut(verificationSQL, "CREATE TABLE")
	require.True(t, found)
	require.Contains(t, string(schema), "CREATE TABLE"+ddl)
}
