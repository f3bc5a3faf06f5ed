package ui

import "regexp"

// secrets are the places of a text in which a password can stand: the user's
// part of a URL, and password= in a connection string.
var secrets = regexp.MustCompile(`(://[^:/@\s"']*:)[^@\s"']+(@)|((?i:password|passfile|sslpassword)\s*=\s*)('[^']*'|[^\s"']+)`)

// Redact takes out of a text what can be a password.
func Redact(s string) string { return secrets.ReplaceAllString(s, "$1$3***$2") }
