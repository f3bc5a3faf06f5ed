//go:build !unix

package dial

import "os/exec"

// killWithChildren leaves it at the command itself: its process has no group here.
func killWithChildren(*exec.Cmd) {}
