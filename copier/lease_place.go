package copier

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strconv"
)

// ownerName is the name under which this process holds a run: where it is, for
// people, a number of its own, and a mark of its place, by which another process
// of the same place can know that it is gone although the target shows no
// sessions.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	name := fmt.Sprintf("%s, process %d (%s", host, os.Getpid(), newToken()[:8])
	if mark := placeMark(); mark != "" {
		name += "-" + mark
	}
	return name + ")"
}

func placeMark() string {
	p := place()
	if p == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(p))
	return hex.EncodeToString(sum[:8])
}

var ownerMark = regexp.MustCompile(`, process (\d+) \([0-9a-f]+-([0-9a-f]{16})\)$`)

// ownerGone says that an owner's process was one of this process's place and is
// there no more. A number that was given to another process since counts as alive.
func ownerGone(owner string) bool {
	m := ownerMark.FindStringSubmatch(owner)
	if m == nil || m[2] != placeMark() {
		return false
	}
	pid, err := strconv.Atoi(m[1])
	return err == nil && pid > 0 && processGone(pid)
}
