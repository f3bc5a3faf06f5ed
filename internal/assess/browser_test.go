package assess

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/ui/htmlpage/pagetest"
)

// U8: the page opens in a browser without an error and without a request to
// anywhere, is no wider than a screen of 1280 nor of 400 pixels, light and dark,
// and its filter works. UPDATE=1 takes the picture of docs/assess.png.
func TestHTMLInABrowser(t *testing.T) {
	ctx := pagetest.Browser(t)
	for name, r := range map[string]*Report{"sample": sampleReport(t), "hostile": hostileReport()} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "page.html")
			require.NoError(t, r.WriteFile(path))
			picture := ""
			if name == "sample" && os.Getenv("UPDATE") != "" {
				picture = filepath.Join("..", "..", "docs", "assess.png")
			}
			pagetest.Opens(ctx, t, path, picture)
		})
	}
}
