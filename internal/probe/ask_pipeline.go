package probe

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// askPipelining: two batches are sent whole, in the copier's messages, before the
// first answer is read; then two of which the first fails; then a COPY behind a
// statement of its message that fails. Proved where rows, order and tags are as
// if each had been waited for, what follows a failure in its transaction is
// refused, and nothing of a message runs after the statement that failed: else
// rows would be loaded outside of any transaction.
func askPipelining(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	s.must(ctx,
		"CREATE TABLE "+in("p31")+" (n integer PRIMARY KEY)",
		"CREATE TABLE "+in("p31_ledger")+" (batch integer PRIMARY KEY)")
	for _, step := range []struct {
		finding, what string
		open          string
		data          []string
		want          string
		rows, ledger  string
	}{
		{
			"differs", "two batches", "BEGIN",
			[]string{"1\n2\n", "3\n4\n5\n"},
			"BEGIN; COPY 2 T, INSERT 0 1; COMMIT I, BEGIN; COPY 3 T, INSERT 0 1; COMMIT I", "5", "2",
		},
		{
			"goes-on-after-failure", "the first of two failed", "BEGIN",
			[]string{"1\nx\n", "3\n4\n5\n"},
			"BEGIN; 22P02 E, 25P02 E, 25P02 E, 25P02 E", "0", "0",
		},
		{
			"loads-after-failure", "COPY behind a statement that failed", "INSERT INTO " + in("p31_ledger") + " VALUES (7), (7)",
			[]string{"1\n2\n"},
			"23505 I, INSERT 0 1; COMMIT I", "0", "1",
		},
	} {
		s.must(ctx, "TRUNCATE "+in("p31"), "TRUNCATE "+in("p31_ledger"))
		got, err := pipeline(ctx, l, step.open, step.data...)
		if err != nil {
			s.suspect(err)
			return answer{}
		}
		rows := s.must(ctx, "SELECT count(*) FROM "+in("p31")).value()
		ledger := s.must(ctx, "SELECT count(*) FROM "+in("p31_ledger")).value()
		if text := strings.Join(got, ", "); text != step.want || rows != step.rows || ledger != step.ledger {
			return verdict(false, step.finding, shorten(fmt.Sprintf("%s: %s rows, %s ledger rows, %s", step.what, rows, ledger, text)))
		}
	}
	return verdict(true, "in-order", "four messages each way answered in order; after a failure 25P02, and nothing more of its message ran")
}

// pipeline sends batches on a connection of its own and returns what each
// message was answered with: tags, SQLSTATE, and status.
func pipeline(ctx context.Context, l *lab, open string, batches ...string) ([]string, error) {
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
			&pgproto3.Query{String: open + ";COPY " + in("p31") + " FROM STDIN"},
			&pgproto3.CopyData{Data: []byte(data)},
			&pgproto3.CopyDone{},
			&pgproto3.Query{String: fmt.Sprintf("INSERT INTO %s VALUES (%d);COMMIT", in("p31_ledger"), i)},
		} {
			if out, err = m.Encode(out); err != nil {
				return nil, fmt.Errorf("encoding a message: %w", err)
			}
		}
	}
	if _, err := h.Conn.Write(out); err != nil {
		return nil, fmt.Errorf("sending two batches at once: %w", err)
	}
	answers, err := answersOf(h.Conn, messages*len(batches))
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("after %d answers to %d messages sent at once: %w", len(answers), messages*len(batches), err)
	}
	_ = h.Conn.SetDeadline(time.Now().Add(closeTimeout))
	if bye, err := (&pgproto3.Terminate{}).Encode(nil); err == nil {
		_, _ = h.Conn.Write(bye)
	}
	return answers, nil
}

// messages is how many messages of a batch are answered.
const messages = 2

// answersOf reads n answers, each up to its ReadyForQuery.
func answersOf(conn net.Conn, n int) ([]string, error) {
	f := pgproto3.NewFrontend(conn, nil)
	var out []string
	var words []string
	for len(out) < n {
		m, err := f.Receive()
		if err != nil {
			return out, err
		}
		switch m := m.(type) {
		case *pgproto3.CommandComplete:
			words = append(words, string(m.CommandTag))
		case *pgproto3.ErrorResponse:
			words = append(words, m.Code)
			if m.SeverityUnlocalized == "FATAL" || m.Severity == "FATAL" {
				return out, fmt.Errorf("%s %s", m.Code, m.Message)
			}
		case *pgproto3.ReadyForQuery:
			out = append(out, fmt.Sprintf("%s %c", strings.Join(words, "; "), m.TxStatus))
			words = nil
		}
	}
	return out, nil
}
