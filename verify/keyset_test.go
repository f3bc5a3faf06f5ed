package verify

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/keyset"
	"github.com/pg2db9/pg2db9/internal/pgtest"
	"github.com/pg2db9/pg2db9/internal/sample"
)

// transfer is that of a table s.t with these columns, text where no type is given.
func transfer(columns, key []string, types ...string) *ddlgen.Transfer {
	t := &ddlgen.Transfer{Target: catalog.Name{Schema: "s", Name: "t"}, Key: key}
	for i, c := range columns {
		column := ddlgen.ColumnTransfer{Source: c, Target: c, Select: `"` + c + `"`, ReadBack: `"` + c + `"`, TargetType: "text"}
		if i < len(types) {
			column.TargetType = types[i]
		}
		t.Columns = append(t.Columns, column)
	}
	return t
}

// byKey gives the plan's tables the keys that they have, and lets the target be
// read in their order.
func (b *bundle) byKey(t *testing.T) Params {
	t.Helper()
	for i := range b.plan.Transfers {
		tr := &b.plan.Transfers[i]
		rows, err := b.source.Conn(t).Query(t.Context(), `
			SELECT a.attname::text FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
			unnest(x.indkey) WITH ORDINALITY k(num, at) JOIN pg_attribute a ON a.attnum = k.num
			WHERE x.indisprimary AND n.nspname = $1 AND c.relname = $2 AND a.attrelid = x.indrelid ORDER BY k.at`, tr.Target.Schema, tr.Target.Name)
		require.NoError(t, err)
		for rows.Next() {
			var name string
			require.NoError(t, rows.Scan(&name))
			tr.Key = append(tr.Key, name)
		}
		require.NoError(t, rows.Err())
	}
	p := b.params
	p.Profile.ReadByKey = true
	return p
}

// matches runs and demands that all is equal.
func matches(t *testing.T, p Params) *Report {
	t.Helper()
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	for _, x := range report.Tables {
		require.Equal(t, Match, x.Verdict, "%s: %s", x.Target, x.Detail)
	}
	require.True(t, report.Good())
	return report
}

// Rows read by SELECT have the digest of those read by COPY: every table and
// type of the sample, with keys and without.
func TestPagesAreCopysRows(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	b := &bundle{source: server.Database(t), target: server.Database(t), events: &events{}}
	for _, db := range []*pgtest.DB{b.source, b.target} {
		require.NoError(t, sample.Load(t.Context(), db.Conn(t), sample.Options{Scale: 0.02}))
	}
	b.plan = planOf(t, b.source)
	b.copied = account(t, b.source, b.plan)
	b.params = Params{Target: endpoint(t, dial.Target, b.target), Plan: b.plan, Profile: ddlgen.Postgres(), Copied: b.copied, Jobs: 2}
	report, err := Run(t.Context(), b.byKey(t))
	require.NoError(t, err)
	require.Positive(t, report.Rows())
	for i := range report.Tables { // views among them
		x := &report.Tables[i]
		if x.Data == nil {
			continue
		}
		require.Equal(t, Match, x.Data.Verdict, "%s: %s", x.Target, x.Detail)
		copied := b.copied[slices.IndexFunc(b.copied, func(s SourceSide) bool { return s.Target == x.Target })]
		require.Equal(t, copied.Bytes, x.Data.Bytes, x.Target)
	}
}

// The values whose COPY TEXT is not their text, rows larger than any buffer, and
// keys of every sort, in small pages.
func TestPagesOfHostileValues(t *testing.T) {
	t.Parallel()
	b := setup(t, `
		CREATE TABLE texts (k text PRIMARY KEY, v text, w bytea);
		INSERT INTO texts SELECT chr(i) || E'\\''"\t\n\r\b\f\v' || i, chr(i), decode(lpad(to_hex(i % 256), 2, '0'), 'hex') FROM generate_series(1, 2000) i;
		INSERT INTO texts VALUES ('', '', ''), ('\N', '\N', NULL), ('\.', '\.', NULL), ('NULL', NULL, NULL), (' ', ' ', NULL), ('é' || chr(128512), E'\\\\', NULL);
		CREATE TABLE large (id integer PRIMARY KEY, v text, n text);
		INSERT INTO large SELECT i, repeat(E'x\t\\' || i, i * 60000), CASE WHEN i % 2 = 0 THEN '' END FROM generate_series(0, 8) i;
		CREATE TABLE largekey (a integer, k text, v text, PRIMARY KEY (k, a));
		INSERT INTO largekey SELECT i, repeat('k', 1000) || i % 3, repeat('v', 200000) FROM generate_series(1, 9) i;
		CREATE TABLE pairs (a integer, b bigint, c date, v text, PRIMARY KEY (c, a, b));
		INSERT INTO pairs SELECT i % 7, -i, '2020-01-01'::date + i % 5, i FROM generate_series(1, 5000) i;
		CREATE TABLE bounds (id bigint PRIMARY KEY);
		INSERT INTO bounds VALUES (-9223372036854775808), (-1), (0), (1), (9223372036854775807);
		CREATE TABLE moments (at timestamptz, i interval, f double precision, n numeric, PRIMARY KEY (at, i, f, n));
		INSERT INTO moments SELECT '2020-01-01'::timestamptz + (i / 4) * '1 ms'::interval, (i % 2) * '1 day'::interval, 'NaN', i FROM generate_series(1, 3000) i;
		INSERT INTO moments VALUES ('infinity', '1 mon', '-Infinity', 'NaN'), ('-infinity', '24:00:00', 0.1, 0);
		CREATE TABLE empty (id integer PRIMARY KEY);
		CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
		CREATE TABLE bag (a integer, b text); INSERT INTO bag SELECT i / 2, NULL FROM generate_series(1, 3000) i;`)
	p := b.byKey(t)
	report := matches(t, p)
	require.EqualValues(t, 5000, table(t, report, "pairs").Data.Counted)

	for i := range b.copied { // pages of a few rows
		b.copied[i].Bytes = b.copied[i].Read * (2 << 20)
	}
	report = matches(t, p)
	require.EqualValues(t, 2006, table(t, report, "texts").Data.Counted)
}

// Each damage that COPY finds is found in pages.
func TestPagesFindDamage(t *testing.T) {
	t.Parallel()
	const keyed = `CREATE TABLE t (a integer, b integer, v text, PRIMARY KEY (a, b)); INSERT INTO t SELECT i / 10, i, 'v' || i FROM generate_series(1, 2000) i;`
	for name, damage := range map[string]string{
		"missing first": "DELETE FROM t WHERE b = 1",
		"missing last":  "DELETE FROM t WHERE b = 2000",
		"missing":       "DELETE FROM t WHERE b = 500",
		"extra":         "INSERT INTO t VALUES (1, 9999, 'x')",
		"changed":       "UPDATE t SET v = v || ' ' WHERE b = 500",
		"key changed":   "UPDATE t SET b = 5000 WHERE b = 500",
		"null":          "UPDATE t SET v = NULL WHERE b = 500",
		"null's text":   `UPDATE t SET v = '\N' WHERE b = 500`,
		"empty":         "TRUNCATE t",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, keyed)
			b.target.Exec(t, damage)
			report, err := Run(t.Context(), b.byKey(t))
			require.NoError(t, err)
			require.Equal(t, Mismatch, table(t, report, "t").Data.Verdict)
		})
	}
}

// A large table is read in ranges of its key at once, and nothing is read twice
// or left out.
func TestPagesInRanges(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id bigint, part integer, v text, PRIMARY KEY (id, part));
		INSERT INTO t SELECT i / 2 - 5000, i, repeat('x', 1000) FROM generate_series(1, 20000) i;`)
	p := b.byKey(t)
	p.Jobs = 4
	v := &run{p: p, report: &Report{}}
	require.NoError(t, v.expect())
	report := matches(t, p)
	require.EqualValues(t, 20000, report.Rows())
	require.Greater(t, p.Progress.Snapshot().TotalParts, 2)
}

// A connection that breaks in the middle of a page, or a statement that takes
// too long, costs that page: it is read again, smaller, and what was read before
// it is not.
func TestPagesGoOn(t *testing.T) {
	t.Parallel()
	const sql = `CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i;`
	t.Run("connection lost", func(t *testing.T) {
		t.Parallel()
		b := setup(t, sql)
		p := b.byKey(t)
		p.Jobs = 1
		p.Target = faulty(p.Target, nil, func(number int, read int64) error {
			if number < 3 && read > 700_000 { // behind the first page, inside of a later one
				return errCut
			}
			return nil
		})
		d := table(t, matches(t, p), "t").Data
		require.EqualValues(t, 20000, d.Counted)
		require.Equal(t, b.copied[0].Bytes, d.Bytes, "no page counts twice")
	})
	t.Run("connection lost behind a long wait", func(t *testing.T) {
		t.Parallel()
		b := setup(t, sql)
		p := b.byKey(t)
		p.Jobs = 1
		p.Patience = time.Second
		start := time.Now()
		p.Target = faulty(p.Target, nil, func(number int, read int64) error {
			if number == 0 && read > 700_000 { // a page that takes longer than the patience is broken off late
				<-time.After(time.Until(start.Add(1500 * time.Millisecond)))
				return errCut
			}
			return nil
		})
		require.EqualValues(t, 20000, table(t, matches(t, p), "t").Data.Counted)
	})
	t.Run("server away for a while", func(t *testing.T) {
		t.Parallel()
		b := setup(t, sql)
		p := b.byKey(t)
		p.Jobs = 1
		again := &pagesAgain{}
		p.Log = slog.New(again)
		var away atomic.Int32 // dials that fail yet
		var once sync.Once
		p.Target = faulty(p.Target, func(int) error {
			if away.Add(-1) >= 0 {
				return errCut
			}
			return nil
		}, func(_ int, read int64) (err error) {
			if read > 700_000 {
				once.Do(func() { away.Store(4); err = errCut })
			}
			return err
		})
		require.EqualValues(t, 20000, table(t, matches(t, p), "t").Data.Counted)
		require.Len(t, again.rows, 5)
		for _, rows := range again.rows[1:] {
			require.Equal(t, again.rows[1], rows, "a page that was not asked for makes the next one no smaller")
		}
	})
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		for _, code := range []string{"57014", "25P03"} {
			b := setup(t, sql)
			b.target.Exec(t, `CREATE SEQUENCE calls; CREATE FUNCTION slow(v text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
				IF nextval('public.calls') IN (7000, 7001, 9000) THEN RAISE EXCEPTION 'too slow' USING ERRCODE = '`+code+`'; END IF;
				RETURN v; END $$`)
			p := b.byKey(t)
			b.plan.Transfers[0].Columns[1].ReadBack = "public.slow(v)"
			require.EqualValues(t, 20000, table(t, matches(t, p), "t").Data.Counted)
		}
	})
	t.Run("one row is too slow", func(t *testing.T) {
		t.Parallel()
		b := setup(t, sql)
		b.target.Exec(t, `CREATE FUNCTION slow(id integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
			IF id = 7777 THEN RAISE EXCEPTION 'too slow' USING ERRCODE = '57014'; END IF; RETURN id; END $$`)
		p := b.byKey(t)
		b.plan.Transfers[0].Columns[0].ReadBack = "public.slow(id)"
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		got := table(t, report, "t")
		require.Equal(t, Errored, got.Verdict)
		require.Contains(t, got.Detail, "too slow")
		require.Equal(t, int64(Uncounted), got.Data.Counted)
	})
	t.Run("server gone", func(t *testing.T) {
		t.Parallel()
		b := setup(t, sql)
		p := b.byKey(t)
		p.Patience = 1
		p.Target = faulty(p.Target, func(number int) error {
			if number > 1 {
				return errCut
			}
			return nil
		}, func(_ int, read int64) error {
			if read > 500_000 {
				return errCut
			}
			return nil
		})
		report, err := Run(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, Errored, table(t, report, "t").Verdict)
	})
}

// pagesAgain keeps how many rows a page had that is read again.
type pagesAgain struct {
	mu   sync.Mutex
	rows []int64
}

func (h *pagesAgain) Enabled(context.Context, slog.Level) bool { return true }
func (h *pagesAgain) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *pagesAgain) WithGroup(string) slog.Handler            { return h }

func (h *pagesAgain) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "a page is read again" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "rows" {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.rows = append(h.rows, a.Value.Int64())
			}
			return true
		})
	}
	return nil
}

// A table without a key is read in one statement, tried once more when the
// connection breaks; where it was accepted that it does not fit, it is Skipped.
func TestPagesWithoutKey(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (v text); INSERT INTO t SELECT repeat('x', 100) FROM generate_series(1, 20000) i;`)
	p := b.byKey(t)
	p.Profile.StatementLimit = 60_000
	matches(t, p)

	cut := p
	cut.Target = faulty(p.Target, nil, func(number int, read int64) error {
		if number == 0 && read > 700_000 {
			return errCut
		}
		return nil
	})
	require.EqualValues(t, 20000, matches(t, cut).Rows())

	p.Profile.StatementLimit = 10_000 // half of it at 200 kB/s is 1 MB
	matches(t, p)                     // nobody was told that it cannot be read, so it is tried

	plan := *b.plan
	plan.Findings = []finding.Finding{{Code: "table.unproven", Severity: finding.Change, Object: finding.Object{Kind: "table", Schema: "public", Name: "t"}}}
	p.Plan = &plan
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	got := table(t, report, "t")
	require.Equal(t, Skipped, got.Verdict)
	require.Contains(t, got.Detail, "cannot be read back within the target's statement timeout")
	require.Equal(t, int64(Uncounted), got.Data.Counted)
	require.True(t, report.Good(), "it was accepted")

	p.Profile.StatementLimit = 0
	matches(t, p) // lifted: it is proved after all
}

// A key that is not unique on the target, or holds NULL, does not hide rows.
func TestPagesMistrustKey(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id integer, v text); INSERT INTO t SELECT 1, 'v' || i FROM generate_series(1, 6000) i;`)
	p := b.byKey(t)
	b.plan.Transfers[0].Key = []string{"id"}
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.NotEqual(t, Match, table(t, report, "t").Data.Verdict)

	b.target.Exec(t, "DELETE FROM t WHERE ctid > '(0,10)'; UPDATE t SET id = NULL WHERE v = 'v7'")
	report, err = Run(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, Errored, table(t, report, "t").Data.Verdict)
	require.Contains(t, table(t, report, "t").Detail, "holds NULL")
}

// A row that stands twice where a page ends is not passed over.
func TestPagesFindRowTwiceAtBorder(t *testing.T) {
	t.Parallel()
	for name, key := range map[string][]string{"one column": {"b"}, "two columns": {"a", "b"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, `CREATE TABLE t (a integer, b integer, v text); INSERT INTO t SELECT i / 10, i, 'v' || i FROM generate_series(1, 2000) i`)
			b.target.Exec(t, "INSERT INTO t SELECT * FROM t WHERE b = 500")
			p := b.byKey(t)
			p.Jobs = 1
			b.plan.Transfers[0].Key = key
			b.copied[0].Bytes = b.copied[0].Read * keyset.PageBytes / 500 // so that the first page ends there
			report, err := Run(t.Context(), p)
			require.NoError(t, err)
			got := table(t, report, "t")
			require.Equal(t, Errored, got.Data.Verdict, got.Detail)
			require.Contains(t, got.Detail, "stands in several rows")
		})
	}
}

// What a server answers that is no result of a SELECT is an error, never fewer rows.
func TestSelectedRefusesStrangeAnswers(t *testing.T) {
	t.Parallel()
	const described = "T\x00\x00\x00\x06\x00\x01"
	row := func(fields string) string { return message('D', fields) }
	ready := message('Z', "I")
	for name, answer := range map[string]string{
		"nothing":              "",
		"no description":       row("\x00\x01\x00\x00\x00\x01x") + message('C', "SELECT 1\x00") + ready,
		"other fields":         message('T', "\x00\x02") + message('C', "SELECT 0\x00") + ready,
		"no tag":               described + ready,
		"other tag":            described + message('C', "INSERT 0 0\x00") + ready,
		"count too large":      described + row("\x00\x01\x00\x00\x00\x01x") + message('C', "SELECT 2\x00") + ready,
		"count too small":      described + row("\x00\x01\x00\x00\x00\x01x") + message('C', "SELECT 0\x00") + ready,
		"row after the end":    described + message('C', "SELECT 0\x00") + row("\x00\x01\x00\x00\x00\x01x") + ready,
		"row of other fields":  described + row("\x00\x02\x00\x00\x00\x01x\x00\x00\x00\x01x") + message('C', "SELECT 1\x00") + ready,
		"row cut":              described + row("\x00\x01\x00\x00\x00\x09x") + message('C', "SELECT 1\x00") + ready,
		"row without a length": described + row("\x00\x01\x00") + message('C', "SELECT 1\x00") + ready,
		"suspended":            described + row("\x00\x01\x00\x00\x00\x01x") + message('s', "") + ready,
		"cut":                  described + row("\x00\x01\x00\x00\x00\x01x"),
		"copy":                 message('H', "\x00\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := newPage(keyset.New(transfer([]string{"a"}, nil), false), nil)
			require.NoError(t, err)
			r := frameReader{conn: strings.NewReader(answer), buf: make([]byte, 64)}
			require.Error(t, r.selected(g))
		})
	}
	g, err := newPage(keyset.New(transfer([]string{"a"}, nil), false), nil)
	require.NoError(t, err)
	r := frameReader{conn: strings.NewReader(described + row("\x00\x01\x00\x00\x00\x01x") + message('C', "SELECT 1\x00") + ready), buf: make([]byte, 64)}
	require.NoError(t, r.selected(g))
	require.EqualValues(t, 1, g.tally.sum.Rows)
}

// A row in pieces has the digest of the whole, wherever the pieces are cut.
func TestLongRowsInPieces(t *testing.T) {
	t.Parallel()
	p := keyset.New(transfer([]string{"k", "a", "b"}, []string{"k"}), false)
	value := strings.Repeat("a\\b\t", 100)
	body := "\x00\x03" + "\x00\x00\x00\x03key" + fmt.Sprintf("\x00\x00\x01\x90%s", value) + "\xff\xff\xff\xff"
	answer := message('T', "\x00\x03") + message('D', body) + message('C', "SELECT 1\x00") + message('Z', "I")
	var want *page
	for _, buffer := range []int{8192, 64, 16, 7, 5} {
		g, err := newPage(p, nil)
		require.NoError(t, err)
		r := frameReader{conn: strings.NewReader(answer), buf: make([]byte, buffer)}
		require.NoError(t, r.selected(g))
		require.Equal(t, []string{"key"}, g.lastKey())
		if want == nil {
			want = g
		}
		require.Equal(t, want.tally.sum, g.tally.sum)
		require.Equal(t, want.tally.bytes, g.tally.bytes)
	}
	require.EqualValues(t, len(`key`+"\t"+strings.Repeat(`a\\b\t`, 100)+"\t"+`\N`+"\n"), want.tally.bytes)
}

// Where the target's own order is not the one it compares by, the reading ends.
func TestPagesStuck(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 20000) i;`)
	b.target.Exec(t, `ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT 7 AS id, v FROM u`)
	p := b.byKey(t)
	p.ExistingTables = true
	report, err := Run(t.Context(), p)
	require.NoError(t, err)
	require.NotEqual(t, Match, table(t, report, "t").Verdict)
}
