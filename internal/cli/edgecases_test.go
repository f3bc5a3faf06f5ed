package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hardCases are the ids that have tests, in the order of docs/edge-cases.md.
func hardCases() (ids []string) {
	ids = []string{"T3", "T7", "T8", "T9", "T15", "T20", "T21", "F7"}
	for i := 1; i <= 31; i++ {
		ids = append(ids, fmt.Sprint("C", i))
	}
	for i := 1; i <= 13; i++ {
		ids = append(ids, fmt.Sprint("R", i))
	}
	ids = append(ids, "S19", "S20", "S21")
	ids = append(ids, "N14", "V11", "V29", "V30", "T30", "T31", "U2", "U3", "U4", "U5", "U8", "U11", "U12", "U13", "U14")
	for i := 1; i <= 16; i++ {
		ids = append(ids, fmt.Sprint("Y", i))
	}
	return ids
}

// docs/edge-cases.md names each case once, and tests that are there and carry its id.
func TestHardCasesHaveTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "edge-cases.md"))
	require.NoError(t, err)
	sources := map[string]string{} // by folder
	test := regexp.MustCompile("`(Test\\w+)` ([\\w/]+)")
	var ids []string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !regexp.MustCompile(`^ [A-Z]\d+ $`).MatchString(cells[1]) {
			continue
		}
		id := strings.TrimSpace(cells[1])
		ids = append(ids, id)
		tests := test.FindAllStringSubmatch(cells[3], -1)
		require.NotEmpty(t, tests, id)
		for _, m := range tests {
			require.Regexp(t, id+`(\D|$)`, m[1], "the id is in the name")
			if sources[m[2]] == "" {
				sources[m[2]] = testSources(t, filepath.Join("..", "..", m[2]))
			}
			require.Contains(t, sources[m[2]], "\nfunc "+m[1]+"(t *testing.T) {", "%s of %s", id, m[2])
		}
	}
	require.Equal(t, hardCases(), ids)
}

// testSources are the test files of a folder, one behind the other.
func testSources(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, dir)
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		b.Write(text)
	}
	return b.String()
}
