package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/cli"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// The test's own file is pg2db9 where it is called with one of its commands: what
// is measured are processes. (No flag of tests comes first then.)
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		streams, done := cli.OS()
		code := cli.Main(context.Background(), os.Args[1:], streams)
		done()
		os.Exit(code)
	}
	pgtest.Main(m)
}

func TestMedian(t *testing.T) {
	t.Parallel()
	require.Zero(t, median(nil))
	require.InDelta(t, 2, median([]float64{9, 2, 1}), 0)
	require.InDelta(t, 1.5, median([]float64{2, 9, 1, 1}), 0)
	require.Equal(t, []float64{0.5, 2}, ratios([]float64{1, 4}, []float64{2, 2}))
}

func TestArguments(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-cases", "memory", "-size", "0.5"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, []string{"memory"}, o.cases)
	require.Equal(t, 5, o.rounds)
	for _, args := range [][]string{{"-cases", "x"}, {"-shape", "x"}, {"-rounds", "0"}, {"-size", "0"}} {
		_, err := parse(args, io.Discard)
		require.Error(t, err, "%v", args)
	}
}

// A recipe is over when all of it is, counts every process, and passes on what
// went wrong in any part of a pipeline.
func TestRecipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	r := recipe{steps: []pipeline{
		{{"sh", "-c", "echo one"}, {"sh", "-c", "cat > " + out}},
		{{"sh", "-c", "echo two >> " + out}},
	}}
	u, err := r.run(t.Context())
	require.NoError(t, err)
	require.Positive(t, u.Wall)
	require.Greater(t, u.RSS, int64(100_000), "bytes, not KiB")
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, "one\ntwo\n", string(text))
	require.Equal(t, "sh -c 'echo one' | sh -c 'cat > "+out+"' && sh -c 'echo two >> "+out+"'", r.String())

	_, err = recipe{steps: []pipeline{{{"sh", "-c", "echo bad >&2; exit 3"}, {"cat"}}, {{"touch", out + "2"}}}}.run(t.Context())
	require.ErrorContains(t, err, "exit status 3: bad")
	require.NoFileExists(t, out+"2", "a step after one that failed")
	_, err = recipe{steps: []pipeline{{{"cat", "/dev/zero"}, {filepath.Join(dir, "missing")}}}}.run(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Every shape makes the rows that it says, the same ones each time, of about
// the size that the cases reckon with.
func TestShapes(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	for _, s := range append(shapes(), hugeRow(1e6).shape) {
		t.Run(s.name, func(t *testing.T) {
			x := table{name: "a_" + s.name, shape: s, rows: 500, key: true}
			if s.name == "huge" {
				x.rows = 1
			}
			db.Exec(t, x.load())
			var bytes counter
			_, err := db.Conn(t).PgConn().CopyTo(t.Context(), &bytes, "COPY "+x.name+" TO STDOUT")
			require.NoError(t, err)
			size := int64(bytes)
			// Numbers of few digits make rows a little shorter than those of the cases.
			require.InEpsilon(t, s.rowSize, float64(size)/float64(x.rows), 0.15)
			again := x
			again.name = "b_" + s.name
			db.Exec(t, again.load())
			require.Equal(t, "0", db.QueryString(t, "SELECT count(*) FROM (TABLE "+x.name+" EXCEPT ALL TABLE "+again.name+") x"))
		})
	}
}

func TestMix(t *testing.T) {
	t.Parallel()
	tables, err := mix(1)
	require.NoError(t, err)
	require.Len(t, tables, 505)
	var bytes int64
	for _, x := range tables {
		bytes += x.rows * int64(x.shape.rowSize)
	}
	require.InEpsilon(t, mixBytes, float64(bytes), 0.01)
}
