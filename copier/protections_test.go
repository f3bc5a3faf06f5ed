package copier

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// Each of these takes one protection away and shows what the strict stand-in
// then does to a copy. docs/db9sim.md lists them with those of the ledger
// (exactly_once_test.go) and of the definitions (internal/cli).

// simulated is a pair whose target is behind a strict stand-in.
func simulated(t *testing.T, cfg db9sim.Config) (*pair, Params, *db9sim.Sim) {
	t.Helper()
	p := newPair(t)
	p.profile = ddlgen.DB9()
	p.profile.BatchRows = 100
	p.both(t, "CREATE TABLE public.t (id bigint, v text)")
	p.source.Exec(t, "INSERT INTO public.t SELECT n, 'row ' || n FROM generate_series(1, 1000) n")
	sim := standIn(t, p.target, cfg)
	params := p.params(t, transfer("t", "id", "v"))
	params.Target = parse(t, dial.Target, sim.URL())
	return p, params, sim
}

// Without a look at the tags a COMMIT that was answered ROLLBACK loses its rows.
func TestProtectionOfTags(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		t.Run(position(without), func(t *testing.T) {
			t.Parallel()
			p, params, sim := simulated(t, db9sim.Config{Faults: []db9sim.Fault{{Point: "before-commit", Action: "rollback-for-commit", Nth: 5}}})
			// One batch, the last, whose absence no other would notice: the COMMIT after those
			// of two sessions that are set up, of the ledger's tables and of the run.
			params.Profile.BatchRows = 5000
			params.faults = &faults{believeAcks: true, trustTags: without} // the ledger, asked once more, would find it too
			res, err := Copy(soon(t), params)
			require.NoError(t, err)
			require.Len(t, sim.Injected(), 1)
			require.NoError(t, res.Tables[0].Err)
			lost := fingerprint(t, p.source, "t") != fingerprint(t, p.target, "t")
			require.Equal(t, without, lost, "rows are lost without the protection, and only then")
		})
	}
}

// Without a look at the bytes invalid UTF-8 arrives as something else (V16).
func TestProtectionOfUTF8(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		t.Run(position(without), func(t *testing.T) {
			t.Parallel()
			p, params, _ := simulated(t, db9sim.Config{})
			p.source = pgtest.Server(t).Database(t, pgtest.DBOptions{Encoding: "SQL_ASCII"})
			p.source.Exec(t, `CREATE TABLE public.t (id bigint, v text); INSERT INTO public.t VALUES (1, 'good'), (2, E'caf\351')`)
			// From now on the server takes its own bytes for UTF-8, and does not look.
			p.source.Exec(t, "UPDATE pg_database SET encoding = pg_char_to_encoding('UTF8') WHERE datname = current_database()")
			params.Source = parse(t, dial.Source, p.source.URL)
			params.Snapshot = p.open(t)
			params.faults = &faults{anyBytes: without}
			res, err := Copy(soon(t), params)
			if !without {
				require.ErrorContains(t, err, "not UTF-8")
				require.ErrorContains(t, res.Tables[0].Err, "row 1 of ")
				require.Equal(t, "0", p.target.QueryString(t, "SELECT count(*) FROM public.t"))
				return
			}
			require.NoError(t, err)
			require.Equal(t, "caf\uFFFD", p.target.QueryString(t, "SELECT v FROM public.t WHERE id = 2"), "another text, and no error")
		})
	}
}

// Without a bound a transaction lasts longer than the target lets it, again and
// again.
func TestProtectionOfBatchBound(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		t.Run(position(without), func(t *testing.T) {
			t.Parallel()
			p, params, _ := simulated(t, slowStandIn())
			p.source.Exec(t, "INSERT INTO public.t SELECT n, repeat('x', 1000) FROM generate_series(1, 4000) n")
			params.Snapshot = p.open(t)
			if without {
				params.Profile.BatchRows, params.Profile.BatchBytes = 0, 0
				params.Patience = time.Second
			}
			_, err := Copy(soon(t), params)
			if !without {
				require.NoError(t, err)
				p.same(t, "t")
				return
			}
			requireCutOff(t, err)
		})
	}
}

// Without reading the timeouts back a copy begins that cannot end.
func TestProtectionOfTimeoutsReadBack(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		t.Run(position(without), func(t *testing.T) {
			t.Parallel()
			p, params, _ := simulated(t, slowStandIn())
			p.source.Exec(t, "INSERT INTO public.t SELECT n, repeat('x', 1000) FROM generate_series(1, 4000) n")
			params.Snapshot = p.open(t)
			// The profile takes it that timeouts can be lifted; the target keeps them.
			params.Profile.StatementLimit, params.Profile.IdleLimit = 0, 0
			params.Profile.BatchRows, params.Profile.BatchBytes = 0, 0
			params.Patience = time.Second
			params.faults = &faults{anyTimeout: without}
			_, err := Copy(soon(t), params)
			require.Error(t, err)
			if !without {
				require.ErrorContains(t, err, "statement_timeout")
				require.Equal(t, "0", p.target.QueryString(t, "SELECT count(*) FROM pg_namespace WHERE nspname = '_pg2db9'"), "nothing was written")
				return
			}
			requireCutOff(t, err)
			require.Equal(t, "1", p.target.QueryString(t, "SELECT count(*) FROM _pg2db9.run"), "it had begun")
		})
	}
}

// slowStandIn is a stand-in that ends statements after 1.2 s, over a link of 1 MB/s.
func slowStandIn() db9sim.Config {
	return db9sim.Config{TimeScale: 0.02, Link: db9sim.LinkConfig{Rate: 1_000_000}}
}

// requireCutOff wants the error of a timeout: of the statement, or of a
// transaction that waits for more of a COPY, which ends the connection.
func requireCutOff(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.True(t, dial.SQLState(err) == "57014" || dial.Classify(err) == dial.Lost, "%v", err)
}

func position(without bool) string {
	return strings.TrimSuffix("without", map[bool]string{false: "out"}[without])
}
