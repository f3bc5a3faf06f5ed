package sync

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// long is how often a test does what it does: a few times in the ordinary run, as
// often as the variable says in the long one.
func long(t *testing.T, variable string, short int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(variable), strconv.Itoa(short)))
	require.NoError(t, err)
	return n
}

const deltas = `tables:
- {table: public.log, mode: append, cursor: id}
- {table: public.item, mode: upsert, cursor: changed, deletes: digest}
- {table: public.word, mode: upsert, cursor: id, deletes: digest}
`

const deltaTables = `CREATE TABLE log (id bigint PRIMARY KEY, v text);
	CREATE TABLE item (id int PRIMARY KEY, v text, changed timestamptz, j json, p point);
	CREATE TABLE word (id text COLLATE "C" PRIMARY KEY, v varchar(9))`

// S19: append brings rows beyond the cursor and leaves those that stand there; upsert
// brings changed rows too, and deletes those that are gone; what was sent once is not
// sent again.
func TestS19AppendAndUpsert(t *testing.T) {
	t.Parallel()
	b := setup(t, deltas, deltaTables)
	b.source.Exec(t, `INSERT INTO log SELECT i, 'l' || i FROM generate_series(1, 3000) i;
		INSERT INTO item SELECT i, 'i' || i, now(), '{"a":  1}', '(1,2)' FROM generate_series(1, 2000) i; INSERT INTO word VALUES ('a', 'x'), ('B', 'y'), ('ä', NULL)`)
	b.target.Exec(t, `INSERT INTO log VALUES (17, 'stands there'); INSERT INTO word VALUES ('B', 'old'), ('gone', 'z')`)
	b.settled(t)
	rep := b.run(t)
	require.Equal(t, int64(2999), entry(t, rep, "log").Inserted)
	require.Equal(t, "stands there", b.target.QueryString(t, "SELECT v FROM log WHERE id = 17"))
	b.same(t, "item", "word")

	rep = b.run(t)
	require.Zero(t, entry(t, rep, "log").Sent+entry(t, rep, "item").Sent)
	require.Zero(t, entry(t, rep, "log").Read, "rows that an ended run saw are read again")

	// Updates that leave the cursor as it is arrive too; locks bring nothing.
	b.source.Exec(t, `INSERT INTO log VALUES (5000, 'new'); UPDATE item SET v = 'quiet' WHERE id = 3; UPDATE item SET changed = now(), v = 'loud' WHERE id = 4;
		INSERT INTO item VALUES (9000, NULL, NULL, NULL, NULL); DELETE FROM item WHERE id BETWEEN 10 AND 12; UPDATE item SET v = v WHERE id = 20; SELECT FROM item WHERE id = 30 FOR UPDATE`)
	rep = b.run(t)
	b.same(t, "item")
	e := entry(t, rep, "item")
	require.Equal(t, []int64{1, 2, 3}, []int64{e.Inserted, e.Updated, e.Deleted})
	require.Equal(t, int64(1), entry(t, rep, "log").Inserted)
	require.Equal(t, "5000", b.target.QueryString(t, "SELECT watermark FROM _pg2db9.sync_table WHERE target_name = 'log'"))
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_class WHERE relname = 'sync_stage'"))

	// A table that took this one's place has old rows that no run has seen.
	b.source.Exec(t, `CREATE TABLE other (LIKE log INCLUDING ALL); INSERT INTO other VALUES (-1, 'old')`)
	b.run(t)
	b.source.Exec(t, `ALTER TABLE log RENAME TO before; ALTER TABLE other RENAME TO log`)
	rep, err := b.runner(t).Run(t.Context(), Selection{})
	require.NoError(t, err)
	e = entry(t, rep, "log")
	require.Equal(t, int64(1), e.Inserted)
	require.Equal(t, Mismatch, e.Verdict, "the target has rows that the source has no more, and append takes none away")
}

// lane is one interleaving: two writers with rows of their own, and what they do.
type lane struct {
	seed    int
	rng     *rand.Rand
	writers [2]struct {
		conn      *pgx.Conn
		open, sub bool
	}
}

// lanes are run side by side, between the same runs.
const lanes = 20

// Late commits: writers take their cursor values early and commit late, in
// subtransactions too, or give up, while runs come in between. When all have ended and
// a last run has come, no row is lost and none is there twice; the run after that sends
// nothing. Each seed is an interleaving; 20 of them share their runs.
func TestS19NoLateRowIsLost(t *testing.T) {
	t.Parallel()
	for first := 0; first < long(t, "PG2DB9_SYNC_LATE", lanes); first += lanes {
		t.Run(strconv.Itoa(first), func(t *testing.T) {
			t.Parallel()
			fewAtOnce <- struct{}{}
			defer func() { <-fewAtOnce }()
			late(t, first)
		})
	}
}

// fewAtOnce keeps servers from having too many connections.
var fewAtOnce = make(chan struct{}, 1)

func late(t *testing.T, first int) {
	t.Helper()
	b := setup(t, `tables:
- {table: public.log, mode: append, cursor: id, verify: none}
- {table: public.item, mode: upsert, cursor: changed, verify: none}
`, `CREATE TABLE log (id bigint PRIMARY KEY, v text); CREATE TABLE item (id int PRIMARY KEY, v text, changed bigint)`)
	b.source.Exec(t, "CREATE SEQUENCE s")
	all := make([]*lane, lanes)
	for i := range all {
		all[i] = &lane{seed: first + i, rng: rand.New(rand.NewPCG(uint64(first+i), 1))}
		for w := range all[i].writers {
			all[i].writers[w].conn = connect(t, b.source)
		}
	}
	const steps = 50
	for step := range steps {
		for _, l := range all {
			l.step(t)
		}
		if all[0].rng.IntN(8) == 0 || step == steps/2 {
			b.run(t)
		}
	}
	for _, l := range all {
		for w := range l.writers {
			if l.writers[w].open {
				l.exec(t, w, "COMMIT")
			}
		}
	}
	b.run(t)
	b.same(t, "log", "item")
	rep := b.run(t)
	require.Zero(t, entry(t, rep, "log").Sent+entry(t, rep, "item").Sent, "seeds from %d", first)
}

func (l *lane) exec(t *testing.T, w int, sql string) {
	t.Helper()
	_, err := l.writers[w].conn.PgConn().Exec(t.Context(), sql).ReadAll()
	require.NoError(t, err, "seed %d: %s", l.seed, sql)
}

// step does one random thing.
func (l *lane) step(t *testing.T) {
	t.Helper()
	i := l.rng.IntN(len(l.writers))
	w := &l.writers[i]
	switch n := l.rng.IntN(11); {
	case n < 2 && w.open:
		l.exec(t, i, []string{"COMMIT", "COMMIT", "ROLLBACK"}[l.rng.IntN(3)])
		w.open, w.sub = false, false
	case n < 4 && w.open && !w.sub:
		l.exec(t, i, "SAVEPOINT p")
		w.sub = true
	case n == 4 && w.sub:
		l.exec(t, i, []string{"RELEASE p", "ROLLBACK TO p; RELEASE p"}[l.rng.IntN(2)])
		w.sub = false
	default:
		sql := ""
		if !w.open {
			sql, w.open = "BEGIN;", true
		}
		id := l.seed*100 + i*10 + l.rng.IntN(8) // of this writer alone, so that none waits for another
		l.exec(t, i, sql+fmt.Sprintf(`INSERT INTO log VALUES (nextval('s'), 'seed %d');
			INSERT INTO item VALUES (%d, 'a', nextval('s')) ON CONFLICT (id) DO UPDATE SET v = item.v || 'b', changed = excluded.changed - %d`, l.seed, id, l.rng.IntN(5)))
	}
}

func connect(t *testing.T, db *pgtest.DB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.URL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
