package copier

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Statements that follow one another share a connection, however many may run
// at once.
func TestApplySharesAConnection(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	proxy := pgtest.NewProxy(t, db.Cluster())
	got, err := Apply(soon(t), ApplyParams{
		Target: parse(t, dial.Target, proxy.URL(db.Name)), Settings: dial.Writer(), Jobs: 4,
		Statements: []ddlgen.Statement{
			statement("table", ddlgen.PhaseTables, "CREATE TABLE public.a (id integer)"),
			statement("key", ddlgen.PhaseKeys, "ALTER TABLE public.a ADD PRIMARY KEY (id)"),
			statement("check", ddlgen.PhaseKeys, "ALTER TABLE public.a ADD CHECK (id > 0)", "key"),
			statement("comment", ddlgen.PhaseComments, "COMMENT ON TABLE public.a IS 'x'"),
			statement("analyze", ddlgen.PhaseAnalyze, "ANALYZE public.a"),
		},
	})
	require.NoError(t, err)
	require.Len(t, got.Done, 5)
	require.Equal(t, 1, proxy.Count())
}
