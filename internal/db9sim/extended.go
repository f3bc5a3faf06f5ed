package db9sim

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgproto3"
)

// extended is what a session knows of the extended protocol.
type extended struct {
	statements map[string]*statement // by name of Parse
	portals    map[string]*portal    // by name of Bind
	synced     bool                  // no message since the last Sync
	skipping   bool                  // an error was sent: all is skipped to the next Sync
	code       string                // of that error
	executed   int                   // Executes since the last Sync
}

type portal struct {
	stmt *statement
	bind *pgproto3.Bind
	desc *pgproto3.RowDescription
}

func (e *extended) init() {
	e.statements, e.portals, e.synced = map[string]*statement{}, map[string]*portal{}, true
}

// extended answers one message of the extended protocol. Each is sent to the
// backend with a Flush, so that its answer is there before the next is read.
func (s *session) extended(ctx context.Context, msg pgproto3.FrontendMessage) error {
	switch msg.(type) {
	case *pgproto3.Sync:
		return s.sync(ctx)
	case *pgproto3.Flush:
		if err := s.client.Flush(); err != nil {
			return fmt.Errorf("answering a client: %w", err)
		}
		return nil
	}
	if s.ext.skipping {
		return nil
	}
	switch m := msg.(type) {
	case *pgproto3.Parse:
		return s.parse(ctx, m)
	case *pgproto3.Bind:
		return s.bind(ctx, m)
	case *pgproto3.Describe:
		return s.describe(ctx, m)
	case *pgproto3.Execute:
		return s.executePortal(ctx, m)
	case *pgproto3.Close:
		if m.ObjectType == 'S' {
			delete(s.ext.statements, m.Name)
		} else {
			delete(s.ext.portals, m.Name)
		}
		return s.step(m)
	default:
		return fmt.Errorf("an unexpected %T from the client", m)
	}
}

// sync ends a run of extended messages.
func (s *session) sync(ctx context.Context) error {
	s.server.SendSync(&pgproto3.Sync{})
	if err := s.server.Flush(); err != nil {
		return fmt.Errorf("passing a Sync on: %w", err)
	}
	// The backend may have an error of the implicit transaction's end to tell.
	for {
		msg, err := s.receiveServer()
		if err != nil {
			return err
		}
		if m, ok := msg.(*pgproto3.ReadyForQuery); ok {
			s.status = m.TxStatus
			break
		}
		s.client.Send(msg)
	}
	code := s.ext.code
	s.ext.synced, s.ext.skipping, s.ext.code, s.ext.executed = true, false, "", 0
	if err := s.settle(ctx, code); err != nil {
		return err
	}
	if s.status == idle {
		s.copied = false
		clear(s.ext.portals)
	}
	if err := s.restore(ctx); err != nil {
		return err
	}
	return s.ready()
}

func (s *session) parse(ctx context.Context, m *pgproto3.Parse) error {
	stmts, err := s.sim.judge.statements(m.Query)
	if err != nil {
		return err
	}
	stmt := &statement{text: m.Query, sql: m.Query}
	if len(stmts) == 1 {
		stmt = stmts[0]
	}
	if stmt, err = s.resolve(ctx, stmt); err != nil {
		return err
	}
	r := stmt.refuse
	if r == nil && stmt.copy() != nil && s.sim.rules.On("copy-extended") {
		r = refuse(unsupported, "COPY is supported by the simple protocol only")
	}
	if r != nil && s.status != failed {
		return s.failExtended(ctx, r)
	}
	s.ext.statements[m.Name] = stmt
	return s.step(&pgproto3.Parse{Name: m.Name, Query: stmt.sql, ParameterOIDs: m.ParameterOIDs})
}

func (s *session) bind(_ context.Context, m *pgproto3.Bind) error {
	stmt := s.ext.statements[m.PreparedStatement]
	if stmt == nil {
		stmt = &statement{}
	}
	kept := *m // what it points to is overwritten by the next message
	kept.Parameters = make([][]byte, len(m.Parameters))
	for i, v := range m.Parameters {
		kept.Parameters[i] = bytes.Clone(v)
	}
	kept.ParameterFormatCodes, kept.ResultFormatCodes = slices.Clone(m.ParameterFormatCodes), slices.Clone(m.ResultFormatCodes)
	if err := s.textArrays(&kept); err != nil || s.ext.skipping {
		return err
	}
	s.ext.portals[m.DestinationPortal] = &portal{stmt: stmt, bind: &kept}
	return s.step(&kept)
}

// textArrays takes the binary format from those of a portal's columns that are
// arrays, where the rule says so.
func (s *session) textArrays(m *pgproto3.Bind) error {
	if !slices.Contains(m.ResultFormatCodes, 1) || !s.sim.rules.On("binary-arrays") {
		return nil
	}
	if err := s.sendServer(&pgproto3.Describe{ObjectType: 'S', Name: m.PreparedStatement}); err != nil {
		return err
	}
	for {
		msg, err := s.receiveServer()
		if err != nil {
			return err
		}
		switch d := msg.(type) {
		case *pgproto3.ParameterDescription:
			continue
		case *pgproto3.RowDescription:
			if len(m.ResultFormatCodes) == 1 {
				m.ResultFormatCodes = slices.Repeat(m.ResultFormatCodes, len(d.Fields))
			}
			for i, f := range d.Fields {
				if i < len(m.ResultFormatCodes) && s.sim.judge.arrays[f.DataTypeOID] {
					m.ResultFormatCodes[i] = 0
				}
			}
		case *pgproto3.ErrorResponse: // and so the Bind would
			s.ext.skipping, s.ext.code = true, d.Code
			s.client.Send(d)
		}
		return nil
	}
}

// describe passes a Describe on, and keeps what a portal's rows are made of.
func (s *session) describe(_ context.Context, m *pgproto3.Describe) error {
	if err := s.sendServer(m); err != nil {
		return err
	}
	for {
		msg, err := s.receiveServer()
		if err != nil {
			return err
		}
		s.client.Send(msg)
		switch d := msg.(type) {
		case *pgproto3.ParameterDescription:
			continue
		case *pgproto3.RowDescription:
			if p := s.ext.portals[m.Name]; p != nil && m.ObjectType == 'P' {
				p.desc = cloneDescription(d)
			}
		case *pgproto3.ErrorResponse:
			s.ext.skipping = true
		}
		return nil
	}
}

func (s *session) executePortal(ctx context.Context, m *pgproto3.Execute) error {
	p := s.ext.portals[m.Portal]
	if p == nil {
		p = &portal{stmt: &statement{}, bind: &pgproto3.Bind{}}
	}
	r, err := s.before(ctx, p.stmt, call{extended: true, params: p.bind.Parameters, maxRows: m.MaxRows, portal: m.Portal})
	if err != nil {
		return err
	}
	if r != nil {
		return s.failExtended(ctx, r)
	}
	s.tell(p.stmt)
	execute := func() (outcome, error) {
		if err := s.sendServer(m); err != nil {
			return outcome{}, err
		}
		return s.relay(ctx, p.stmt, p.desc)
	}
	var out outcome
	if p.stmt.commits() {
		out, err = s.committing(ctx, execute)
	} else {
		out, err = execute()
	}
	s.ext.executed++
	for n := 0; err == nil && s.ext.executed == 1 && s.again(p.stmt, out) && n < retries; n++ {
		if err := s.rebind(p); err != nil {
			return err
		}
		out, err = execute()
	}
	if err != nil {
		return err
	}
	if out.err == nil && out.refuse == nil && !out.suspended {
		if err := s.followUp(ctx, p.stmt); err != nil {
			return err
		}
	}
	s.after(p.stmt, out)
	if out.refuse != nil && out.err == nil {
		return s.failExtended(ctx, out.refuse)
	}
	s.end(out)
	if out.err != nil {
		s.ext.skipping, s.ext.code = true, out.err.Code
	}
	return nil
}

// rebind makes a portal again, after an Execute that failed outside of a
// transaction.
func (s *session) rebind(p *portal) error {
	s.server.SendSync(&pgproto3.Sync{})
	if err := s.server.Flush(); err != nil {
		return fmt.Errorf("passing a Sync on: %w", err)
	}
	if err := s.awaitReady(); err != nil {
		return err
	}
	if err := s.sendServer(p.bind); err != nil {
		return err
	}
	msg, err := s.receiveServer()
	if err != nil {
		return err
	}
	if _, ok := msg.(*pgproto3.BindComplete); !ok {
		return fmt.Errorf("binding a statement again gave a %T", msg)
	}
	return nil
}

// failExtended refuses amid extended messages: the backend is sent what it
// cannot run, so that it too skips to the next Sync with its transaction failed.
func (s *session) failExtended(_ context.Context, r *refusal) error {
	if r.fatal {
		return s.goodbye(r)
	}
	if err := s.sendServer(&pgproto3.Parse{Name: "_db9sim", Query: "a refusal of db9sim"}); err != nil {
		return err
	}
	for {
		msg, err := s.receiveServer()
		if err != nil {
			return err
		}
		if _, ok := msg.(*pgproto3.ErrorResponse); ok {
			break
		}
	}
	s.client.Send(r.response())
	s.ext.skipping, s.ext.code = true, r.code
	return nil
}

// step passes a message on that has one message for an answer.
func (s *session) step(m pgproto3.FrontendMessage) error {
	if err := s.sendServer(m); err != nil {
		return err
	}
	msg, err := s.receiveServer()
	if err != nil {
		return err
	}
	if _, ok := msg.(*pgproto3.ErrorResponse); ok {
		s.ext.skipping = true
	}
	s.client.Send(msg)
	return nil
}

func (s *session) sendServer(m pgproto3.FrontendMessage) error {
	s.ext.synced = false
	s.server.Send(m)
	s.server.Send(&pgproto3.Flush{})
	if err := s.server.Flush(); err != nil {
		return fmt.Errorf("passing a %T on: %w", m, err)
	}
	return nil
}
