package copier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// chaosRuns is how many seeds TestChaos tries: a few in every run of the suite,
// as many as CHAOS_RUNS says in `make chaos-copier`. CHAOS_SEED is the first of them.
func chaosRuns(t *testing.T) (first uint64, runs int) {
	t.Helper()
	number := func(name string, otherwise int) int {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		require.NoError(t, err, name)
		return n
	}
	return uint64(number("CHAOS_SEED", 1)), number("CHAOS_RUNS", 8)
}

// mischief is what goes wrong once in a run, at a place that the seed picks.
var mischief = []db9sim.Fault{
	{Point: "before-commit", Action: "commit-lost"},
	{Point: "before-commit", Action: "commit-late"},
	{Point: "ledger", Action: "commit-late"},
	{Point: "copy-done", Action: "commit-late"},
	{Point: "before-commit", Action: "rollback-for-commit"},
	{Point: "before-commit", Action: "reset"},
	{Point: "after-commit", Action: "reset"},
	{Point: "connect", Action: "reset"},
	{Point: "begin", Action: "reset"},
	{Point: "copy-start", Action: "reset"},
	{Point: "copy-data", Action: "reset", After: 700},
	{Point: "copy-done", Action: "reset"},
	{Point: "ledger", Action: "reset"},
	{Point: "statement", Action: "reset", Tag: "UPDATE"},
	{Point: "statement", Action: "57014", Tag: "UPDATE"},
	{Point: "copy-done", Action: "57014"},
	{Point: "ledger", Action: "57014"},
	{Point: "begin", Action: "40001"},
	{Point: "copy-done", Action: "40001"},
	{Point: "ledger", Action: "40001"},
	{Point: "before-commit", Action: "40001"},
	{Point: "copy-done", Action: "40P01"},
	{Point: "copy-data", Action: "25P03", After: 700},
	{Point: "before-commit", Action: "XX000"},
	{Point: "ledger", Action: "stall"},
}

// One fault in a run, of every kind and at a place that the seed picks, on a
// table with a key and on one without: never a lost or a doubled row, and the
// run ends whole, or partial with the parts named (C1, C2, C4, invariant 4).
func TestChaos(t *testing.T) {
	t.Parallel()
	first, runs := chaosRuns(t)
	for seed := first; seed < first+uint64(runs); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { t.Parallel(); chaos(t, seed) })
	}
}

func chaos(t *testing.T, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 17))
	fault := mischief[seed%uint64(len(mischief))]
	fault.Nth = 1 + random.IntN(24)
	fault.Delay = time.Duration(100+random.IntN(900)) * time.Millisecond
	p := newPair(t)
	p.profile = ddlgen.DB9()
	p.profile.BatchRows, p.profile.BatchBytes = int64(30+random.IntN(150)), 1<<20
	rules, strict := db9sim.Strict(), true
	if random.IntN(2) == 0 { // a server that keeps order and refuses after errors, as the probe wants it for a window
		p.profile.Await, p.profile.Window = false, 1+random.IntN(6)
		rules, strict = db9sim.None(), false
	}
	p.both(t, "CREATE TABLE public.keyed (id bigint PRIMARY KEY, v text); CREATE TABLE public.loose (id bigint, v text)")
	p.source.Exec(t, `INSERT INTO public.keyed SELECT n, 'row ' || n FROM generate_series(1, 1000) n;
		INSERT INTO public.loose SELECT n % 7, 'row ' || n % 3 FROM generate_series(1, 1000) n`)
	sim := standIn(t, p.target, db9sim.Config{Rules: rules, Seed: seed, Faults: []db9sim.Fault{fault}})
	params := p.params(t, transfer("keyed", "id", "v"), transfer("loose", "id", "v"))
	params.Target = parse(t, dial.Target, sim.URL())
	params.Patience = 10 * time.Second
	params.answerWait = 3 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	res, err := Copy(ctx, params)
	what := fmt.Sprintf("fault %+v, batches of %d rows, await %v, window %d, strict %v, injected %v, error %v",
		fault, p.profile.BatchRows, p.profile.Await, p.profile.Window, strict, sim.Injected(), err)
	if err != nil {
		var partial *PartialError
		require.ErrorAs(t, err, &partial, what)
		require.NotEmpty(t, partial.Failed, what)
		require.NotErrorIs(t, err, context.DeadlineExceeded, what)
		require.NotErrorIs(t, err, errProtocol, what)
	}
	for i, table := range []string{"keyed", "loose"} {
		if res.Tables[i].Err == nil {
			require.Equal(t, fingerprint(t, p.source, table), fingerprint(t, p.target, table), what)
		}
		// Done or not: the ledger says exactly what is there.
		require.Equal(t, p.target.QueryString(t, "SELECT count(*) FROM public."+table),
			p.target.QueryString(t, "SELECT coalesce(sum(last - first), 0) FROM _pg2db9.span s JOIN _pg2db9.part p USING (run, part) WHERE target_name = '"+table+"'"), what)
	}
	if len(sim.Injected()) > 0 && testing.Verbose() {
		retried := 0
		for _, e := range p.events.events {
			if _, ok := e.(event.PartRetry); ok {
				retried++
			}
		}
		t.Logf("%s: %d parts tried again", what, retried)
	}
}
