package db9sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"
)

// defaultTimeout is DB9's for a statement and for an idle transaction.
const defaultTimeout = 60 * time.Second

// Parameters of the two timeouts.
const (
	statementTimeout = "statement_timeout"
	idleTimeout      = "idle_in_transaction_session_timeout"
)

// timeouts are those of a session as its backend has them; 0 is none.
type timeouts struct {
	statement time.Duration
	idle      time.Duration // within a transaction
}

// timeoutRules say how timeouts are set.
type timeoutRules struct {
	defaults map[string]time.Duration // by parameter, scaled; absent where DB9's is not enforced
	capped   bool                     // no session has more
}

func newTimeoutRules(rules *RuleSet, scale float64) timeoutRules {
	t := timeoutRules{defaults: map[string]time.Duration{}, capped: rules.On("timeouts-settable")}
	scaled := max(time.Duration(float64(defaultTimeout)*scale).Round(time.Millisecond), time.Millisecond)
	if rules.On("statement-timeout") {
		t.defaults[statementTimeout] = scaled
	}
	if rules.On("idle-timeout") {
		t.defaults[idleTimeout] = scaled
	}
	return t
}

// enforced reports whether one of DB9's timeouts is.
func (t timeoutRules) enforced() bool { return len(t.defaults) > 0 }

// allowed is what a session gets that asks for a value of a parameter.
func (t timeoutRules) allowed(name, value string) string {
	limit, enforced := t.defaults[name]
	asked, ok := parseTimeout(value)
	if !enforced || !t.capped || !ok || asked > 0 && asked <= limit {
		return value
	}
	return milliseconds(limit)
}

// shown is what a client is told where the backend says value.
func (t timeoutRules) shown(name, value string) string {
	if limit, enforced := t.defaults[name]; enforced {
		if d, ok := parseTimeout(value); ok && d == limit {
			return "60s"
		}
	}
	return value
}

var timeoutOption = regexp.MustCompile(`(?:-c\s*|--)(statement_timeout|idle_in_transaction_session_timeout)=(\S+)`)

// params sets the timeouts that a new session of the backend starts with. Those
// among run-time parameters come after those in options.
func (t timeoutRules) params(params map[string]string) {
	for name, limit := range t.defaults {
		value, given := params[name]
		for _, m := range timeoutOption.FindAllStringSubmatch(params["options"], -1) {
			if m[1] == name && !given {
				value = m[2]
			}
		}
		if value == "" {
			value = milliseconds(limit)
		}
		params[name] = t.allowed(name, value)
	}
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// parseTimeout reads a timeout as SET takes it and SHOW prints it.
func parseTimeout(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	digits := len(text) - len(strings.TrimLeft(text, "0123456789."))
	n, err := strconv.ParseFloat(text[:digits], 64)
	if err != nil || math.IsNaN(n) {
		return 0, false
	}
	unit, known := map[string]time.Duration{
		"": time.Millisecond, "ms": time.Millisecond, "us": time.Microsecond, "s": time.Second,
		"min": time.Minute, "h": time.Hour, "d": 24 * time.Hour,
	}[strings.TrimSpace(text[digits:])]
	return time.Duration(n * float64(unit)), known
}

// opened is called once a session's backend connection is there, before the
// client learns of it.
func (s *session) opened(context.Context) error {
	s.limits.stale = true
	return nil
}

// timeouts are the session's present ones.
func (s *session) timeouts(ctx context.Context) (timeouts, error) {
	if !s.limits.stale || !s.ext.synced || s.status == failed {
		return s.limits.timeouts, nil
	}
	rows, err := s.exec(ctx, "SELECT pg_catalog.current_setting('"+statementTimeout+"'), pg_catalog.current_setting('"+idleTimeout+"')")
	if err != nil || len(rows) != 1 {
		return timeouts{}, fmt.Errorf("reading the backend's timeouts: %w", err)
	}
	s.limits.timeouts.statement, _ = parseTimeout(rows[0][0])
	s.limits.timeouts.idle, _ = parseTimeout(rows[0][1])
	s.limits.stale = false
	return s.limits.timeouts, nil
}

// receive reads the next message of the client, outside of a COPY. Where it
// comes too late it gives an error, after the client was told.
func (s *session) receive(ctx context.Context) (pgproto3.FrontendMessage, error) {
	if s.status == idle || s.ext.skipping {
		return s.client.Receive()
	}
	t, err := s.timeouts(ctx)
	if err != nil {
		return nil, err
	}
	if t.idle == 0 {
		return s.client.Receive()
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(t.idle)); err != nil {
		return nil, fmt.Errorf("setting a deadline on a client: %w", err)
	}
	msg, err := s.client.Receive()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, s.goodbye(idleTooLong())
	}
	if err != nil {
		return nil, fmt.Errorf("reading from a client: %w", err)
	}
	return msg, s.conn.SetReadDeadline(time.Time{})
}

func idleTooLong() *refusal {
	r := refuse("25P03", "terminating connection due to idle-in-transaction timeout")
	r.fatal = true
	return r
}

func statementTooLong() *refusal {
	return refuse("57014", "canceling statement due to statement timeout")
}

// next is until when the client's next message must be there, and what it is
// told if it is not; the zero time is for ever.
func (t timeouts) next(started, now time.Time, idleCounts bool) (time.Time, *refusal) {
	var limit time.Time
	var r *refusal
	if t.statement > 0 {
		limit, r = started.Add(t.statement), statementTooLong()
	}
	if idleCounts && t.idle > 0 && (r == nil || now.Add(t.idle).Before(limit)) {
		limit, r = now.Add(t.idle), idleTooLong()
	}
	return limit, r
}

// statementOver refuses a statement that began too long ago.
func (t timeouts) statementOver(started time.Time) *refusal {
	if t.statement > 0 && time.Since(started) > t.statement {
		return statementTooLong()
	}
	return nil
}

// timedOut ends a COPY by a timeout.
func (in *copyIn) timedOut(ctx context.Context, r *refusal) (outcome, error) {
	if r.fatal {
		return outcome{}, in.s.goodbye(r)
	}
	return in.abort(ctx, r, nil)
}

// setTimeout holds what SET asks for within what is allowed.
func (w *rewriting) setTimeout(n *pg.VariableSetStmt) {
	name := strings.ToLower(n.GetName())
	if w.c.timeouts.defaults[name] == 0 || len(n.GetArgs()) != 1 {
		return
	}
	c := n.GetArgs()[0].GetAConst()
	value := c.GetSval().GetSval()
	if i := c.GetIval(); i != nil {
		value = strconv.Itoa(int(i.GetIval()))
	}
	if allowed := w.c.timeouts.allowed(name, value); allowed != value {
		n.Args = []*pg.Node{pg.MakeAConstStrNode(allowed, -1)}
		w.changed = true
	}
}

// timeoutFunction does for set_config what setTimeout does for SET, and for
// current_setting what the session does for SHOW.
func (w *rewriting) timeoutFunction(n *pg.Node, f *pg.FuncCall, function string) {
	if len(f.GetArgs()) == 0 {
		return
	}
	name := strings.ToLower(constText(f.GetArgs()[0]))
	limit, enforced := w.c.timeouts.defaults[name]
	if !enforced {
		return
	}
	if function == "set_config" && len(f.GetArgs()) == 3 {
		value := constText(f.GetArgs()[1])
		if allowed := w.c.timeouts.allowed(name, value); value != "" && allowed != value {
			f.Args[1] = pg.MakeAConstStrNode(allowed, -1)
			w.changed = true
		}
		return
	}
	if function == "current_setting" {
		n.Node = own("timeout", f.GetArgs()[0], pg.MakeAConstStrNode(milliseconds(limit), -1)).Node
		w.changed = true
	}
}
