package dial_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// hostile are limits and forms of text that a role or a database can have as
// its defaults. (psql would not even see them.)
const hostile = `statement_timeout = '90s'
lock_timeout = '80s'
idle_in_transaction_session_timeout = '70s'
idle_session_timeout = '60min'
DateStyle = 'German, DMY'
standard_conforming_strings = off`

// C9: limits that stand on the role or the database of either side are cleared
// and read back.
func TestC9LimitsOfRoleAndDatabaseAreCleared(t *testing.T) {
	t.Parallel()
	db := pgtest.Major(t, 17).Database(t)
	for line := range strings.Lines(hostile + "\ntransaction_timeout = '100s'") {
		db.Exec(t, "ALTER DATABASE "+db.Name+" SET "+line)
	}
	require.Equal(t, "90s", db.QueryString(t, "SHOW statement_timeout"))
	for side, s := range map[dial.Side]dial.Settings{dial.Source: dial.Reader(), dial.Target: dial.Writer()} {
		e, err := dial.Parse(side, db.URL)
		require.NoError(t, err)
		conn, err := e.Connect(t.Context(), s)
		require.NoError(t, err)
		defer conn.Close(t.Context())
		for _, name := range []string{
			"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout",
		} {
			var shown string
			require.NoError(t, conn.QueryRow(t.Context(), "SHOW "+name).Scan(&shown))
			require.Equal(t, "0", shown, "%s of the %s", name, side)
		}
	}
}

// C9: a limit that is not lifted is an error that names it, unless the work is
// cut to it.
func TestC9LimitsThatStay(t *testing.T) {
	t.Parallel()
	keeps := func(limits map[string]string) *front {
		return startFront(t, &front{show: func(name string) (string, string) { return limits[name], "" }})
	}
	documented := map[string]string{"statement_timeout": "1min", "idle_in_transaction_session_timeout": "60000"}
	for _, c := range []struct {
		name     string
		limits   map[string]string
		settings dial.Settings
		want     string // "" connects
	}{
		{"not planned for", documented, dial.Writer(), "keeps statement_timeout at 1min, though it was set to 0"},
		{"planned for", documented, dial.Writer().WithLimits(60_000, 60_000), ""},
		{"planned shorter", documented, dial.Writer().WithLimits(30_000, 10_000), ""},
		{"planned longer", documented, dial.Writer().WithLimits(61_000, 60_000), "keeps statement_timeout at 1min, and the plan is for up to 1m1s"},
		{"idle planned longer", documented, dial.Writer().WithLimits(60_000, 600_000), "keeps idle_in_transaction_session_timeout at 60000, and the plan is for up to 10m0s"},
		{"idle not planned for", map[string]string{"idle_in_transaction_session_timeout": "10min"}, dial.Writer().WithLimits(60_000, 0), "idle_limit_ms"},
		{"planned for, and lifted", nil, dial.Writer().WithLimits(60_000, 60_000), ""},
		{"another limit", map[string]string{"lock_timeout": "2 s"}, dial.Writer().WithLimits(60_000, 60_000), "keeps lock_timeout at 2 s"},
		{"another limit, long enough", map[string]string{"idle_session_timeout": "1h"}, dial.Writer().WithLimits(60_000, 60_000), ""},
		{"less than a millisecond", map[string]string{"statement_timeout": "500us"}, dial.Writer().WithLimits(60_000, 60_000), "500us"},
		{"no time at all", map[string]string{"statement_timeout": "soon"}, dial.Writer(), "soon"},
		{"only asked", documented, dial.Asker(), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, err := dial.Parse(dial.Target, keeps(c.limits).url())
			require.NoError(t, err)
			conn, err := e.Connect(t.Context(), c.settings)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "setting up a session on the target")
				return
			}
			require.NoError(t, err)
			require.NoError(t, conn.Close(t.Context()))
		})
	}
}

// What only PostgreSQL has is no reason to refuse another server; what rows
// depend on is. A parameter that such a server does not know costs a round trip
// once, not at every connect.
func TestSettingsOfAForeignServer(t *testing.T) {
	t.Parallel()
	f := startFront(t, &front{
		set: func(name, _ string) string {
			return map[string]string{"xmloption": "42704", "tcp_user_timeout": "42704"}[name]
		},
		show: func(name string) (string, string) {
			switch name {
			case "idle_session_timeout", "extra_float_digits":
				return "", "42704"
			case "bytea_output":
				return "escape", ""
			}
			return "", ""
		},
	})
	e, err := dial.Parse(dial.Target, f.url())
	require.NoError(t, err)
	_, err = e.Connect(t.Context(), dial.Writer())
	require.ErrorContains(t, err, "xmloption")
	f.seen()

	for i, want := range []int{4, 1, 1} { // each of the three that are not known ended a message
		conn, err := e.Connect(t.Context(), dial.Writer().Foreign())
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
		require.Len(t, f.seen(), want, "connect %d", i)
	}

	f = startFront(t, &front{show: func(name string) (string, string) {
		return map[string]string{"DateStyle": "German, DMY"}[name], ""
	}})
	e, err = dial.Parse(dial.Target, f.url())
	require.NoError(t, err)
	_, err = e.Connect(t.Context(), dial.Writer().Foreign())
	require.ErrorContains(t, err, `the server took DateStyle = "ISO, MDY" but shows "German, DMY"`)
}

// The settings cost one round trip: over a link of 150 ms each counts.
func TestSettingsTakeOneRoundTrip(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true}).Database(t)
	var trips atomic.Int64
	e, err := dial.Parse(dial.Target, db.URL)
	require.NoError(t, err)
	e = e.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &counted{Conn: c, trips: &trips}, err
	})
	conn, err := e.Connect(t.Context(), dial.Writer())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	// Startup, two of SCRAM, and one for all settings.
	require.EqualValues(t, 4, trips.Load())
	var idle, user string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting('tcp_keepalives_idle'), current_setting('tcp_user_timeout')").Scan(&idle, &user))
	require.Equal(t, []string{"30", "60000"}, []string{idle, user})

	conn, err = e.Connect(t.Context(), dial.Reader())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting('tcp_keepalives_idle'), current_setting('tcp_user_timeout')").Scan(&idle, &user))
	require.Equal(t, "30", idle)
	require.Contains(t, []string{"0", "0ms"}, user, "a reader that waits is not gone")
}

// counted counts how often reading follows writing.
type counted struct {
	net.Conn
	wrote atomic.Bool
	trips *atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	c.wrote.Store(true)
	return c.Conn.Write(b)
}

func (c *counted) Read(b []byte) (int, error) {
	if c.wrote.Swap(false) {
		c.trips.Add(1)
	}
	return c.Conn.Read(b)
}

// A connection is not gone on with after a statement of its transaction was cut
// short: on DB9 the next one would run outside of the transaction.
func TestNothingFollowsACutStatement(t *testing.T) {
	t.Parallel()
	e, err := dial.Parse(dial.Target, pgtest.Server(t).Database(t).URL)
	require.NoError(t, err)
	conn, err := e.Connect(t.Context(), dial.Writer())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "SET statement_timeout = 50")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "SELECT pg_sleep(60)")
	require.Equal(t, "57014", dial.SQLState(err))
	require.False(t, conn.IsClosed(), "outside of a transaction nothing is lost")

	_, err = conn.Exec(t.Context(), "BEGIN")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "SELECT pg_sleep(60)")
	require.Equal(t, "57014", dial.SQLState(err))
	require.Equal(t, dial.Retry, dial.Classify(err))
	require.True(t, conn.IsClosed())
}

// A statement whose client has gone does not run to its end.
func TestStatementOfNobodyEnds(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	if server.Major() < 14 {
		pgtest.Lacks(t, "a server that looks after its clients is of PostgreSQL 14 at least")
	}
	db := server.Database(t)
	e, err := dial.Parse(dial.Source, db.URL)
	require.NoError(t, err)
	conn, err := e.Connect(t.Context(), dial.Reader())
	require.NoError(t, err)
	query, err := (&pgproto3.Query{String: "SELECT pg_catalog.pg_sleep(600)"}).Encode(nil)
	require.NoError(t, err)
	_, err = conn.PgConn().Conn().Write(query)
	require.NoError(t, err)
	const sleepers = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)' AND state = 'active'"
	require.Eventually(t, func() bool { return db.QueryString(t, sleepers) == "1" }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, conn.PgConn().Conn().Close())
	require.Eventually(t, func() bool { return db.QueryString(t, sleepers) == "0" }, 20*time.Second, 50*time.Millisecond)
}
