// Package chaos runs the built program against real servers while seeded
// accidents happen to it, and proves in SQL that what it says of the end is true.
package chaos
