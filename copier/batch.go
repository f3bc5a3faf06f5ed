package copier

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// batch is one target transaction: BEGIN, the part's token, COPY, the ledger
// row, COMMIT (design invariant 4).
//
// How far it waits for answers is the profile's. With await each answer is read
// before the next statement is sent. Without, BEGIN, token and COPY are one
// message: a server executes nothing of a message after the statement that
// fails, so that COPY cannot run outside of the transaction, whatever becomes of
// BEGIN. With a window above 1 the ledger row and COMMIT follow at once, one
// message too, and the next batch after them: the chain of spans in the ledger
// refuses every batch whose predecessor is missing.
type batch struct {
	to     *targetConn
	claim  claim
	copyIn string // COPY ... FROM STDIN
	await  bool
	window int // batches under way at most
	meter  *event.Meter
	faults *faults
	part   Part

	atOnce  bool     // send all of it before its answers are awaited
	rejects []reject // of its rows, those that are recorded in place of being loaded
	columns string   // their columns, for the ledger

	// committed is told when COMMIT is answered, with the rows that the target's
	// COPY counted.
	committed func(s span, acked int64)
	latency   func(time.Duration) // told how long COMMIT's answer took
	watch     func(Batch)         // told of it when it is committed; nil is not
	opened    time.Time           // when BEGIN was sent

	sent  time.Time // when COMMIT was
	token string
	span  span
	begun bool
	acked int64
}

// Batch is a batch that the target has committed.
type Batch struct {
	Rows  int64
	Bytes int64         // of COPY TEXT
	Took  time.Duration // from sending BEGIN to the answer to COMMIT
}

// answersOfBatch is how many messages of a batch in a window are answered.
const answersOfBatch = 2

func newToken() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// begin opens the transaction and the COPY.
func (b *batch) begin(ctx context.Context) error {
	b.token = newToken()
	b.begun, b.opened = true, time.Now()
	b.to.meter = b.meter
	open := "BEGIN;" + b.claim.bind(ledgerText.token, b.token, span{})
	// COPY answers with CopyInResponse, and with ReadyForQuery only at its end:
	// an error before is seen by the reader, and stops the rows.
	if !b.await {
		return b.ask(ctx, open+";"+b.copyIn, expected{
			doing: "BEGIN, the part's token and COPY", tags: []string{"BEGIN", "UPDATE", "COPY"}, status: 'T',
			judge: func(counts []int64, err error) error {
				if err == nil {
					err = judgeToken(counts[1])
				}
				if err == nil {
					err = b.judgeCopy(counts[2])
				}
				return err
			},
		})
	}
	if err := b.ask(ctx, open, expected{
		doing: "BEGIN and the part's token", tags: []string{"BEGIN", "UPDATE"}, status: 'T',
		judge: func(counts []int64, err error) error {
			if err == nil {
				err = judgeToken(counts[1])
			}
			return err
		},
	}); err != nil {
		return err
	}
	if err := b.to.await(ctx, 0); err != nil {
		return err
	}
	return b.ask(ctx, b.copyIn, expected{
		doing: "COPY", tags: []string{"COPY"}, status: 'T',
		judge: func(counts []int64, err error) error {
			if err == nil {
				err = b.judgeCopy(counts[0])
			}
			return err
		},
	})
}

// ask sends a message of the batch.
func (b *batch) ask(ctx context.Context, sql string, e expected) error {
	e.of = b
	if err := b.to.ask(sql, e); err != nil {
		return b.prefer(ctx, err)
	}
	return nil
}

// judgeToken judges how many rows the part's token was set in.
func judgeToken(rows int64) error {
	if rows != 1 {
		return errLostOwnership
	}
	return nil
}

// judgeCopy judges how many rows the target's COPY counted.
func (b *batch) judgeCopy(rows int64) error {
	b.acked = rows
	if rows != b.rows() {
		return &countError{Sent: b.rows(), Acked: rows}
	}
	return nil
}

// rows is how many rows were sent.
func (b *batch) rows() int64 { return b.span.last - b.span.first - int64(len(b.span.rejected)) }

// writing says where an error of the target came from.
func (b *batch) writing(err error) error {
	if line, ok := copyLine(err); ok {
		return fmt.Errorf("writing %s on the target, row %d of %s: %w", b.part.Target, b.span.first+line-1, b.part.Range(), err)
	}
	return fmt.Errorf("writing %s on the target, rows %d to %d of %s: %w", b.part.Target, b.span.first, b.span.last-1, b.part.Range(), err)
}

var lineOfCopy = regexp.MustCompile(`^COPY .*, line ([0-9]+)`)

// copyLine is the line of the batch, counted from 1, that a server refuses: it
// says so in the context of its error (CopyFromErrorCallback of PostgreSQL).
func copyLine(err error) (int64, bool) {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return 0, false
	}
	m := lineOfCopy.FindStringSubmatch(pg.Where)
	if m == nil {
		return 0, false
	}
	line, err := strconv.ParseInt(m[1], 10, 64)
	return line, err == nil
}

// write sends frames of rows.
func (b *batch) write(frames []byte) error {
	if len(frames) == 0 {
		return nil
	}
	b.meter.Wait(event.WaitTarget)
	_, err := b.to.wire.conn.Write(frames)
	b.meter.Wait(event.WaitNothing)
	return err
}

// commit ends the COPY, records the span and commits. With a window it returns
// when no more batches than that are unanswered; else when all is answered. The
// rows that the target's COPY counted must be those that were framed: awaited,
// before the ledger says so; in a window, before anybody is told that the batch
// is committed.
func (b *batch) commit(ctx context.Context) error {
	b.meter.Wait(event.WaitTarget)
	defer b.meter.Wait(event.WaitNothing)
	pipelined := !b.await && (b.window > 1 || b.atOnce)
	step := func(p point) error { // a statement is behind us
		if !pipelined {
			if err := b.to.await(ctx, 0); err != nil {
				return err
			}
		}
		if err := b.faults.hit(ctx, p, b); err != nil {
			return err
		}
		return context.Cause(ctx) // a run that is ended sends no COMMIT any more
	}
	if err := b.to.wire.send(&pgproto3.CopyDone{}); err != nil {
		return b.prefer(ctx, err)
	}
	b.to.sent()
	if err := step(pointCopied); err != nil {
		return err
	}
	record, recorded, judge := b.record()
	b.sent = time.Now()
	if pipelined {
		if err := b.ask(ctx, record+";COMMIT", expected{
			doing: "the ledger row and COMMIT", tags: append(recorded, "COMMIT"), status: 'I',
			judge: func(counts []int64, err error) error { return b.judgeCommit(judge(counts, err)) },
		}); err != nil {
			return err
		}
	} else {
		if err := b.ask(ctx, record, expected{
			doing: "the ledger row", tags: recorded, status: 'T', judge: judge,
		}); err != nil {
			return err
		}
		if err := step(pointRecorded); err != nil {
			return err
		}
		b.sent = time.Now()
		if err := b.ask(ctx, "COMMIT", expected{
			doing: "COMMIT", tags: []string{"COMMIT"}, status: 'I',
			judge: func(_ []int64, err error) error { return b.judgeCommit(err) },
		}); err != nil {
			return err
		}
	}
	if err := b.faults.hit(ctx, pointCommitSent, b); err != nil {
		return err
	}
	if pipelined {
		return b.to.await(ctx, answersOfBatch*max(b.window-1, 0))
	}
	return b.to.await(ctx, 0)
}

// judgeCommit tells that the batch is committed, unless it is not.
func (b *batch) judgeCommit(err error) error {
	if err == nil {
		b.latency(time.Since(b.sent))
		b.committed(b.span, b.acked)
		if b.watch != nil {
			b.watch(Batch{Rows: b.acked, Bytes: b.span.bytes, Took: time.Since(b.opened)})
		}
	}
	return err
}

// judgeRecord judges the answer to the ledger row. An error behind a count is
// COMMIT's: the table's own, of a constraint that is looked at there.
func judgeRecord(counts []int64, err error) error {
	if err != nil && len(counts) > 0 {
		return err
	}
	switch dial.SQLState(err) {
	case pgerrcode.NotNullViolation, pgerrcode.UniqueViolation:
		return fmt.Errorf("%w: %w", errLedgerRefused, err)
	}
	if err == nil && counts[0] != 1 {
		return fmt.Errorf("the ledger row was not written (INSERT of %d rows)", counts[0])
	}
	return err
}

// prefer returns the error that the server gave, if it gave one before the
// connection broke under our writing: that is the cause, ours the symptom.
func (b *batch) prefer(ctx context.Context, err error) error {
	for b.to.blame == nil {
		if len(b.to.unanswered) == 0 { // an answer to nothing that was asked: the connection's last words
			if r, aerr := b.to.answer(ctx); aerr == nil && r.err != nil {
				return r.failure()
			}
			return err
		}
		if aerr := b.to.await(ctx, len(b.to.unanswered)-1); aerr != nil {
			if ctx.Err() != nil {
				return err
			}
			return aerr
		}
	}
	return err
}

// countError is a COPY whose target counted other rows than were sent.
type countError struct{ Sent, Acked int64 }

// Error implements error.
func (e *countError) Error() string {
	return fmt.Sprintf("%d rows were sent but the target counted %d: a server that drops rows in silence cannot be loaded by COPY", e.Sent, e.Acked)
}
