//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// maxRSS is the most memory that an ended process held, in bytes.
func maxRSS(ps *os.ProcessState) int64 {
	ru, ok := ps.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	kb := int64(1024) // ru_maxrss is in KiB, but on macOS
	if runtime.GOOS == "darwin" {
		kb = 1
	}
	return int64(ru.Maxrss) * kb //nolint:unconvert // 32 bits wide on some systems
}

// freeSpace is what may still be written at dir, in bytes.
func freeSpace(dir string) (float64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return float64(st.Bavail) * float64(st.Bsize), nil
}
