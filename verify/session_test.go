package verify

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Money that stays money is read without a locale, as it was copied.
func TestReaderSettingsOfMoney(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	shown := func(profile ddlgen.Profile) (locale string) {
		p := newPool(endpoint(t, dial.Target, db), readerSettings(profile), 1)
		defer p.close()
		s, err := p.get(t.Context())
		require.NoError(t, err)
		defer p.put(s)
		require.NoError(t, s.conn.QueryRow(t.Context(), "SHOW lc_monetary").Scan(&locale))
		return locale
	}
	require.Equal(t, "C", shown(ddlgen.Postgres()))
	require.Equal(t, db.QueryString(t, "SHOW lc_monetary"), shown(ddlgen.DB9()))
}
