package chaos

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// newFullDisk is a small file system without room. Mounting one takes rights that
// not everybody has: then it is "", and the seed's full disk is another.
func newFullDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Logf("no full disk for the report: mount a file system: %v", err)
		return ""
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	require.ErrorIs(t, os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 2<<20), 0o600), syscall.ENOSPC)
	return dir
}

// makeRoom is what the user does about it.
func makeRoom(dir string) error { return os.Remove(filepath.Join(dir, "ballast")) }
