package probe

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCache(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	result := func() *Result {
		r := wide()
		r.Target, r.Version, r.Probed, r.Left = "postgres://admin@pg.example:5433/postgres", "PostgreSQL 16.0 (db9)", now, []string{"schema x (why)"}
		return r
	}
	c := Cache{Dir: filepath.Join(t.TempDir(), "new", "folder")}
	known := func(at time.Time) *Result {
		r, err := c.Load("postgres://admin@pg.example:5433/postgres", "PostgreSQL 16.0 (db9)", at)
		require.NoError(t, err)
		return r
	}
	require.Nil(t, known(now))

	require.NoError(t, c.Store(result()))
	want := result()
	want.Left = nil
	require.Equal(t, want, known(now.Add(MaxAge)))
	require.Nil(t, known(now.Add(MaxAge+time.Second)), "too old")
	require.Nil(t, known(now.Add(-time.Hour)), "from the future")

	for _, other := range [][2]string{
		{"postgres://admin@pg.example:5433/postgres", "PostgreSQL 16.0 (db9 next)"},
		{"postgres://other@pg.example:5433/postgres", "PostgreSQL 16.0 (db9)"},
		{"postgres://admin@pg.example:5433/postgres", ""},
	} {
		r, err := c.Load(other[0], other[1], now)
		require.NoError(t, err)
		require.Nil(t, r, other)
	}

	// One file, for the user alone, and nothing half written beside it.
	files, err := os.ReadDir(c.Dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := files[0].Info()
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	// What a probe got no answer to is asked again.
	for _, incomplete := range []*Result{
		result().set(5, Skipped, nil),
		func() *Result { r := result(); r.Facts[4].Trouble = true; return r }(),
	} {
		other := Cache{Dir: t.TempDir()}
		require.NoError(t, other.Store(incomplete))
		files, err := os.ReadDir(other.Dir)
		require.NoError(t, err)
		require.Empty(t, files)
	}

	// A file that is none is an error, and the target is asked.
	require.NoError(t, os.WriteFile(filepath.Join(c.Dir, files[0].Name()), []byte("{"), 0o600))
	_, err = c.Load("postgres://admin@pg.example:5433/postgres", "PostgreSQL 16.0 (db9)", now)
	require.Error(t, err)
	require.NoError(t, c.Store(result()))
	require.NotNil(t, known(now))

	// Without a folder nothing is kept.
	require.NoError(t, Cache{}.Store(result()))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, Cache{Dir: file}.Store(result()))
}
