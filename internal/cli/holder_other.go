//go:build !unix

package cli

import "os/exec"

// ofItsOwn has no sessions to leave here.
func ofItsOwn(*exec.Cmd) {}
