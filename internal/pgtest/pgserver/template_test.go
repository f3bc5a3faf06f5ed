package pgserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// A copy of what initdb made is a server like it, of every major, and not the same one.
func TestClusterFromTemplate(t *testing.T) {
	t.Parallel()
	for _, major := range []int{MinMajor, MaxMajor} {
		first := start(t, Options{Major: major}) // makes the template, if it is not there
		require.DirExists(t, first.template())
		second := start(t, Options{Major: major})
		require.Equal(t, major, second.Major())
		ids := map[string]bool{}
		for _, c := range []*Cluster{first, second} {
			conn, err := pgx.Connect(t.Context(), c.URL("postgres"))
			require.NoError(t, err)
			var id string
			require.NoError(t, conn.QueryRow(t.Context(), "SELECT system_identifier::text FROM pg_control_system()").Scan(&id))
			require.NoError(t, conn.Close(t.Context()))
			require.NotEmpty(t, id)
			ids[id] = true
		}
		require.Len(t, ids, 2, "servers are told apart by their identity")
		require.NoError(t, second.Stop(t.Context(), Fast))
		require.NoError(t, second.Start(t.Context()), "its checksum and its log are right")
	}
}

func TestTemplateIsOfItsArguments(t *testing.T) {
	t.Parallel()
	bin := start(t, Options{}).bin // or skip
	plain := &Cluster{bin: bin}
	require.Equal(t, plain.template(), (&Cluster{bin: bin, opts: Options{TCP: true}}).template())
	require.NotEqual(t, plain.template(), (&Cluster{bin: bin, opts: Options{Locale: "C"}}).template())
	require.NotEqual(t, plain.template(), (&Cluster{bin: bin, opts: Options{Encoding: "LATIN1", Locale: "C"}}).template())
}

// A control file that is not understood is not written.
func TestIdentifyRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	control := filepath.Join(dir, "global", "pg_control")
	require.NoError(t, os.MkdirAll(filepath.Dir(control), 0o700))
	was := make([]byte, 8192)
	was[0] = 1
	require.NoError(t, os.WriteFile(control, was, 0o600))
	require.ErrorContains(t, identify(dir), "no checksum that is known")
	is, err := os.ReadFile(control)
	require.NoError(t, err)
	require.Equal(t, was, is)
}
