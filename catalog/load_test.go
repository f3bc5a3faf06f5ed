package catalog

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Load reads a database on every major, losslessly.
func TestLoadOnEveryMajor(t *testing.T) {
	t.Parallel()
	for _, major := range []int{15, 16, 17, 18} {
		db := pgtest.Major(t, major).Database(t)
		db.Exec(t, `CREATE TYPE public.mood AS ENUM ('a','b'); CREATE TABLE public.t (id integer GENERATED ALWAYS AS IDENTITY (START 5) PRIMARY KEY, m public.mood[] DEFAULT '{a}', v varchar(20) NOT NULL CHECK (v <> ''));
		COMMENT ON COLUMN public.t.v IS 'x'; CREATE INDEX i ON public.t (lower(v) DESC) INCLUDE (m) WHERE id > 0; CREATE VIEW public.w AS SELECT 1 AS x;
		CREATE FUNCTION public.f(a int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'`)
		conn := db.Conn(t)
		var got *Database
		require.NoError(t, pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) (err error) {
			got, err = Load(t.Context(), tx, LoadOptions{})
			return err
		}))
		b, err := json.MarshalIndent(got, "", " ")
		require.NoError(t, err)
		var again Database
		require.NoError(t, json.Unmarshal(b, &again))
		require.Equal(t, *got, again)
	}
}
