package run

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/bench/shape"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// DB9's worst documented side takes shapes of every type, made or read, with the key in
// place and after, and nothing is left there. (Simulated.)
func TestThroughTheStandIn(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	db := server.Database(t)
	sim, err := db9sim.Start(t.Context(), db9sim.Config{Backend: db.URL, Rules: db9sim.Strict()})
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	before := db.QueryString(t, everything)
	p := params(t)
	p.Profile = ddlgen.DB9()
	p.Grid = OfProfile(p.Profile, 2)
	p.Target, p.Size, p.Simulated = endpoint(t, dial.Target, sim.URL()), 200_000, true
	for _, name := range []string{"mixed", "vector", "toast"} {
		s, _ := shape.Named(name)
		p.Grid.Shapes = append(p.Grid.Shapes, s)
	}
	res, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, res.Cells, 3)
	for _, c := range res.Cells {
		sane(t, c, 1)
	}
	require.Equal(t, before, db.QueryString(t, everything))
	require.Contains(t, res.Text(), "simulated: the target is not DB9")

	src := server.Database(t)
	src.Exec(t, "CREATE TABLE t (id int PRIMARY KEY, a text[], n numeric, j jsonb, at timestamptz); INSERT INTO t SELECT n, ARRAY['x', NULL], n / 7.0, '{}', now() FROM generate_series(1, 500) n")
	p.Source, p.Grid.PrimaryKey, p.Size = endpoint(t, dial.Source, src.URL), []string{KeyAfter}, 0
	p.Duration = 60e9
	res, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, res.Cells, 1)
	require.EqualValues(t, 500, res.Cells[0].Runs[0].Rows)
	require.Equal(t, before, db.QueryString(t, everything))
}
