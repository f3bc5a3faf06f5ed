package assess

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/guide"
)

// What an advice goes by is a code that something finds.
func TestAdviceHasCodes(t *testing.T) {
	t.Parallel()
	rules := Rules()
	for _, c := range guide.Codes() {
		require.True(t, slices.ContainsFunc(rules, func(r finding.Rule) bool { return r.Code == c }), c)
	}
}
