package copier

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// impatient is a pace to which every part is far slower than the others were.
func impatient() *speeds {
	p := newSpeeds()
	p.short = 0
	for range 1001 {
		p.ended = append(p.ended, 1e-15)
	}
	return p
}

// ofLedger are the parts of a run as the ledger tells of them.
func ofLedger(t *testing.T, l *ledger) (parts []Part) {
	t.Helper()
	conn, err := l.connected(t.Context())
	require.NoError(t, err)
	rows, err := l.recorded(t.Context(), conn)
	require.NoError(t, err)
	for _, r := range rows {
		parts = append(parts, r.part)
	}
	return parts
}

// recorded are the parts of a run as its ledger tells of them, checked: they hold
// every row of the source's tables once.
func recorded(t *testing.T, p *pair, run string) []Part {
	t.Helper()
	l := newLedger(parse(t, dial.Target, p.target.URL), ControlSettings(p.profile), run)
	defer l.close(t.Context())
	parts := ofLedger(t, l)
	byRelation := map[catalog.Name][]Part{}
	for _, part := range parts {
		byRelation[part.Relation] = append(byRelation[part.Relation], part)
	}
	conn := p.source.Conn(t)
	for relation, parts := range byRelation {
		requireOnce(t.Context(), t, conn, relation.String(), parts)
	}
	return parts
}

// Parts that nobody has begun are cut further when parts of their relation turn
// out slow; the ledger tells of the new parts before any is begun, the rows are
// there once, and the run's account adds up. Also when answers are lost meanwhile.
func TestT7SlowPartsAreCutFurther(t *testing.T) {
	t.Parallel()
	for _, by := range []SplitBy{SplitBlocks, SplitKeys} {
		t.Run(string(by), func(t *testing.T) {
			t.Parallel()
			everyBatching(t, func(t *testing.T, p *pair) {
				t.Helper()
				p.both(t, "CREATE TABLE public.t (id integer, filler text, PRIMARY KEY (id, filler))")
				p.source.Exec(t, "INSERT INTO public.t SELECT n / 2, repeat('x', 300) || n FROM generate_series(1, 3000) n")
				params := p.params(t, transfer("t", "id", "filler"))
				params.Split = Split{By: by, largest: 200_000, smallest: 1000}
				params.speeds = impatient()
				planned, err := PlanParts(t.Context(), params.Snapshot.Conn(), params.Plan, p.profile, 2, params.Split)
				require.NoError(t, err)
				lost := 0
				ledger := p.target.Conn(t)
				params.faults = &faults{at: func(ctx context.Context, at point, b *batch) error {
					if at != pointCommitSent {
						return nil
					}
					var known int
					if err := ledger.QueryRow(ctx, "SELECT count(*) FROM _pg2db9.part WHERE part = $1", b.part.ID).Scan(&known); err != nil || known != 1 {
						return fmt.Errorf("part %d is begun and %d times in the ledger: %w", b.part.ID, known, err)
					}
					if lost == 2 {
						return nil
					}
					lost++
					_, _ = b.to.answer(context.Background())
					return context.DeadlineExceeded
				}}
				params.Jobs = 1 // one after the other, so that some wait when the first has ended
				params.Progress = &event.Progress{}
				res, err := Copy(soon(t), params)
				complete(t, res, err)
				p.same(t, "t")
				require.Equal(t, "3000", p.target.QueryString(t, "SELECT count(*) FROM public.t"))
				require.Greater(t, len(planned), 3)
				require.Greater(t, res.Tables[0].Parts, 2*len(planned))
				parts := recorded(t, p, params.Run)
				require.Len(t, parts, res.Tables[0].Parts)
				shown := params.Progress.Snapshot()
				require.Equal(t, []int{len(parts), len(parts)}, []int{shown.DoneParts, shown.TotalParts})
				require.Equal(t, shown.TotalBytes, shown.DoneBytes)
			})
		})
	}
}

// A ledger that does not take the new parts has none of them, and the run ends:
// it says so, and what was begun is counted as it is.
func TestCutFurtherIsAllOrNothing(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.both(t, "CREATE TABLE public.t (id integer PRIMARY KEY, filler text)")
	p.source.Exec(t, "INSERT INTO public.t SELECT n, repeat('x', 300) FROM generate_series(1, 3000) n")
	params := p.params(t, transfer("t", "id", "filler"))
	params.Split, params.speeds, params.Jobs = Split{largest: 200_000, smallest: 1000}, impatient(), 1
	planned, err := PlanParts(t.Context(), params.Snapshot.Conn(), params.Plan, p.profile, 1, params.Split)
	require.NoError(t, err)
	params.faults = &faults{beforeParts: func() {
		p.target.Exec(t, fmt.Sprintf("ALTER TABLE _pg2db9.part ADD CONSTRAINT no_more CHECK (part < %d)", len(planned)+3))
	}}
	res, err := Copy(soon(t), params)
	var partial *PartialError
	require.ErrorAs(t, err, &partial)
	require.Equal(t, "23514", dial.SQLState(err))
	require.ErrorContains(t, err, "cutting parts that were not begun")
	require.Equal(t, 1, res.Tables[0].PartsDone)
	parts := recorded(t, p, params.Run)
	require.Len(t, parts, len(planned))
	for i, part := range parts {
		require.Equal(t, planned[i].Range(), part.Range())
	}
}

// The ledger takes a cut once, however often it is told of it after a lost
// answer; not of a part that has rows or another owner.
func TestLedgerTakesACutOnce(t *testing.T) {
	t.Parallel()
	c := newLedgerCase(t, nil)
	old := Part{ID: 1, Target: catalog.Name{Schema: "public", Name: "t"}, Relation: catalog.Name{Schema: "public", Name: "t"}}
	narrowed, added := old, old
	narrowed.Keys = &KeyRange{Columns: []string{"a", "b"}, Upper: []string{"1", `"ä\`}}
	added.ID, added.Keys = 2, &KeyRange{Columns: []string{"a", "b"}, Lower: []string{"1", `"ä\`}}
	cut := func(epoch int64) error {
		return c.ledger.recut(t.Context(), []Part{narrowed}, []claim{{run: "run", part: 1, epoch: epoch}}, []Part{added}, "now")
	}
	require.ErrorIs(t, cut(firstEpoch+1), errPartTaken)
	parts := ofLedger(t, c.ledger)
	require.Len(t, parts, 1)
	require.Nil(t, parts[0].Keys)
	for range 2 {
		require.NoError(t, cut(firstEpoch))
		parts = ofLedger(t, c.ledger)
		require.Len(t, parts, 2)
		require.Equal(t, narrowed.Keys, parts[0].Keys)
		require.Equal(t, added.Keys, parts[1].Keys)
	}
	require.NoError(t, c.writer(t).batch(t.Context(), 0, 5))
	narrowed.Keys = nil
	require.ErrorIs(t, cut(firstEpoch), errPartTaken)
	parts = ofLedger(t, c.ledger)
	require.NotNil(t, parts[0].Keys)
}

// Whoever takes a run over has all parts, also those that the owner before cut
// while it was being fenced off: none of them stays behind with its old epoch.
func TestFencingSeesPartsCutMeanwhile(t *testing.T) {
	t.Parallel()
	c := newLedgerCase(t, nil)
	n := catalog.Name{Schema: "public", Name: "t"}
	second := Part{ID: 2, Target: n, Relation: n, Blocks: true, First: 10, End: 20}
	c.db.Exec(t, c.ledger.partRows([]Part{second}, "now"))
	survivor := c.writer(t)
	require.NoError(t, survivor.rows(t.Context(), 0, 5)) // holds part 1's row
	taker := newLedger(c.ledger.target, c.ledger.settings, "run")
	defer taker.close(t.Context())
	type outcome struct {
		parts []recordedPart
		err   error
	}
	fenced := make(chan outcome, 1)
	go func() {
		parts, err := taker.fenceAll(t.Context())
		fenced <- outcome{parts, err}
	}()
	require.Eventually(t, func() bool {
		return c.db.QueryString(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == "1"
	}, 30*time.Second, 5*time.Millisecond)
	narrowed, added := second, second
	narrowed.End, added.ID, added.First = 15, 3, 15
	old := []claim{{run: "run", part: 2, epoch: firstEpoch}}
	require.NoError(t, c.ledger.recut(t.Context(), []Part{narrowed}, old, []Part{added}, "now"))
	require.NoError(t, survivor.exec(t.Context(), "ROLLBACK"))
	got := <-fenced
	require.NoError(t, got.err)
	var held []string
	for _, r := range got.parts {
		held = append(held, fmt.Sprint(r.part.ID, " ", r.part.Range(), ", epoch ", r.epoch > firstEpoch))
	}
	require.Equal(t, []string{"1 whole, epoch true", "2 blocks 10-14, epoch true", "3 blocks 15-19, epoch true"}, held)
	require.ErrorIs(t, c.ledger.recut(t.Context(), []Part{second}, old, nil, "now"), errPartTaken)
}

// modelRun is a queue without servers, of a relation in equal parts and of others
// that are small.
func modelRun(jobs int, large int64, small ...int64) *queue {
	plan := &ddlgen.Plan{}
	var sizes []relationSize
	for i, bytes := range append([]int64{large}, small...) {
		n := catalog.Name{Schema: "s", Name: fmt.Sprint(i)}
		plan.Transfers = append(plan.Transfers, ddlgen.Transfer{Target: n, Relations: []catalog.Name{n}})
		sizes = append(sizes, relationSize{Kind: "r", Method: "heap", Heap: bytes, Block: 8192})
	}
	c := &copyRun{Params: Params{Jobs: jobs}, speeds: newSpeeds(), open: make([]int, len(sizes))}
	for _, p := range cutParts(plan, sizes, newCut(sizes, 0, jobs, 15, Split{}), nil) {
		c.parts = append(c.parts, &partState{part: p})
	}
	q := newQueue(c, c.parts)
	q.record = func(context.Context, []Part, []claim, []Part) error { return nil }
	return q
}

// Jobs that are not equally fast end together: one table beside small ones, or
// alone, takes at most 1.05 times what its bytes take in equal tables (C30).
func TestC30JobsEndTogether(t *testing.T) {
	t.Parallel()
	small := make([]int64, 200)
	for i := range small {
		small[i] = 1 << 20
	}
	for _, speeds := range [][]float64{{1, 1}, {1, 0.7}, {1, 0.45}, {1, 0.9, 0.8, 0.7}} {
		for name, q := range map[string]*queue{"alone": modelRun(len(speeds), 5<<30), "beside small ones": modelRun(len(speeds), 5<<30, small...)} {
			var bytes, speed float64
			for _, s := range q.run.parts {
				bytes += float64(s.part.Bytes)
			}
			ends := make([]float64, len(speeds))
			for done := 0.0; done < bytes; {
				next := 0
				for j := range ends {
					if ends[j] < ends[next] {
						next = j
					}
				}
				s := q.next(t.Context())
				require.NotNil(t, s)
				done += float64(s.part.Bytes)
				ends[next] += float64(s.part.Bytes) / speeds[next]
			}
			require.Nil(t, q.next(t.Context()))
			for _, s := range speeds {
				speed += s
			}
			require.LessOrEqual(t, slices.Max(ends), 1.05*bytes/speed, "%s at %v, %d parts", name, speeds, len(q.run.parts))
			require.Less(t, len(q.run.parts), 200+80, "many parts cost more than they save")
		}
	}
}

// Parts of a broken table are not begun; a stopped run begins none.
func TestQueueLeavesBrokenTables(t *testing.T) {
	t.Parallel()
	q := modelRun(2, 1<<30, 1<<20, 1<<20)
	q.run.broken = map[catalog.Name]error{{Schema: "s", Name: "0"}: errors.New("broken")}
	require.Equal(t, "1", q.next(t.Context()).part.Target.Name)
	stop := make(chan struct{})
	close(stop)
	q.run.Stop = stop
	require.Nil(t, q.next(t.Context()))
}

// A relation is slow by its parts that ended, and by one that runs: by its time,
// or by its rate when others tell how many bytes a part sends.
func TestPaceNamesWhatIsSlow(t *testing.T) {
	t.Parallel()
	name := func(n string) catalog.Name { return catalog.Name{Schema: "s", Name: n} }
	part := func(n string) Part { return Part{Relation: name(n), Bytes: 100 << 20, cuts: &cuts{}} }
	p := newSpeeds()
	p.took(part("usual"), 1, 10*time.Second)
	p.took(part("usual"), 1, 11*time.Second)
	require.Empty(t, p.slow(time.Now()), "two parts have no median")
	p.took(Part{Relation: name("whole"), Bytes: 1}, 1, time.Hour)
	p.took(part("usual"), 1, 12*time.Second)
	p.took(part("a little"), 1, 20*time.Second)
	p.took(part("slow"), 50<<20, 40*time.Second)
	require.Equal(t, map[catalog.Name]float64{name("slow"): 40.0 / 12}, p.slow(time.Now()))

	meters := &event.Progress{}
	now := time.Now()
	running := func(n string, started time.Duration, sent int64) *partState {
		s := &partState{part: part(n), started: now.Add(-started), meter: meters.Start(event.Part{ID: started.Milliseconds()})}
		s.meter.Add(1, sent)
		p.begin(s)
		return s
	}
	running("long", 30*time.Second, 0)
	last := running("slow", 12*time.Second, 10<<20) // a fifth of what its like sent: 60 s in all
	running("young", 20*time.Second, 0)
	require.Equal(t, map[catalog.Name]float64{name("slow"): 5, name("long"): 2.5}, p.slow(now))
	p.end(last, false)
	require.Equal(t, map[catalog.Name]float64{name("slow"): 40.0 / 12, name("long"): 2.5}, p.slow(now))

	quick := newSpeeds()
	for range 9 {
		quick.took(part("usual"), 1, time.Millisecond)
	}
	quick.took(part("slow"), 1, 900*time.Millisecond)
	require.Empty(t, quick.slow(now), "parts of less than a second are not worth a cut")
}

// A session ends while it executes the last COMMIT of all: its part is copied again
// by the worker that was about to leave (T7).
func TestLastCommitIsLost(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.profile.Window, p.profile.BatchRows, p.profile.BatchBytes = 5, 70, 20_000
	p.both(t, "CREATE TABLE public.t (id integer)")
	p.source.Exec(t, "INSERT INTO public.t SELECT generate_series(1, 100)")
	p.target.Exec(t, `CREATE FUNCTION public.held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END';
		CREATE CONSTRAINT TRIGGER held AFTER INSERT ON public.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id = 100) EXECUTE FUNCTION public.held();
		ALTER TABLE public.t ENABLE ALWAYS TRIGGER held`)
	holder := p.target.Conn(t)
	_, err := holder.Exec(t.Context(), "SELECT pg_advisory_lock(4711)")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() {
		var err error
		for ok := false; err == nil && !ok; {
			err = holder.QueryRow(t.Context(), `SELECT count(*) = 1 FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event = 'advisory' AND query LIKE '%COMMIT%') x`).Scan(&ok)
		}
		if err == nil {
			_, err = holder.Exec(t.Context(), "SELECT pg_advisory_unlock(4711)")
		}
		ended <- err
	}()
	params := p.params(t, transfer("t", "id"))
	params.Jobs = 1
	res, err := Copy(soon(t), params)
	require.NoError(t, <-ended)
	complete(t, res, err)
	p.same(t, "t")
}

// The last COMMIT of a part is lost, and the source has no connection to read it
// again, while the other worker waits for its own last answer: the part goes back to
// a queue that both have found empty, and is copied by whoever has a place.
func TestLastCommitIsLostWithItsPlace(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.profile.Window, p.profile.BatchRows, p.profile.BatchBytes = 5, 70, 20_000
	p.both(t, "CREATE TABLE public.a (id integer); CREATE TABLE public.b (id integer)")
	p.source.Exec(t, "INSERT INTO public.a SELECT generate_series(1, 100); INSERT INTO public.b SELECT generate_series(1, 100)")
	p.target.Exec(t, "CREATE FUNCTION public.held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(TG_ARGV[0]::integer); RETURN NULL; END'")
	for i, table := range []string{"a", "b"} {
		p.target.Exec(t, fmt.Sprintf(`CREATE CONSTRAINT TRIGGER held AFTER INSERT ON public.%[1]s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id = 100) EXECUTE FUNCTION public.held(%[2]d);
			ALTER TABLE public.%[1]s ENABLE ALWAYS TRIGGER held`, table, i+1))
	}
	params := p.params(t, transfer("a", "id"), transfer("b", "id"))
	few := limited(t, p.source, -1)
	params.Snapshot.Close(t.Context())
	params.Source = parse(t, dial.Source, few)
	params.Snapshot = p.openAs(t, params.Source)
	role, err := url.Parse(few)
	require.NoError(t, err)
	limit := func() {
		name := role.User.Username()
		p.source.Exec(t, fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %s", name, p.source.QueryString(t, "SELECT count(*) - 1 FROM pg_stat_activity WHERE usename = '"+name+"'")))
	}
	told := newNotes("a server has no connection for another job", 1)
	params.Bus = event.NewBus(p.events, told)
	holder := p.target.Conn(t)
	_, err = holder.Exec(t.Context(), "SELECT pg_advisory_lock(1), pg_advisory_lock(2)")
	require.NoError(t, err)
	const waits = "FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
	struck := inBackground(func() error {
		ctx := soon(t)
		var err error
		for n := 0; err == nil && n < 2; {
			err = holder.QueryRow(ctx, "SELECT count(*) "+waits).Scan(&n)
		}
		if err == nil {
			limit() // as many as there are without the one that ends now
			_, err = holder.Exec(ctx, "SELECT pg_terminate_backend(pid) "+waits+" AND objid = 1")
		}
		if err == nil {
			err = told.wait(ctx, "", nil)
		}
		_, unlocked := holder.Exec(t.Context(), "SELECT pg_advisory_unlock_all()")
		return errors.Join(err, unlocked)
	})
	res, err := Copy(soon(t), params)
	require.NoError(t, struck())
	complete(t, res, err)
	p.same(t, "a", "b")
}

// A round is over when no worker copies and no part waits, and when all workers
// have ended, whatever waits.
func TestRoundEnds(t *testing.T) {
	t.Parallel()
	over := func(r *round) bool { return isClosed(r.over) }
	idle := false
	start := func() *round {
		return &round{working: 2, workers: 2, over: make(chan struct{}), idle: func() bool { return idle }}
	}
	r := start()
	r.leave()
	r.leave()
	require.False(t, over(r), "a part waits")
	require.True(t, r.join())
	idle = true
	require.False(t, over(r))
	r.leave()
	require.True(t, over(r))
	require.False(t, r.join(), "it is over")
	r.end()
	r.end()

	idle = false
	r = start()
	r.leave()
	r.end()
	require.False(t, over(r), "one has not ended")
	r.end()
	require.True(t, over(r), "none is left that could copy what waits, though one never left")
}
