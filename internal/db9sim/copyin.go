package db9sim

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

//go:embed copytarget.sql
var copyTargetSQL string

// copyTarget is what a COPY writes to.
type copyTarget struct {
	name       string // quoted
	columns    []copyColumn
	keys       [][]int // columns of each index
	referenced bool    // by a foreign key of its own
}

// copyIn is called when the backend has answered stmt with resp, of which the
// client knows nothing yet. It returns after the CommandComplete or
// ErrorResponse of the (last) COPY, which the caller sends, with ReadyForQuery
// of a simple query still to be read.
//
// Where a rule of COPY is on, the backend's COPY has done its part by allowing
// this one: it is ended with no row, and others carry the rows as DB9 would
// store and commit them.
func (s *session) copyIn(ctx context.Context, stmt *statement, resp *pgproto3.CopyInResponse) (outcome, error) {
	if r, err := s.fault(ctx, atCopyStart, ""); err != nil {
		return outcome{}, err
	} else if r != nil {
		s.server.Send(&pgproto3.CopyFail{Message: r.message})
		if err := s.server.Flush(); err != nil {
			return outcome{}, fmt.Errorf("ending the backend's COPY: %w", err)
		}
		if _, err := s.answered(); err != nil {
			return outcome{}, err
		}
		return outcome{err: r.response()}, nil
	}
	in := &copyIn{s: s, switches: newCopySwitches(s.sim.rules.On)}
	c := stmt.copy()
	if c == nil || !s.ext.synced || resp.OverallFormat != 0 {
		return s.relayCopyIn(ctx, resp)
	}
	format, ok := newCopyFormat(c, s.sim.catalogs.copies)
	if !ok || !in.switches.any() && !s.sim.rules.On("statement-timeout") && !s.sim.rules.On("copy-idle-timeout") {
		return s.relayCopyIn(ctx, resp)
	}
	s.server.Send(&pgproto3.CopyDone{})
	if err := s.server.Flush(); err != nil {
		return outcome{}, fmt.Errorf("ending the backend's COPY: %w", err)
	}
	out, err := s.answered()
	if err != nil || out.err != nil {
		return out, err
	}
	if err := s.awaitReady(); err != nil {
		return outcome{}, err
	}
	if err := in.prepare(ctx, c, format); err != nil {
		return outcome{}, err
	}
	s.client.Send(resp)
	if err := s.client.Flush(); err != nil {
		return outcome{}, fmt.Errorf("asking a client for rows: %w", err)
	}
	out, err = in.run(ctx)
	if err != nil {
		return outcome{}, err
	}
	s.server.SendQuery(&pgproto3.Query{}) // for a ReadyForQuery that the caller reads
	if err := s.server.Flush(); err != nil {
		return outcome{}, fmt.Errorf("ending a COPY: %w", err)
	}
	return out, nil
}

// copyIn is one COPY FROM STDIN under way.
type copyIn struct {
	s        *session
	switches copySwitches
	target   copyTarget
	stream   *copyStream
	own      bool // the transaction is not the client's, nor a segment's
	started  time.Time
	timeouts timeouts
	failed   *valueError // by a row: what comes after is not looked at
	stored   int64
}

// prepare asks what the COPY writes to, and decides how it is committed.
func (in *copyIn) prepare(ctx context.Context, c *pg.CopyStmt, format copyFormat) error {
	var err error
	if in.target, err = in.s.copyTarget(ctx, c); err != nil {
		return err
	}
	if in.timeouts, err = in.s.timeouts(ctx); err != nil {
		return err
	}
	in.started = time.Now()
	in.stream = newCopyStream(in.switches, in.s.sim.sizes, format, in.target.columns, in.target.keys)
	in.stream.txBytes = in.s.limits.txBytes
	if in.s.status != idle || in.target.referenced {
		return nil
	}
	switch {
	case in.switches.byRow:
		in.stream.rotate = 1
	case in.switches.rotate:
		in.stream.rotate = in.s.sim.sizes.rotation
	}
	return nil
}

// copyTarget looks up the relation and the columns that a COPY names.
func (s *session) copyTarget(ctx context.Context, c *pg.CopyStmt) (copyTarget, error) {
	t := copyTarget{name: quote.Ident(c.GetRelation().GetRelname())}
	if schema := c.GetRelation().GetSchemaname(); schema != "" {
		t.name = quote.Ident(schema) + "." + t.name
	}
	listed := "NULL"
	if len(c.GetAttlist()) > 0 {
		var names []string
		for _, a := range c.GetAttlist() {
			names = append(names, quote.Literal(a.GetString_().GetSval()))
		}
		listed = "ARRAY[" + strings.Join(names, ",") + "]"
	}
	rows, err := s.exec(ctx, strings.NewReplacer("@relation@", quote.Literal(t.name), "@columns@", listed).Replace(copyTargetSQL))
	if err != nil {
		return t, fmt.Errorf("looking at what a COPY writes to: %w", err)
	}
	indexes := map[string][]int{}
	for i, row := range rows {
		t.columns = append(t.columns, copyColumn{name: row[0], typ: row[1], hasDefault: row[2] == "1"})
		t.referenced = row[4] == "1"
		for index := range strings.SplitSeq(row[3], ",") {
			if index != "" {
				indexes[index] = append(indexes[index], i)
			}
		}
	}
	for _, columns := range indexes {
		t.keys = append(t.keys, columns)
	}
	return t, nil
}

// run takes the client's rows to their end.
func (in *copyIn) run(ctx context.Context) (outcome, error) {
	received := 0
	for {
		msg, r, err := in.receive()
		if err != nil {
			return outcome{}, err
		}
		if r != nil {
			return in.timedOut(ctx, r)
		}
		switch m := msg.(type) {
		case *pgproto3.CopyData:
			received += len(m.Data)
			if r, err := in.s.fault(ctx, atCopyData, strconv.Itoa(received)); r != nil || err != nil {
				return in.abort(ctx, r, err)
			}
			if in.failed == nil {
				in.failed = in.stream.write(m.Data)
			}
			if in.switches.hold {
				continue
			}
			if out, err := in.flush(ctx, false); err != nil || out.err != nil {
				return out, err
			}
			if in.failed != nil {
				return in.refused(ctx)
			}
		case *pgproto3.CopyDone:
			return in.done(ctx)
		case *pgproto3.CopyFail:
			return in.abort(ctx, refuse("57014", "COPY from stdin failed: %s", m.Message), nil)
		case *pgproto3.Flush, *pgproto3.Sync: // PostgreSQL ignores them here
		default:
			return outcome{}, fmt.Errorf("a %T in the middle of a COPY", m)
		}
	}
}

// done stores what is held and says how many rows there were.
func (in *copyIn) done(ctx context.Context) (outcome, error) {
	if r, err := in.s.fault(ctx, atCopyDone, ""); r != nil || err != nil {
		return in.abort(ctx, r, err)
	}
	if in.failed == nil {
		in.failed = in.stream.finish()
	}
	if limit := in.s.sim.sizes.noRotation; in.failed == nil && in.switches.rotate && in.s.status == idle &&
		in.target.referenced && in.stream.rows > int64(limit) {
		in.failed = badValue("54000", "COPY into a table that references itself cannot be split: more than %d rows", limit)
	}
	if out, err := in.flush(ctx, in.failed == nil); err != nil || out.err != nil {
		return out, err
	}
	if in.failed != nil {
		return in.refused(ctx)
	}
	if in.own {
		in.own = false
		if _, err := in.s.exec(ctx, "COMMIT"); err != nil {
			return in.backendFailed(err)
		}
	}
	in.s.limits.txBytes += in.stream.bytes
	n := in.stored
	if in.switches.lyingTag {
		n += in.stream.dropped
	}
	return outcome{tag: "COPY " + strconv.FormatInt(n, 10)}, nil
}

// refused ends the COPY by a row that cannot be stored.
func (in *copyIn) refused(ctx context.Context) (outcome, error) {
	r := refuse(in.failed.code, "%s", in.failed.message)
	return in.abort(ctx, r, nil)
}

// abort ends the COPY; the caller brings a client's transaction to its failed
// state, one of the stand-in's own is undone here.
func (in *copyIn) abort(ctx context.Context, r *refusal, err error) (outcome, error) {
	if err != nil {
		return outcome{}, err
	}
	if in.own {
		if _, err := in.s.exec(ctx, "ROLLBACK"); err != nil {
			return outcome{}, fmt.Errorf("undoing a COPY: %w", err)
		}
	}
	return outcome{refuse: r}, nil
}

// backendFailed is an outcome for an error of the backend's that exec met.
func (in *copyIn) backendFailed(err error) (outcome, error) {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return outcome{}, err
	}
	return outcome{err: &pgproto3.ErrorResponse{
		Severity: refused.Severity, SeverityUnlocalized: refused.SeverityUnlocalized, Code: refused.Code, Message: refused.Message,
		Detail: refused.Detail, Hint: refused.Hint, SchemaName: refused.SchemaName, TableName: refused.TableName,
		ColumnName: refused.ColumnName, ConstraintName: refused.ConstraintName,
	}}, nil
}

// flush sends the backend the segments that are complete; with all also the
// one that is open. Where rows are not committed by segments, all of them are
// in one transaction, and what has arrived can go.
func (in *copyIn) flush(ctx context.Context, all bool) (outcome, error) {
	c := in.stream
	ready := c.full
	if c.rotate == 0 {
		ready = 0
		if in.failed == nil && (all || !in.switches.hold && c.gathered() >= feedBytes) {
			ready = len(c.segments)
		}
	} else if all {
		ready = len(c.segments)
	}
	if ready == 0 {
		return outcome{}, nil
	}
	if c.rotate == 0 && in.s.status == idle && (!all || len(c.segments[0].groups) > 1) {
		if _, err := in.s.exec(ctx, "BEGIN"); err != nil {
			return outcome{}, fmt.Errorf("beginning the transaction of a COPY: %w", err)
		}
		in.own = true
	}
	for _, seg := range c.segments[:ready] {
		if r := in.timeouts.statementOver(in.started); r != nil {
			return in.timedOut(ctx, r)
		}
		if out, err := in.store(ctx, seg); err != nil || out.err != nil {
			return out, err
		}
		in.stored += seg.rows
	}
	c.segments = slices.Delete(c.segments, 0, ready)
	c.full = max(c.full-ready, 0)
	return outcome{}, nil
}

// feedBytes is how much is gathered for one COPY of the backend's where rows
// need not be held.
const feedBytes = 1 << 20

// store commits a segment, or adds it to the transaction.
func (in *copyIn) store(ctx context.Context, seg *segment) (outcome, error) {
	wrapped := in.s.status == idle && len(seg.groups) > 1
	if wrapped {
		if _, err := in.s.exec(ctx, "BEGIN"); err != nil {
			return outcome{}, fmt.Errorf("beginning the transaction of a COPY: %w", err)
		}
	}
	for _, g := range seg.groups {
		out, err := in.feed(ctx, g)
		if err != nil {
			return out, err
		}
		if out.err == nil {
			continue
		}
		out.err.Where = in.where(out.err.Where, seg)
		if wrapped || in.own {
			if _, err := in.s.exec(ctx, "ROLLBACK"); err != nil {
				return outcome{}, fmt.Errorf("undoing a COPY: %w", err)
			}
		}
		return out, nil
	}
	if wrapped {
		if _, err := in.s.exec(ctx, "COMMIT"); err != nil {
			return in.backendFailed(err)
		}
	}
	return outcome{}, nil
}

// feed sends one group of rows by a COPY of its own, in one round trip.
func (in *copyIn) feed(ctx context.Context, g *group) (outcome, error) {
	var columns []string
	for i, c := range in.target.columns {
		if !slices.Contains(g.omit, i) {
			columns = append(columns, quote.Ident(c.name))
		}
	}
	if len(columns) == 0 && len(in.target.columns) > 0 { // all defaults
		if _, err := in.s.exec(ctx, fmt.Sprintf("INSERT INTO %s SELECT FROM pg_catalog.generate_series(1, %d)", in.target.name, g.rows)); err != nil {
			return in.backendFailed(err)
		}
		return outcome{}, nil
	}
	list := ""
	if len(columns) > 0 {
		list = " (" + strings.Join(columns, ", ") + ")"
	}
	s := in.s
	s.server.SendQuery(&pgproto3.Query{String: "COPY " + in.target.name + list + " FROM STDIN"})
	for data := g.data; len(data) > 0; {
		n := min(len(data), frameBytes)
		s.server.Send(&pgproto3.CopyData{Data: data[:n]})
		data = data[n:]
		if err := s.server.Flush(); err != nil {
			return outcome{}, fmt.Errorf("passing rows on: %w", err)
		}
	}
	s.server.Send(&pgproto3.CopyDone{})
	if err := s.server.Flush(); err != nil {
		return outcome{}, fmt.Errorf("passing rows on: %w", err)
	}
	msg, err := s.receiveServer()
	if err != nil {
		return outcome{}, err
	}
	var out outcome
	switch m := msg.(type) {
	case *pgproto3.CopyInResponse:
		if out, err = s.answered(); err != nil {
			return out, err
		}
	case *pgproto3.ErrorResponse:
		out.err = cloneError(m)
	default:
		return out, fmt.Errorf("an unexpected %T at the start of a COPY", m)
	}
	return out, s.awaitReady()
}

// frameBytes is how much goes into one CopyData.
const frameBytes = 256 << 10

var lineNumber = regexp.MustCompile(`, line \d+`)

// where makes the backend's line of a segment into one of the client's, as near
// as it is known: rows left out within a segment are not counted.
func (in *copyIn) where(text string, seg *segment) string {
	return lineNumber.ReplaceAllStringFunc(text, func(found string) string {
		n, err := strconv.ParseInt(strings.TrimPrefix(found, ", line "), 10, 64)
		if err != nil {
			return found
		}
		return ", line " + strconv.FormatInt(seg.firstLine+n-1, 10)
	})
}

// receive reads the client's next message, or says that it comes too late.
func (in *copyIn) receive() (pgproto3.FrontendMessage, *refusal, error) {
	limit, r := in.timeouts.next(in.started, time.Now(), in.s.status != idle && in.s.sim.rules.On("copy-idle-timeout"))
	if err := in.s.conn.SetReadDeadline(limit); err != nil {
		return nil, nil, fmt.Errorf("setting a deadline on a client: %w", err)
	}
	msg, err := in.s.client.Receive()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, r, in.s.conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading rows from a client: %w", err)
	}
	return msg, nil, nil
}

// relayCopyIn hands a COPY through as it is.
func (s *session) relayCopyIn(ctx context.Context, resp *pgproto3.CopyInResponse) (outcome, error) {
	s.client.Send(resp)
	if err := s.client.Flush(); err != nil {
		return outcome{}, fmt.Errorf("asking a client for rows: %w", err)
	}
	for received := 0; ; {
		msg, err := s.client.Receive()
		if err != nil {
			return outcome{}, fmt.Errorf("reading rows from a client: %w", err)
		}
		var r *refusal
		switch m := msg.(type) {
		case *pgproto3.CopyData:
			received += len(m.Data)
			r, err = s.fault(ctx, atCopyData, strconv.Itoa(received))
		case *pgproto3.CopyDone:
			r, err = s.fault(ctx, atCopyDone, "")
		case *pgproto3.CopyFail:
		case *pgproto3.Flush, *pgproto3.Sync: // PostgreSQL ignores them here
			continue
		default:
			err = fmt.Errorf("a %T in the middle of a COPY", m)
		}
		if err != nil {
			return outcome{}, err
		}
		if r != nil {
			msg = &pgproto3.CopyFail{Message: r.message}
		}
		s.server.Send(msg)
		if err := s.server.Flush(); err != nil {
			return outcome{}, fmt.Errorf("passing rows on: %w", err)
		}
		if _, more := msg.(*pgproto3.CopyData); more {
			continue
		}
		out, err := s.answered()
		if r != nil && err == nil {
			out = outcome{err: r.response()}
		}
		return out, err
	}
}
