package cli

import (
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// besideBig has, beside a table of 13 MB, one whose rows are worth building keys
// beside it, and an index that takes as long as slowIndex's.
const besideBig = big + `; CREATE FUNCTION slowly(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
		$$BEGIN PERFORM pg_catalog.pg_sleep(coalesce(pg_catalog.current_setting('test.slow', true), '0')::float8); RETURN i; END$$;
	CREATE TABLE a (id int PRIMARY KEY, v text UNIQUE); INSERT INTO a SELECT i, i || repeat('x', 110) FROM generate_series(1, 12000) i;
	CREATE TABLE b (id int PRIMARY KEY REFERENCES a);
	CREATE INDEX a_slow ON a (slowly(id)) WHERE id <= 500`

// keysOfA are the indexes of a that stand, with their identities on the target.
const keysOfA = "SELECT coalesce(string_agg(indexrelid::regclass || ' ' || indexrelid::oid || ' ' || indisvalid, ', ' ORDER BY 1), '') FROM pg_index WHERE indrelid = 'a'::regclass"

// holdBig is a way to the target on which the first connection that has sent more
// than all of a's rows goes no further until it is released: one that copies big.
func holdBig(t *testing.T, b *bundle) (p *proxy, held *atomic.Bool, release func()) {
	t.Helper()
	hold := make(chan struct{})
	held = &atomic.Bool{}
	var mu sync.Mutex
	var who int64
	sent := map[int64]int{}
	p = newProxy(t, b.target, func(conn int64, toServer bool, data []byte) bool {
		if !toServer {
			return true
		}
		mu.Lock()
		sent[conn] += len(data)
		if who == 0 && sent[conn] > 3<<20 {
			who = conn
			held.Store(true)
		}
		mine := who == conn
		mu.Unlock()
		if mine {
			<-hold
		}
		return true
	})
	release = sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	return p, held, release
}

// The keys of a table whose rows are there are built while another is copied, as
// the progress and the ledger say; the first interrupt lets the index under way
// come to its end, with its step recorded, and --resume does what is left, once.
// The second ends the build on the server too.
func TestKeysBesideCopies(t *testing.T) {
	t.Parallel()
	t.Run("first interrupt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, besideBig)
		b.slow(t, "0.004")
		p, held, release := holdBig(t, b)
		c := &call{args: []string{"clone", "--json", "--jobs", "2", "--source", withPassword(b.source.URL), "--target", p.url()}, signals: make(chan os.Signal, 1)}
		ended := c.begin(t)
		eventually(t, "the index is built", func() bool { return b.target.QueryString(t, building) == "t" })
		require.True(t, held.Load(), "rows are under way")
		require.Regexp(t, `^\S+a_pkey, \S+a_v_key$`, b.target.QueryString(t, "SELECT string_agg(step, ', ' ORDER BY step) FROM _pg2db9.step WHERE state = 'done'"), "each is recorded when it is built")
		eventually(t, "the progress tells", func() bool {
			return strings.Contains(c.out.String(), `"keys_building":1,"keys_built":2`) && strings.Contains(c.out.String(), `"phase":"data"`)
		})
		c.signals <- syscall.SIGINT
		eventually(t, "the signal is heard", func() bool {
			return strings.Contains(c.out.String()+c.err.String(), "a second interrupt stops at once")
		})
		release()
		r := await(t, ended)
		require.Equal(t, Partial, r.code, r.err)
		last := jsonObjects(t, r.out)
		message, _ := last[len(last)-1]["message"].(string)
		require.Contains(t, message, "stopped by an interrupt")
		require.Regexp(t, `built while other tables were copied: [23] keys and indexes`, r.out)
		keys := b.target.QueryString(t, keysOfA)
		require.Equal(t, 3, strings.Count(keys, "true"), keys)
		require.Equal(t, "0", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
		require.Equal(t, "3", b.target.QueryString(t, "SELECT count(*) FROM _pg2db9.step WHERE state = 'done'"))

		b.ok(t, "clone", "--resume")
		require.Equal(t, keys, b.target.QueryString(t, keysOfA), "what was built stands as it was")
		require.Equal(t, "1", b.target.QueryString(t, "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"))
		b.same(t, "a", "big", "small")
	})
	t.Run("second interrupt", func(t *testing.T) {
		t.Parallel()
		b := setup(t, besideBig)
		b.slow(t, "0.2")
		p, _, release := holdBig(t, b)
		x := start(t, "clone", "--keep-snapshot", "0", "--jobs", "2", "--source", withPassword(b.source.URL), "--target", p.url())
		eventually(t, "the index is built", func() bool { return b.target.QueryString(t, building) == "t" })
		require.NoError(t, x.cmd.Process.Signal(syscall.SIGINT))
		eventually(t, "the signal is heard", func() bool { return containsText(x, "a second interrupt stops at once") })
		require.NoError(t, x.cmd.Process.Signal(syscall.SIGTERM))
		require.EqualError(t, x.wait(t), "exit status 130", x.err.String())
		eventually(t, "nothing is built any more", func() bool { return b.target.QueryString(t, building) == "f" })
		b.slow(t, "0")
		release() // what the dead process left on the server ends with its connection
		b.ok(t, "clone", "--resume")
		require.Equal(t, 3, strings.Count(b.target.QueryString(t, keysOfA), "true"))
		b.same(t, "a", "big", "small")
	})
	t.Run("one that fails", func(t *testing.T) {
		t.Parallel()
		for _, profile := range []string{"postgres", "db9"} {
			b := setup(t, besideBig)
			b.target.Exec(t, `CREATE SCHEMA other; CREATE SEQUENCE other.tries; CREATE FUNCTION other.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
				IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = 'public.a_slow') THEN PERFORM nextval('other.tries'); RAISE EXCEPTION 'no room'; END IF; END $$;
				CREATE EVENT TRIGGER `+b.target.Name+`_refuse ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION other.refuse()`)
			r := b.run(t, "clone", "--jobs", "1", "--profile", profile)
			require.Equal(t, Partial, r.code, r.err)
			require.Contains(t, r.err, "a_slow could not be built beside the copies, and is tried again after them")
			require.Contains(t, r.out, "no room")
			require.Equal(t, "2", b.target.QueryString(t, "SELECT last_value FROM other.tries"), "once beside the copies, once by its phase")
			b.target.Exec(t, "DROP EVENT TRIGGER "+b.target.Name+"_refuse")
			b.followNext(t, r.last())
			require.Equal(t, "t", b.target.QueryString(t, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_slow'::regclass"))
		}
	})
}
