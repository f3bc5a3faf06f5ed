// Package secret keeps passwords out of what is shown and kept.
package secret

import "regexp"

// places are where a password can stand in a text: the user's part of a URL, and
// password= in a connection string.
var places = regexp.MustCompile(`(://[^:/@\s"']*:)[^@\s"']+(@)|((?i:password|passfile|sslpassword)\s*=\s*)('[^']*'|[^\s"']+)`)

// Redact takes out of a text what can be a password.
func Redact(s string) string { return places.ReplaceAllString(s, "$1$3***$2") }
