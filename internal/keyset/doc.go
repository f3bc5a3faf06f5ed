// Package keyset reads a table by SELECT in pages of its key, where a server
// has no COPY of a query or cuts long statements off: the statements, and how
// large the next page is. It sends nothing itself.
package keyset
