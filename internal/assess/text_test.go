package assess

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/stretchr/testify/require"
)

// U8: the summary fits a screen of 80 by 24, and no line is longer, whatever
// the names.
func TestTextFitsATerminal(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Report{"hostile": hostileReport(), "sample": sampleReport(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			r.Text(&b, false)
			for line := range strings.Lines(b.String()) {
				require.LessOrEqual(t, text.StringWidth(strings.TrimRight(line, "\n")), 79, line)
			}
			summary, _, _ := strings.Cut(b.String(), "\n\n")
			require.LessOrEqual(t, strings.Count(summary, "\n")+2, 24, "with the last line\n%s", summary)
			require.NotContains(t, b.String(), "\x1b")
		})
	}
}
