package copier

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// These tests prove the clauses of design invariant 4, each in a scenario that
// is run twice: with the ledger's statements as they are, where no row may be
// lost or doubled, and with the clause taken out, where the damage must show.
// A clause whose absence does no damage here would be a clause not tested.

// ledgerCase is a target with a ledger, one part and a table of rows to write.
type ledgerCase struct {
	db     *pgtest.DB // itself
	url    string     // what writers connect to: it, or a stand-in before it
	claim  claim
	text   batchText
	ledger *ledger
}

func newLedgerCase(t *testing.T, edit func(text *batchText, schema *string)) *ledgerCase {
	t.Helper()
	db := pgtest.Server(t).Database(t)
	return newLedgerCaseAt(t, db, db.URL, edit)
}

func newLedgerCaseAt(t *testing.T, db *pgtest.DB, url string, edit func(text *batchText, schema *string)) *ledgerCase {
	t.Helper()
	c := &ledgerCase{db: db, url: url, text: *ledgerText}
	schema := schemaSQL
	if edit != nil {
		before := [3]string{c.text.token, c.text.span, schema}
		edit(&c.text, &schema)
		require.NotEqual(t, [3]string{c.text.token, c.text.span, schema}, before, "the clause to take out was not found")
	}
	c.db.Exec(t, schema)
	c.db.Exec(t, "CREATE TABLE public.t (n bigint NOT NULL)")
	c.ledger = newLedger(parse(t, dial.Target, c.url), ControlSettings(ddlgen.DB9()), "run")
	t.Cleanup(func() { c.ledger.close(context.Background()) })
	require.NoError(t, c.ledger.prepare(t.Context()))
	require.NoError(t, c.ledger.begin(t.Context(), runInfo{}, []Part{{ID: 1, Target: catalog.Name{Schema: "public", Name: "t"}}}, nil, ""))
	c.claim = claim{run: "run", part: 1, epoch: firstEpoch}
	return c
}

// writer is a session that writes batches step by step.
type writer struct {
	c     *ledgerCase
	conn  *pgx.Conn
	claim claim
	token string
}

func (c *ledgerCase) writer(t *testing.T) *writer {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return &writer{c: c, conn: conn, claim: c.claim, token: newToken()}
}

func (w *writer) exec(ctx context.Context, sql string) error {
	_, err := w.conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// rows opens a transaction with the batch's token and copies rows [first, last).
func (w *writer) rows(ctx context.Context, first, last int64) error {
	if err := w.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := w.exec(ctx, w.claim.bind(w.c.text.token, w.token, span{})); err != nil {
		return err
	}
	var b strings.Builder
	for n := first; n < last; n++ {
		fmt.Fprintln(&b, n)
	}
	_, err := w.conn.PgConn().CopyFrom(ctx, strings.NewReader(b.String()), "COPY public.t FROM STDIN")
	return err
}

// record writes the ledger row, commit commits; a failure rolls back.
func (w *writer) record(ctx context.Context, first, last int64) error {
	err := w.exec(ctx, w.claim.bind(w.c.text.span, w.token, span{part: 1, first: first, last: last}))
	if err != nil {
		_ = w.exec(ctx, "ROLLBACK")
	}
	return err
}

func (w *writer) commit(ctx context.Context) error { return w.exec(ctx, "COMMIT") }

func (w *writer) batch(ctx context.Context, first, last int64) error {
	if err := w.rows(ctx, first, last); err != nil {
		_ = w.exec(ctx, "ROLLBACK")
		return err
	}
	if err := w.record(ctx, first, last); err != nil {
		return err
	}
	return w.commit(ctx)
}

// damage says what the table holds more or less than the ledger records.
func (c *ledgerCase) damage(t *testing.T) string {
	t.Helper()
	return c.db.QueryString(t, `
		WITH recorded AS (SELECT generate_series(first, last - 1) AS n FROM _pg2db9.span),
		     r AS (SELECT n, count(*) AS c FROM recorded GROUP BY n),
		     h AS (SELECT n, count(*) AS c FROM public.t GROUP BY n)
		SELECT coalesce(string_agg(DISTINCT CASE
		         WHEN h.n IS NULL THEN 'lost'
		         WHEN r.n IS NULL THEN 'not recorded'
		         WHEN h.c > 1 THEN 'doubled' END, ', '), 'none')
		  FROM r FULL JOIN h ON h.n = r.n
		 WHERE h.n IS NULL OR r.n IS NULL OR h.c > 1 OR r.c > 1`)
}

// withAndWithout runs a scenario with all clauses, and again without one, on
// PostgreSQL and through the strict stand-in for DB9. covered says why the
// damage does not show on the stand-in, if it does not.
func withAndWithout(t *testing.T, edit func(text *batchText, schema *string), damaged, covered string, scenario func(t *testing.T, c *ledgerCase)) {
	t.Helper()
	for _, strict := range []bool{false, true} {
		setup := func(t *testing.T, edit func(text *batchText, schema *string)) *ledgerCase {
			t.Helper()
			db := pgtest.Server(t).Database(t)
			url := db.URL
			if strict {
				url = standIn(t, db, db9sim.Config{}).URL()
			}
			return newLedgerCaseAt(t, db, url, edit)
		}
		where := map[bool]string{false: "PostgreSQL", true: "stand-in"}[strict]
		t.Run(where+" with", func(t *testing.T) {
			t.Parallel()
			c := setup(t, nil)
			scenario(t, c)
			require.Equal(t, "none", c.damage(t))
		})
		t.Run(where+" without", func(t *testing.T) {
			t.Parallel()
			c := setup(t, edit)
			scenario(t, c)
			if strict && covered != "" {
				require.Equal(t, "none", c.damage(t), covered)
				return
			}
			require.Equal(t, damaged, c.damage(t), "taking the clause out did no damage: the scenario does not test it")
		})
	}
}

// standIn puts a stand-in for DB9 before a database, strict unless told otherwise.
func standIn(t *testing.T, db *pgtest.DB, cfg db9sim.Config) *db9sim.Sim {
	t.Helper()
	cfg.Backend = db.URL
	sim, err := db9sim.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(sim.Close)
	return sim
}

// inBackground runs f and returns a function that waits for its error.
func inBackground(f func() error) func() error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return func() error { return <-c }
}

// waitsForLock returns when the session waits for a lock.
func waitsForLock(t *testing.T, db *pgtest.DB, conn *pgx.Conn) {
	t.Helper()
	sql := fmt.Sprintf("SELECT count(*) FROM pg_locks WHERE pid = %d AND NOT granted", conn.PgConn().PID())
	require.Eventually(t, func() bool { return db.QueryString(t, sql) == "1" }, 20*time.Second, 5*time.Millisecond)
}

// A session that outlived its client commits while the same span is sent again:
// the resend waits for it, and the ledger's key refuses the second copy.
func TestExactlyOnceResendBesideSurvivor(t *testing.T) {
	t.Parallel()
	noKey := func(_ *batchText, schema *string) {
		*schema = strings.Replace(*schema, "PRIMARY KEY (run, part, first)\n", "CHECK (true)\n", 1)
	}
	withAndWithout(t, noKey, "doubled", "snapshot isolation refuses the second writer of the part's row (40001)", func(t *testing.T, c *ledgerCase) {
		ctx := soon(t)
		survivor, resend := c.writer(t), c.writer(t)
		require.NoError(t, survivor.rows(ctx, 0, 100))
		require.NoError(t, survivor.record(ctx, 0, 100))
		done := inBackground(func() error { return resend.batch(ctx, 0, 100) })
		waitsForLock(t, c.db, resend.conn)
		require.NoError(t, survivor.commit(ctx))
		_ = done() // refused with the key, accepted without it
	})
}

// The batches of a pipelined session that survived arrive after the same rows
// were sent again, cut differently: the second one does not follow what is
// recorded, and is refused.
func TestExactlyOnceSplitResendBesidePipelinedSurvivor(t *testing.T) {
	t.Parallel()
	noChain := func(text *batchText, _ *string) {
		text.span = strings.Replace(text.span, ":first = 0 OR", "true OR", 1)
	}
	withAndWithout(t, noChain, "doubled", "", func(t *testing.T, c *ledgerCase) {
		ctx := soon(t)
		survivor, resend := c.writer(t), c.writer(t)
		require.NoError(t, resend.batch(ctx, 0, 50))
		require.Equal(t, "23505", dial.SQLState(survivor.batch(ctx, 0, 100)), "the first batch is recorded already")
		_ = survivor.batch(ctx, 100, 200) // was in flight behind it
		require.NoError(t, resend.batch(ctx, 50, 150))
		_ = resend.batch(ctx, 150, 200)
	})
}

// A writer of an older epoch comes back after the part was taken over.
func TestExactlyOnceOlderEpoch(t *testing.T) {
	t.Parallel()
	noEpoch := func(text *batchText, _ *string) {
		text.token = strings.Replace(text.token, "AND epoch = :epoch", "", 1)
		text.span = strings.Replace(text.span, "AND p.epoch = :epoch", "", 1)
	}
	withAndWithout(t, noEpoch, "not recorded", "", func(t *testing.T, c *ledgerCase) {
		ctx := soon(t)
		old := c.writer(t)
		claim, spans, err := c.ledger.takeover(ctx, c.claim)
		require.NoError(t, err)
		require.Empty(t, spans)
		require.Equal(t, int64(firstEpoch+1), claim.epoch)
		// The new owner finds nothing recorded and has the table loaded anew in
		// other parts; this part is of no more use to it.
		_ = old.batch(ctx, 0, 100)
		c.db.Exec(t, "DELETE FROM _pg2db9.span") // the new owner's own recording is in other parts
	})
}

// A server that rolls the transaction back in silence between COPY and the
// ledger row (db9.md section 2): the row would be recorded without its data.
func TestExactlyOnceRollbackBetweenCopyAndLedger(t *testing.T) {
	t.Parallel()
	noToken := func(text *batchText, _ *string) {
		text.span = strings.Replace(text.span, "AND p.token = :token", "", 1)
	}
	withAndWithout(t, noToken, "lost", "", func(t *testing.T, c *ledgerCase) {
		ctx := soon(t)
		w := c.writer(t)
		require.NoError(t, w.rows(ctx, 0, 100))
		require.NoError(t, w.exec(ctx, "ROLLBACK"))
		_ = w.record(ctx, 0, 100) // runs outside of any transaction
	})
}

// survive makes the copier lose its connection to the target at a point of one
// batch while the session lives on; whatever is called later acts as it.
func survive(at point, later func(b *batch)) (*faults, func()) {
	finished := make(chan struct{})
	hit := false
	f := &faults{at: func(_ context.Context, p point, b *batch) error {
		if p != at || hit {
			return nil
		}
		hit = true
		conn := b.to.wire.conn
		// The reader ends, the socket stays: the server's session notices nothing.
		_ = conn.SetReadDeadline(time.Unix(1, 0))
		<-b.to.done
		b.to.done = make(chan struct{})
		close(b.to.done)
		b.to.wire.conn = deadConn{conn}
		go func() {
			defer close(finished)
			later(b)
			_ = conn.Close()
		}()
		return context.DeadlineExceeded // a net.Error: the connection is lost
	}}
	return f, func() {
		if hit {
			<-finished
		}
	}
}

// A COMMIT that lands seconds after its client has gone: the takeover waits for
// the surviving session, believes the ledger only then, and sends nothing twice.
func TestExactlyOnceSurvivorCommitsLater(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.profile.Await, p.profile.BatchRows, p.profile.BatchBytes = true, 100, 1<<20
	p.both(t, "CREATE TABLE public.t (n bigint)")
	p.source.Exec(t, "INSERT INTO public.t SELECT generate_series(1, 1000)")
	params := p.params(t, transfer("t", "n"))
	params.Jobs = 1
	var waited bool
	f, finished := survive(pointRecorded, func(b *batch) {
		sql := "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid' AND database IS NULL"
		waited = assertEventually(func() bool { return p.target.QueryString(t, sql) != "0" })
		_, _ = b.to.wire.conn.(deadConn).Conn.Write(query("COMMIT"))
		// The answer proves that it was done before the socket is closed.
		buf := make([]byte, 64)
		_ = b.to.wire.conn.(deadConn).SetReadDeadline(time.Now().Add(10 * time.Second))
		_, _ = b.to.wire.conn.Read(buf)
	})
	params.faults = f
	res, err := Copy(soon(t), params)
	finished()
	complete(t, res, err)
	require.True(t, waited, "the takeover did not wait for the surviving session")
	require.Equal(t, int64(1000), res.Tables[0].Ledger)
	p.same(t, "t")
}

// A session that outlived its client and never ends: it is ended after the
// deadline, its batch is not committed, and the part goes on (invariant 4).
func TestExactlyOnceSurvivorIsEnded(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.profile.Await, p.profile.BatchRows = true, 100
	p.both(t, "CREATE TABLE public.t (n bigint)")
	p.source.Exec(t, "INSERT INTO public.t SELECT generate_series(1, 1000)")
	params := p.params(t, transfer("t", "n"))
	params.survivorWait = 300 * time.Millisecond
	over := make(chan struct{})
	f, finished := survive(pointRecorded, func(*batch) { <-over })
	params.faults = f
	res, err := Copy(soon(t), params)
	close(over)
	finished()
	complete(t, res, err)
	p.same(t, "t")
}

// Acknowledged commits under synchronous_commit off are lost by an immediate
// restart. What the ledger does not hold after the durable commit is sent again.
func TestExactlyOnceAcknowledgedCommitLostByRestart(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, believeAcks bool) (*pair, *Result, error) {
		t.Helper()
		target := pgtest.New(t, pgtest.ClusterOptions{Settings: map[string]string{
			"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB", "fsync": "on", "autovacuum": "off",
		}})
		p := &pair{source: pgtest.Server(t).Database(t), target: target.Database(t), profile: postgresProfile(), events: &recorder{}}
		transfers := make([]string, 40)
		for i := range transfers {
			transfers[i] = fmt.Sprintf("t%d", i)
			p.both(t, fmt.Sprintf("CREATE TABLE public.t%d (n bigint)", i))
			p.source.Exec(t, fmt.Sprintf("INSERT INTO public.t%d SELECT generate_series(1, 100)", i))
		}
		params := p.params(t)
		for _, table := range transfers {
			params.Plan.Transfers = append(params.Plan.Transfers, transfer(table, "n"))
		}
		params.Jobs = 1
		holdWALWriter(t, p.target)
		done := 0
		params.faults = &faults{believeAcks: believeAcks, at: func(_ context.Context, at point, _ *batch) error {
			if at != pointPartDone {
				return nil
			}
			if done++; done == 30 {
				target.Stop(t, pgtest.Immediate)
				target.Start(t)
			}
			return nil
		}}
		res, err := Copy(soon(t), params)
		return p, res, err
	}
	t.Run("with", func(t *testing.T) {
		t.Parallel()
		p, res, err := run(t, false)
		complete(t, res, err)
		require.Contains(t, strings.Join(p.events.notes(), "\n"), "lost acknowledged commits")
		for i := range 40 {
			p.same(t, fmt.Sprintf("t%d", i))
		}
	})
	t.Run("without", func(t *testing.T) {
		t.Parallel()
		p, _, err := run(t, true)
		require.NoError(t, err, "nothing is noticed")
		lost := 0
		for i := range 40 {
			if fingerprint(t, p.source, fmt.Sprintf("t%d", i)) != fingerprint(t, p.target, fmt.Sprintf("t%d", i)) {
				lost++
			}
		}
		require.Positive(t, lost, "no commit was lost: the scenario does not test the look at the ledger")
	})
}

// The ledger's arithmetic: a gap, an overlap and a batch after the final one
// are noticed.
func TestCommittedNoticesGaps(t *testing.T) {
	t.Parallel()
	var sum digest.Sum
	sum.Add([]byte("x"))
	ok := []span{{first: 0, last: 2, bytes: 5, sum: sum}, {first: 2, last: 3, sum: sum, final: true}}
	total, err := committed(ok)
	require.NoError(t, err)
	require.Equal(t, []any{int64(3), int64(5), true, uint64(2)}, []any{total.next, total.bytes, total.final, total.sum.Rows})
	for name, spans := range map[string][]span{
		"gap":         {{first: 0, last: 2}, {first: 3, last: 4}},
		"overlap":     {{first: 0, last: 2}, {first: 1, last: 4}},
		"after final": {{first: 0, last: 2, final: true}, {first: 2, last: 4}},
		"no first":    {{first: 1, last: 2}},
	} {
		_, err := committed(spans)
		require.Error(t, err, name)
	}
}

// Whoever writes of an older ledger, or a newer one, is told so.
func TestR9LedgerOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	c := newLedgerCase(t, nil)
	c.db.Exec(t, "UPDATE _pg2db9.version SET version = 99")
	err := c.ledger.prepare(t.Context())
	require.ErrorContains(t, err, "version 99")
	require.ErrorContains(t, err, "drop schema _pg2db9")
}

// The event that a batch's failure gives names the part.
func TestPartEventNamesRange(t *testing.T) {
	t.Parallel()
	p := Part{ID: 7, Target: catalog.Name{Schema: "a", Name: "t"}, Relation: catalog.Name{Schema: "a", Name: "t_1"}, Blocks: true, First: 10, Bytes: 5}
	require.Equal(t, event.Part{ID: 7, Table: "a.t", Relation: "a.t_1", Range: "blocks 10 to the end", Bytes: 5}, p.event())
}
