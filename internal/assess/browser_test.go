package assess

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browser is a headless Chromium. Where the machine has none the test is
// skipped (html_test.go looks at the same pages without one), unless
// BROWSER_REQUIRED=1 says that there must be one.
func browser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("BROWSER_REQUIRED") == "1" {
			t.Fatal("no Chromium on this machine, and BROWSER_REQUIRED=1: apt-get install chromium")
		}
		t.Skip("no Chromium on this machine: apt-get install chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	require.NoError(t, chromedp.Do(ctx), "starting the browser")
	return ctx
}

// complaints gathers what a browser has against a page, and what it asks for.
type complaints struct {
	mu       sync.Mutex
	errors   []string
	requests []string
}

func (c *complaints) on(ev any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		c.errors = append(c.errors, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		c.errors = append(c.errors, "console: "+string(e.Type))
	case *log.EventEntryAdded:
		c.errors = append(c.errors, e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "file:") && !strings.HasPrefix(e.Request.URL, "data:") {
			c.requests = append(c.requests, e.Request.URL)
		}
	}
}

func (c *complaints) none(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Empty(t, c.errors)
	require.Empty(t, c.requests)
}

// screen makes the tab one of the width in pixels.
func screen(tab context.Context, t *testing.T, width, height int64, scheme string) {
	t.Helper()
	require.NoError(t, chromedp.Do(tab, chromedp.EmulateViewport(width, height)))
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(t, err)
}

// evaluate runs a script in the tab.
func evaluate[T any](tab context.Context, t *testing.T, script string) T {
	t.Helper()
	v, err := chromedp.Run(tab, chromedp.Evaluate[T](script))
	require.NoError(t, err)
	return v
}

// U8: the page opens in a browser without an error and without a request to
// anywhere, is no wider than a screen of 1280 nor of 400 pixels, light and dark,
// and its filter works. UPDATE=1 takes the picture of docs/assess.png.
func TestHTMLInABrowser(t *testing.T) {
	ctx := browser(t)
	for name, r := range map[string]*Report{"sample": sampleReport(t), "hostile": hostileReport()} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "page.html")
			require.NoError(t, r.WriteFile(path))
			c := &complaints{}
			tab, stop := chromedp.NewContext(ctx, chromedp.WithListener(c.on))
			defer stop()
			_, err := chromedp.Call(tab, log.Enable, cdp.Empty{})
			require.NoError(t, err)
			address := (&url.URL{Scheme: "file", Path: path}).String()
			for _, width := range []int64{1280, 400} {
				for _, scheme := range []string{"light", "dark"} {
					screen(tab, t, width, 900, scheme)
					require.NoError(t, chromedp.Do(tab, chromedp.Navigate(address)))
					wide := evaluate[int64](tab, t, `document.querySelectorAll("details").forEach(d => d.open = true); document.documentElement.scrollWidth`)
					require.LessOrEqual(t, wide, width, "%s at %d pixels scrolls sideways", scheme, width)
					require.EqualValues(t, 1, evaluate[int64](tab, t, `document.scripts.length`))
				}
			}
			all := evaluate[int](tab, t, `document.querySelectorAll("[data-severity]").length`)
			shown := evaluate[int](tab, t, `{
				const text = document.querySelector(".filter input[type=search]");
				text.value = "no such word";
				text.dispatchEvent(new Event("input"));
				document.querySelectorAll("[data-severity]:not([hidden])").length;
			}`)
			require.Positive(t, all)
			require.Zero(t, shown)
			c.none(t)
			if name == "sample" && os.Getenv("UPDATE") != "" {
				picture(tab, t, address)
			}
		})
	}
}

func picture(tab context.Context, t *testing.T, address string) {
	t.Helper()
	screen(tab, t, 1280, 1240, "light")
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(address)))
	png, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join("..", "..", "docs", "assess.png"), png, 0o644))
}
