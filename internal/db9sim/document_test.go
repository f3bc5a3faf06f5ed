package db9sim_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// docs/db9sim.md lists the rules that there are.
func TestDocument(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../docs/db9sim.md", "<!-- rules -->\n", "<!-- end of rules -->\n"
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)

	var table strings.Builder
	table.WriteString("| rule | kind | mark | section | sets | what a client sees |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, r := range db9sim.Rules() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s | %s |\n", r.Name, r.Kind, r.Mark, r.Section,
			strings.Join(r.Sets(), ", "), strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(r.Text))
	}
	want := before + begin + table.String() + end + after
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(text), "run UPDATE=1 go test ./internal/db9sim -run Document")
}
