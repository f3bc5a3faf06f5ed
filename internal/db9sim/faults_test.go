package db9sim_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// loading is a stand-in before a table and a ledger.
type loading struct {
	sim *db9sim.Sim
	db  *pgtest.DB
}

// setups are the two ways in which a COPY goes through the stand-in.
var setups = map[string]func() *db9sim.RuleSet{"none": db9sim.None, "strict": db9sim.Strict}

func load(t *testing.T, set func() *db9sim.RuleSet, faults ...db9sim.Fault) loading {
	t.Helper()
	// One second in place of the minute that DB9 waits for an idle client.
	sim, db := start(t, db9sim.Config{Rules: set(), Faults: faults, TimeScale: 1.0 / 60})
	db.Exec(t, "CREATE TABLE public.t (a int PRIMARY KEY); CREATE TABLE public.ledger (b int)")
	return loading{sim, db}
}

func (l loading) rows(t *testing.T) string {
	t.Helper()
	return l.db.QueryString(t, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM ledger)")
}

// settled is what the tables hold when no session is at work any more.
func (l loading) settled(t *testing.T) string {
	t.Helper()
	require.Eventually(t, func() bool { return l.others(t) == "0" }, 20*time.Second, 20*time.Millisecond)
	return l.rows(t)
}

func (l loading) others(t *testing.T) string {
	t.Helper()
	return l.db.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")
}

// batch loads three rows as pg2db9 does, and says where it ended.
func batch(ctx context.Context, conn *pgconn.PgConn) (tag string, err error) {
	if _, err = conn.Exec(ctx, "BEGIN").ReadAll(); err != nil {
		return "", err
	}
	if _, err = conn.CopyFrom(ctx, strings.NewReader("1\n2\n3\n"), "COPY public.t FROM STDIN"); err != nil {
		return "", err
	}
	if _, err = conn.Exec(ctx, "INSERT INTO public.ledger VALUES (1)").ReadAll(); err != nil {
		return "", err
	}
	results, err := conn.Exec(ctx, "COMMIT").ReadAll()
	if err != nil {
		return "", err
	}
	return results[0].CommandTag.String(), nil
}

// inTransaction are the points that a batch passes, with what is stored where
// it ends there.
var inTransaction = map[string]string{
	"statement": "0|0", "begin": "0|0", "copy-start": "0|0", "copy-data": "0|0", "copy-done": "0|0", "ledger": "0|0",
	"before-commit": "0|0", "after-commit": "3|1",
}

func TestFaultReset(t *testing.T) {
	t.Parallel()
	for name, set := range setups {
		for point, want := range inTransaction {
			t.Run(name+", "+point, func(t *testing.T) {
				t.Parallel()
				l := load(t, set, db9sim.Fault{Point: point, Action: "reset", Nth: 1})
				conn := connect(t, l.sim).PgConn()
				_, err := batch(t.Context(), conn)
				require.Equal(t, dial.Lost, dial.Classify(err), "%v", err)
				require.Equal(t, want, l.settled(t))
				require.Len(t, l.sim.Injected(), 1)
				require.Equal(t, point, l.sim.Injected()[0].Point)

				if want == "0|0" {
					tag, err := batch(t.Context(), connect(t, l.sim).PgConn())
					require.NoError(t, err)
					require.Equal(t, "COMMIT", tag)
				}
			})
		}
	}
}

func TestFaultError(t *testing.T) {
	t.Parallel()
	for name, set := range setups {
		for point, want := range inTransaction {
			for _, code := range []string{"40001", "40P01", "XX000"} {
				if name == "strict" && code != "40001" {
					continue // what differs is not the code
				}
				t.Run(name+", "+point+", "+code, func(t *testing.T) {
					t.Parallel()
					l := load(t, set, db9sim.Fault{Point: point, Action: code, Nth: 1})
					conn := connect(t, l.sim).PgConn()
					_, err := batch(t.Context(), conn)
					require.Equal(t, code, sqlState(err), "%v", err)
					switch point {
					case "statement", "begin", "before-commit", "after-commit":
						require.Equal(t, "I", string(conn.TxStatus()))
					default:
						require.Equal(t, "E", string(conn.TxStatus()))
						_, err = conn.Exec(t.Context(), "SELECT 1").ReadAll()
						require.Equal(t, "25P02", sqlState(err))
						_, err = conn.Exec(t.Context(), "ROLLBACK").ReadAll()
						require.NoError(t, err)
					}
					require.Equal(t, want, l.rows(t))
					if want == "0|0" { // the same on the same connection
						_, err = batch(t.Context(), conn)
						require.NoError(t, err)
						require.Equal(t, "3|1", l.rows(t))
					}
				})
			}
		}
	}
}

// 57014 leaves the next statement outside of a transaction where the rule says
// so, and 25P03 ends the connection.
func TestFaultTimeout(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ status, rows string }{"none": {"E", "0|0"}, "strict": {"I", "0|1"}} {
		t.Run("57014, "+name, func(t *testing.T) {
			t.Parallel()
			l := load(t, setups[name], db9sim.Fault{Point: "copy-done", Action: "57014", Nth: 1})
			conn := connect(t, l.sim).PgConn()
			_, err := batch(t.Context(), conn)
			require.Equal(t, "57014", sqlState(err))
			require.Equal(t, want.status, string(conn.TxStatus()))
			_, _ = conn.Exec(t.Context(), "INSERT INTO public.ledger VALUES (1)").ReadAll()
			_, _ = conn.Exec(t.Context(), "COMMIT").ReadAll()
			require.Equal(t, want.rows, l.rows(t))
		})
		for point := range inTransaction {
			if point == "after-commit" {
				continue
			}
			t.Run("25P03, "+name+", "+point, func(t *testing.T) {
				t.Parallel()
				l := load(t, setups[name], db9sim.Fault{Point: point, Action: "25P03", Nth: 1})
				conn := connect(t, l.sim).PgConn()
				_, err := batch(t.Context(), conn)
				require.Equal(t, "25P03", sqlState(err), "%v", err)
				require.Equal(t, "0|0", l.settled(t))
				_, err = conn.Exec(t.Context(), "SELECT 1").ReadAll()
				require.Error(t, err)
				require.True(t, conn.IsClosed())
			})
		}
	}
}

func TestFaultAtConnect(t *testing.T) {
	t.Parallel()
	l := load(t, db9sim.None,
		db9sim.Fault{Point: "connect", Action: "reset", Nth: 1},
		db9sim.Fault{Point: "connect", Action: "53300", Nth: 2})
	_, err := try(t, l.sim.URL())
	require.Equal(t, dial.Lost, dial.Classify(err), "%v", err)
	code, _ := try(t, l.sim.URL())
	require.Equal(t, "53300", code)
	_, err = try(t, l.sim.URL())
	require.NoError(t, err)
}

// A client in a black hole is told nothing, and its transaction is open until
// it has idled for too long.
func TestFaultBlackHole(t *testing.T) {
	t.Parallel()
	for name, set := range setups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := load(t, set, db9sim.Fault{Point: "before-commit", Action: "blackhole", Nth: 1})
			conn := connect(t, l.sim).PgConn()
			ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
			defer cancel()
			_, err := batch(ctx, conn)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, "1", l.others(t))
			require.Equal(t, "0|0", l.settled(t))
		})
	}
}

func TestFaultStall(t *testing.T) {
	t.Parallel()
	for name, set := range setups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const delay = 400 * time.Millisecond
			l := load(t, set, db9sim.Fault{Point: "copy-data", Action: "stall", Nth: 1, Delay: delay})
			conn := connect(t, l.sim).PgConn()
			begin := time.Now()
			_, err := batch(t.Context(), conn)
			require.NoError(t, err)
			require.GreaterOrEqual(t, time.Since(begin), delay)
			require.Equal(t, "3|1", l.rows(t))
		})
	}
}

// ends are the ways to say COMMIT.
var ends = map[string]func(context.Context, *pgconn.PgConn) (string, error){
	"simple": func(ctx context.Context, c *pgconn.PgConn) (string, error) {
		r, err := c.Exec(ctx, "COMMIT").ReadAll()
		if err != nil {
			return "", err
		}
		return r[0].CommandTag.String(), nil
	},
	"extended": func(ctx context.Context, c *pgconn.PgConn) (string, error) {
		r := c.ExecParams(ctx, "COMMIT", nil, nil, nil, nil).Read()
		return r.CommandTag.String(), r.Err
	},
}

// insert is a transaction up to its COMMIT.
func insert(t *testing.T, conn *pgconn.PgConn) {
	t.Helper()
	for _, sql := range []string{"BEGIN", "INSERT INTO public.t VALUES (1)"} {
		_, err := conn.Exec(t.Context(), sql).ReadAll()
		require.NoError(t, err)
	}
}

func TestFaultCommitLost(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := load(t, db9sim.None, db9sim.Fault{Point: "before-commit", Action: "commit-lost", Nth: 1})
			conn := connect(t, l.sim).PgConn()
			insert(t, conn)
			_, err := end(t.Context(), conn)
			require.Equal(t, dial.Lost, dial.Classify(err), "%v", err)
			require.Equal(t, "1|0", l.settled(t))
		})
	}
}

// The COMMIT lands after its client has gone: who looks too early sees nothing,
// and who writes the same waits for it.
func TestFaultCommitLate(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const delay = 2 * time.Second
			l := load(t, db9sim.Strict, db9sim.Fault{Point: "before-commit", Action: "commit-late", Nth: 1, Delay: delay})
			conn := connect(t, l.sim).PgConn()
			insert(t, conn)
			begin := time.Now()
			_, err := end(t.Context(), conn)
			require.Equal(t, dial.Lost, dial.Classify(err), "%v", err)
			require.Equal(t, "0|0", l.rows(t))
			require.Less(t, time.Since(begin), delay)

			_, err = l.db.Conn(t).Exec(t.Context(), "INSERT INTO public.t VALUES (1)")
			require.Equal(t, "23505", sqlState(err))
			require.GreaterOrEqual(t, time.Since(begin), delay)
			require.Equal(t, "1|0", l.rows(t))
		})
	}
}

// What was on its way when the client's connection broke still lands, and what
// the client would have sent after an answer does not.
func TestFaultCommitLateBehindACopy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, point string
		pipelined   bool
		want        string
	}{
		{"copy-done, pipelined", "copy-done", true, "3|1"},
		{"ledger, pipelined", "ledger", true, "3|1"},
		{"copy-done, awaited", "copy-done", false, "0|0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := load(t, db9sim.None, db9sim.Fault{Point: c.point, Action: "commit-late", Nth: 1, Delay: 500 * time.Millisecond})
			conn := connect(t, l.sim).PgConn()
			if !c.pipelined {
				_, err := batch(t.Context(), conn)
				require.Equal(t, dial.Lost, dial.Classify(err), "%v", err)
			} else {
				front := conn.Frontend()
				for _, m := range []pgproto3.FrontendMessage{
					&pgproto3.Query{String: "BEGIN"},
					&pgproto3.Query{String: "COPY public.t FROM STDIN"},
					&pgproto3.CopyData{Data: []byte("1\n2\n3\n")}, &pgproto3.CopyDone{},
					&pgproto3.Query{String: "INSERT INTO public.ledger VALUES (1)"},
					&pgproto3.Query{String: "COMMIT"},
				} {
					front.Send(m)
				}
				require.NoError(t, front.Flush())
				for {
					m, err := front.Receive()
					if err != nil {
						break
					}
					if done, ok := m.(*pgproto3.CommandComplete); ok {
						require.NotEqual(t, "COMMIT", string(done.CommandTag))
					}
				}
			}
			require.Equal(t, c.want, l.settled(t))
		})
	}
}

func TestFaultRollbackForCommit(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := load(t, db9sim.None, db9sim.Fault{Point: "before-commit", Action: "rollback-for-commit", Nth: 1})
			conn := connect(t, l.sim).PgConn()
			insert(t, conn)
			tag, err := end(t.Context(), conn)
			require.NoError(t, err)
			require.Equal(t, "ROLLBACK", tag)
			require.Equal(t, "I", string(conn.TxStatus()))
			require.Equal(t, "0|0", l.rows(t))
			insert(t, conn)
			tag, err = end(t.Context(), conn)
			require.NoError(t, err)
			require.Equal(t, "COMMIT", tag)
			require.Equal(t, "1|0", l.rows(t))
		})
	}
}

func TestFaultErrorInPlaceOfCommitExtended(t *testing.T) {
	t.Parallel()
	l := load(t, db9sim.None, db9sim.Fault{Point: "before-commit", Action: "40001", Nth: 1})
	conn := connect(t, l.sim).PgConn()
	insert(t, conn)
	_, err := ends["extended"](t.Context(), conn)
	require.Equal(t, "40001", sqlState(err))
	require.Equal(t, "I", string(conn.TxStatus()))
	require.Equal(t, "0|0", l.rows(t))
}

func TestFaultAfterBytesOfACopy(t *testing.T) {
	t.Parallel()
	l := load(t, db9sim.None, db9sim.Fault{Point: "copy-data", Action: "40001", After: 5000, Nth: 2})
	conn := connect(t, l.sim).PgConn()
	copyRows := func(from, n int) error {
		var rows strings.Builder
		for i := range n {
			fmt.Fprintf(&rows, "%d\n", from+i)
		}
		_, err := conn.CopyFrom(t.Context(), inPieces(rows.String(), 1000), "COPY public.t FROM STDIN")
		return err
	}
	require.NoError(t, copyRows(100_000, 100)) // 700 bytes do not count
	require.NoError(t, copyRows(200_000, 2000))
	require.NoError(t, copyRows(300_000, 100))
	require.Equal(t, "40001", sqlState(copyRows(400_000, 2000)))
	require.NoError(t, copyRows(500_000, 2000))
	require.Equal(t, "4200|0", l.rows(t))
}

// inPieces reads a text in pieces.
func inPieces(text string, size int) io.Reader {
	var parts []io.Reader
	for part := range slices.Chunk([]byte(text), size) {
		parts = append(parts, strings.NewReader(string(part)))
	}
	return io.MultiReader(parts...)
}

func TestFaultByTagAndTimes(t *testing.T) {
	t.Parallel()
	l := load(t, db9sim.None, db9sim.Fault{Point: "statement", Tag: "create table", Action: "40001", Nth: 2, Times: 2})
	conn := connect(t, l.sim)
	var codes []string
	for i := range 5 {
		_, err := conn.Exec(t.Context(), "SELECT 1")
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), fmt.Sprintf("CREATE TABLE t%d (a int)", i))
		codes = append(codes, sqlState(err))
	}
	require.Equal(t, []string{"", "40001", "40001", "", ""}, codes)
}

// For one seed a connection meets the same faults, whatever others do.
func TestFaultsOfASeed(t *testing.T) {
	t.Parallel()
	sim, _ := start(t, db9sim.Config{
		Rules: db9sim.None(), Seed: 7,
		Faults: []db9sim.Fault{{Point: "statement", Action: "40001", Probability: 0.3, Times: -1}},
	})
	again, _ := start(t, db9sim.Config{
		Rules: db9sim.None(), Seed: 7,
		Faults: []db9sim.Fault{{Point: "statement", Action: "40001", Probability: 0.3, Times: -1}},
	})
	other, _ := start(t, db9sim.Config{
		Rules: db9sim.None(), Seed: 8,
		Faults: []db9sim.Fault{{Point: "statement", Action: "40001", Probability: 0.3, Times: -1}},
	})
	hits := func(conn *pgx.Conn) string {
		var s strings.Builder
		for range 60 {
			_, err := conn.PgConn().Exec(t.Context(), "SELECT 1").ReadAll()
			s.WriteByte("-x"[min(1, len(sqlState(err)))])
		}
		return s.String()
	}
	first, second := connect(t, sim), connect(t, sim)
	a, b := hits(first), hits(second)
	second2 := func() *pgx.Conn { connect(t, again); return connect(t, again) }()
	require.Equal(t, b, hits(second2), "the first connection did nothing here")
	require.NotEqual(t, a, b)
	require.NotEqual(t, a, hits(connect(t, other)))
	n := strings.Count(a, "x")
	require.Greater(t, n, 5)
	require.Less(t, n, 35)
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	f, err := db9sim.ParseFault("before-commit:commit-late,nth=3,delay=5s")
	require.NoError(t, err)
	require.Equal(t, db9sim.Fault{Point: "before-commit", Action: "commit-late", Nth: 3, Delay: 5 * time.Second}, f)
	f, err = db9sim.ParseFault("statement:40001,tag=CREATE INDEX,p=0.1,times=-1")
	require.NoError(t, err)
	require.Equal(t, db9sim.Fault{Point: "statement", Action: "40001", Tag: "CREATE INDEX", Probability: 0.1, Times: -1}, f)
	f, err = db9sim.ParseFault("copy-data:reset,after=70000")
	require.NoError(t, err)
	require.Equal(t, db9sim.Fault{Point: "copy-data", Action: "reset", After: 70000, Nth: 1}, f)
	for _, bad := range []string{
		"", "connect", "nowhere:reset", "connect:explode", "connect:commit-lost", "copy-start:commit-late", "begin:rollback-for-commit",
		"connect:reset,nth=x", "connect:reset,p=2", "connect:reset,after=-1", "connect:reset,what=1", "connect:4000",
	} {
		_, err := db9sim.ParseFault(bad)
		require.ErrorContains(t, err, "POINT:ACTION", bad)
	}
	_, err = db9sim.Start(t.Context(), db9sim.Config{Backend: "postgres://x", Faults: []db9sim.Fault{{Point: "connect", Action: "reset"}}})
	require.ErrorContains(t, err, "never strikes")
}

// Faults are of the connection below TLS, at the far end of a link.
func TestFaultsBelowTLS(t *testing.T) {
	t.Parallel()
	for action, check := range map[string]func(*testing.T, error){
		"reset": func(t *testing.T, err error) {
			t.Helper()
			require.Equal(t, dial.Lost, dial.Classify(err), "%v", err)
			require.NotErrorIs(t, err, context.DeadlineExceeded)
		},
		"blackhole": func(t *testing.T, err error) { t.Helper(); require.ErrorIs(t, err, context.DeadlineExceeded) },
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			sim, db := start(t, db9sim.Config{
				Rules: db9sim.None(), TLS: db9sim.TLSRequired, Link: db9sim.LinkConfig{Delay: 10 * time.Millisecond, Rate: 1 << 20},
				Faults: []db9sim.Fault{{Point: "after-commit", Action: action, Nth: 1}},
			})
			db.Exec(t, "CREATE TABLE public.t (a int PRIMARY KEY); CREATE TABLE public.ledger (b int)")
			conn := connect(t, sim).PgConn()
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			_, err := batch(ctx, conn)
			check(t, err)
			require.Equal(t, "3|1", loading{sim, db}.rows(t))
		})
	}
}
