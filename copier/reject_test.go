package copier

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/db9sim"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// everyTarget runs a test with each way of batching, and through the stand-in
// for DB9 with its profile.
func everyTarget(t *testing.T, f func(t *testing.T, p *pair, target func(Params) Params)) {
	t.Helper()
	plain := func(p Params) Params { return p }
	t.Run("one batch", func(t *testing.T) { t.Parallel(); f(t, newPair(t), plain) })
	t.Run("pipelined", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.profile.Window, p.profile.BatchRows, p.profile.BatchBytes = 5, 30, 20_000
		f(t, p, plain)
	})
	t.Run("stand-in", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.profile = ddlgen.DB9()
		p.profile.BatchRows = 30
		sim := standIn(t, p.target, db9sim.Config{})
		f(t, p, func(params Params) Params {
			params.Target = parse(t, dial.Target, sim.URL())
			return params
		})
	})
}

func rejecting(p Params) Params {
	p.OnRowError, p.MaxRejects = RowReject, DefaultMaxRejects
	return p
}

// apart requires that a copy ended well, with exactly these rows (by the first
// column) refused, once each, and all others loaded, by the ledger and by SQL.
func (p *pair) apart(t *testing.T, res *Result, err error, table string, refused ...int) {
	t.Helper()
	require.NoError(t, err)
	var keys []string
	for _, n := range refused {
		keys = append(keys, fmt.Sprint(n))
	}
	r := res.Tables[0]
	require.NoError(t, r.Err)
	require.Equal(t, r.Parts, r.PartsDone)
	require.Equal(t, int64(len(refused)), r.Rejected)
	require.Equal(t, []int64{r.Read, r.Read - r.Rejected, r.Read - r.Rejected}, []int64{r.Framed, r.Acked, r.Ledger})
	require.Equal(t, uint64(r.Ledger), r.Digest.Rows)
	require.Equal(t, strings.Join(keys, " "), p.target.QueryString(t, `SELECT coalesce(string_agg(split_part(encode(bytes, 'escape'), E'\t', 1), ' '
		ORDER BY split_part(encode(bytes, 'escape'), E'\t', 1)::int), '') FROM _pg2db9.reject`))
	// No row twice, none lost: the target's rows and the refused ones are the source's.
	gone := strings.Join(append(keys, "NULL"), ", ")
	want := p.source.QueryString(t, fmt.Sprintf(`SELECT count(*) || ' ' || coalesce(sum(('x' || left(md5(r::text), 15))::bit(60)::bigint::numeric), 0) FROM public.%s r WHERE NOT coalesce(n IN (%s), false)`, table, gone))
	require.Equal(t, want, fingerprint(t, p.target, table))
	require.Equal(t, "0", p.target.QueryString(t, `SELECT count(*) FROM _pg2db9.reject r
		WHERE NOT EXISTS (SELECT 1 FROM _pg2db9.span s WHERE s.run = r.run AND s.part = r.part AND r."row" >= s.first AND r."row" < s.last)`))
}

// Refused rows at every place of a part, one, none, all, and next to each other:
// exactly those are recorded, with their key and the target's own words, and all
// others loaded.
func TestRejectPlaces(t *testing.T) {
	t.Parallel()
	all := make([]int, 120)
	for i := range all {
		all[i] = i + 1
	}
	for name, bad := range map[string][]int{
		"none": nil, "first": {1}, "last": {120}, "first and last": {1, 120}, "neighbours": {59, 60, 61}, "some": {3, 30, 31, 60, 61, 62, 119}, "all": all,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyTarget(t, func(t *testing.T, p *pair, target func(Params) Params) {
				t.Helper()
				p.source.Exec(t, "CREATE TABLE public.t (n bigint PRIMARY KEY, v text); INSERT INTO public.t SELECT n, 'row ' || n FROM generate_series(1, 120) n")
				p.target.Exec(t, "CREATE TABLE public.t (n bigint PRIMARY KEY, v text CHECK (v <> 'bad'))")
				if len(bad) > 0 {
					p.source.Exec(t, fmt.Sprintf("UPDATE public.t SET v = 'bad' WHERE n IN (%s)", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(bad)), ","), "[]")))
				}
				tr := transfer("t", "n", "v")
				tr.Key = []string{"n"}
				res, err := Copy(soon(t), rejecting(target(p.params(t, tr))))
				p.apart(t, res, err, "t", bad...)
				if len(bad) > 0 {
					require.Equal(t, fmt.Sprintf("n=%d 23514 true", bad[0]), p.target.QueryString(t,
						fmt.Sprintf("SELECT key || ' ' || sqlstate || ' ' || (message LIKE '%%t_v_check%%') FROM _pg2db9.reject WHERE key = 'n=%d'", bad[0])))
					require.Contains(t, strings.Join(p.events.notes(), "\n"), "the target refuses a row of public.t (23514")
				}
			})
		})
	}
}

// The only row of a table is refused.
func TestRejectOnlyRow(t *testing.T) {
	t.Parallel()
	everyTarget(t, func(t *testing.T, p *pair, target func(Params) Params) {
		t.Helper()
		p.source.Exec(t, "CREATE TABLE public.t (n bigint, v text); INSERT INTO public.t VALUES (1, 'too long')")
		p.target.Exec(t, "CREATE TABLE public.t (n bigint, v varchar(3))")
		res, err := Copy(soon(t), rejecting(target(p.params(t, transfer("t", "n", "v")))))
		p.apart(t, res, err, "t", 1)
	})
}

// Rows that are refused for one another: of each key the first stays, in one
// batch and across batches; and for a constraint that is looked at when the batch
// is committed, where the target names no line.
func TestRejectDuplicates(t *testing.T) {
	t.Parallel()
	for name, constraint := range map[string]string{"at once": "UNIQUE", "at COMMIT": "UNIQUE DEFERRABLE INITIALLY DEFERRED"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyBatching(t, func(t *testing.T, p *pair) {
				t.Helper()
				p.source.Exec(t, "CREATE TABLE public.t (n integer, k integer); INSERT INTO public.t SELECT n, CASE WHEN n IN (5, 6, 200, 250) THEN 1 ELSE n END FROM generate_series(1, 300) n")
				p.target.Exec(t, "CREATE TABLE public.t (n integer, k integer "+constraint+")")
				params := rejecting(p.params(t, transfer("t", "n", "k")))
				params.Jobs = 1
				res, err := Copy(soon(t), params)
				p.apart(t, res, err, "t", 5, 6, 200, 250)
				require.Equal(t, "23505", p.target.QueryString(t, "SELECT DISTINCT sqlstate FROM _pg2db9.reject"))
			})
		})
	}
}

// A target that refuses at the end of the COPY, by a trigger, names the last line
// for whatever row: the hint is not believed.
func TestRejectWrongHint(t *testing.T) {
	t.Parallel()
	everyBatching(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.source.Exec(t, "CREATE TABLE public.t (n integer); INSERT INTO public.t SELECT generate_series(1, 300)")
		p.target.Exec(t, `CREATE TABLE public.t (n integer);
			CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.n IN (7, 160) THEN RAISE ''not this''; END IF; RETURN NULL; END';
			CREATE TRIGGER no AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.no()`)
		res, err := Copy(soon(t), rejecting(p.params(t, transfer("t", "n"))))
		p.apart(t, res, err, "t", 7, 160)
		require.Equal(t, "P0001 not this", p.target.QueryString(t, "SELECT DISTINCT sqlstate || ' ' || message FROM _pg2db9.reject"))
	})
}

// Beyond --max-rejects the table fails and says so; the others go on, and what
// was recorded is at most that many.
func TestRejectTooMany(t *testing.T) {
	t.Parallel()
	everyTarget(t, func(t *testing.T, p *pair, target func(Params) Params) {
		t.Helper()
		p.source.Exec(t, "CREATE TABLE public.t (n integer); INSERT INTO public.t SELECT generate_series(1, 300); CREATE TABLE public.ok (n integer); INSERT INTO public.ok VALUES (1)")
		p.target.Exec(t, "CREATE TABLE public.t (n integer CHECK (n % 10 <> 0)); CREATE TABLE public.ok (n integer)")
		params := rejecting(target(p.params(t, transfer("t", "n"), transfer("ok", "n"))))
		params.MaxRejects = 12
		res, err := Copy(soon(t), params)
		require.ErrorContains(t, err, "refuses more than 12 rows")
		require.ErrorContains(t, err, "--max-rejects")
		require.NoError(t, res.Tables[1].Err)
		require.Equal(t, "true 1", p.target.QueryString(t, "SELECT (count(*) <= 12) || ' ' || (SELECT count(*) FROM public.ok) FROM _pg2db9.reject"))
	})
}

// The other two: the table fails and the others go on; or the run stops, and
// tables after it are not begun.
func TestRowErrorTableAndStop(t *testing.T) {
	t.Parallel()
	for _, mode := range []RowErrors{"", RowTable, RowStop} {
		t.Run("mode "+string(mode), func(t *testing.T) {
			t.Parallel()
			everyBatching(t, func(t *testing.T, p *pair) {
				t.Helper()
				p.source.Exec(t, "CREATE TABLE public.a (n integer); INSERT INTO public.a VALUES (1); CREATE TABLE public.b (n integer); INSERT INTO public.b VALUES (1)")
				p.target.Exec(t, "CREATE TABLE public.a (n integer CHECK (n > 1)); CREATE TABLE public.b (n integer)")
				params := p.params(t, transfer("a", "n"), transfer("b", "n"))
				params.Jobs, params.OnRowError, params.Profile.Window = 1, mode, min(params.Profile.Window, 1)
				res, err := Copy(soon(t), params)
				var partial *PartialError
				require.ErrorAs(t, err, &partial)
				require.False(t, partial.Interrupted)
				require.Equal(t, "23514", dial.SQLState(res.Tables[0].Err))
				if mode == RowStop {
					require.ErrorIs(t, res.Tables[1].Err, errStopped)
				} else {
					require.NoError(t, res.Tables[1].Err)
				}
			})
		})
	}
}

// Rows that this side refuses in the target's place, without sending them: too
// long ones, by key, length and digest alone, and what is not UTF-8.
func TestRejectUnsent(t *testing.T) {
	t.Parallel()
	c := pgtest.Server(t)
	p := &pair{source: c.Database(t, pgtest.DBOptions{Encoding: "SQL_ASCII"}), target: c.Database(t), profile: ddlgen.DB9(), events: &recorder{}}
	p.profile.RowBytes, p.profile.BatchRows = 1<<20, 10
	p.source.Exec(t, `CREATE TABLE public.t (n integer PRIMARY KEY, v text);
		INSERT INTO public.t SELECT n, 'row ' || n FROM generate_series(1, 50) n;
		UPDATE public.t SET v = E'caf\xe9' WHERE n = 20;
		UPDATE public.t SET v = repeat('x', 2000000) WHERE n IN (1, 33);
		UPDATE public.t SET v = repeat(E'\xe9', 1500000) WHERE n = 34`)
	// From now on the server takes its own bytes for UTF-8, and does not look.
	p.source.Exec(t, "UPDATE pg_database SET encoding = pg_char_to_encoding('UTF8') WHERE datname = current_database()")
	p.target.Exec(t, "CREATE TABLE public.t (n integer PRIMARY KEY, v text)")
	tr := transfer("t", "n", "v")
	tr.Key = []string{"n"}
	params := rejecting(p.params(t, tr))
	params.Jobs = 1
	lost := false // a connection is lost with all of them in the committed prefix, which is then proved
	params.faults = &faults{at: func(_ context.Context, at point, b *batch) error {
		if at == pointCopied && b.span.final && !lost {
			lost = true
			_ = b.to.wire.conn.Close()
			return context.DeadlineExceeded
		}
		return nil
	}}
	res, err := Copy(soon(t), params)
	require.NoError(t, err)
	require.True(t, lost)
	require.Equal(t, []int64{50, 4, 46}, []int64{res.Tables[0].Read, res.Tables[0].Rejected, res.Tables[0].Acked})
	require.Equal(t, `n=1 54000 2000002 -, n=20 22021 7 3230096361 66e9, n=33 54000 2000003 -, n=34 54000 1500003 -`, p.target.QueryString(t,
		`SELECT string_agg(concat_ws(' ', key, sqlstate, length, CASE WHEN bytes IS NULL THEN '-' ELSE overlay(encode(bytes, 'hex') placing ' ' from 11 for 0) END), ', ' ORDER BY key) FROM _pg2db9.reject`))
	require.Equal(t, "46", p.target.QueryString(t, "SELECT count(*) FROM public.t"))
}

// A row that is too large to be kept in memory is sent as it comes; refused, it is
// recorded by key, length and digest, and the rows around it are loaded.
func TestRejectHugeRow(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.source.Exec(t, "CREATE TABLE public.t (n integer PRIMARY KEY, v text); INSERT INTO public.t SELECT n, CASE n WHEN 30 THEN 'bad' ELSE 'good' END FROM generate_series(1, 50) n")
	p.source.Exec(t, fmt.Sprintf("UPDATE public.t SET v = repeat('x', %d) WHERE n IN (1, 20)", hugeRow))
	p.source.Exec(t, fmt.Sprintf("UPDATE public.t SET v = repeat('y', %d) WHERE n = 21", hugeRow))
	p.target.Exec(t, "CREATE TABLE public.t (n integer PRIMARY KEY, v text CHECK (left(v, 1) <> 'x' AND v <> 'bad'))")
	tr := transfer("t", "n", "v")
	tr.Key = []string{"n"}
	res, err := Copy(soon(t), rejecting(p.params(t, tr)))
	require.NoError(t, err)
	require.Equal(t, []int64{50, 3, 47, 47}, []int64{res.Tables[0].Read, res.Tables[0].Rejected, res.Tables[0].Acked, res.Tables[0].Ledger})
	require.Equal(t, fmt.Sprintf("n=1 %d -, n=20 %d -, n=30 6 kept", hugeRow+2, hugeRow+3), p.target.QueryString(t,
		"SELECT string_agg(concat_ws(' ', key, length, CASE WHEN bytes IS NULL THEN '-' ELSE 'kept' END), ', ' ORDER BY key) FROM _pg2db9.reject"))
	require.Equal(t, fmt.Sprintf("47 %d", hugeRow), p.target.QueryString(t, "SELECT count(*) || ' ' || max(length(v)) FROM public.t"))
}

// Texts that one side takes and the other does not: a NUL in jsonb, and characters
// that the target's encoding lacks, where it names no line for certain.
func TestRejectTexts(t *testing.T) {
	t.Parallel()
	everyBatching(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.target = pgtest.Server(t).Database(t, pgtest.DBOptions{Encoding: "LATIN1"})
		p.source.Exec(t, `CREATE TABLE public.t (n integer, v text, j json);
			INSERT INTO public.t SELECT n, CASE WHEN n IN (9, 150) THEN '中' ELSE 'e' END, CASE n WHEN 80 THEN '{"a": "\u0000"}' ELSE '{}' END::json FROM generate_series(1, 200) n`)
		p.target.Exec(t, "CREATE TABLE public.t (n integer, v text, j jsonb)")
		tr := transfer("t", "n", "v", "j")
		tr.Key = []string{"n", "v"} // which the ledger's own text column does not take either
		res, err := Copy(soon(t), rejecting(p.params(t, tr)))
		p.apart(t, res, err, "t", 9, 80, 150)
		require.Equal(t, `n=150, v=\u4e2d; n=80, v=e; n=9, v=\u4e2d`, p.target.QueryString(t, "SELECT string_agg(key, '; ' ORDER BY key COLLATE \"C\") FROM _pg2db9.reject"))
		require.Equal(t, "22P05", p.target.QueryString(t, "SELECT DISTINCT sqlstate FROM _pg2db9.reject"))
	})
}

// Exactly once through faults at every point of a batch's life, while rows are
// refused: the connection is lost there again and again, answers of COMMIT too.
func TestRejectExactlyOnceThroughFaults(t *testing.T) {
	t.Parallel()
	for _, at := range []point{pointCopied, pointRecorded, pointCommitSent} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			everyTarget(t, func(t *testing.T, p *pair, target func(Params) Params) {
				t.Helper()
				p.source.Exec(t, "CREATE TABLE public.t (n integer, v text); INSERT INTO public.t SELECT n, CASE WHEN n IN (1, 34, 35, 170, 500) THEN 'bad' ELSE 'good' END FROM generate_series(1, 500) n")
				p.target.Exec(t, "CREATE TABLE public.t (n integer UNIQUE, v varchar(4) CHECK (v <> 'bad'))")
				params := rejecting(target(p.params(t, transfer("t", "n", "v"))))
				params.Jobs = 1
				if at == pointRecorded { // only where each answer is awaited
					params.Profile.Window = 1
				}
				hits, losses := 0, 0
				params.faults = &faults{at: func(_ context.Context, p point, b *batch) error {
					if p != at {
						return nil
					}
					if hits++; hits%3 != 0 || losses == 3 {
						return nil
					}
					losses++
					_ = b.to.wire.conn.Close()
					return context.DeadlineExceeded
				}}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				res, err := Copy(ctx, params)
				require.Positive(t, losses)
				p.apart(t, res, err, "t", 1, 34, 35, 170, 500)
			})
		})
	}
}

// A session that outlived its client commits the batch that a row was taken out
// of, while it is sent again: the row is recorded once, and no row that the
// survivor loaded is called a duplicate of itself.
func TestRejectSurvivorCommitsLater(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.profile.Await, p.profile.BatchRows, p.profile.BatchBytes = true, 100, 1<<20
	p.source.Exec(t, "CREATE TABLE public.t (n integer); INSERT INTO public.t SELECT generate_series(1, 1000)")
	p.target.Exec(t, "CREATE TABLE public.t (n integer UNIQUE CHECK (n <> 50))")
	params := rejecting(p.params(t, transfer("t", "n")))
	params.Jobs = 1
	var waited, withReject bool
	f, finished := survive(pointRecorded, func(b *batch) {
		sql := "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid' AND database IS NULL"
		waited = assertEventually(func() bool { return p.target.QueryString(t, sql) != "0" })
		_, _ = b.to.wire.conn.(deadConn).Conn.Write(query("COMMIT"))
		buf := make([]byte, 64)
		_ = b.to.wire.conn.(deadConn).SetReadDeadline(time.Now().Add(10 * time.Second))
		_, _ = b.to.wire.conn.Read(buf)
	})
	at := f.at
	f.at = func(ctx context.Context, p point, b *batch) error {
		if len(b.rejectsOf()) == 0 {
			return nil
		}
		withReject = true
		return at(ctx, p, b)
	}
	params.faults = f
	res, err := Copy(soon(t), params)
	finished()
	require.True(t, waited)
	require.True(t, withReject)
	p.apart(t, res, err, "t", 50)
}

// rejectsOf are the rejects of a batch; a part's end has none.
func (b *batch) rejectsOf() []reject {
	if b == nil {
		return nil
	}
	return b.rejects
}

// A committed prefix whose refused row has changed is not the prefix: the table
// must be loaded anew.
func TestRejectPrefixIsProved(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.profile.Await, p.profile.BatchRows = true, 50
	p.source.Exec(t, "CREATE TABLE public.t (n integer); INSERT INTO public.t SELECT generate_series(1, 200)")
	p.target.Exec(t, "CREATE TABLE public.t (n integer CHECK (n <> 20))")
	params := rejecting(p.params(t, transfer("t", "n")))
	params.Jobs = 1
	lost := false
	params.faults = &faults{at: func(_ context.Context, at point, b *batch) error {
		if at == pointCopied && b.span.first >= 100 && !lost {
			lost = true
			p.target.Exec(t, "UPDATE _pg2db9.reject SET digest = '00000000000000000000000000000000'")
			_ = b.to.wire.conn.Close()
			return context.DeadlineExceeded
		}
		return nil
	}}
	_, err := Copy(soon(t), params)
	require.True(t, lost)
	require.ErrorContains(t, err, "is not the one that the ledger holds as refused")
}
