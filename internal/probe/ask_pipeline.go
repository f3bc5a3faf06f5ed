package probe

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgproto3"
)

// askPipelining: two batches are sent whole before the first answer is read, and
// then two of which the first fails. Proved where rows, order and tags are as if
// each had been waited for, and what follows a failure in its transaction is
// refused.
func askPipelining(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx,
		"CREATE TABLE "+in("p31")+" (n integer PRIMARY KEY)",
		"CREATE TABLE "+in("p31_ledger")+" (batch integer PRIMARY KEY)")
	good, err := pipeline(ctx, l, "1\n2\n", "3\n4\n5\n")
	if err != nil {
		s.suspect(err)
		return answer{}
	}
	rows := s.must(ctx, "SELECT count(*) FROM "+in("p31")).value()
	ledger := s.must(ctx, "SELECT count(*) FROM "+in("p31_ledger")).value()
	const wanted = "BEGIN T, COPY 2 T, INSERT 0 1 T, COMMIT I, BEGIN T, COPY 3 T, INSERT 0 1 T, COMMIT I"
	if got := strings.Join(good, ", "); got != wanted || rows != "5" || ledger != "2" {
		return verdict(false, "differs", shorten(fmt.Sprintf("two batches: %s rows, %s ledger rows, %s", rows, ledger, got)))
	}

	s.must(ctx, "TRUNCATE "+in("p31"), "TRUNCATE "+in("p31_ledger"))
	bad, err := pipeline(ctx, l, "1\nx\n", "3\n4\n5\n")
	if err != nil {
		s.suspect(err)
		return answer{}
	}
	rows = s.must(ctx, "SELECT count(*) FROM "+in("p31")).value()
	ledger = s.must(ctx, "SELECT count(*) FROM "+in("p31_ledger")).value()
	refusedAll := len(bad) == 8 && strings.HasSuffix(bad[1], " E") && bad[2] == pgerrcode.InFailedSQLTransaction+" E" && bad[3] == "ROLLBACK I" &&
		strings.Join(bad[4:], ", ") == "BEGIN T, COPY 3 T, INSERT 0 1 T, COMMIT I"
	if !refusedAll || rows != "3" || ledger != "1" {
		return verdict(false, "goes-on-after-failure", shorten(fmt.Sprintf("the first of two failed: %s rows, %s ledger rows, %s", rows, ledger, strings.Join(bad, ", "))))
	}
	return verdict(true, "in-order", "8 statements each way answered in order; after a failure 25P02, COMMIT answered ROLLBACK")
}

// pipeline sends two batches on a connection of its own and returns what each
// statement was answered with: tag or SQLSTATE, and status.
func pipeline(ctx context.Context, l *lab, batches ...string) ([]string, error) {
	s := l.open(ctx)
	if s.doubt != nil {
		return nil, s.doubt
	}
	// After a slow write pgx may have a goroutine that reads the connection still.
	if err := s.conn.SyncConn(ctx); err != nil {
		return nil, fmt.Errorf("taking over the connection: %w", err)
	}
	h, err := s.conn.Hijack()
	if err != nil {
		return nil, fmt.Errorf("taking over the connection: %w", err)
	}
	s.conn = nil
	defer func() { _ = h.Conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = h.Conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	var out []byte
	for i, data := range batches {
		for _, m := range []pgproto3.FrontendMessage{
			&pgproto3.Query{String: "BEGIN"},
			&pgproto3.Query{String: "COPY " + in("p31") + " FROM STDIN"},
			&pgproto3.CopyData{Data: []byte(data)},
			&pgproto3.CopyDone{},
			&pgproto3.Query{String: fmt.Sprintf("INSERT INTO %s VALUES (%d)", in("p31_ledger"), i)},
			&pgproto3.Query{String: "COMMIT"},
		} {
			if out, err = m.Encode(out); err != nil {
				return nil, fmt.Errorf("encoding a message: %w", err)
			}
		}
	}
	if _, err := h.Conn.Write(out); err != nil {
		return nil, fmt.Errorf("sending two batches at once: %w", err)
	}
	answers, err := answersOf(h.Conn, 4*len(batches))
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("after %d answers to %d statements sent at once: %w", len(answers), 4*len(batches), err)
	}
	_ = h.Conn.SetDeadline(time.Now().Add(closeTimeout))
	if bye, err := (&pgproto3.Terminate{}).Encode(nil); err == nil {
		_, _ = h.Conn.Write(bye)
	}
	return answers, nil
}

// answersOf reads n answers, each up to its ReadyForQuery.
func answersOf(conn net.Conn, n int) ([]string, error) {
	f := pgproto3.NewFrontend(conn, nil)
	var out []string
	last := ""
	for len(out) < n {
		m, err := f.Receive()
		if err != nil {
			return out, err
		}
		switch m := m.(type) {
		case *pgproto3.CommandComplete:
			last = string(m.CommandTag)
		case *pgproto3.ErrorResponse:
			last = m.Code
			if m.SeverityUnlocalized == "FATAL" || m.Severity == "FATAL" {
				return out, fmt.Errorf("%s %s", m.Code, m.Message)
			}
		case *pgproto3.ReadyForQuery:
			out = append(out, fmt.Sprintf("%s %c", last, m.TxStatus))
			last = ""
		}
	}
	return out, nil
}
