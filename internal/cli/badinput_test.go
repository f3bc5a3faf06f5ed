package cli

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestUnreachableHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for side, args := range map[string][]string{
		"source": {"clone", "--source", someSource, "--target", withPassword(b.target.URL)},
		"target": {"clone", "--target", someSource, "--source", withPassword(b.source.URL)},
	} {
		r := run(t, args...)
		require.Equal(t, Failed, r.code)
		require.Contains(t, r.last(), "connecting to the "+side+" postgres://u@127.0.0.1:1/a")
		require.Contains(t, r.last(), "check host, port and firewall")
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := refusingServer(t, "28P01", `password authentication failed for user "u"`)
	r := run(t, "clone", "--source", url, "--target", withPassword(b.target.URL))
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.last(), "password authentication failed")
	require.Contains(t, r.last(), "check user and password")
	b.untouched(t)
}

func TestUnknownDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := newProxy(t, b.source, nil)
	u, err := url.Parse(p.url())
	require.NoError(t, err)
	u.Path = "/no_such_database"
	r := run(t, "clone", "--source", u.String(), "--target", withPassword(b.target.URL))
	require.Equal(t, Failed, r.code)
	require.Contains(t, r.last(), `database "no_such_database" does not exist (SQLSTATE 3D000)`)
	require.Contains(t, r.last(), "create the database first or name another one")
}

// C29: one database under two names of one server.
func TestC29SourceIsTarget(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	p := newProxy(t, b.source, nil)
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", p.url())
	require.Equal(t, Usage, r.code, r.err)
	require.Contains(t, r.err, "source and target are the same database (both are database")
	r = run(t, "clone", "--source", withPassword(b.source.URL), "--target", withPassword(b.source.URL))
	require.Equal(t, Usage, r.code)
}

// C29: source and target swapped.
func TestC29Swapped(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	r := run(t, "clone", "--source", withPassword(b.target.URL), "--target", withPassword(b.source.URL), "--on-existing", "drop")
	require.Equal(t, Blocked, r.code, r.err)
	require.Contains(t, r.last(), "look swapped")
	require.Equal(t, "3000", b.source.QueryString(t, "SELECT count(*) FROM orders"))
	b.untouched(t)
}

// C28: a target in use is refused with what was found; truncate and drop are
// the user's word.
func TestC28TargetNotEmpty(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.target.Exec(t, "CREATE TABLE log (at timestamp, line text); INSERT INTO log VALUES (now(), 'mine'); CREATE TABLE mine (a int)")
	r := b.run(t, "clone")
	require.Equal(t, Blocked, r.code, r.err)
	require.Contains(t, r.last(), "the target is not empty")
	require.Contains(t, r.last(), "2 tables: public.log, public.mine")
	require.Contains(t, r.last(), "--on-existing truncate")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM log"), "nothing was touched")
	require.Equal(t, "f", b.target.QueryString(t, "SELECT to_regclass('orders') IS NOT NULL"))

	b.ok(t, "clone", "--on-existing", "truncate")
	b.sameShop(t)
	require.Equal(t, "t", b.target.QueryString(t, "SELECT to_regclass('mine') IS NOT NULL"))

	// Once more over the whole, with foreign keys, indexes and all.
	b.source.Exec(t, "INSERT INTO orders (customer, state, total) VALUES (1, 'new', 1)")
	b.ok(t, "clone", "--on-existing", "truncate")
	b.sameShop(t)
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))

	b.source.Exec(t, "INSERT INTO log VALUES (now(), 'more')")
	b.target.Exec(t, "ALTER TABLE log DROP line")
	r = b.run(t, "clone", "--on-existing", "truncate")
	require.Equal(t, Blocked, r.code)
	require.Contains(t, r.last(), "column line is missing")
	b.ok(t, "clone", "--on-existing", "drop")
	b.sameShop(t)
	require.Equal(t, "t", b.target.QueryString(t, "SELECT to_regclass('mine') IS NOT NULL"), "nothing else is dropped")
}

// What depends on a table that would be dropped keeps everything from being dropped.
func TestDropTakesNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	b.ok(t, "clone")
	b.target.Exec(t, "CREATE VIEW mine AS SELECT * FROM orders")
	r := b.run(t, "clone", "--on-existing", "drop")
	require.Equal(t, Blocked, r.code, r.err)
	require.Contains(t, r.last(), "other objects depend on what would be dropped")
	require.Contains(t, r.last(), "view public.mine")
	b.sameShop(t)
}

// The source's role may not read one table: refused by name, with the GRANT.
func TestSourceWithoutSelect(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	role := "reader_" + b.source.Name
	b.source.Exec(t, `CREATE ROLE "`+role+`" LOGIN PASSWORD '`+password+`';
		GRANT USAGE ON SCHEMA public, "odd Schema" TO "`+role+`"; GRANT SELECT ON ALL TABLES IN SCHEMA public, "odd Schema" TO "`+role+`";
		GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO "`+role+`"; REVOKE SELECT ON log FROM "`+role+`"`)
	t.Cleanup(func() { dropRole(b.source, role) })
	source := asUser(t, b.source.URL, role)
	r := run(t, "clone", "--source", source, "--target", withPassword(b.target.URL))
	require.Equal(t, Blocked, r.code, r.err)
	require.Contains(t, r.last(), "table public.log")
	require.Contains(t, r.last(), `GRANT SELECT ON TABLE "public"."log" TO "`+role+`"`)
	b.untouched(t)
	r = run(t, "clone", "--source", source, "--target", withPassword(b.target.URL), "--exclude-table", "public.log")
	require.Equal(t, OK, r.code, r.err)
}

func asUser(t *testing.T, dsn, role string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	q := u.Query()
	q.Set("user", role)
	u.User, u.RawQuery = nil, q.Encode()
	return withPassword(u.String())
}

func dropRole(db *pgtest.DB, role string) {
	conn, err := pgx.Connect(context.Background(), db.URL)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.Background()) }()
	_, _ = conn.Exec(context.Background(), `DROP OWNED BY "`+role+`"`)
	_, _ = conn.Exec(context.Background(), `DROP ROLE IF EXISTS "`+role+`"`)
}

// C17, U1 code 5: a value that the target refuses in mid-table ends that table
// alone; the message names the command that continues, and it does.
func TestC17RefusedValue(t *testing.T) {
	t.Parallel()
	b := refusedValue(t)
	r := b.run(t, "clone")
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "1 of 3 tables not copied: public.bad (")
	require.Contains(t, r.last(), "refused_check")
	b.same(t, "good", "refers")
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM bad"), "no half table")
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
	require.Contains(t, r.last(), `continue with: pg2db9 clone --source "$PG2DB9_SOURCE" --target "$PG2DB9_TARGET" --resume`)
	require.NotContains(t, r.out, "done and verified")

	b.source.Exec(t, "UPDATE bad SET v = 1 WHERE v < 0")
	b.followNext(t, r.last())
	b.same(t, "good", "bad", "refers")
	require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
}

// A partition whose rows are not all there leaves its table's key invalid on a
// target that keeps partitions: that is what is not done yet, and no difference.
func TestPartitionRefusedIsNoDifference(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE DOMAIN refused AS int;
		CREATE TABLE m (id int PRIMARY KEY, v refused) PARTITION BY RANGE (id); CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (0) TO (500);
		CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM (500) TO (2000) PARTITION BY RANGE (id); CREATE TABLE m_3 PARTITION OF m_2 DEFAULT;
		INSERT INTO m SELECT i, CASE WHEN i = 700 THEN -1 ELSE i END FROM generate_series(1, 1000) i;
		ALTER DOMAIN refused ADD CONSTRAINT refused_check CHECK (VALUE > 0) NOT VALID`)
	r := b.run(t, "clone", "--profile", "postgres")
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "1 of 2 tables not copied: public.m_3 (")
	b.source.Exec(t, "UPDATE m SET v = 1 WHERE v < 0")
	b.followNext(t, r.last())
	require.Equal(t, "t", b.target.QueryString(t, "SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid::regclass::text LIKE 'm%'"))
	b.same(t, "m", "m_1", "m_3")
}

// refusedValue is a source with rows that its own domain would refuse today.
func refusedValue(t *testing.T) *bundle {
	t.Helper()
	return setup(t, `CREATE DOMAIN refused AS int;
		CREATE TABLE bad (id int PRIMARY KEY, v refused); CREATE TABLE good (id serial PRIMARY KEY, v text);
		CREATE TABLE refers (id int REFERENCES bad (id));
		INSERT INTO bad SELECT i, CASE WHEN i = 700 THEN -1 ELSE i END FROM generate_series(1, 1000) i;
		INSERT INTO good (v) SELECT 'x' FROM generate_series(1, 100); INSERT INTO refers VALUES (1), (2);
		ALTER DOMAIN refused ADD CONSTRAINT refused_check CHECK (VALUE > 0) NOT VALID`)
}

var continueWith = regexp.MustCompile(`continue with: (.*)$`)

// followNext runs the commands that a last line names, as a shell would.
func (b *bundle) followNext(t *testing.T, line string) {
	t.Helper()
	m := continueWith.FindStringSubmatch(line)
	require.NotNil(t, m, line)
	for _, command := range strings.Split(m[1], "; then: ") {
		words := shellWords(t, command, map[string]string{
			"PG2DB9_SOURCE": withPassword(b.source.URL), "PG2DB9_TARGET": withPassword(b.target.URL),
		})
		require.Equal(t, "pg2db9", words[0])
		r := run(t, words[1:]...)
		require.Equal(t, OK, r.code, "%s\n%s\n%s", command, r.err, r.out)
	}
}

// shellWords lets the shell take a command apart.
func shellWords(t *testing.T, command string, env map[string]string) []string {
	t.Helper()
	sh := exec.CommandContext(t.Context(), "sh", "-c", `for w in `+command+`; do printf '%s\0' "$w"; done`)
	for k, v := range env {
		sh.Env = append(sh.Env, k+"="+v)
	}
	out, err := sh.Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

const big = `CREATE TABLE big (id int PRIMARY KEY, v text); INSERT INTO big SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 20000) i;
	CREATE TABLE small (id int); INSERT INTO small VALUES (1), (2)`

// The target's connection dies in mid-batch: the rows are sent again, once (C2).
func TestC2TargetDiesInMidBatch(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	p := newProxy(t, b.target, cutOnce(true, 5<<20))
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", p.url())
	require.Equal(t, OK, r.code, r.err)
	require.Contains(t, r.err, "interrupted")
	b.same(t, "big", "small")
}

// It dies whenever it is given much: that table is not there, the others are,
// and the message says how to go on.
func TestTargetKeepsDying(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	p := newProxy(t, b.target, cutAlways(true, 5<<20))
	r := run(t, "clone", "--source", withPassword(b.source.URL), "--target", p.url())
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "1 of 2 tables not copied: public.big (")
	b.same(t, "small")
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM big"))
	b.followNext(t, r.last())
	b.same(t, "big", "small")
}

// The source dies in mid-row (C1).
func TestC1SourceDiesInMidRow(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	p := newProxy(t, b.source, cutOnce(false, 5<<20+3))
	r := run(t, "clone", "--source", p.url(), "--target", withPassword(b.target.URL))
	require.Equal(t, OK, r.code, r.err)
	b.same(t, "big", "small")

	b = setup(t, big)
	p = newProxy(t, b.source, cutAlways(false, 5<<20+3))
	r = run(t, "clone", "--source", p.url(), "--target", withPassword(b.target.URL))
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "public.big (")
	require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM big"))
	b.same(t, "small")
}

// T15: a table is truncated between the snapshot and its lock: the run takes a
// new snapshot and says so, instead of copying nothing without a word.
func TestT15TruncatedBetweenSnapshotAndLock(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	var done atomic.Bool
	p := newProxy(t, b.source, func(_ int64, toServer bool, data []byte) bool {
		// The statement is held back until the table is another one.
		if toServer && bytes.Contains(data, []byte("LOCK TABLE")) && done.CompareAndSwap(false, true) {
			conn, err := pgx.Connect(context.Background(), b.source.URL)
			if err != nil {
				return false
			}
			defer func() { _ = conn.Close(context.Background()) }()
			_, err = conn.Exec(context.Background(), "TRUNCATE log; INSERT INTO log VALUES (now(), 'after')")
			return err == nil
		}
		return true
	})
	r := run(t, "clone", "--source", p.url(), "--target", withPassword(b.target.URL))
	require.Equal(t, OK, r.code, r.err)
	require.True(t, done.Load())
	require.Contains(t, r.err, "public.log")
	require.Contains(t, r.err, "a new snapshot is taken")
	require.Equal(t, "after", b.target.QueryString(t, "SELECT string_agg(line, ',') FROM log"))
}

// V26: a row of 200 MB.
func TestRowOf200MB(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("moves 400 MB")
	}
	b := setup(t, `CREATE TABLE wide (id int PRIMARY KEY, v text);
		INSERT INTO wide SELECT 1, repeat('0123456789', 20000000); INSERT INTO wide VALUES (2, 'small')`)
	b.ok(t, "clone", "--jobs", "1")
	require.Equal(t, "200000000 5", b.target.QueryString(t, "SELECT string_agg(length(v)::text, ' ' ORDER BY id) FROM wide"))

	// Above what the profile allows it is refused by name, and the others go on.
	b.source.Exec(t, "CREATE TABLE other (id int PRIMARY KEY); INSERT INTO other VALUES (1)")
	b.target = pgtest.Server(t).Database(t)
	r := b.run(t, "clone", "--profile", "db9", "--jobs", "1")
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.last(), "public.wide (")
	b.same(t, "other")
}

// C19: the first interrupt finishes the batches in flight and ends with 5; what
// is left is named, and the commands do it.
func TestC19FirstInterrupt(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	signals := make(chan os.Signal, 2)
	var once atomic.Bool
	var bytes atomic.Int64
	p := newProxy(t, b.target, func(_ int64, toServer bool, data []byte) bool {
		if toServer && bytes.Add(int64(len(data))) > 2<<20 && once.CompareAndSwap(false, true) {
			signals <- syscall.SIGINT
		}
		return true
	})
	c := &call{
		args:    []string{"clone", "--jobs", "1", "--profile", "db9", "--source", withPassword(b.source.URL), "--target", p.url()},
		signals: signals,
	}
	r := c.run(t)
	require.Equal(t, Partial, r.code, r.err)
	require.Contains(t, r.err, "a second interrupt stops at once")
	require.Contains(t, r.last(), "stopped by an interrupt")
	b.followNext(t, r.last())
	b.same(t, "big", "small")
}

// C19, U1 code 130: the second interrupt cancels.
func TestC19SecondInterrupt(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	signals := make(chan os.Signal, 2)
	var sent, held atomic.Int64
	hold := make(chan struct{})
	p := newProxy(t, b.target, func(conn int64, toServer bool, data []byte) bool {
		if toServer && sent.Add(int64(len(data))) > 2<<20 && held.CompareAndSwap(0, conn) {
			signals <- syscall.SIGINT
			signals <- syscall.SIGTERM
		}
		if toServer && held.Load() == conn {
			<-hold // the batch in flight never ends
		}
		return true
	})
	t.Cleanup(func() { close(hold) })
	c := &call{args: []string{"clone", "--jobs", "1", "--source", withPassword(b.source.URL), "--target", p.url()}, signals: signals}
	r := c.run(t)
	require.Equal(t, Interrupted, r.code, r.err)
	require.Contains(t, r.last(), "interrupted; ")
	require.Contains(t, r.last(), "continue with: ")
}

// Before anything is written there is nothing to finish.
func TestInterruptBeforeWriting(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	signals := make(chan os.Signal, 1)
	hold := make(chan struct{})
	var once atomic.Bool
	p := newProxy(t, b.source, func(_ int64, toServer bool, data []byte) bool {
		if toServer && bytes.Contains(data, []byte("pg_export_snapshot")) {
			if once.CompareAndSwap(false, true) {
				signals <- syscall.SIGINT
			}
			<-hold
		}
		return true
	})
	t.Cleanup(func() { close(hold) })
	c := &call{args: []string{"clone", "--source", p.url(), "--target", withPassword(b.target.URL)}, signals: signals}
	r := c.run(t)
	require.Equal(t, Interrupted, r.code, r.err)
	require.Contains(t, r.last(), "interrupted before anything was written")
	b.untouched(t)
}

// SIGUSR1 prints a line of progress.
func TestProgressOnDemand(t *testing.T) {
	t.Parallel()
	b := setup(t, big)
	signals := make(chan os.Signal, 1)
	seen := make(chan struct{})
	var once atomic.Bool
	var sent atomic.Int64
	out, errs := &buffer{}, &buffer{}
	p := newProxy(t, b.target, func(_ int64, toServer bool, data []byte) bool {
		if toServer && sent.Add(int64(len(data))) > 2<<20 && once.CompareAndSwap(false, true) {
			signals <- syscall.SIGUSR1
			<-seen
		}
		return true
	})
	go func() {
		defer close(seen)
		assert.Eventually(t, func() bool { return regexp.MustCompile(`data \d+%: `).MatchString(errs.String()) }, waitFor, pollEvery)
	}()
	c := &call{args: []string{"clone", "--jobs", "1", "--source", withPassword(b.source.URL), "--target", p.url()}, signals: signals, out: out, err: errs}
	r := c.run(t)
	require.Equal(t, OK, r.code, r.err)
}

// A target that refuses the tables: nothing stands on it afterwards, and the
// message says so (U7).
func TestCreationFails(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE a (id int); CREATE TABLE b (id int)")
	b.target.Exec(t, `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
			IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.b') THEN RAISE 'no table b here'; END IF; END$$;
		CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION refuse()`)
	r := b.run(t, "clone")
	require.Equal(t, Failed, r.code, r.err)
	require.Contains(t, r.last(), "no table b here")
	require.Contains(t, r.last(), "the target is as it was")
	b.untouched(t)
}

const (
	waitFor   = 20 * time.Second
	pollEvery = 10 * time.Millisecond
)
