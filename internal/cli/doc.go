// Package cli is the command line: it reads options, calls the other packages
// in their order, shows what they do and turns the end into an exit code. It is
// the only package that knows the process it runs in.
package cli
