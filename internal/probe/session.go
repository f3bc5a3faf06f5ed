package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// null is a NULL among the texts of a reply.
const null = "(null)"

// reply is what a server says to one statement: rows as text, a tag, or an
// error of its own. A connection that broke is no reply.
type reply struct {
	rows [][]string
	tag  string
	fail *pgconn.PgError
}

func (r reply) ok() bool { return r.fail == nil }

// code is the SQLSTATE, "" for success.
func (r reply) code() string {
	if r.fail == nil {
		return ""
	}
	return r.fail.Code
}

// value is the only value of a reply with one row and column, "" for any other.
func (r reply) value() string {
	if len(r.rows) == 1 && len(r.rows[0]) == 1 {
		return r.rows[0][0]
	}
	return ""
}

// row is the n-th row joined by blanks, "" where there is none.
func (r reply) row(n int) string {
	if n >= len(r.rows) {
		return ""
	}
	return strings.Join(r.rows[n], " ")
}

// said is the reply as evidence.
func (r reply) said() string {
	switch {
	case r.fail != nil:
		return refusal(r.fail)
	case len(r.rows) > 0:
		lines := make([]string, len(r.rows))
		for i := range r.rows {
			lines[i] = r.row(i)
		}
		return shorten(strings.Join(lines, ", "))
	}
	return r.tag
}

func refusal(e *pgconn.PgError) string { return shorten(e.Code + " " + e.Message) }

// mostEvidence bounds a text of the server's, in bytes.
const mostEvidence = 160

func shorten(s string) string {
	if len(s) <= mostEvidence {
		return s
	}
	return strings.ToValidUTF8(s[:mostEvidence], "") + "…"
}

// session is one connection of a probe. Everything travels by the simple query
// protocol, as text. The first thing that makes answers worthless stays in
// doubt, and nothing is asked any more: a probe goes on with empty replies, and
// what it concludes is not believed.
type session struct {
	conn  *pgconn.PgConn
	doubt error
}

// any asks and takes every answer of the server's, whatever the SQLSTATE.
func (s *session) any(ctx context.Context, sql string) reply {
	if s.doubt != nil {
		return reply{}
	}
	results, err := s.conn.Exec(ctx, sql).ReadAll()
	return s.take(ctx, sql, results, err)
}

// try asks where success and refusal are both answers. A refusal that says
// nothing about what was asked (a timeout, a conflict, a right that the role
// lacks, a server in trouble) leaves doubt.
func (s *session) try(ctx context.Context, sql string) reply {
	r := s.any(ctx, sql)
	s.distrust(sql, r)
	return r
}

// must asks for what the probe needs before its question.
func (s *session) must(ctx context.Context, statements ...string) reply {
	var r reply
	for _, sql := range statements {
		r = s.try(ctx, sql)
		if r.fail != nil {
			s.suspect(fmt.Errorf("%s: %s", statement(sql), refusal(r.fail)))
		}
	}
	return r
}

// copyIn sends data by COPY FROM STDIN, the bytes as they are.
func (s *session) copyIn(ctx context.Context, sql, data string) reply {
	if s.doubt != nil {
		return reply{}
	}
	tag, err := s.conn.CopyFrom(ctx, strings.NewReader(data), sql)
	r := s.take(ctx, sql, nil, err)
	r.tag = tag.String()
	s.distrust(sql, r)
	return r
}

// copyOut reads what COPY TO STDOUT gives.
func (s *session) copyOut(ctx context.Context, sql string) (string, reply) {
	if s.doubt != nil {
		return "", reply{}
	}
	var b bytes.Buffer
	tag, err := s.conn.CopyTo(ctx, &b, sql)
	r := s.take(ctx, sql, nil, err)
	r.tag = tag.String()
	s.distrust(sql, r)
	return b.String(), r
}

// take turns what pgconn gives into a reply, or into doubt.
func (s *session) take(ctx context.Context, sql string, results []*pgconn.Result, err error) reply {
	var pg *pgconn.PgError
	switch {
	case err == nil:
	case errors.As(err, &pg) && !fatal(pg):
		return reply{fail: pg}
	case ctx.Err() != nil:
		s.suspect(fmt.Errorf("%s: %w", statement(sql), context.Cause(ctx)))
		return reply{}
	default:
		s.suspect(fmt.Errorf("%s: the connection is lost: %w", statement(sql), err))
		return reply{}
	}
	var r reply
	for _, res := range results { // the last one's, as psql -c
		r.tag, r.rows = res.CommandTag.String(), nil
		for _, values := range res.Rows {
			row := make([]string, len(values))
			for i, v := range values {
				row[i] = null
				if v != nil {
					row[i] = string(v)
				}
			}
			r.rows = append(r.rows, row)
		}
	}
	return r
}

func fatal(e *pgconn.PgError) bool {
	sev := e.SeverityUnlocalized
	if sev == "" {
		sev = e.Severity
	}
	return sev == "FATAL" || sev == "PANIC"
}

// suspect keeps the first doubt.
func (s *session) suspect(err error) {
	if s.doubt == nil {
		s.doubt = err
	}
}

func (s *session) distrust(sql string, r reply) {
	if r.fail != nil && tellsNothing(r.fail) {
		s.suspect(fmt.Errorf("%s: %s", statement(sql), refusal(r.fail)))
	}
}

// tellsNothing are refusals that have other reasons than what was asked for.
func tellsNothing(e *pgconn.PgError) bool {
	switch e.Code {
	case pgerrcode.QueryCanceled, pgerrcode.LockNotAvailable, pgerrcode.InsufficientPrivilege,
		pgerrcode.ReadOnlySQLTransaction, pgerrcode.CannotConnectNow:
		return true
	}
	return !dial.Classify(e).Settled()
}

// status is the transaction status of the last ReadyForQuery: I, T or E.
func (s *session) status() byte {
	if s.conn == nil {
		return 0
	}
	return s.conn.TxStatus()
}

// closeTimeout bounds the good-bye of a connection.
const closeTimeout = 2 * time.Second

func (s *session) close(ctx context.Context) {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = s.conn.Close(ctx)
}

// statement names a statement in evidence.
func statement(sql string) string {
	const most = 60
	sql = strings.Join(strings.Fields(sql), " ")
	if len(sql) > most {
		sql = sql[:most] + "…"
	}
	return sql
}
