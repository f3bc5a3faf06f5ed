package copier

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
)

// batch is one target transaction: BEGIN, the part's token, COPY, the ledger
// row, COMMIT (design invariant 4).
type batch struct {
	to     *targetConn
	claim  claim
	copyIn string // COPY ... FROM STDIN
	await  bool
	meter  *event.Meter
	faults *faults

	token string
	span  span
	begun bool
}

func newToken() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// begin opens the transaction and the COPY. Without await the three statements
// go out in one flight and their answers are read at the end: if one fails,
// PostgreSQL ignores the rows that follow and refuses the ledger row.
func (b *batch) begin(ctx context.Context) error {
	b.token = newToken()
	b.begun = true
	open := []pgproto3.FrontendMessage{
		&pgproto3.Query{String: "BEGIN"},
		&pgproto3.Query{String: b.claim.bind(ledgerText.token, b.token, span{})},
		&pgproto3.Query{String: b.copyIn},
	}
	if !b.await {
		return b.to.wire.send(open...)
	}
	if err := b.to.wire.send(open[0]); err != nil {
		return err
	}
	if err := b.began(ctx); err != nil {
		return err
	}
	if err := b.to.wire.send(open[1]); err != nil {
		return err
	}
	if err := b.tokenSet(ctx); err != nil {
		return err
	}
	// COPY answers with CopyInResponse, and with ReadyForQuery only at its end:
	// an error before is seen by the reader, and stops the rows.
	return b.to.wire.send(open[2])
}

func (b *batch) began(ctx context.Context) error {
	_, err := b.to.expect(ctx, "BEGIN", "BEGIN", 'T')
	return err
}

func (b *batch) tokenSet(ctx context.Context) error {
	n, err := b.to.expect(ctx, "the part's token", "UPDATE", 'T')
	if err == nil && n != 1 {
		return errLostOwnership
	}
	return err
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

// commit ends the COPY, records the span and commits. rows is what was framed:
// the target's own count must be the same before the ledger says so. It returns
// the target's count.
func (b *batch) commit(ctx context.Context) (acked int64, err error) {
	rows := b.span.last - b.span.first
	b.meter.Wait(event.WaitTarget)
	defer b.meter.Wait(event.WaitNothing)
	if err := b.to.wire.send(&pgproto3.CopyDone{}); err != nil {
		return 0, b.prefer(ctx, err)
	}
	if !b.await {
		if err := b.began(ctx); err != nil {
			return 0, err
		}
		if err := b.tokenSet(ctx); err != nil {
			return 0, err
		}
	}
	if acked, err = b.to.expect(ctx, "COPY", "COPY", 'T'); err != nil {
		return 0, err
	}
	if acked != rows {
		return acked, &countError{Sent: rows, Acked: acked}
	}
	if err := b.faults.hit(ctx, pointCopied, b); err != nil {
		return acked, err
	}
	record := &pgproto3.Query{String: b.claim.bind(ledgerText.span, b.token, b.span)}
	end := &pgproto3.Query{String: "COMMIT"}
	if b.await {
		if err := b.to.wire.send(record); err != nil {
			return acked, err
		}
		if err := b.recorded(ctx); err != nil {
			return acked, err
		}
		if err := b.faults.hit(ctx, pointRecorded, b); err != nil {
			return acked, err
		}
		if err := b.to.wire.send(end); err != nil {
			return acked, err
		}
	} else {
		if err := b.to.wire.send(record, end); err != nil {
			return acked, err
		}
		if err := b.recorded(ctx); err != nil {
			return acked, err
		}
	}
	if err := b.faults.hit(ctx, pointCommitSent, b); err != nil {
		return acked, err
	}
	if _, err := b.to.expect(ctx, "COMMIT", "COMMIT", 'I'); err != nil {
		return acked, err
	}
	return acked, nil
}

// recorded reads the answer to the ledger row.
func (b *batch) recorded(ctx context.Context) error {
	n, err := b.to.expect(ctx, "the ledger row", "INSERT", 'T')
	switch dial.SQLState(err) {
	case pgerrcode.NotNullViolation, pgerrcode.UniqueViolation:
		return fmt.Errorf("%w: %w", errLedgerRefused, err)
	}
	if err == nil && n != 1 {
		return fmt.Errorf("the ledger row was not written (INSERT of %d rows)", n)
	}
	return err
}

// prefer returns the error that the server gave, if it gave one before the
// connection broke under our writing: that is the cause, ours the symptom.
func (b *batch) prefer(ctx context.Context, err error) error {
	for {
		r, aerr := b.to.answer(ctx)
		switch {
		case r.err != nil: // a lost connection's too: the server's last words, or how it broke
			return r.failure()
		case aerr != nil:
			return err
		}
	}
}

// countError is a COPY whose target counted other rows than were sent.
type countError struct{ Sent, Acked int64 }

// Error implements error.
func (e *countError) Error() string {
	return fmt.Sprintf("%d rows were sent but the target counted %d: the batch was rolled back; a server that drops rows in silence cannot be loaded by COPY", e.Sent, e.Acked)
}
