package pgserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// templateVar says with 0 that each cluster is to be made by initdb.
const templateVar = "PGTEST_TEMPLATE"

// fill makes the data directory: by initdb, or as a copy of what initdb made
// of the same program and the same arguments before, which takes a tenth of the
// time. A password is in the data, so that a cluster with one is never copied.
func (c *Cluster) fill(ctx context.Context, acc *account) error {
	template := ""
	if c.password == "" && os.Getenv(templateVar) != "0" {
		template = c.template()
	}
	if template != "" {
		if _, err := os.Stat(template); err == nil {
			if err := copyData(template, c.Dir(), acc); err != nil {
				return err
			}
			return identify(c.Dir())
		}
	}
	if err := c.initdb(ctx, acc); err != nil || template == "" {
		return err
	}
	return c.keep(template)
}

// template is where the copy is kept: its name holds all that initdb's result
// comes from. It is "" where there is no place for it.
func (c *Cluster) template() string {
	cache, err := CacheDir()
	if err != nil {
		return ""
	}
	program, err := filepath.EvalSymlinks(c.bin.path("postgres"))
	if err != nil {
		return ""
	}
	fi, err := os.Stat(program)
	if err != nil {
		return ""
	}
	// A package that is brought up to date in its place is another program.
	made := fmt.Sprint(fi.Size(), fi.ModTime().UnixNano(), c.initdbArgs())
	sum := sha256.Sum256([]byte(made))
	return filepath.Join(cache, "initdb", fmt.Sprintf("%d-%s", c.bin.Major, hex.EncodeToString(sum[:8])))
}

// keep makes the copy, of a server that was not started yet. Of several
// processes that do so at once the first one's stays.
func (c *Cluster) keep(template string) error {
	parent := filepath.Dir(template)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("keep what initdb made: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, "new-")
	if err != nil {
		return fmt.Errorf("keep what initdb made: %w", err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	from, err := filepath.EvalSymlinks(c.Dir())
	if err != nil {
		return fmt.Errorf("keep what initdb made: %w", err)
	}
	if err := copyData(from, tmp, nil); err != nil {
		return err
	}
	if err := os.Rename(tmp, template); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep what initdb made: %w", err)
	}
	return nil
}

// identify gives a copy an identity of its own, as initdb would: by that, two
// servers are told apart. It is the first eight bytes of pg_control, which ends
// in a CRC at a place that goes by the major, and in the first page of each
// segment of the log. Numbers are the machine's, as in all of PostgreSQL's files.
func identify(data string) error {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	id[7] &= 0x7f           // shown as a bigint
	control := filepath.Join(data, "global", "pg_control")
	b, err := os.ReadFile(control)
	if err != nil {
		return fmt.Errorf("give the cluster an identity: %w", err)
	}
	at := checksumAt(b)
	if at < 0 {
		return fmt.Errorf("give the cluster an identity: %s has no checksum that is known: set %s=0", control, templateVar)
	}
	copy(b, id[:])
	binary.NativeEndian.PutUint32(b[at:], crc32.Checksum(b[:at], castagnoli))
	if err := os.WriteFile(control, b, 0o600); err != nil {
		return fmt.Errorf("give the cluster an identity: %w", err)
	}
	segments, err := filepath.Glob(filepath.Join(data, "pg_wal", strings.Repeat("[0-9A-F]", 24)))
	if err != nil {
		return err
	}
	for _, path := range segments {
		if err := writeAt(path, id[:], 24); err != nil { // xlp_sysid
			return fmt.Errorf("give the cluster an identity: %w", err)
		}
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksumAt finds the CRC in pg_control, by itself: it is that of all before it.
func checksumAt(control []byte) int {
	const first, last = 128, 508 // the file's contents are kept below one sector
	for at := first; at <= last && at+4 <= len(control); at += 4 {
		if binary.NativeEndian.Uint32(control[at:]) == crc32.Checksum(control[:at], castagnoli) {
			return at
		}
	}
	return -1
}

func writeAt(path string, b []byte, at int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, at)
	return errors.Join(err, f.Close())
}
