package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/event"
)

// liveSQL has rows that writers write (group 1 of four) and others that they leave alone.
const liveSQL = `
	CREATE TABLE accounts (id integer PRIMARY KEY, v bigint, note text);
	INSERT INTO accounts SELECT i, i, 'a note that is longer ' || i FROM generate_series(1, 12000) i;
	CREATE TABLE notes (k text COLLATE "C", n integer, v text, PRIMARY KEY (k, n));
	INSERT INTO notes SELECT E'it''s \\ ' || i, i, 'a note that is longer ' || i FROM generate_series(1, 6000) i;
	CREATE TABLE days (d date PRIMARY KEY, v text);
	INSERT INTO days SELECT '2000-01-01'::date + i, 'a note that is longer ' || i FROM generate_series(1, 6000) i;
	CREATE TABLE scores (s double precision PRIMARY KEY, v integer);
	INSERT INTO scores SELECT i / 7.0, i FROM generate_series(1, 500) i;
	CREATE TABLE bag (a integer, b text);
	INSERT INTO bag SELECT i / 3, 'x' FROM generate_series(1, 900) i;
	CREATE TABLE ends (id bigint PRIMARY KEY, v text);
	INSERT INTO ends SELECT i * 1000000000000, 'a note that is longer ' || i FROM generate_series(1, 6000) i;
	INSERT INTO ends VALUES (-9223372036854775808, 'first'), (9223372036854775807, 'last');
	CREATE TABLE hot (id integer PRIMARY KEY, v bigint);
	INSERT INTO hot VALUES (1, 0);`

// replica writes to the source, and the same to the target some statements later,
// as a replica does; and looks who holds a snapshot of the source.
type replica struct {
	source, target *pgx.Conn
	behind         []string // what the target does not have yet
	random         *rand.Rand
	last           int
	holders        int // sessions that were seen to rest inside a transaction
	stop           atomic.Bool
	ended          chan error
}

// lag is how many statements the target is behind.
const lag = 40

func (r *replica) write(ctx context.Context) error {
	id := r.random.IntN(3000)*4 + 1 // those that are no difference
	r.last++
	sql := []string{
		fmt.Sprintf("UPDATE accounts SET v = %d WHERE id = %d", r.last, id),
		fmt.Sprintf("DELETE FROM accounts WHERE id = %d", id),
		fmt.Sprintf("INSERT INTO accounts VALUES (%d, %d, 'new')", 20000+r.last, r.last),
		fmt.Sprintf(`UPDATE notes SET v = 'v%d' WHERE k = E'it''s \\ %d'`, r.last, id/2|1),
		fmt.Sprintf("UPDATE days SET v = 'v%d' WHERE d = '2000-01-01'::date + %d", r.last, id/2|1),
		fmt.Sprintf("UPDATE scores SET v = %d WHERE v = %d", -r.last, r.random.IntN(500)),
		fmt.Sprintf("INSERT INTO bag VALUES (%d, 'y')", r.last),
	}[r.last%7]
	if _, err := r.source.Exec(ctx, sql); err != nil {
		return err
	}
	r.behind = append(r.behind, sql)
	if len(r.behind) > lag {
		if _, err := r.target.Exec(ctx, r.behind[0]); err != nil {
			return err
		}
		r.behind = r.behind[1:]
	}
	if r.last%10 > 0 {
		return nil
	}
	n, err := resting(ctx, r.source)
	r.holders = max(r.holders, n)
	return err
}

// run writes until it is told to stop; then the target gets what it lacks.
func (r *replica) run(ctx context.Context) {
	var err error
	for err == nil && !r.stop.Load() {
		err = r.write(ctx)
	}
	for _, sql := range r.behind {
		if err == nil {
			_, err = r.target.Exec(ctx, sql)
		}
	}
	r.ended <- err
}

// resting counts the sessions that hold a transaction open without a statement.
func resting(ctx context.Context, conn *pgx.Conn) (n int, err error) {
	err = conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`).Scan(&n)
	return n, err
}

func (b *bundle) replica(t *testing.T, seed uint64) *replica {
	t.Helper()
	r := &replica{source: b.source.Conn(t), target: b.target.Conn(t), random: rand.New(rand.NewPCG(seed, 0)), ended: make(chan error, 1)}
	for range lag {
		require.NoError(t, r.write(t.Context()))
	}
	return r
}

// when calls f at the note that rows are looked at again.
type when func()

func (f when) On(e event.Event) {
	if n, ok := e.(event.Note); ok && strings.Contains(n.Text, "looked at again until equal") {
		f()
	}
}

// Two sides that are written while they are compared, one some statements behind
// the other: what only was under way settles, once the writers have stopped, and
// all is equal; nobody held a snapshot of the source meanwhile (Y10, Y11).
func TestY10Y11SettlesWhenWritersStop(t *testing.T) {
	t.Parallel()
	for _, paged := range []bool{false, true} {
		t.Run(fmt.Sprintf("paged=%t", paged), func(t *testing.T) {
			t.Parallel()
			b := setup(t, liveSQL)
			p := b.withKeys(t, LevelDigest)
			r := b.replica(t, 7)
			p.Live, p.Deadline, p.Profile.ReadByKey = true, time.Minute, paged
			p.Bus = event.NewBus(when(func() { r.stop.Store(true) }))
			go r.run(t.Context())
			report, lines := found(t, p)
			require.NoError(t, <-r.ended)
			require.Empty(t, lines)
			for _, x := range report.Tables {
				require.Equal(t, Match, x.Verdict, "%s: %s", x.Target, x.Detail)
				require.Zero(t, x.Data.Live.Moving+x.Data.Live.Differ+x.Data.Live.Unchecked)
			}
			require.True(t, report.Good())
			require.Less(t, report.Elapsed, p.Deadline, "it ends when all is equal")
			require.Positive(t, table(t, report, "accounts").Data.Live.Settled)
			require.Contains(t, table(t, report, "accounts").Detail, "differed at first and have settled")
			require.Positive(t, table(t, report, "bag").Data.Live.Whole)
			require.Zero(t, r.holders, "sessions rested inside a transaction")
		})
	}
}

// 27 true differences in rows that nobody writes are told at the deadline, each
// once, and none of those that were only under way; a row that still changes
// then is no difference and no match (Y10).
func TestY10TrueDifferencesRemain(t *testing.T) {
	t.Parallel()
	b := setup(t, liveSQL)
	p := b.withKeys(t, LevelRows)
	var want []string
	for i := range 10 {
		id := 4 * (i*299 + 1)
		b.target.Exec(t, fmt.Sprintf("UPDATE accounts SET v = v + 1 WHERE id = %d", id))
		want = append(want, fmt.Sprintf("accounts: changed id=%d v '%d'->'%d'", id, id, id+1))
	}
	b.target.Exec(t, `
		DELETE FROM accounts WHERE id IN (2, 3, 4000, 11998);
		INSERT INTO accounts VALUES (-2147483648, 1, NULL), (2147483647, 1, NULL);
		UPDATE notes SET v = NULL WHERE n = 100;
		DELETE FROM notes WHERE n = 2000;
		INSERT INTO notes VALUES ('', 0, '');
		UPDATE days SET v = 'x' WHERE d IN ('2000-01-03', '2010-01-02');
		INSERT INTO days VALUES ('infinity', 'late'), ('0044-03-15 BC', 'early');
		UPDATE scores SET v = 200000 WHERE s IN (SELECT s FROM scores ORDER BY s LIMIT 1);
		UPDATE ends SET v = 'x' WHERE id IN (-9223372036854775808, 9223372036854775807);
		DELETE FROM bag WHERE a = 100`)
	b.source.Exec(t, "UPDATE scores SET v = 100000 WHERE s IN (SELECT s FROM scores ORDER BY s LIMIT 1)")
	want = append(want,
		"accounts: missing id=2", "accounts: missing id=3", "accounts: missing id=4000", "accounts: missing id=11998", "accounts: extra id=-2147483648", "accounts: extra id=2147483647",
		`notes: changed k=it's \ 100 n=100 v 'a note that is longer 100'->NULL`, `notes: missing k=it's \ 2000 n=2000`, "notes: extra k= n=0",
		"days: changed d=2000-01-03 v 'a note that is longer 2'->'x'", "days: changed d=2010-01-02 v 'a note that is longer 3654'->'x'",
		"days: extra d=infinity", "days: extra d=0044-03-15 BC",
		"scores: changed s=0.14285714285714285 v '100000'->'200000'", "bag: missing x3 a '100'->- b 'x'->-",
		"ends: changed id=-9223372036854775808 v 'first'->'x'", "ends: changed id=9223372036854775807 v 'last'->'x'",
	)
	require.Len(t, want, 27)
	slices.Sort(want)
	r := b.replica(t, 11)
	p.Live, p.Deadline = true, 2*time.Second
	p.Bus = event.NewBus(when(func() { r.stop.Store(true) }))
	go r.run(t.Context())
	hot, cold := context.WithCancel(t.Context())
	defer cold()
	heated := make(chan struct{})
	conn := b.source.Conn(t)
	go func() {
		defer close(heated)
		for hot.Err() == nil {
			if _, err := conn.Exec(hot, "UPDATE hot SET v = v + 1 WHERE id = 1"); err != nil {
				return
			}
		}
	}()
	report, lines := found(t, p)
	cold()
	<-heated
	require.NoError(t, <-r.ended)
	require.Equal(t, want, lines)
	require.Equal(t, Counts{Mismatch: 6, Unknown: 1}, report.TableCounts())
	accounts := table(t, report, "accounts")
	require.EqualValues(t, 16, accounts.Data.Live.Differ)
	require.Positive(t, accounts.Data.Live.Settled)
	require.Contains(t, accounts.Detail, "16 rows differ and did not change any more")
	moving := table(t, report, "hot")
	require.Equal(t, Unknown, moving.Verdict)
	require.Equal(t, &Live{Moving: 1}, moving.Data.Live)
	require.Contains(t, moving.Detail, "1 row was still changing at the deadline")
	require.EqualValues(t, 3, table(t, report, "bag").Data.Live.Differ)
}

// The queue of rows that may settle is bounded; what does not fit is counted, and
// its table is not called equal.
func TestLiveQueueIsBounded(t *testing.T) {
	t.Parallel()
	tr := &ddlgen.Transfer{Key: []string{"id"}, Columns: []ddlgen.ColumnTransfer{{Source: "id", Target: "id"}}}
	c := &comparison{transfer: tr, buckets: &bucketing{count: 1, keys: []int{0}}, table: &Table{Data: &Data{}}}
	l := &localising{comparison: c, run: &run{}, columns: newColumnTallies(tr)}
	k := &chunk{comparison: c}
	q := &liveQueues{}
	q.attach(l, []*chunk{k})
	rows := []pairFound{}
	for _, key := range []string{"1", "2", "3"} {
		rows = append(rows, pairFound{kind: RowExtra, target: &row{key: []byte(key), lo: 7}, copies: 1})
	}
	q.held.Store(liveHeld - 2*(liveRowCost+2))
	require.NoError(t, k.then(&chunkResult{of: l, chunk: k, all: rows}))
	require.Len(t, l.live.rows, 2)
	require.NoError(t, l.looked(&chunk{keys: map[string]bool{"1": true, "2": true}}, &chunkResult{}, false))
	require.Zero(t, q.held.Load()-(liveHeld-2*(liveRowCost+2)), "room is given back")
	d := c.table.Data
	l.judgeLive(d)
	require.Equal(t, Live{Settled: 2, Unchecked: 1}, *d.Live)
	require.Equal(t, Unknown, d.Verdict)
	require.Contains(t, d.words(), "1 row more differed than can be looked at again")
}
