package probe

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
)

// askTLS: S proves, N refutes. A unix socket tells nothing of the network.
func askTLS(ctx context.Context, l *lab) answer {
	if l.target.Socket() {
		return doubtful("", "reached by a unix socket, where TLS is no matter")
	}
	b, err := l.target.AskTLS(ctx)
	switch {
	case err != nil:
		l.sessions = append(l.sessions, &session{doubt: err})
		return answer{}
	case b == 'S':
		return verdict(true, "tls", "SSLRequest answered S; this connection: "+l.target.Transport())
	case b == 'N':
		return verdict(false, "plaintext", "SSLRequest answered N; this connection: "+l.target.Transport())
	}
	return doubtful("", fmt.Sprintf("SSLRequest answered %q", b))
}

// askIdentity: a stand-in says so itself.
func askIdentity(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	v := s.must(ctx, "SELECT version()").value()
	number := s.any(ctx, "SHOW server_version").value()
	finding := "other"
	lower := strings.ToLower(v)
	switch {
	case Simulated(v):
		finding = "db9sim"
	case strings.Contains(lower, "db9"):
		finding = "db9"
	case strings.HasPrefix(lower, "postgresql"):
		finding = "postgresql"
	}
	return verdict(finding == "db9" || finding == "db9sim", finding, "version() "+shorten(v)).
		with(map[string]string{"server_version": number})
}

// Simulated reports whether version() names the stand-in: what it shows is
// simulated, never proved of DB9.
func Simulated(version string) bool { return strings.Contains(strings.ToLower(version), "db9sim") }

// askCredential: a token that says when it ends refutes; nothing can prove that
// a password does not expire.
func askCredential(_ context.Context, l *lab) answer {
	asked := "a fixed password"
	if l.target.Renewed() {
		asked = "a command gives it at every connect"
	}
	exp, ok := l.target.Expires()
	if !ok {
		return doubtful("unknown", "the password is no token that says when it ends; "+asked)
	}
	at := exp.UTC().Format(time.RFC3339)
	return verdict(false, "expires", "the password is a token with an end: "+at+"; "+asked).with(map[string]string{"expires": at})
}

// askSerializable: proved where the level that was asked for is shown; an error
// or another level refutes.
func askSerializable(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	begin := s.try(ctx, "BEGIN ISOLATION LEVEL SERIALIZABLE")
	if !begin.ok() {
		return verdict(false, "error", "BEGIN ISOLATION LEVEL SERIALIZABLE: "+begin.said())
	}
	level := s.must(ctx, "SHOW transaction_isolation").value()
	s.any(ctx, "ROLLBACK")
	if level == "serializable" {
		return verdict(true, "serializable", "SHOW transaction_isolation: "+level)
	}
	return verdict(false, "downgraded", "SHOW transaction_isolation: "+level)
}

// The parameters of askTimeouts, and the values that hold what they read back.
var timeoutValues = map[string]string{
	"statement_timeout": "statement_ms", "idle_in_transaction_session_timeout": "idle_ms",
}

// askTimeouts: proved where both read back 0. A value is what the session is
// left with, in ms.
func askTimeouts(ctx context.Context, l *lab) answer {
	s := l.raw(ctx)
	values := map[string]string{}
	var said []string
	lifted := true
	for _, name := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
		before := s.must(ctx, "SHOW "+name).value()
		set := s.any(ctx, "SET "+name+" = 0")
		after := s.must(ctx, "SHOW "+name).value()
		ms, ok := milliseconds(after)
		if !ok {
			return doubtful("", fmt.Sprintf("SHOW %s: %q is no time", name, after))
		}
		values[timeoutValues[name]] = strconv.FormatInt(ms, 10)
		lifted = lifted && ms == 0
		text := fmt.Sprintf("%s %s, after SET 0 %s", name, before, after)
		if !set.ok() {
			text += " (" + set.said() + ")"
		}
		said = append(said, text)
	}
	finding := "capped"
	if lifted {
		finding = "lifted"
	}
	return verdict(lifted, finding, strings.Join(said, "; ")).with(values)
}

// milliseconds reads a timeout as SHOW prints it.
func milliseconds(text string) (int64, bool) {
	i := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if i < 0 {
		i = len(text)
	}
	n, err := strconv.ParseInt(text[:i], 10, 64)
	unit, known := map[string]int64{"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}[strings.TrimSpace(text[i:])]
	return n * unit, err == nil && known
}

// askTimeoutState: 25P02 after the timeout proves; a connection that is idle
// again, or answers, was rolled back in silence.
func askTimeoutState(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx, "BEGIN", "SET LOCAL statement_timeout = 50")
	sleep := s.any(ctx, "SELECT pg_sleep(1)")
	switch {
	case sleep.ok():
		return doubtful("not-fired", "a statement of 1 s was not ended by a timeout of 50 ms")
	case sleep.code() != pgerrcode.QueryCanceled:
		return doubtful("", "SELECT pg_sleep(1): "+sleep.said())
	}
	status := s.status()
	next := s.any(ctx, "SELECT 1")
	said := fmt.Sprintf("57014, then status %c, then SELECT 1: %s", status, next.said())
	s.any(ctx, "ROLLBACK")
	switch {
	case status == 'E' && next.code() == pgerrcode.InFailedSQLTransaction:
		return verdict(true, "failed-state", said)
	case status == 'I' || next.ok():
		return verdict(false, "silent-rollback", said)
	}
	return doubtful("", said)
}

// lockKey is an advisory lock of nobody else's, by any likelihood.
const lockKey = "7215834509126371"

// askAdvisoryLocks: both sessions having it refutes, and so does a server that
// has none. One that is kept out proves nothing: both may be on one node.
func askAdvisoryLocks(ctx context.Context, l *lab) answer {
	a, b := l.open(ctx), l.open(ctx)
	first := a.try(ctx, "SELECT pg_try_advisory_lock("+lockKey+")")
	if !first.ok() {
		return verdict(false, "none", first.said())
	}
	if first.value() != "t" {
		return doubtful("held", "the first session did not get the lock")
	}
	second := b.try(ctx, "SELECT pg_try_advisory_lock("+lockKey+")")
	for _, s := range []*session{a, b} {
		s.any(ctx, "SELECT pg_advisory_unlock_all()")
	}
	if second.value() == "t" {
		return verdict(false, "node-local", "two sessions held the same lock at once")
	}
	return doubtful("kept-out", "the second session was kept out, which it may not be on another node: "+second.said())
}

// int4s is the binary form of ARRAY[1,2]: one dimension, no NULL, element type
// int4, two elements from 1.
const int4s = "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x17\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x00\x02"

// askBinaryResults: the one question that travels by the extended protocol.
func askBinaryResults(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	if s.doubt != nil {
		return answer{}
	}
	const sql = "SELECT ARRAY[1,2]"
	res := s.conn.ExecParams(ctx, sql, nil, nil, nil, []int16{1}).Read()
	r := s.take(ctx, sql, nil, res.Err)
	s.distrust(sql, r)
	switch {
	case !r.ok():
		return verdict(false, refused, sql+" in binary: "+r.said())
	case len(res.Rows) != 1 || len(res.Rows[0]) != 1 || len(res.FieldDescriptions) != 1:
		return doubtful("", sql+" gave no single value")
	}
	got, format := string(res.Rows[0][0]), res.FieldDescriptions[0].Format
	switch {
	case got == int4s && format == 1:
		return verdict(true, "binary", sql+" came as asked")
	case got == "{1,2}":
		return verdict(false, "text", fmt.Sprintf("%s came as text, said to be of format %d", sql, format))
	}
	return verdict(false, "other", fmt.Sprintf("%s came as %d bytes of another form", sql, len(got)))
}
