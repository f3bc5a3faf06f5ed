package ui

import "github.com/pg2db9/pg2db9/internal/secret"

// Redact takes out of a text what can be a password.
func Redact(s string) string { return secret.Redact(s) }
