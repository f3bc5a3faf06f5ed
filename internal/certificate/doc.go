// Package certificate is what a verification found as one file that can be kept
// and checked later: entries in an order, each with a hash over itself and the
// hash before it. It holds what is needed to read the target again, without the
// source, and holds no secret.
package certificate
