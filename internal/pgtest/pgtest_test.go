package pgtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDatabase(t *testing.T) {
	t.Parallel()
	db := pgtest.Server(t).Database(t)
	db.Exec(t, "CREATE TABLE a (id int, t text); INSERT INTO a VALUES (1, 'x'), (2, NULL)")
	require.Equal(t, "1|x\n2|", db.QueryString(t, "SELECT * FROM a ORDER BY id"))
	require.Equal(t, "UTF8", db.QueryString(t, "SHOW server_encoding"))
	var n int
	require.NoError(t, db.Conn(t).QueryRow(t.Context(), "SELECT count(*) FROM a").Scan(&n))
	require.Equal(t, 2, n)
}

func TestRestart(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true, Settings: map[string]string{"work_mem": "7MB"}})
	db := c.Database(t)
	db.Exec(t, "CREATE TABLE a (id int)")
	first := c.PID()
	c.Stop(t, pgtest.Immediate)
	require.Zero(t, c.PID())
	c.Start(t)
	require.NotEqual(t, first, c.PID())
	require.Equal(t, "7MB|0", db.QueryString(t, "SELECT current_setting('work_mem'), count(*) FROM a"))
}
