package db9sim

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// retries is how often DB9 tries a statement outside of a transaction again.
const retries = 64

// resolve judges a statement to its end, by what the database holds: the types
// that it names, and what refuses it only there.
func (s *session) resolve(ctx context.Context, stmt *statement) (*statement, error) {
	if s.status == failed || stmt.refuse != nil {
		return stmt, nil
	}
	if len(stmt.types) > 0 {
		types := map[string]string{}
		for _, name := range stmt.types {
			rows, err := s.exec(ctx, "SELECT typtype::text FROM pg_catalog.pg_type WHERE oid = pg_catalog.to_regtype("+literal(name)+")")
			if err != nil {
				return nil, fmt.Errorf("asking for type %s: %w", name, err)
			}
			types[name] = ""
			if len(rows) == 1 {
				types[name] = rows[0][0]
			}
		}
		var err error
		if stmt, err = s.sim.judge.one(stmt.text, stmt.raw, types); err != nil {
			return nil, err
		}
	}
	for _, c := range stmt.checks {
		rows, err := s.exec(ctx, c.sql)
		if err != nil {
			return nil, fmt.Errorf("checking whether a statement is refused: %w", err)
		}
		if len(rows) > 0 {
			refused := *stmt
			refused.refuse = c.refuse
			return &refused, nil
		}
	}
	return stmt, nil
}

// perform forwards a statement that is neither refused nor one of a
// transaction, with what DB9 does around it.
func (s *session) perform(ctx context.Context, stmt *statement) (outcome, error) {
	out, err := s.forward(ctx, stmt)
	for n := 0; err == nil && s.again(stmt, out) && n < retries; n++ {
		out, err = s.forward(ctx, stmt)
	}
	if err != nil || out.err != nil || out.refuse != nil {
		return out, err
	}
	return out, s.followUp(ctx, stmt)
}

// again reports whether DB9 would run a statement once more by itself: a
// conflict of writes outside of a transaction.
func (s *session) again(stmt *statement, out outcome) bool {
	return out.err != nil && out.err.Code == pgerrcode.SerializationFailure && s.status == idle &&
		stmt.copy() == nil && s.sim.rules.On("repeatable-read")
}

// followUp runs what belongs to a statement that has succeeded.
func (s *session) followUp(ctx context.Context, stmt *statement) error {
	if stmt.later != "" {
		return s.later(ctx, stmt.later)
	}
	for _, sql := range stmt.then {
		if _, err := s.exec(ctx, sql); err != nil {
			return fmt.Errorf("following up on %s: %w", stmt.name(), err)
		}
	}
	return nil
}

// later runs SQL on a connection of its own, after its client was told
// that it is done.
func (s *session) later(ctx context.Context, sql string) error {
	path, err := s.exec(ctx, "SELECT pg_catalog.current_setting('search_path')")
	if err != nil {
		return fmt.Errorf("reading the search path: %w", err)
	}
	cfg := s.backendConfig()
	cfg.RuntimeParams["search_path"] = path[0][0]
	s.sim.done.Go(func() {
		conn, err := pgconn.ConnectConfig(ctx, cfg)
		if err == nil {
			defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
			_, err = conn.Exec(ctx, sql).ReadAll()
		}
		if err != nil {
			s.sim.log.InfoContext(ctx, "an index that was built after its statement was answered failed", "error", err)
		}
	})
	return nil
}

// settle brings the backend to where DB9 would be after an error: a timeout in
// a transaction has rolled it back, and what SET changed stays changed.
func (s *session) settle(ctx context.Context, code string) error {
	if code == pgerrcode.QueryCanceled && s.status == failed && !s.implicit && s.sim.rules.On("timeout-rollback") {
		if _, err := s.exec(ctx, "ROLLBACK"); err != nil {
			return fmt.Errorf("rolling back after a timeout: %w", err)
		}
	}
	return nil
}

// restore sets again what was set in a transaction that may have been undone.
func (s *session) restore(ctx context.Context) error {
	if len(s.sets) == 0 || s.status == failed || s.status == inTx && !s.undone {
		return nil
	}
	s.undone = false
	for _, sql := range s.sets {
		var refused *pgconn.PgError
		if _, err := s.exec(ctx, sql); err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("setting a parameter again: %w", err)
		}
	}
	if s.status == idle {
		s.sets = nil
	}
	return nil
}

// ask runs a statement of the stand-in's own amid extended messages, under
// names that no client uses, without ending their transaction.
func (s *session) ask(sql string) ([][]string, error) {
	const name = "_db9sim"
	s.server.Send(&pgproto3.Parse{Name: name, Query: sql})
	s.server.Send(&pgproto3.Bind{DestinationPortal: name, PreparedStatement: name})
	s.server.Send(&pgproto3.Execute{Portal: name})
	s.server.Send(&pgproto3.Close{ObjectType: 'P', Name: name})
	s.server.Send(&pgproto3.Close{ObjectType: 'S', Name: name})
	s.server.Send(&pgproto3.Flush{})
	if err := s.server.Flush(); err != nil {
		return nil, fmt.Errorf("asking the backend: %w", err)
	}
	var rows [][]string
	for closed := 0; closed < 2; {
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
			return nil, pgconn.ErrorResponseToPgError(cloneError(m))
		case *pgproto3.CloseComplete:
			closed++
		}
	}
	return rows, nil
}

func texts(m *pgproto3.DataRow) []string {
	row := make([]string, len(m.Values))
	for i, v := range m.Values {
		row[i] = strings.Clone(string(v))
	}
	return row
}
