package probe

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// lab is what one probe works with: its connections, and a schema for what it
// makes.
type lab struct {
	target   *dial.Endpoint
	role     string // a name for a role that the probe may make, its own
	sessions []*session

	// made names what stands outside of the scratch schema until the probe
	// has taken it away.
	made string
}

// sessionSettings fix the form of values and let the server end what the probe
// gave up. They are for evidence that does not depend on the role's defaults;
// a server may refuse each.
func sessionSettings(timeout time.Duration) []string {
	return []string{
		"SET client_encoding = 'UTF8'", "SET DateStyle = 'ISO, MDY'", "SET IntervalStyle = 'postgres'", "SET TimeZone = 'UTC'",
		"SET bytea_output = 'hex'", "SET extra_float_digits = 3", "SET client_min_messages = 'error'",
		fmt.Sprintf("SET statement_timeout = %d", timeout.Milliseconds()),
		fmt.Sprintf("SET lock_timeout = %d", timeout.Milliseconds()),
	}
}

// open makes a connection with the settings of a probe.
func (l *lab) open(ctx context.Context) *session {
	s := l.raw(ctx)
	timeout := defaultTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Second, time.Until(deadline))
	}
	all := sessionSettings(timeout)
	if r := s.any(ctx, strings.Join(all, ";")); r.fail != nil { // one refused ends the others: each by itself
		for _, sql := range all {
			_ = s.any(ctx, sql)
		}
	}
	return s
}

// raw makes a connection as the server gives it.
func (l *lab) raw(ctx context.Context) *session {
	s := &session{}
	conn, err := l.target.Connect(ctx, dial.Settings{})
	switch {
	case err == nil:
		s.conn = conn.PgConn()
	case ctx.Err() != nil:
		s.doubt = fmt.Errorf("connecting: %w", context.Cause(ctx))
	default:
		s.doubt = err
	}
	l.sessions = append(l.sessions, s)
	return s
}

// doubt is the first thing that makes the probe's answer worthless, nil for none.
func (l *lab) doubt() error {
	for _, s := range l.sessions {
		if s.doubt != nil {
			return s.doubt
		}
	}
	return nil
}

func (l *lab) close(ctx context.Context) {
	for _, s := range l.sessions {
		s.close(ctx)
	}
}

// answer is what a probe concludes.
type answer struct {
	outcome  Outcome
	finding  string
	evidence string
	values   map[string]string
}

// verdict is an answer that proves the claim where holds, and refutes it
// otherwise.
func verdict(holds bool, finding, evidence string) answer {
	if holds {
		return answer{outcome: Proved, finding: finding, evidence: evidence}
	}
	return answer{outcome: Refuted, finding: finding, evidence: evidence}
}

// doubtful keeps the assumption.
func doubtful(finding, evidence string) answer {
	return answer{outcome: Assumed, finding: finding, evidence: evidence}
}

func (a answer) with(values map[string]string) answer {
	a.values = values
	return a
}

// listed writes values as evidence, in the keys' order given.
func listed(values map[string]string, keys ...string) string {
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		if v, ok := values[k]; ok {
			parts = append(parts, k+" "+v)
		}
	}
	return strings.Join(parts, ", ")
}

// all says whether every one of the keys has the value.
func all(values map[string]string, want string, keys ...string) bool {
	for _, k := range keys {
		if values[k] != want {
			return false
		}
	}
	return true
}

// words for the single answers of a probe.
const (
	kept    = "kept"
	refused = "refused"
	works   = "works"
	lost    = "lost"
	ignored = "ignored"

	enforced = "enforced"
)
