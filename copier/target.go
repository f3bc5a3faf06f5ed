package copier

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// targetConn is a connection that writes batches. One goroutine (read) takes
// the server's answers while the copier writes, so that an error in the middle
// of a stream is seen at once and a server that talks much (notices) never
// blocks on us while we block on it.
type targetConn struct {
	wire    *wire
	replies chan reply
	failed  atomic.Bool   // an error arrived: stop sending
	done    chan struct{} // the reader has ended
}

// reply is one answer of the server's to one statement.
type reply struct {
	tag    string
	status byte  // transaction status of ReadyForQuery: I, T or E
	err    error // the server's error, or the loss of the connection
	lost   bool  // no more answers will come
}

// openTarget connects and records the session in the ledger, so that it can be
// ended by others if it outlives its client.
func openTarget(ctx context.Context, target *dial.Endpoint, settings dial.Settings, run string) (*targetConn, error) {
	conn, err := target.Connect(ctx, settings)
	if err != nil {
		return nil, err
	}
	const record = `INSERT INTO _pg2db9.session (run, pid, backend_start)
		SELECT $1, pid, backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()
		ON CONFLICT DO NOTHING`
	if _, err := conn.Exec(ctx, record, run); err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("recording a session in the ledger: %w", err)
	}
	w, err := takeWire(ctx, conn)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	t := &targetConn{wire: w, replies: make(chan reply, 16), done: make(chan struct{})}
	go t.read()
	return t, nil
}

// failure is the error of a reply. One after which no answer can come is marked
// as a lost connection, whatever its text.
func (r reply) failure() error {
	if r.lost {
		return fmt.Errorf("%w: %w", dial.ErrLost, r.err)
	}
	return r.err
}

// close ends the connection and waits for its reader.
func (t *targetConn) close(goodbye bool) {
	t.wire.close(goodbye)
	for {
		select {
		case <-t.replies:
		case <-t.done:
			return
		}
	}
}

// read collects the answers until the connection ends. It never drops one: the
// copier takes as many as it has sent statements, close takes the rest.
func (t *targetConn) read() {
	defer close(t.done)
	fe := pgproto3.NewFrontend(t.wire.conn, nil)
	var r reply
	for {
		msg, err := fe.Receive()
		if err != nil {
			t.failed.Store(true)
			if r.err == nil { // else the server said why before it hung up
				r.err = err
			}
			r.lost = true
			t.replies <- r
			return
		}
		switch msg := msg.(type) {
		case *pgproto3.CommandComplete:
			r.tag = string(msg.CommandTag)
		case *pgproto3.ErrorResponse:
			t.failed.Store(true)
			r.err = pgconn.ErrorResponseToPgError(msg)
		case *pgproto3.ReadyForQuery:
			r.status = msg.TxStatus
			t.replies <- r
			r = reply{}
		}
	}
}

// answer waits for the answer to the next statement that was sent.
func (t *targetConn) answer(ctx context.Context) (reply, error) {
	select {
	case r := <-t.replies:
		return r, nil
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	}
}

// expect waits for the next answer and holds it against what a healthy server
// says: this command tag, then this transaction status. An answer without an
// error that says something else is a failure too: some servers roll a
// transaction back in silence, and a failed one answers COMMIT with ROLLBACK.
func (t *targetConn) expect(ctx context.Context, doing, tag string, status byte) (int64, error) {
	r, err := t.answer(ctx)
	if err != nil {
		return 0, err
	}
	if r.err != nil {
		return 0, fmt.Errorf("waiting for the target's answer to %s: %w", doing, r.failure())
	}
	word, count, _ := strings.Cut(r.tag, " ")
	if word == "INSERT" {
		_, count, _ = strings.Cut(count, " ") // INSERT oid rows
	}
	if word != tag || r.status != status {
		return 0, &answerError{Doing: doing, Tag: r.tag, Status: r.status, WantTag: tag, WantStatus: status}
	}
	if count == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return 0, &answerError{Doing: doing, Tag: r.tag, Status: r.status, WantTag: tag, WantStatus: status}
	}
	return n, nil
}

// answerError is an answer without an error that still is not the one that
// proves the work done.
type answerError struct {
	Doing      string
	Tag        string
	Status     byte
	WantTag    string
	WantStatus byte
}

// Error implements error.
func (e *answerError) Error() string {
	return fmt.Sprintf("the target answered %s with %q (transaction status %q), not with %q (%q): the batch is not committed",
		e.Doing, e.Tag, e.Status, e.WantTag, e.WantStatus)
}

// errLostOwnership is a batch that was refused because somebody else owns the
// part now.
var errLostOwnership = errors.New("the part was taken over by another writer (its epoch in _pg2db9.part was raised)")

// frameSize is the size at which a CopyData frame is closed, in bytes of
// payload. Large frames save the target 4 to 7 % of its CPU against one frame a
// row, and the client most of its own.
const frameSize = 128 << 10

// copyBuffer collects rows into CopyData frames.
type copyBuffer struct {
	b     []byte
	start int // where the open frame begins; its header is filled in when it is closed
}

func newCopyBuffer() *copyBuffer {
	c := &copyBuffer{b: make([]byte, 0, 2*frameSize)}
	c.reset()
	return c
}

// reset empties the buffer. A buffer that a large row has blown up is given back.
func (c *copyBuffer) reset() {
	if cap(c.b) > 32*frameSize {
		c.b = make([]byte, 0, 2*frameSize)
	}
	c.b = append(c.b[:0], 'd', 0, 0, 0, 0)
	c.start = 0
}

// add appends bytes to the open frame; full says that frames are ready.
func (c *copyBuffer) add(p []byte) (full bool) {
	c.b = append(c.b, p...)
	return len(c.b)-c.start-5 >= frameSize
}

// cut closes the open frame and opens the next.
func (c *copyBuffer) cut() {
	if c.seal() {
		c.start = len(c.b)
		c.b = append(c.b, 'd', 0, 0, 0, 0)
	}
}

// seal writes the open frame's length; an empty frame is not one.
func (c *copyBuffer) seal() bool {
	n := len(c.b) - c.start - 5
	if n == 0 {
		return false
	}
	binary.BigEndian.PutUint32(c.b[c.start+1:], uint32(n+4)) //nolint:gosec // frames end at frameSize plus one piece
	return true
}

// frames returns all closed frames as they go over the wire, the open one
// sealed with them. The buffer must be reset before more is added.
func (c *copyBuffer) frames() []byte {
	if !c.seal() {
		return c.b[:c.start]
	}
	return c.b
}
