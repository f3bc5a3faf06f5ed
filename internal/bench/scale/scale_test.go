package scale

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/scale.md and its picture are what the simulator says today: UPDATE=1 writes
// them.
func TestDocument(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"scale.md": Document(), "scale.svg": Picture()} {
		path := filepath.Join("..", "..", "..", "docs", name)
		if os.Getenv("UPDATE") != "" {
			require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		}
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(got), "UPDATE=1 go test ./internal/bench/scale writes it anew")
	}
	d := xml.NewDecoder(strings.NewReader(Picture()))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, "the picture is well formed")
	}
}

// What the page says in words is what its scenarios say.
func TestWordsAreTrue(t *testing.T) {
	t.Parallel()
	awaited, hidden, free := scenarios[0].run(100*gb, 4).Seconds, scenarios[1].run(100*gb, 4).Seconds, scenarios[2].run(100*gb, 64).Seconds
	require.InDelta(t, 1.18, awaited/hidden, 0.03, "four awaited round trips of 150 ms a batch of 2 MB cost 18 %%")
	require.InDelta(t, 100*gb/(64*6e5), free, free*0.1)
	capped := scenarios[1].params.Cap
	require.Less(t, capped/gb*cpuPerGB, 0.01, "less than a hundredth of a processor")
	require.InDelta(t, 7, 2*gb/cpuPerGB/scenarios[3].params.Cap, 1, "seven times")
}
