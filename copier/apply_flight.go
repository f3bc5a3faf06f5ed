package copier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// lightBytes is the size of a table's rows, on the source, up to which a
// statement on it is not worth a flight of its own: less than a round trip's
// work over a long link.
const lightBytes = 8 << 20

// flightsPerJob is how many flights every worker gets at least, so that one slow
// flight does not leave the others idle.
const flightsPerJob = 4

// flights groups the statements of a phase. Light ones that need nothing of the
// phase's share round trips; every other flies alone.
func (a *applier) flights(statements []ddlgen.Statement, jobs int) [][]ddlgen.Statement {
	size := min(a.Window, (len(statements)+jobs*flightsPerJob-1)/(jobs*flightsPerJob))
	var out [][]ddlgen.Statement
	open := -1 // the flight that takes more
	// What a heavy statement locks for long is taken through ownLocks alone.
	locked := map[catalog.Name]bool{}
	for _, s := range statements {
		if lasts(s) && a.heavy(s) {
			for _, t := range tablesOf(s) {
				locked[t] = true
			}
		}
	}
	for _, s := range statements {
		if size < 2 || !a.light(s) || slices.ContainsFunc(tablesOf(s), func(t catalog.Name) bool { return locked[t] }) {
			out = append(out, []ddlgen.Statement{s})
			continue
		}
		if open < 0 || len(out[open]) == size {
			out = append(out, nil)
			open = len(out) - 1
		}
		out[open] = append(out[open], s)
	}
	return out
}

// light says that a statement is quick and does not depend on others of its phase.
func (a *applier) light(s ddlgen.Statement) bool {
	if a.heavy(s) {
		return false
	}
	for _, id := range s.After {
		if _, ok := a.outcome[id]; ok {
			return false
		}
	}
	return true
}

// heavy says that a statement's tables have many rows, those of the table that it
// refers to among them.
func (a *applier) heavy(s ddlgen.Statement) bool {
	return slices.ContainsFunc(tablesOf(s), func(t catalog.Name) bool { return a.Weight[t] > lightBytes })
}

// fly sends the statements of a flight in one go, each in a transaction of its
// own, and reads the answers. What is unanswered when the connection breaks, or
// failed in a way that passes, is tried again alone.
func (a *applier) fly(ctx context.Context, flight []ddlgen.Statement, links *links) error {
	var sent []ddlgen.Statement
	for _, s := range flight {
		defer close(a.outcome[s.ID])
		if reason := a.reason(s); reason != "" {
			a.skip(s, reason)
			continue
		}
		sent = append(sent, s)
	}
	if len(sent) == 0 {
		return nil
	}
	if ctx.Err() != nil { // not begun, and so not failed
		return context.Cause(ctx)
	}
	conn := links.take()
	defer func() { links.give(conn) }()
	var answers []error
	left := false // the flight did: what is unanswered may have been done
	conn, err := a.connected(ctx, conn)
	if err == nil {
		left = true
		answers = pipeline(ctx, conn.PgConn(), sent)
	}
	var first error
	for i, s := range sent {
		answered := i < len(answers)
		before := a.Again || a.Doubtful[s.ID]
		if first != nil && !answered {
			break // not begun, as far as anybody knows
		}
		err := a.one(ctx, s, func() (err error) {
			if answered && before && doneAlready(s, answers[i]) {
				return nil
			}
			if answered && dial.Classify(answers[i]).Settled() && !lockRefused(answers[i]) {
				return answers[i]
			}
			conn, err = a.exec(ctx, conn, s, before || left && (!answered || dial.Classify(answers[i]) == dial.Lost))
			return err
		})
		if err := a.fatal(ctx, s, err); err != nil && first == nil {
			first = err // what else was done is recorded
		}
	}
	return first
}

// flyInside is fly inside of a transaction: the first error is its end.
func (a *applier) flyInside(ctx context.Context, tx pgx.Tx, flight []ddlgen.Statement) error {
	answers := pipeline(ctx, tx.Conn().PgConn(), flight)
	for i, s := range flight {
		err := a.one(ctx, s, func() error {
			if i < len(answers) {
				return answers[i]
			}
			return fmt.Errorf("%w: it was sent and not answered", dial.ErrLost)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pipeline sends statements each with a Sync behind it, so that each is a
// transaction of its own unless one is open, and returns their outcomes as far
// as they were answered.
func pipeline(ctx context.Context, conn *pgconn.PgConn, statements []ddlgen.Statement) []error {
	p := conn.StartPipeline(ctx)
	for _, s := range statements {
		p.SendQueryParams(s.SQL, nil, nil, nil, nil)
		p.SendPipelineSync()
	}
	var answers []error
	err := p.Flush()
	for err == nil && len(answers) < len(statements) {
		var answer error
		answer, err = outcome(p)
		if err == nil {
			answers = append(answers, answer)
		}
	}
	// Errors of statements are answers; what breaks the pipeline leaves fewer of them.
	_ = p.Close()
	return answers
}

// outcome reads one statement's answer up to its Sync.
func outcome(p *pgconn.Pipeline) (answer, broken error) {
	for {
		result, err := p.GetResults()
		var server *pgconn.PgError
		if err != nil && !errors.As(err, &server) {
			return nil, err
		}
		if err != nil {
			answer = err
			continue
		}
		switch r := result.(type) {
		case *pgconn.ResultReader:
			if _, err := r.Close(); err != nil {
				answer = err
				if !errors.As(err, &server) {
					return nil, err
				}
			}
		case *pgconn.PipelineSync:
			return answer, nil
		case nil:
			return nil, errors.New("the pipeline ended early")
		}
	}
}
