// Package db9sim is a stand-in for DB9: a proxy before a real PostgreSQL that
// takes the worse side of what is known, claimed or feared of DB9, each rule
// switchable by name. What passes it is simulated, never verified on DB9.
package db9sim
