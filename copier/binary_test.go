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

func inBinary(t ddlgen.Transfer) ddlgen.Transfer {
	t.Binary = true
	return t
}

// Rows in the binary format: no row, no column, many, NULLs, rows longer than every
// buffer, and values that look like what frames a stream; in every way of batching.
func TestBinaryFormat(t *testing.T) {
	t.Parallel()
	everyBatching(t, func(t *testing.T, p *pair) {
		t.Helper()
		p.both(t, `CREATE TYPE public.mood AS ENUM ('ok', 'so so');
			CREATE TABLE public.none (n bigint);
			CREATE TABLE public.nocolumns ();
			CREATE TABLE public.many (id int PRIMARY KEY, t text, n numeric(20, 4), ts timestamptz, m public.mood, a int[], j jsonb, f float8);
			CREATE TABLE public.long (id int, b bytea);
			CREATE TABLE public.odd (a smallint, b bytea)`)
		p.source.Exec(t, `INSERT INTO public.nocolumns SELECT FROM generate_series(1, 300);
			INSERT INTO public.many SELECT n, CASE WHEN n % 7 > 0 THEN 'ä' || n END, n / 7.0, timestamptz 'epoch' + n * interval '1 day 1 us', 'so so', ARRAY[n, NULL, n + 1],
				jsonb_build_object('n', n), 1.0 / n FROM generate_series(1, 5000) n;
			INSERT INTO public.many VALUES (0, '', 'NaN', 'infinity', NULL, '{}', 'null', '-Infinity');
			INSERT INTO public.long SELECT n, decode(repeat(md5(n::text), n * 9000), 'hex') FROM generate_series(0, 5) n;
			INSERT INTO public.odd SELECT -1, '\xffff' FROM generate_series(1, 100);
			INSERT INTO public.odd VALUES (2, '\x5047434f50590aff0d0a00')`)
		params := p.params(t, inBinary(transfer("none", "n")), inBinary(transfer("nocolumns")), inBinary(transfer("many", "id", "t", "n", "ts", "m", "a", "j", "f")),
			inBinary(transfer("long", "id", "b")), inBinary(transfer("odd", "a", "b")))
		res, err := Copy(soon(t), params)
		complete(t, res, err)
		for _, r := range res.Tables {
			require.True(t, r.Binary)
		}
		p.same(t, "none", "nocolumns", "many", "long", "odd")
	})
}

// A stream in the binary format goes on after a break where it stood: what is there
// is read again, proved, and not sent.
func TestBinaryGoesOn(t *testing.T) {
	t.Parallel()
	for i, fault := range []db9sim.Fault{
		{Point: "before-commit", Action: "commit-lost", Nth: 3},
		{Point: "before-commit", Action: "commit-late", Nth: 3, Delay: 300 * time.Millisecond},
		{Point: "after-commit", Action: "reset", Nth: 3},
		{Point: "copy-data", Action: "reset", After: 700, Nth: 3},
		{Point: "copy-done", Action: "40001", Nth: 3},
		{Point: "ledger", Action: "reset", Nth: 3},
	} {
		t.Run(fmt.Sprint(fault.Point, " ", fault.Action), func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.profile.Await, p.profile.BatchRows, p.profile.BatchBytes = i%2 == 0, 100, 1<<20
			p.both(t, "CREATE TABLE public.t (id bigint PRIMARY KEY, v text); CREATE TABLE public.loose (id bigint, v text)")
			p.source.Exec(t, "INSERT INTO public.t SELECT n, 'row ' || n FROM generate_series(1, 1000) n; INSERT INTO public.loose SELECT n % 7, 'row' FROM generate_series(1, 1000) n")
			sim := standIn(t, p.target, db9sim.Config{Rules: db9sim.None(), Seed: 1, Faults: []db9sim.Fault{fault}})
			params := p.params(t, inBinary(transfer("t", "id", "v")), inBinary(transfer("loose", "id", "v")))
			params.Target, params.answerWait = parse(t, dial.Target, sim.URL()), 3*time.Second
			res, err := Copy(soon(t), params)
			complete(t, res, err)
			require.NotEmpty(t, sim.Injected())
			p.same(t, "t", "loose")
		})
	}
}
