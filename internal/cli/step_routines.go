package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
)

// callTimeout is what one routine may take; one that is cut off is not proved.
const callTimeout = 5 * time.Second

// callRoutines calls the routines that this run created, where that is safe: a
// server that looks into bodies only when they are called takes any. Each call
// is a transaction that is rolled back. What was created and not proved is
// found (T28); that holds nothing up.
func (j *job) callRoutines(ctx context.Context) error {
	calls := j.toCall()
	if len(calls) == 0 || j.stopped() {
		return nil
	}
	return j.phase("calls of routines", len(calls), func() (int, error) {
		c := &caller{j: j}
		defer c.close(ctx)
		proved, unproved := 0, 0
		for _, call := range calls {
			why := call.Why
			if call.SQL != "" {
				err := c.call(ctx, call)
				if ctx.Err() != nil {
					return unproved, err
				}
				if err == nil {
					proved++
					continue
				}
				why = "a call with NULLs failed: " + callText(err)
			}
			unproved++
			j.found([]finding.Finding{call.Unproved(why)})
		}
		j.bus.Emit(event.Note{Text: fmt.Sprintf("%s created: %d answered a call, %d are not proved", count(len(calls), "routine"), proved, unproved)})
		return 0, nil
	})
}

// toCall are the calls of the plan whose routines this run has made.
func (j *job) toCall() []ddlgen.Call {
	if j.opts.CallRoutines == config.ProbeNever || j.opts.CallRoutines != config.ProbeAlways && !j.profile.Map {
		return nil
	}
	made := map[string]bool{}
	for _, a := range j.applied {
		for _, id := range a.Done {
			made[id] = true
		}
	}
	var out []ddlgen.Call
	for _, c := range j.plan.Calls {
		if made[c.Statement] {
			out = append(out, c)
		}
	}
	return out
}

// callText is a refusal in one line, with its code.
func callText(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.Join(strings.Fields(pg.Message), " ") + " (" + pg.Code + ")"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// caller has the session for calls, which is given up after each failure: what
// state a transaction is in then is not the same on all targets.
type caller struct {
	j    *job
	conn *pgx.Conn
}

func (c *caller) call(ctx context.Context, call ddlgen.Call) error {
	if c.conn == nil {
		conn, err := c.j.opts.target.Connect(ctx, copier.ControlSettings(c.j.profile))
		if err != nil {
			return err
		}
		c.conn = conn
		if _, err := conn.Exec(ctx, fmt.Sprintf("SET statement_timeout = %d", callTimeout.Milliseconds())); err != nil {
			c.close(ctx)
			return err
		}
	}
	timed, cancel := context.WithTimeout(ctx, 2*callTimeout) // for a target that takes no timeout
	defer cancel()
	// In one message, and so in one round trip.
	_, err := c.conn.PgConn().Exec(timed, "BEGIN READ ONLY; "+call.SQL+"; ROLLBACK").ReadAll()
	if err != nil {
		c.close(ctx)
	}
	return err
}

func (c *caller) close(ctx context.Context) {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = c.conn.Close(ctx) // it leaves nothing behind
	c.conn = nil
}
