package preflight

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// One text for each query, from 13 to 18.
func TestChecksOnEveryMajor(t *testing.T) {
	t.Parallel()
	for major := 13; major <= 18; major++ {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			server := pgtest.Major(t, major)
			source, db := server.Database(t), server.Database(t)
			source.Exec(t, planned)
			s := Servers{Source: source.Conn(t), Target: db.Conn(t), TargetPostgres: true}
			tables := []catalog.Name{name("public", "a"), name("public", "b")}
			require.Empty(t, run(t, append(ServerChecks(s), SourceTables(s.Source, tables), SourceSequences(s.Source, []catalog.Name{name("public", "s")}))...))
			same, _, err := SameDatabase(t.Context(), s.Source, db.Conn(t))
			require.NoError(t, err)
			require.False(t, same)
			_, found, err := JobsFor(t.Context(), s, 4, 2)
			require.NoError(t, err)
			require.Empty(t, found)
			require.Empty(t, target(t, db.Conn(t), plan(), Refuse, false))
			db.Exec(t, planned)
			require.Zero(t, finding.Count(target(t, db.Conn(t), plan(), Truncate, false), finding.Block))
			require.Equal(t, 1, finding.Count(target(t, db.Conn(t), plan(), Refuse, false), finding.Block))
			about, err := Ask(t.Context(), s.Target)
			require.NoError(t, err)
			require.Equal(t, major, about.Version/10000)
		})
	}
}
