package ui

import "time"

// Size writes a number of bytes for people.
func Size(n int64) string { return size(n) }

// Span writes a duration for people.
func Span(d time.Duration) string { return span(d) }

// About writes an estimated duration for people.
func About(d time.Duration) string { return about(d) }
