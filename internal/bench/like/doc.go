// Package like reads what the rows of a table look like from the types of its columns
// and the server's statistics of them, so that rows like them can be made.
package like
