package verify

import (
	"context"
	"encoding/binary"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// switchboard is one side's connections, on which one statement, by its text, can
// be made to fail whenever it is sent.
type switchboard struct {
	mu     sync.Mutex
	seen   []string // in the order they were first sent
	victim string
	fault  string // "cut", or the statement that is sent in its place
	struck int
}

// variable are the parts of a statement that differ from run to run, or from
// page to page: a page that is refused comes again smaller.
var variable = regexp.MustCompile(`[0-9A-F]{8}-[0-9A-F]{8}-[0-9]+|\d+`)

// at says what becomes of a statement.
func (s *switchboard) at(sql string) (instead string, cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(sql, "-- ping") { // pgx's, of a connection that was slow: no question
		return sql, false
	}
	text := variable.ReplaceAllString(sql, "?")
	if !slices.Contains(s.seen, text) {
		s.seen = append(s.seen, text)
	}
	if text != s.victim {
		return sql, false
	}
	s.struck++
	return s.fault, s.fault == "cut"
}

func (s *switchboard) endpoint(e *dial.Endpoint) *dial.Endpoint {
	return e.WithDial(func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &switchedConn{Conn: conn, board: s}, err
	})
}

// switchedConn takes what the client sends apart: every statement passes the
// switchboard.
type switchedConn struct {
	net.Conn
	board   *switchboard
	begun   bool // the startup message has passed
	pending []byte
}

func (c *switchedConn) Write(p []byte) (int, error) {
	c.pending = append(c.pending, p...)
	for {
		head := 1
		if !c.begun {
			head = 0
		}
		if len(c.pending) < head+4 {
			return len(p), nil
		}
		n := head + int(binary.BigEndian.Uint32(c.pending[head:]))
		if len(c.pending) < n {
			return len(p), nil
		}
		message := slices.Clone(c.pending[:n])
		c.pending = c.pending[n:]
		if c.begun && message[0] == 'Q' {
			instead, cut := c.board.at(string(message[5 : n-1]))
			if cut {
				_ = c.Close()
				return 0, errCut
			}
			var err error
			if message, err = (&pgproto3.Query{String: instead}).Encode(nil); err != nil {
				return 0, err
			}
		}
		c.begun = true
		if _, err := c.Conn.Write(message); err != nil {
			return 0, err
		}
	}
}

// everyFault is what may become of a statement: the connection breaks, the server
// ends it for its timeout, or refuses it.
var everyFault = map[string]string{
	"cut":     "cut",
	"timeout": "DO $$ BEGIN RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END $$",
	"refusal": "DO $$ BEGIN RAISE EXCEPTION 'region is unavailable' USING ERRCODE = 'XX000'; END $$",
}

// indifferent are statements on whose answer no verdict depends, and why.
var indifferent = map[string]string{
	"source: SELECT ?, last_value::text":        "how far the source's sequences have gone on is told, and decides nothing",
	`source: SELECT count(*) FROM "public"."d"`: "how many rows the source's last REFRESH left is told, and decides nothing",
	`SHOW "search_path"`:                        "refused together, each setting is made and read back by itself",
	"pg_relation_size":                          "without sizes a table is read whole",
	"ROLLBACK":                                  "nothing was written",
	"COMMIT":                                    "nothing was written",
	"pg_catalog.pg_stats":                       "without statistics the borders of buckets are others",
}

// Whatever statement of a verification fails, on either side, in whatever way,
// whenever it is sent: never a Match of all, and a run is never good (Y4). None of
// them calls a hash of the server's (Y8).
func TestEveryStatementThatFailsY4Y8(t *testing.T) {
	t.Parallel()
	const sql = `
		CREATE TABLE a (id serial PRIMARY KEY, v text NOT NULL DEFAULT 'x', n numeric(10,2) CONSTRAINT positive CHECK (n > 0));
		CREATE TABLE b (id integer REFERENCES a, v text); CREATE INDEX by_v ON b (v);
		CREATE VIEW c AS SELECT v, n FROM a WHERE n > 3; CREATE MATERIALIZED VIEW d AS SELECT v FROM b;
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER g BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f();
		INSERT INTO a (v, n) SELECT 'v' || i, i FROM generate_series(1, 600) i; INSERT INTO b SELECT 1 + i % 600, 'w' || i % 9 FROM generate_series(1, 600) i; REFRESH MATERIALIZED VIEW d;`
	server := pgtest.Server(t)
	source := server.Database(t)
	source.Exec(t, sql)
	for _, profile := range []ddlgen.Profile{ddlgen.Postgres(), ddlgen.DB9()} {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			target := server.Database(t)
			plan := planFor(t, source, profile)
			for _, s := range plan.Statements {
				if s.Phase < ddlgen.PhaseData {
					target.Exec(t, s.SQL)
				}
			}
			target.Exec(t, sql[strings.Index(sql, "INSERT"):strings.Index(sql, "REFRESH")]+"UPDATE a SET id = id; SELECT setval('a_id_seq', 600)")
			for _, s := range plan.Statements {
				if s.Phase > ddlgen.PhaseData {
					target.Exec(t, s.SQL)
				}
			}
			tried := map[string]bool{}
			for _, level := range []Level{LevelRows, LevelDeep} { // of these the former has all that digest has
				failEach(t, tried, func(from, to *switchboard) (*Report, error) { // with endpoints that have learnt nothing yet
					return Run(t.Context(), Params{
						Source: from.endpoint(endpoint(t, dial.Source, source)), Target: to.endpoint(endpoint(t, dial.Target, target)),
						Plan: plan, Profile: profile, Level: level, Jobs: 1, Patience: time.Millisecond, Definitions: true,
					})
				})
			}
		})
	}
}

// failEach lets each statement of a run fail that was not tried before.
func failEach(t *testing.T, tried map[string]bool, run func(from, to *switchboard) (*Report, error)) {
	t.Helper()
	from, to := &switchboard{}, &switchboard{}
	report, err := run(from, to)
	require.NoError(t, err)
	require.Equal(t, Match, report.Verdict(), "%+v", report)
	for name, side := range map[string]*switchboard{"source: ": from, "target: ": to} {
		statements := slices.Clone(side.seen)
		require.Greater(t, len(statements), 3)
		for _, text := range statements {
			require.NotRegexp(t, `(?i)\b(md[?]|hash[a-z]*|sha[?]*|digest|bit_xor|crc[?]c?) *[(]`, text)
			if tried[name+text] || excuse(name+text) != "" {
				continue
			}
			tried[name+text] = true
			for fault, instead := range everyFault {
				side.victim, side.fault, side.struck = text, instead, 0
				report, err := run(from, to)
				about := name + fault + " of " + text
				require.Positive(t, side.struck, about)
				require.False(t, report.Good(), about)
				require.NotEqual(t, Match, report.Verdict(), about)
				if err == nil {
					require.Positive(t, failed(report), about)
				}
			}
		}
		side.victim = ""
	}
}

func excuse(sql string) string {
	for part, why := range indifferent {
		if strings.Contains(sql, part) {
			return why
		}
	}
	return ""
}

// failed is how many tables, sequences and views have neither a Match nor a Skip.
func failed(r *Report) (n int) {
	for _, c := range []Counts{r.TableCounts(), r.SequenceCounts(), r.ViewCounts()} {
		n += c.Errored + c.Unknown + c.Mismatch
	}
	return n
}

func planFor(t *testing.T, source *pgtest.DB, profile ddlgen.Profile) *ddlgen.Plan {
	t.Helper()
	conn := source.Conn(t)
	_, err := conn.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	require.NoError(t, err)
	db, err := catalog.Load(t.Context(), conn, catalog.LoadOptions{})
	require.NoError(t, err)
	plan, err := ddlgen.Generate(db, profile, ddlgen.Options{})
	require.NoError(t, err)
	return plan
}
