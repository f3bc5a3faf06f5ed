package copier

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// C4: a target that commits a COPY every 5,000 rows, row by row, or as one: the
// end is the same in all three, with a connection that breaks in the middle.
func TestC4CommitsOfEveryKind(t *testing.T) {
	t.Parallel()
	for name, deny := range map[string][]string{"every 5,000 rows": {"copy-rotation"}, "by row": {"copy-rotation", "copy-by-row"}, "as one": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := db9sim.None()
			require.NoError(t, rules.Deny(deny...))
			p := newPair(t)
			p.profile = ddlgen.DB9()
			p.both(t, "CREATE TABLE public.t (id bigint, v text)")
			p.source.Exec(t, "INSERT INTO public.t SELECT n % 9000, 'row ' || n FROM generate_series(1, 12000) n")
			sim := standIn(t, p.target, db9sim.Config{Rules: rules, Faults: []db9sim.Fault{{Point: "copy-done", Action: "reset", Nth: 2}}})
			params := p.params(t, transfer("t", "id", "v"))
			params.Target = parse(t, dial.Target, sim.URL())
			res, err := Copy(soon(t), params)
			complete(t, res, err)
			require.Len(t, sim.Injected(), 1)
			p.same(t, "t")
		})
	}
}

// C16: what the target refuses in a stream is tied to the part and the row.
func TestC16RefusedRowIsNamed(t *testing.T) {
	t.Parallel()
	everyBatching(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.source.Exec(t, "CREATE TABLE public.t (n bigint); CREATE TABLE public.c (n bigint)")
		p.target.Exec(t, "CREATE TABLE public.t (n bigint); CREATE TABLE public.c (n bigint CHECK (n <> 700))")
		p.source.Exec(t, "INSERT INTO public.t VALUES (1), (2); INSERT INTO public.c SELECT generate_series(1, 1000)")
		malformed := transfer("t", "n")
		malformed.Columns[0].Select = "n, n" // a field too many
		malformed.Columns[0].Computed = true
		res, err := Copy(soon(t), p.params(t, malformed, transfer("c", "n")))
		require.Error(t, err)
		require.Equal(t, "22P04", dial.SQLState(res.Tables[0].Err), "%v", res.Tables[0].Err)
		require.ErrorContains(t, res.Tables[0].Err, "writing public.t on the target, row 0 of whole")
		require.ErrorContains(t, res.Tables[1].Err, "writing public.c on the target, row 699 of whole")
	})
}

// C27: at round trips of 0, 50 and 200 ms what the round trips cost is bounded:
// many small tables over one connection take a few, not a few each.
func TestC27RoundTrips(t *testing.T) {
	t.Parallel()
	const tables = 60
	var near time.Duration
	for _, rtt := range []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond} {
		p := newPair(t)
		var transfers []ddlgen.Transfer
		for i := range tables {
			name := fmt.Sprintf("t%d", i)
			p.both(t, fmt.Sprintf("CREATE TABLE public.%s (n bigint)", name))
			p.source.Exec(t, fmt.Sprintf("INSERT INTO public.%s SELECT generate_series(1, %d)", name, i))
			transfers = append(transfers, transfer(name, "n"))
		}
		sim := standIn(t, p.target, db9sim.Config{Rules: db9sim.None(), Link: db9sim.LinkConfig{Delay: rtt / 2}})
		params := p.params(t, transfers...)
		params.Jobs = 1
		params.Target = parse(t, dial.Target, sim.URL())
		started := time.Now()
		res, err := Copy(soon(t), params)
		complete(t, res, err)
		took := time.Since(started)
		if rtt == 0 {
			near = took
			continue
		}
		require.Less(t, took-near, tables*rtt, "less than one round trip a table")
	}
}
