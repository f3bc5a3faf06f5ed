// Package pagetest looks at pages as tests do: their text, and in a headless
// browser where the machine has one.
package pagetest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// CSP is the policy of every page: nothing is fetched.
const CSP = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">`

var (
	tags       = regexp.MustCompile(`<[^>]*>`)
	elements   = regexp.MustCompile(`(?s)<script>.*?</script>|<style>.*?</style>`)
	attributes = regexp.MustCompile(`\s([a-zA-Z-]+)="([^"]*)"`)
	outside    = regexp.MustCompile(`(?i)url\s*\(|@import|https?:|//`)
)

// FetchesNothing fails where a page's text refers to anything outside of it, or
// holds a script, style or handler that is not the frame's own.
func FetchesNothing(t *testing.T, text string) {
	t.Helper()
	require.True(t, strings.HasPrefix(text, "<!doctype html>"))
	require.Contains(t, text, CSP)
	own := elements.FindAllString(text, -1)
	require.Len(t, own, 2, "one style, one script: no other is let in")
	for _, e := range own {
		require.Empty(t, outside.FindString(e))
	}
	rest := elements.ReplaceAllString(text, "")
	for _, tag := range tags.FindAllString(rest, -1) { // html/template leaves no < of a text
		for _, a := range attributes.FindAllStringSubmatch(tag, -1) {
			require.NotRegexp(t, `^on`, a[1])
			switch a[1] {
			case "src", "href", "action", "formaction", "data", "poster", "srcset":
				require.Regexp(t, `^(#|data:,)`, a[2])
			}
		}
	}
	require.NotContains(t, rest, "<script")
	require.NotContains(t, rest, "<img")
	require.NotContains(t, text, "ZgotmplZ", "a text where none can be")
}
