package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// tick is what /proc counts processor time in, in seconds: 100 a second on
// every Linux that Go runs on.
const tick = 0.01

// serverCPU is the processor time that a server has used up to now: that of
// the backends that have ended, which its postmaster has waited for, and of
// all that run. It does not depend on what else the machine does, as the wall
// does. It is 0 where there is no /proc.
func serverCPU(postmaster int) float64 {
	own, ok := readStat(postmaster)
	if !ok {
		return 0
	}
	sum := own.self + own.children
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if p, ok := readStat(pid); ok && p.parent == postmaster {
			sum += p.self
		}
	}
	return sum * tick
}

// stat is what /proc tells of a process, in ticks.
type stat struct {
	parent         int
	self, children float64
}

// readStat reads /proc/PID/stat; false where the process has ended.
func readStat(pid int) (s stat, ok bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return s, false
	}
	// The name, in parentheses, may hold anything; ppid is the second field after it.
	_, rest, found := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 15 {
		return s, false
	}
	var user, system, cuser, csystem float64
	for i, to := range []*float64{&user, &system, &cuser, &csystem} {
		if *to, err = strconv.ParseFloat(fields[11+i], 64); err != nil {
			return s, false
		}
	}
	if s.parent, err = strconv.Atoi(fields[1]); err != nil {
		return s, false
	}
	s.self, s.children = user+system, cuser+csystem
	return s, true
}

// procField reads the first value of a name out of a file of /proc; "unknown"
// where there is none.
func procField(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return "unknown"
	}
	defer func() { _ = f.Close() }() // was only read
	for sc := bufio.NewScanner(f); sc.Scan(); {
		key, value, ok := strings.Cut(sc.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// loadBefore is how many processes wanted to run over the last 1, 5 and 15 minutes;
// "unknown" where there is no /proc.
func loadBefore() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], " ")
}
