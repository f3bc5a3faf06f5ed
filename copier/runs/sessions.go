package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// Sessions are pg2db9's sessions on one side, whatever run they are of.
type Sessions struct {
	Told     string    `json:"told,omitempty"` // why nothing is known of them; "" where it is
	Sessions []Session `json:"sessions"`
	Blockers []Blocker `json:"blockers"` // who holds what they wait for, and is none of them
}

// Session is one session.
type Session struct {
	PID       int64         `json:"pid"`
	State     string        `json:"state"` // active, idle, idle in transaction, ...
	WaitType  string        `json:"wait_type"`
	WaitEvent string        `json:"wait_event"`
	Since     time.Duration `json:"since_ns"`       // in this state
	Open      time.Duration `json:"transaction_ns"` // its transaction
	XminAge   int64         `json:"xmin_age"`       // transactions since the snapshot that it holds
	Started   string        `json:"started"`
	Lock      string        `json:"lock,omitempty"` // that it waits for
	BlockedBy []int64       `json:"blocked_by,omitempty"`
	CopyBytes int64         `json:"copy_bytes"` // of its transaction's COPY, not committed
	CopyRows  int64         `json:"copy_rows"`
}

// Blocker is a session that others wait for.
type Blocker struct {
	PID         int64         `json:"pid"`
	Role        string        `json:"role"`
	Application string        `json:"application"`
	Client      string        `json:"client"`
	State       string        `json:"state"`
	Since       time.Duration `json:"since_ns"` // its transaction, or its state
}

// AskSessions asks a server for the sessions that call themselves application.
// A server that does not tell, as DB9, is no error: Told says so.
func AskSessions(ctx context.Context, conn *pgx.Conn, application string) (*Sessions, error) {
	out := &Sessions{Sessions: []Session{}, Blockers: []Blocker{}}
	err := each(ctx, conn, query("sessions"), func(rows pgx.Rows) error {
		var s Session
		var since, open float64
		if err := rows.Scan(&s.PID, &s.State, &s.WaitType, &s.WaitEvent, &since, &open, &s.XminAge, &s.Started, &s.BlockedBy, &s.Lock); err != nil {
			return err
		}
		s.Since, s.Open = duration(since), duration(open)
		out.Sessions = append(out.Sessions, s)
		return nil
	}, application)
	if foreign(err) {
		out.Told = "the server does not tell what its sessions do"
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for pg2db9's sessions: %w", err)
	}
	if err := out.askBlockers(ctx, conn); err != nil {
		return nil, err
	}
	return out, out.askCopying(ctx, conn)
}

func (s *Sessions) askBlockers(ctx context.Context, conn *pgx.Conn) error {
	var pids []int64
	for _, x := range s.Sessions {
		for _, pid := range x.BlockedBy {
			if !slices.ContainsFunc(s.Sessions, func(o Session) bool { return o.PID == pid }) {
				pids = append(pids, pid)
			}
		}
	}
	if len(pids) == 0 {
		return nil
	}
	err := each(ctx, conn, query("blockers"), func(rows pgx.Rows) error {
		var b Blocker
		var since float64
		if err := rows.Scan(&b.PID, &b.Role, &b.Application, &b.Client, &b.State, &since); err != nil {
			return err
		}
		b.Since = duration(since)
		s.Blockers = append(s.Blockers, b)
		return nil
	}, pids)
	if err != nil {
		return fmt.Errorf("asking who is in the way of pg2db9's sessions: %w", err)
	}
	return nil
}

// askCopying adds what COPY has taken in transactions under way. PostgreSQL 13
// does not tell.
func (s *Sessions) askCopying(ctx context.Context, conn *pgx.Conn) error {
	err := each(ctx, conn, query("copying"), func(rows pgx.Rows) error {
		var pid, bytes, tuples int64
		if err := rows.Scan(&pid, &bytes, &tuples); err != nil {
			return err
		}
		for i := range s.Sessions {
			if s.Sessions[i].PID == pid {
				s.Sessions[i].CopyBytes, s.Sessions[i].CopyRows = bytes, tuples
			}
		}
		return nil
	})
	if err != nil && !foreign(err) {
		return fmt.Errorf("asking how far COPY is: %w", err)
	}
	return nil
}

// foreign says that a server lacks what was asked for.
func foreign(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.UndefinedTable, pgerrcode.UndefinedColumn, pgerrcode.UndefinedFunction, pgerrcode.FeatureNotSupported, pgerrcode.UndefinedObject:
		return true
	}
	return false
}

// Holder is what the source says of a snapshot.
type Holder struct {
	Lives   bool          `json:"lives"`    // the backend that keeps it is there
	Held    time.Duration `json:"held_ns"`  // its transaction
	XminAge int64         `json:"xmin_age"` // transactions that the source could not clean up behind since
	Now     time.Time     `json:"now"`      // the source's clock
}

// AskHolder asks the source for the backend that keeps a snapshot.
func AskHolder(ctx context.Context, conn *pgx.Conn, s Snapshot) (*Holder, error) {
	h := &Holder{}
	var now float64
	if err := conn.QueryRow(ctx, "SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())").Scan(&now); err != nil {
		return nil, fmt.Errorf("asking the source for the time: %w", err)
	}
	h.Now = seconds(now)
	if s.KeptPID == 0 {
		return h, nil
	}
	var held float64
	err := conn.QueryRow(ctx, query("holder"), s.KeptPID, s.Start).Scan(&held, &h.XminAge)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return h, nil
	case err != nil:
		return nil, fmt.Errorf("asking the source for the backend that keeps the snapshot: %w", err)
	}
	h.Lives, h.Held = true, duration(held)
	return h, nil
}

func duration(s float64) time.Duration { return max(0, time.Duration(s*float64(time.Second))) }
