package cli

import (
	"fmt"
	"slices"
	"strings"
)

// Code is an exit code of the process.
type Code int

// The exit codes.
const (
	OK          Code = 0
	Failed      Code = 1
	Usage       Code = 2
	Differences Code = 3
	Blocked     Code = 4
	Partial     Code = 5
	Interrupted Code = 130
)

// exitCode documents one code.
type exitCode struct {
	code    Code
	name    string // stable: the "meaning" of the exit object
	meaning string
}

// exitCodes is the one table that help, documents and tests are made from.
var exitCodes = []exitCode{
	{OK, "ok", "done and verified, or exactly what was asked for"},
	{Failed, "failed", "failed; the message says what stands on the target"},
	{Usage, "usage", "the command line or the configuration cannot be used; nothing was done"},
	{Differences, "differences", "verification found differences; bench compare found a regression"},
	{Blocked, "blocked", "findings block the run; nothing was written"},
	{Partial, "partial", "partly done; the message names the commands that continue"},
	{Interrupted, "interrupted", "interrupted before anything was written, or by a second interrupt"},
}

// precedence orders the codes where several hold: the first that does decides.
// Usage errors end a run before any other code can arise.
var precedence = []Code{Interrupted, Failed, Usage, Differences, Partial, Blocked, OK}

// worst returns the code that decides.
func worst(codes ...Code) Code {
	for _, c := range precedence {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return OK
}

// String is the code's stable name.
func (c Code) String() string {
	for _, e := range exitCodes {
		if e.code == c {
			return e.name
		}
	}
	return fmt.Sprintf("code %d", int(c))
}

// exitHelp is the table for help texts.
func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "  %3d  %s\n", e.code, e.meaning)
	}
	b.WriteString("Where several hold, the first of 130, 1, 3, 5, 4, 0 decides.")
	return b.String()
}
