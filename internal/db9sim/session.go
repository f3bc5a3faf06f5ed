package db9sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"
)

// flushBytes is how much is gathered for a client before it is sent.
const flushBytes = 32 << 10

// Transaction states, as ReadyForQuery has them.
const (
	idle   = 'I'
	inTx   = 'T'
	failed = 'E'
)

// session is one client and the backend connection that is its own. It is
// serial: a message is read when the one before it is answered.
type session struct {
	sim    *Sim
	start  *startup
	conn   net.Conn
	client *pgproto3.Backend

	hijacked *pgconn.HijackedConn
	server   *pgproto3.Frontend

	status   byte     // of the transaction, as the client was or will be told
	implicit bool     // the transaction is the one around the statements of one Query
	copied   bool     // a COPY FROM ran in this transaction
	sets     []string // what SET said in this transaction, to be said again after it
	undone   bool     // a ROLLBACK TO ran since sets were said
	ext      extended
	limits   limitState
	faults   faultState
}

// outcome is how a statement ended: by a tag or by an error. The caller tells
// the client.
type outcome struct {
	tag       string                  // without an error, "" is EmptyQueryResponse
	suspended bool                    // an Execute stopped at its row limit
	err       *pgproto3.ErrorResponse // the backend's: its transaction has failed
	refuse    *refusal                // the stand-in's: the caller has the backend's transaction fail too
}

func cloneError(m *pgproto3.ErrorResponse) *pgproto3.ErrorResponse {
	c := *m
	c.UnknownFields = maps.Clone(m.UnknownFields)
	return &c
}

// open connects a client's session to the backend and lets the client in.
func (s *Sim) open(ctx context.Context, conn net.Conn, start *startup) (*session, error) {
	sess := &session{sim: s, start: start, conn: conn, client: start.client, status: idle, faults: s.faults.connection()}
	sess.ext.init()
	if start.params["replication"] != "" && s.rules.On("replication") {
		return nil, sess.goodbye(refuse("0A000", "replication connections are not supported"))
	}
	if err := sess.connect(ctx); err != nil {
		var refused *pgconn.PgError
		if errors.As(err, &refused) {
			r := refuse(refused.Code, "%s", refused.Message)
			r.fatal = true
			start.client.Send(r.response())
			_ = start.client.Flush()
		}
		return nil, fmt.Errorf("connecting to the backend: %w", err)
	}
	if err := sess.greet(ctx); err != nil {
		sess.close()
		return nil, err
	}
	return sess, nil
}

// backendConfig is how a session connects to the backend.
func (s *session) backendConfig() *pgconn.Config {
	cfg := s.sim.backend.Copy()
	if s.start.user != "" {
		cfg.User = s.start.user
	}
	if s.start.database != "" {
		cfg.Database = s.start.database
	}
	cfg.RuntimeParams = s.runtimeParams()
	s.sim.timeouts.params(cfg.RuntimeParams)
	return cfg
}

func (s *session) connect(ctx context.Context) error {
	pgc, err := pgconn.ConnectConfig(ctx, s.backendConfig())
	if err != nil {
		return err
	}
	s.hijacked, err = pgc.Hijack()
	if err != nil {
		return err
	}
	s.server = s.hijacked.Frontend
	return nil
}

// greet tells the client that it is in.
func (s *session) greet(ctx context.Context) error {
	if r, err := s.fault(ctx, atConnect, ""); err != nil {
		return err
	} else if r != nil {
		return s.goodbye(r)
	}
	if err := s.opened(ctx); err != nil {
		return err
	}
	s.client.Send(&pgproto3.AuthenticationOk{})
	for _, name := range slices.Sorted(maps.Keys(s.hijacked.ParameterStatuses)) {
		s.parameterStatus(&pgproto3.ParameterStatus{Name: name, Value: s.hijacked.ParameterStatuses[name]})
	}
	s.client.Send(&pgproto3.BackendKeyData{ProcessID: s.hijacked.PID, SecretKey: s.hijacked.SecretKey})
	return s.ready()
}

// goodbye sends a last error.
func (s *session) goodbye(r *refusal) error {
	c := *r
	c.fatal = true
	s.client.Send(c.response())
	_ = s.client.Flush()
	return fmt.Errorf("%s: %s", r.code, r.message)
}

func (s *session) close() {
	_ = s.conn.Close()
	if s.hijacked != nil {
		s.server.Send(&pgproto3.Terminate{})
		_ = s.server.Flush()
		_ = s.hijacked.Conn.Close()
	}
}

// tunnel hands bytes through, both ways, until one side ends.
func (s *session) tunnel() error {
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(s.hijacked.Conn, s.conn)
		_ = s.hijacked.Conn.Close() // a backend that is idle ends by it
		done <- err
	}()
	_, err := io.Copy(s.conn, s.hijacked.Conn)
	_ = s.conn.Close()
	return errors.Join(err, <-done)
}

// serve reads messages until the client leaves or the backend does.
func (s *session) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.hijacked.Conn.Close() })
	defer stop()
	for {
		msg, err := s.receive(ctx)
		if err != nil {
			return err
		}
		switch m := msg.(type) {
		case *pgproto3.Query:
			err = s.query(ctx, m.String)
		case *pgproto3.Terminate:
			return nil
		case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
			// The rest of a COPY that has failed: PostgreSQL drops it too.
		case *pgproto3.FunctionCall:
			err = s.goodbye(refuse("0A000", "function calls of the protocol are not supported"))
		default:
			err = s.extended(ctx, msg)
		}
		if err != nil {
			return err
		}
	}
}

// query answers a Query message. Its statements are sent one by one, so that
// each can be judged when its turn comes; what PostgreSQL does around several
// in one message (one transaction, unless they say otherwise) is done here.
func (s *session) query(ctx context.Context, text string) error {
	s.ext.synced = true
	stmts, err := s.sim.judge.statements(text)
	if err != nil {
		return err
	}
	if len(stmts) == 0 {
		s.client.Send(&pgproto3.EmptyQueryResponse{})
	}
	for _, stmt := range stmts {
		if len(stmts) > 1 && s.status == idle && stmt.tx() == nil {
			if _, err := s.exec(ctx, "BEGIN"); err != nil {
				return err
			}
			s.implicit = true
		}
		out, err := s.run(ctx, stmt)
		if err != nil {
			return err
		}
		s.end(out)
		if out.err != nil {
			if err := s.settle(ctx, out.err.Code); err != nil {
				return err
			}
			break
		}
		if err := s.restore(ctx); err != nil {
			return err
		}
	}
	if s.implicit {
		if err := s.endImplicit(ctx); err != nil {
			return err
		}
	}
	if err := s.restore(ctx); err != nil {
		return err
	}
	return s.ready()
}

// endImplicit ends the transaction around the statements of one message.
func (s *session) endImplicit(ctx context.Context) error {
	if s.status == failed {
		_, err := s.exec(ctx, "ROLLBACK")
		return err
	}
	stmts, err := s.sim.judge.statements("COMMIT")
	if err != nil {
		return err
	}
	out, err := s.commit(ctx, stmts[0])
	if err != nil {
		return err
	}
	if out.err != nil {
		s.end(out)
	}
	return nil
}

// end tells the client how a statement ended.
func (s *session) end(out outcome) {
	switch {
	case out.err != nil:
		s.client.Send(out.err)
	case out.suspended:
		s.client.Send(&pgproto3.PortalSuspended{})
	case out.tag == "":
		s.client.Send(&pgproto3.EmptyQueryResponse{})
	default:
		s.client.Send(&pgproto3.CommandComplete{CommandTag: []byte(out.tag)})
	}
}

// ready tells the client that the next query may come.
func (s *session) ready() error {
	s.client.Send(&pgproto3.ReadyForQuery{TxStatus: s.status})
	if err := s.client.Flush(); err != nil {
		return fmt.Errorf("answering a client: %w", err)
	}
	return nil
}

// run judges one statement of a Query where it stands, and forwards it.
func (s *session) run(ctx context.Context, stmt *statement) (outcome, error) {
	// Not for every check: an UPDATE waits for rows that another session holds.
	if slices.ContainsFunc(stmt.checks, func(c check) bool { return c.alone }) {
		s.sim.checked.Lock()
		defer s.sim.checked.Unlock()
	}
	stmt, err := s.resolve(ctx, stmt)
	if err != nil {
		return outcome{}, err
	}
	r, err := s.before(ctx, stmt, call{})
	if err != nil {
		return outcome{}, err
	}
	if r != nil {
		return s.fail(ctx, r)
	}
	s.tell(stmt)
	out, err := s.execute(ctx, stmt)
	if err != nil {
		return out, err
	}
	s.after(stmt, out)
	if out.refuse != nil && out.err == nil {
		return s.fail(ctx, out.refuse)
	}
	return out, nil
}

// execute sends a statement the way its kind is sent.
func (s *session) execute(ctx context.Context, stmt *statement) (outcome, error) {
	t := stmt.tx()
	if t == nil {
		return s.perform(ctx, stmt)
	}
	switch t.GetKind() {
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		return s.commit(ctx, stmt)
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
		out, err := s.forward(ctx, stmt)
		s.implicit = s.implicit && out.err != nil
		return out, err
	default:
		return s.forward(ctx, stmt)
	}
}

// before is what is asked of each statement before it runs: its verdict, the
// limits and the faults. In a failed transaction the backend answers.
func (s *session) before(ctx context.Context, stmt *statement, c call) (*refusal, error) {
	if r, err := s.limitsBefore(ctx, stmt, c); r != nil || err != nil {
		return r, err
	}
	if s.status != failed && stmt.refuse != nil {
		return stmt.refuse, nil
	}
	if stmt.later != "" && s.status == inTx {
		return refuse("25001", "CREATE INDEX CONCURRENTLY cannot run inside a transaction block"), nil
	}
	if r, err := s.fault(ctx, atStatement, stmt.name()); r != nil || err != nil {
		return r, err
	}
	if t := stmt.tx(); t != nil && (t.GetKind() == pg.TransactionStmtKind_TRANS_STMT_BEGIN || t.GetKind() == pg.TransactionStmtKind_TRANS_STMT_START) {
		return s.fault(ctx, atBegin, "")
	}
	if s.copied && stmt.raw.GetStmt().GetInsertStmt() != nil {
		return s.fault(ctx, atLedger, "")
	}
	return nil, nil
}

// after notes how each statement ended.
func (s *session) after(stmt *statement, out outcome) {
	if c := stmt.copy(); c != nil && c.GetIsFrom() && out.err == nil {
		s.copied = s.status == inTx
	}
	if s.status == idle {
		s.copied, s.implicit = false, false
	}
	if stmt.setter && out.err == nil && (s.status == inTx || !s.ext.synced) {
		s.sets = append(s.sets, stmt.sql)
	}
	s.undone = s.undone || stmt.tx().GetKind() == pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO
	s.limitsAfter(stmt, out)
}

// tell sends what is to be said before a statement runs.
func (s *session) tell(stmt *statement) {
	for _, n := range stmt.notices {
		s.client.Send(n)
	}
}

// fail gives a refusal as an error, and brings the backend's transaction to
// where an error of its own would have brought it.
func (s *session) fail(ctx context.Context, r *refusal) (outcome, error) {
	if r.fatal {
		return outcome{}, s.goodbye(r)
	}
	if s.status == inTx {
		if err := s.breakTx(ctx); err != nil {
			return outcome{}, err
		}
		s.status = failed
	}
	return outcome{err: r.response()}, nil
}

// breakTx makes the backend's transaction a failed one.
func (s *session) breakTx(ctx context.Context) error {
	var refused *pgconn.PgError
	if _, err := s.exec(ctx, "DO $$BEGIN RAISE EXCEPTION 'db9sim'; END$$"); !errors.As(err, &refused) {
		return fmt.Errorf("failing a transaction: %w", err)
	}
	return nil
}

// forward runs a statement by the simple protocol and relays its rows.
func (s *session) forward(ctx context.Context, stmt *statement) (outcome, error) {
	s.server.SendQuery(&pgproto3.Query{String: stmt.sql})
	if err := s.server.Flush(); err != nil {
		return outcome{}, fmt.Errorf("passing a query on: %w", err)
	}
	out, err := s.relay(ctx, stmt, nil)
	if err != nil {
		return out, err
	}
	return out, s.awaitReady()
}

// relay passes on what the backend answers to a statement, up to its end, which
// is returned.
func (s *session) relay(ctx context.Context, stmt *statement, desc *pgproto3.RowDescription) (outcome, error) {
	var refused *refusal
	for gathered := 0; ; {
		msg, err := s.receiveServer()
		if err != nil {
			return outcome{}, err
		}
		var out outcome
		switch m := msg.(type) {
		case *pgproto3.RowDescription:
			desc = cloneDescription(m)
			s.client.Send(m)
			continue
		case *pgproto3.DataRow:
			if refused != nil {
				continue
			}
			if refused = s.row(stmt, desc, m); refused != nil {
				continue
			}
			s.client.Send(m)
			for _, v := range m.Values {
				gathered += len(v)
			}
			if gathered > flushBytes {
				gathered = 0
				if err := s.client.Flush(); err != nil {
					return outcome{}, fmt.Errorf("sending rows to a client: %w", err)
				}
			}
			continue
		case *pgproto3.CopyInResponse:
			out, err = s.copyIn(ctx, stmt, m)
		case *pgproto3.CopyOutResponse:
			out, err = s.copyOut(ctx, stmt, m)
		case *pgproto3.CommandComplete:
			out.tag = string(m.CommandTag)
		case *pgproto3.EmptyQueryResponse:
		case *pgproto3.PortalSuspended:
			out.suspended = true
		case *pgproto3.ErrorResponse:
			out.err = cloneError(m)
		default:
			return out, fmt.Errorf("an unexpected %T from the backend", m)
		}
		if err != nil {
			return out, err
		}
		if refused != nil && out.err == nil {
			out.refuse = refused
		}
		if stmt.tag != "" && out.err == nil {
			out.tag = stmt.tag
		}
		return out, nil
	}
}

func cloneDescription(m *pgproto3.RowDescription) *pgproto3.RowDescription {
	return &pgproto3.RowDescription{Fields: slices.Clone(m.Fields)}
}

// answered reads up to the end of a COPY.
func (s *session) answered() (outcome, error) {
	for {
		msg, err := s.receiveServer()
		if err != nil {
			return outcome{}, err
		}
		switch m := msg.(type) {
		case *pgproto3.CommandComplete:
			return outcome{tag: string(m.CommandTag)}, nil
		case *pgproto3.ErrorResponse:
			return outcome{err: cloneError(m)}, nil
		case *pgproto3.CopyData, *pgproto3.CopyDone:
		default:
			return outcome{}, fmt.Errorf("an unexpected %T at the end of a COPY", m)
		}
	}
}

// awaitReady reads the ReadyForQuery that ends a simple query.
func (s *session) awaitReady() error {
	for {
		msg, err := s.receiveServer()
		if err != nil {
			return err
		}
		if m, ok := msg.(*pgproto3.ReadyForQuery); ok {
			s.status = m.TxStatus
			return nil
		}
	}
}

// receiveServer reads the backend's next message that is an answer. What can
// come at any time is passed on here; a FATAL ends the session with it.
func (s *session) receiveServer() (pgproto3.BackendMessage, error) {
	for {
		msg, err := s.server.Receive()
		if err != nil {
			return nil, fmt.Errorf("reading from the backend: %w", err)
		}
		switch m := msg.(type) {
		case *pgproto3.NoticeResponse:
			s.client.Send(m)
		case *pgproto3.NotificationResponse:
			s.client.Send(m)
		case *pgproto3.ParameterStatus:
			s.parameterStatus(m)
		case *pgproto3.ErrorResponse:
			if m.Severity != "FATAL" && m.SeverityUnlocalized != "FATAL" {
				return m, nil
			}
			s.client.Send(m)
			_ = s.client.Flush()
			return nil, fmt.Errorf("the backend ended: %s: %s", m.Code, m.Message)
		default:
			return msg, nil
		}
	}
}

// exec runs a statement of the stand-in's own and returns its rows as text. An
// error is a *pgconn.PgError where the backend refuses; amid extended messages
// it leaves the backend skipping to the next Sync.
func (s *session) exec(_ context.Context, sql string) ([][]string, error) {
	if !s.ext.synced {
		return s.ask(sql)
	}
	s.server.SendQuery(&pgproto3.Query{String: sql})
	if err := s.server.Flush(); err != nil {
		return nil, fmt.Errorf("asking the backend: %w", err)
	}
	var rows [][]string
	var failure error
	for {
		msg, err := s.server.Receive()
		if err != nil {
			return nil, fmt.Errorf("reading from the backend: %w", err)
		}
		switch m := msg.(type) {
		case *pgproto3.DataRow:
			rows = append(rows, texts(m))
		case *pgproto3.ParameterStatus:
			s.parameterStatus(m)
		case *pgproto3.ErrorResponse:
			failure = pgconn.ErrorResponseToPgError(cloneError(m))
		case *pgproto3.ReadyForQuery:
			s.status = m.TxStatus
			return rows, failure
		}
	}
}

// name is the statement's command, such as "CREATE TABLE": its first words as
// the parser has them.
func (s *statement) name() string {
	words := strings.Fields(s.text)
	return strings.ToUpper(strings.Join(words[:min(len(words), 2)], " "))
}

// networkAddress is where a backend listens.
func networkAddress(host string, port uint16) (network, address string) {
	if strings.HasPrefix(host, "/") {
		return "unix", host + "/.s.PGSQL." + strconv.Itoa(int(port))
	}
	return "tcp", net.JoinHostPort(host, strconv.Itoa(int(port)))
}
