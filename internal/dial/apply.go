package dial

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// refusals remembers which statements of the settings a server does not know,
// so that only the first connection pays for finding out.
type refusals struct {
	mu  sync.Mutex
	sql map[string]bool
}

func (r *refusals) has(sql string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sql[sql]
}

func (r *refusals) add(sql string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sql == nil {
		r.sql = map[string]bool{}
	}
	r.sql[sql] = true
}

// ask is one statement of the settings.
type ask struct {
	sql   string
	param param
	show  bool
}

// asks lists the statements for a server of a major version: first all that
// sets, then all that is read back.
func (s Settings) asks(major int, more []param, known *refusals) []ask {
	var set, show []ask
	for _, p := range append(s.params[:len(s.params):len(s.params)], more...) {
		if p.since > major {
			continue
		}
		sql := "SET " + quote.Ident(p.name) + " = " + quote.Literal(p.value)
		if !known.has(sql) {
			set = append(set, ask{sql: sql, param: p})
		}
		sql = "SHOW " + quote.Ident(p.name)
		if s.kind(p) != wish && !known.has(sql) {
			show = append(show, ask{sql: sql, param: p, show: true})
		}
	}
	return append(set, show...)
}

// apply sets all parameters and reads them back, in one message and so in one
// round trip: over a link of 150 ms each one counts. SET and not startup
// options: poolers drop those. Not several messages at once: that a server
// takes those is for a probe to prove. A statement that fails ends the message;
// one that may fail is left out, and the rest sent again.
func (s Settings) apply(ctx context.Context, conn *pgconn.PgConn, more []param, known *refusals) error {
	major := Major(conn)
	for {
		asks := s.asks(major, more, known)
		if len(asks) == 0 {
			return nil // the zero Settings, where nothing of the network is set either
		}
		sql := make([]string, len(asks))
		for i, a := range asks {
			sql[i] = a.sql
		}
		results, err := conn.Exec(ctx, strings.Join(sql, ";")).ReadAll()
		if err == nil {
			return s.check(asks, results)
		}
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || conn.IsClosed() || len(results) >= len(asks) {
			return fmt.Errorf("setting session parameters and reading them back: %w", err)
		}
		failed := asks[len(results)]
		if s.kind(failed.param) == must {
			return fmt.Errorf("%s, without which values would not travel in a form that both sides read the same way: %w", failed.sql, err)
		}
		known.add(failed.sql)
	}
}

// check holds what the server shows against what was set.
func (s Settings) check(asks []ask, results []*pgconn.Result) error {
	if len(results) != len(asks) {
		return fmt.Errorf("setting session parameters and reading them back: the server gave %d answers to %d statements", len(results), len(asks))
	}
	shown := map[string]string{}
	for i, a := range asks {
		if !a.show {
			continue
		}
		if r := results[i]; len(r.Rows) == 1 && len(r.Rows[0]) == 1 {
			shown[a.param.name] = string(r.Rows[0][0])
		}
	}
	for _, p := range s.params {
		got, read := shown[p.name]
		switch s.kind(p) {
		case must:
			expect := p.value
			if p.reads != "" {
				expect = p.reads
			}
			if asked(asks, p) && got != expect {
				return fmt.Errorf("the server took %s = %q but shows %q: values would not travel in a form that both sides read the same way",
					p.name, p.value, got)
			}
		case limit:
			if s.anyLimit {
				continue
			}
			if err := s.checkLimit(p, got, read); err != nil {
				return err
			}
		case native, wish:
		}
	}
	return nil
}

func asked(asks []ask, p param) bool {
	for _, a := range asks {
		if a.show && a.param.name == p.name {
			return true
		}
	}
	return false
}

// checkLimit compares a limit that stays with what the work is cut to. One that
// the server does not show is believed to be absent, but for the two that every
// server of the kind has.
func (s Settings) checkLimit(p param, shown string, read bool) error {
	plan := s.plan(p)
	known := p.name == "statement_timeout" || p.name == "idle_in_transaction_session_timeout"
	if !read && (!known || plan > 0) {
		return nil // with a plan it is the documented limit that is planned for
	}
	ms, ok := milliseconds(shown)
	if ok && (ms == 0 || plan > 0 && ms >= plan) {
		return nil
	}
	field := "statement_limit_ms"
	if p.idle {
		field = "idle_limit_ms"
	}
	switch {
	case !read:
		return fmt.Errorf("the server does not show its %s, so nothing says that long work is not cut short; plan for a limit by %s in a profile file (--profile FILE)", p.name, field)
	case plan > 0:
		return fmt.Errorf("the server keeps %s at %s, and the plan is for up to %s: what takes longer would be cut short; lower %s in a profile file (--profile FILE), or raise the limit on the server",
			p.name, shown, time.Duration(plan)*time.Millisecond, field)
	}
	return fmt.Errorf("the server keeps %s at %s, though it was set to 0: long work would be cut short; lift it for the role (ALTER ROLE ... SET %s = 0), or plan for it by %s in a profile file (--profile FILE)",
		p.name, shown, p.name, field)
}

// units are those of a time as PostgreSQL shows it, longest first where one
// ends like another.
var units = []struct {
	suffix string
	ms     float64
}{{"us", 0.001}, {"ms", 1}, {"min", 60_000}, {"s", 1000}, {"h", 3_600_000}, {"d", 86_400_000}, {"", 1}}

// milliseconds reads a time as SHOW prints it: "0", "90s", "1min", "60000".
func milliseconds(shown string) (int64, bool) {
	for _, u := range units {
		number, ok := strings.CutSuffix(strings.TrimSpace(shown), u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || n < 0 {
			return 0, false
		}
		if ms := int64(n * u.ms); ms > 0 || n == 0 {
			return ms, true
		}
		return 1, true // below a millisecond is not off
	}
	return 0, false
}

// BeginSnapshot opens a read-only transaction in an exported snapshot.
func BeginSnapshot(ctx context.Context, conn *pgx.Conn, snapshot string) error {
	if _, err := conn.PgConn().Exec(ctx, SnapshotSQL(snapshot)).ReadAll(); err != nil {
		return fmt.Errorf("joining snapshot %s: %w", snapshot, err)
	}
	return nil
}

// SnapshotSQL begins a transaction in a snapshot. A table's lock is waited for
// only so long: who comes behind somebody that waits for ACCESS EXCLUSIVE would
// wait for as long as that one waits, for us perhaps.
func SnapshotSQL(snapshot string) string {
	return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;SET TRANSACTION SNAPSHOT " + quote.Literal(snapshot) + ";SET LOCAL lock_timeout = '60s'"
}
