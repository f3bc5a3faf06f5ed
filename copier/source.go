package copier

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// sourceConn is a connection to the source inside the snapshot's transaction.
// It reads one part after the other.
type sourceConn struct {
	wire  *wire
	in    *frames
	meter *event.Meter
	codes string    // the database's encoding, by its name
	reads int       // parts begun: each leaves a table lock until the transaction ends
	keyed bool      // it is arranged to read by keys
	made  *madeConn // no server, but a maker of rows
	asked time.Time // when COPY was sent

	tuples *tuples // what is read comes in the binary format; nil is text
}

// openSource connects and joins the snapshot. A table's lock is waited for only
// so long, that of COPY too: behind somebody who waits for ACCESS EXCLUSIVE it
// would be for as long as that one waits for us.
func openSource(ctx context.Context, source *dial.Endpoint, settings dial.Settings, snapshot *Snapshot) (*sourceConn, error) {
	conn, err := source.Connect(ctx, settings)
	if err != nil {
		return nil, err
	}
	err = dial.BeginSnapshot(ctx, conn, snapshot.ID)
	if err == nil {
		_, err = conn.Exec(ctx, snapshot.lockTimeoutSQL())
	}
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, goneFrom(snapshot.ID, err)
	}
	return readFrom(ctx, conn)
}

// readFrom takes a connection over for reading.
func readFrom(ctx context.Context, conn *pgx.Conn) (*sourceConn, error) {
	codes := conn.PgConn().ParameterStatus("server_encoding")
	w, err := takeWire(ctx, conn)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	s := &sourceConn{wire: w, in: newFrames(w.conn), codes: codes}
	s.in.before = func() { s.meter.WaitAnswer(event.WaitSource, s.asked, s.wire.trip) }
	s.in.after = func() { s.meter.Wait(event.WaitNothing) }
	return s, nil
}

// rejoin ends the transaction, and with it the locks of the tables that were
// read, and joins the snapshot anew.
func (s *sourceConn) rejoin(snapshot *Snapshot) error {
	s.reads = 0
	return s.exec("COMMIT;" + dial.SnapshotSQL(snapshot.ID) + ";" + snapshot.lockTimeoutSQL())
}

func (s *sourceConn) close() { s.wire.close(true) }

// exec runs one statement that returns no rows.
func (s *sourceConn) exec(sql string) error {
	if err := s.wire.send(&pgproto3.Query{String: sql}); err != nil {
		return err
	}
	var failed error
	for {
		typ, _, err := s.in.next()
		if err != nil {
			return err
		}
		switch typ {
		case 'E':
			failed = s.in.serverError()
		case 'Z':
			return failed
		}
	}
}

// arrange tells the planner how parts are read. Those that are cut by keys: along
// the index that orders them, which needs no sort of rows on the source's disk
// and begins to give rows at once. Others: where rows are filtered never by an
// index, as the session was set up, for their order is that of the blocks.
func (s *sourceConn) arrange(byKeys, filtered bool) error {
	if byKeys == s.keyed {
		return nil
	}
	onOff := map[bool]string{true: "on", false: "off"}
	index := onOff[byKeys || !filtered]
	if err := s.exec(fmt.Sprintf("SET LOCAL enable_sort = %s;SET LOCAL enable_indexscan = %s;SET LOCAL enable_indexonlyscan = %s", onOff[!byKeys], index, index)); err != nil {
		return fmt.Errorf("choosing how the source reads parts: %w", err)
	}
	s.keyed = byKeys
	return nil
}

// open starts to read a part.
func (s *sourceConn) open(t *ddlgen.Transfer, p Part) error {
	if s.made != nil {
		s.made.copyOut(p)
	}
	if err := s.copyOut(copyOutSQL(t, p)); err != nil {
		return err
	}
	if t.Binary {
		s.tuples = newTuples(t)
	}
	return nil
}

// copyOut starts COPY ... TO STDOUT. After it, row is called until it says end.
func (s *sourceConn) copyOut(sql string) error {
	s.asked, s.tuples = time.Now(), nil
	if err := s.wire.send(&pgproto3.Query{String: sql}); err != nil {
		return err
	}
	for {
		typ, _, err := s.in.next()
		if err != nil {
			return err
		}
		switch typ {
		case 'H':
			s.wire.answered(s.asked)
			return nil
		case 'E':
			return s.in.serverError()
		case 'N', 'S', 'A':
		default:
			return unexpected(typ, "where COPY should begin")
		}
	}
}

// row advances to the next row and returns its length in bytes, line end
// included. The source sends one CopyData message a row (backend/commands/copyto.c),
// so no byte needs to be looked at to find where a row ends. end is true after
// the last row; then tag is the number of rows that the source says it sent.
func (s *sourceConn) row() (n int, tag int64, end bool, err error) {
	for {
		typ, n, err := s.in.next()
		if err != nil {
			return 0, 0, false, err
		}
		switch typ {
		case 'd':
			if n, isRow, err := s.tuples.row(s.in, n); err != nil || isRow {
				return n, 0, false, err
			}
		case 'c', 'N', 'S', 'A':
		case 'E':
			return 0, 0, false, s.in.serverError()
		case 'C':
			tag, err := s.tag()
			if err == nil {
				err = s.tuples.whole()
			}
			if err != nil {
				return 0, 0, false, err
			}
			return 0, tag, true, s.ready()
		default:
			return 0, 0, false, unexpected(typ, "among COPY's rows")
		}
	}
}

// tag reads the row count of a CommandComplete.
func (s *sourceConn) tag() (int64, error) {
	b, err := s.in.body()
	if err != nil {
		return 0, err
	}
	text := string(bytes.TrimRight(b, "\x00"))
	count, ok := strings.CutPrefix(text, "COPY ")
	n, err := strconv.ParseInt(count, 10, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("%w: COPY ended with the tag %q", errProtocol, text)
	}
	return n, nil
}

// ready reads up to ReadyForQuery.
func (s *sourceConn) ready() error {
	for {
		typ, _, err := s.in.next()
		if err != nil {
			return err
		}
		switch typ {
		case 'Z':
			return nil
		case 'E':
			return s.in.serverError()
		}
	}
}
