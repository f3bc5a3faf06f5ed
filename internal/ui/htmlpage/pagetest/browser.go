package pagetest

import (
	"context"
	"net/url"
	"os"
	"os/exec"
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

// Browser is a headless Chromium. Where the machine has none the test is
// skipped (FetchesNothing looks at the same pages without one), unless
// BROWSER_REQUIRED=1 says that there must be one.
func Browser(t *testing.T) context.Context {
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

// Opens opens the page of a file, light and dark, on screens of 1280 and of 400
// pixels, with all that can be opened opened. It fails where the page complains,
// fetches something, or is wider than the screen, and where its filter hides
// nothing. A file name takes a picture of it.
func Opens(ctx context.Context, t *testing.T, path, picture string) {
	t.Helper()
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
	require.Positive(t, evaluate[int](tab, t, `document.querySelectorAll("[data-severity]").length`))
	require.Zero(t, evaluate[int](tab, t, `{
		const text = document.querySelector(".filter input[type=search]");
		text.value = "no such word";
		text.dispatchEvent(new Event("input"));
		document.querySelectorAll("[data-severity]:not([hidden])").length;
	}`))
	c.mu.Lock()
	errors, requests := c.errors, c.requests
	c.mu.Unlock()
	require.Empty(t, errors)
	require.Empty(t, requests)
	if picture == "" {
		return
	}
	screen(tab, t, 1280, 1240, "light")
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(address)))
	png, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(picture, png, 0o644)) //nolint:gosec // a picture for the documents
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
