package copier

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// The bounds of a batch where the profile has none: what is collected must fit
// into memory.
const (
	reconcileRows  = 20_000
	reconcileBytes = 8 << 20
)

var heldSQL = stripComments(ledgerSQL("held"))

// errTargetMoved is a row that was not where it had been read: somebody else
// changed the target meanwhile.
var errTargetMoved = errors.New("somebody else changed rows of the table on the target meanwhile")

// reconciler makes the target's rows those of the source, in batches: DELETE of what
// is gone or changed, COPY of what is new or changed, and a ledger row.
//
// A batch that reaches rows of the source records them as a span of the
// reconciliation's own part, counted in the order of the key: when the last one
// is recorded, the part says of the table what the parts of a copy say of
// theirs. One that only takes rows away has no such row, and needs none: to do
// it twice is to do it once. Its statements themselves ask for the part's epoch
// and the batch's token.
type reconciler struct {
	*reconciliation

	claim       claim
	onlyRemoves bool // what is new or changed is written by the next merge
	maxRows     int64
	maxBytes    int64

	to      *targetConn
	remove  *removals
	out     *copyBuffer
	big     []byte // a row that is a batch alone
	copied  int64  // rows to COPY
	pending int64  // bytes to COPY
	span    span   // rows of the source since the last batch
	tally   Reconciled
	sum     digest.Sum // of all rows before the span
	bytes   int64      // of these
}

func (r *reconciliation) newReconciler(c claim, onlyRemoves bool) *reconciler {
	m := &reconciler{
		reconciliation: r, claim: c, onlyRemoves: onlyRemoves, out: newCopyBuffer(), remove: newRemovals(r.p.Transfer, r.placed),
		maxRows: r.p.Profile.BatchRows, maxBytes: r.p.Profile.BatchBytes, span: span{part: c.part},
	}
	if m.maxRows == 0 {
		m.maxRows = reconcileRows
	}
	if m.maxBytes == 0 {
		m.maxBytes = reconcileBytes
	}
	return m
}

// same implements findings.
func (m *reconciler) same(_ context.Context, s *keyedRow) error {
	m.tally.Same++
	return m.reached(s)
}

// missing implements findings.
func (m *reconciler) missing(ctx context.Context, s *keyedRow) error {
	if m.onlyRemoves {
		return m.reached(s)
	}
	if err := m.room(ctx, 1, len(s.line)); err != nil {
		return err
	}
	m.tally.Inserted++
	return m.put(ctx, s)
}

// changed implements findings.
func (m *reconciler) changed(ctx context.Context, s, t *keyedRow) error {
	if m.onlyRemoves {
		if err := m.room(ctx, 1, 0); err != nil {
			return err
		}
		m.remove.add(t)
		return m.reached(s)
	}
	if err := m.room(ctx, 2, len(s.line)); err != nil {
		return err
	}
	m.tally.Updated++
	m.remove.add(t)
	return m.put(ctx, s)
}

// extra implements findings.
func (m *reconciler) extra(ctx context.Context, t *keyedRow) error {
	if t.again && !m.placed { // its key names the row before too
		return m.key.refuse("the target holds %.60q more than once", t.values)
	}
	if err := m.room(ctx, 1, 0); err != nil {
		return err
	}
	m.tally.Deleted++
	m.remove.add(t)
	return nil
}

// room sends what is collected when so many more writes, of rows of so many
// bytes, would pass the bounds.
func (m *reconciler) room(ctx context.Context, writes int64, bytes int) error {
	if m.copied+m.remove.rows == 0 ||
		m.copied+m.remove.rows+writes <= m.maxRows && m.pending+m.remove.bytes+int64(bytes) <= m.maxBytes {
		return nil
	}
	return m.flush(ctx, false)
}

// put takes a row into the batch. One that alone passes the bounds is sent at
// once, from where it was read.
func (m *reconciler) put(ctx context.Context, s *keyedRow) error {
	if limit := m.p.Profile.RowBytes; limit > 0 && int64(len(s.line)) > limit {
		return fmt.Errorf("the row with the key %.60q has %d bytes, the target takes at most %d: shorten it, or exclude the table", s.values, len(s.line), limit)
	}
	if m.checkUTF8 && !utf8.Valid(s.line) {
		return fmt.Errorf("the row with the key %.60q holds bytes that are not UTF-8: mend them on the source (it does not check its own encoding), or exclude the table", s.values)
	}
	m.copied++
	m.pending += int64(len(s.line))
	if err := m.reached(s); err != nil {
		return err
	}
	if int64(len(s.line)) > m.maxBytes {
		m.big = s.line
		return m.flush(ctx, false)
	}
	if m.out.add(s.line) {
		m.out.cut()
	}
	return nil
}

// reached counts a row of the source that the target will hold with the next
// batch.
func (m *reconciler) reached(s *keyedRow) error {
	m.span.last++
	m.span.bytes += s.bytes
	m.span.sum.Merge(s.sum)
	m.p.Meter.Add(1, s.bytes)
	if isClosed(m.p.Stop) {
		return errStopped
	}
	return nil
}

// flush sends what is collected as one batch, again until its outcome is known.
// final records that the source has no more rows.
func (m *reconciler) flush(ctx context.Context, final bool) error {
	m.span.final = final && !m.onlyRemoves
	if m.copied+m.remove.rows == 0 && !m.span.final {
		return nil
	}
	wait, since := newBackOff(), time.Now()
	for attempt := 1; ; attempt++ {
		err := cause(ctx, m.send(ctx, attempt > 1))
		if err == nil {
			break
		}
		m.drop()
		if ctx.Err() != nil || !passes(err) || exhausted(err, attempt, time.Since(since), m.patience()) {
			return err
		}
		m.p.Bus.Emit(event.Note{Text: fmt.Sprintf("a batch of the reconciliation of %s is tried again: %v", m.p.Transfer.Target, err)})
		if err := pause(ctx, m.p.Stop, wait.NextBackOff()); err != nil {
			return err
		}
		done, err := m.outcome(ctx)
		if err != nil {
			return err
		}
		if done {
			break
		}
	}
	m.total.add(m.tally)
	m.remove.reset()
	m.out.reset()
	m.big, m.copied, m.pending, m.tally = nil, 0, 0, Reconciled{}
	if !m.onlyRemoves {
		m.sum.Merge(m.span.sum)
		m.bytes += m.span.bytes
		m.span = span{part: m.span.part, first: m.span.last, last: m.span.last}
	}
	return nil
}

// records says that the batch has a row in the ledger.
func (m *reconciler) records() bool {
	return !m.onlyRemoves && (m.span.last > m.span.first || m.span.final)
}

// outcome takes the part over, which waits for a session that may still commit
// the batch, and reads whether it did. One that only takes rows away is sent again
// in any case.
func (m *reconciler) outcome(ctx context.Context) (committedAlready bool, err error) {
	l := m.ledger()
	defer l.close(ctx)
	claim, spans, err := l.takeover(ctx, m.claim)
	if err != nil {
		return false, err
	}
	m.claim = claim
	if !m.records() {
		return false, nil
	}
	if n := len(spans); n > 0 && spans[n-1].first == m.span.first && spans[n-1].last == m.span.last && spans[n-1].final == m.span.final {
		return true, nil
	}
	t, err := committed(spans)
	if err == nil && (t.next != m.span.first || t.final) {
		err = fmt.Errorf("the ledger holds %d rows of the reconciliation of %s and not %d: somebody else wrote to _pg2db9.span", t.next, m.p.Transfer.Target, m.span.first)
	}
	return false, err
}

// send sends the batch. again says that it may have been sent before: then rows
// that are gone already are no surprise where the ledger cannot tell.
func (m *reconciler) send(ctx context.Context, again bool) (err error) {
	if m.to == nil {
		if m.to, err = openTarget(ctx, nil, m.p.Target, m.writer, m.p.Run); err != nil {
			return err
		}
		m.to.patience = m.answersWithin
	}
	defer m.to.wire.watch(ctx)()
	token := newToken()
	if err := m.ask(ctx, "BEGIN;"+m.claim.bind(ledgerText.token, token, span{}), expected{
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
	var removed int64
	if statements := m.remove.sql(m.claim.bind(heldSQL, token, span{})); len(statements) > 0 {
		if err := m.ask(ctx, strings.Join(statements, ";"), expected{
			doing: "DELETE of rows that changed", tags: slices.Repeat([]string{"DELETE"}, len(statements)), status: 'T',
			judge: func(counts []int64, err error) error {
				for _, n := range counts {
					removed += n
				}
				return err
			},
		}); err != nil {
			return err
		}
	}
	if err := m.copy(ctx); err != nil {
		return err
	}
	if err := m.to.await(ctx, 0); err != nil {
		return err
	}
	if removed != m.remove.rows && (m.records() || !again || removed > m.remove.rows) {
		return fmt.Errorf("%w: of %d rows to take away %d were there", errTargetMoved, m.remove.rows, removed)
	}
	if err := m.p.faults.hit(ctx, pointCopied, nil); err != nil {
		return err
	}
	return m.commit(ctx, token)
}

// copy sends the rows.
func (m *reconciler) copy(ctx context.Context) error {
	if m.copied == 0 {
		return nil
	}
	sql := copyInSQL(m.p.Transfer)
	m.total.Sent += int64(len(sql)) + m.pending
	err := m.to.ask(sql, expected{
		doing: "COPY", tags: []string{"COPY"}, status: 'T',
		judge: func(counts []int64, err error) error {
			if err == nil && counts[0] != m.copied {
				err = &countError{Sent: m.copied, Acked: counts[0]}
			}
			return err
		},
	})
	if err == nil && m.big == nil {
		_, err = m.to.wire.conn.Write(m.out.frames())
	}
	for from := 0; err == nil && from < len(m.big); from += frameSize {
		piece := m.big[from:min(from+frameSize, len(m.big))]
		head := binary.BigEndian.AppendUint32([]byte{'d'}, uint32(len(piece)+4)) //nolint:gosec // a frame
		if _, err = m.to.wire.conn.Write(head); err == nil {
			_, err = m.to.wire.conn.Write(piece)
		}
	}
	if err == nil {
		err = m.to.wire.send(&pgproto3.CopyDone{})
	}
	return m.prefer(ctx, err)
}

// commit records the batch and commits it.
func (m *reconciler) commit(ctx context.Context, token string) error {
	if m.records() {
		if err := m.ask(ctx, m.claim.bind(ledgerText.span, token, m.span), expected{
			doing: "the ledger row", tags: []string{"INSERT"}, status: 'T', judge: judgeRecord,
		}); err != nil {
			return err
		}
		if err := m.to.await(ctx, 0); err != nil {
			return err
		}
	}
	if err := m.p.faults.hit(ctx, pointRecorded, nil); err != nil {
		return err
	}
	const commit = "COMMIT"
	m.total.Sent += int64(len(commit))
	if err := m.to.ask(commit, expected{doing: commit, tags: []string{commit}, status: 'I'}); err != nil {
		return m.prefer(ctx, err)
	}
	if err := m.p.faults.hit(ctx, pointCommitSent, nil); err != nil {
		return err
	}
	return m.to.await(ctx, 0)
}

// ask sends a message of the batch, and waits for its answer where the profile
// says so.
func (m *reconciler) ask(ctx context.Context, sql string, e expected) error {
	m.total.Sent += int64(len(sql))
	if err := m.to.ask(sql, e); err != nil {
		return m.prefer(ctx, err)
	}
	if m.p.Profile.Await {
		return m.to.await(ctx, 0)
	}
	return m.to.poll()
}

// prefer returns the error that the server gave, if it gave one before the
// connection broke under our writing.
func (m *reconciler) prefer(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if answer := m.to.await(ctx, 0); answer != nil {
		return answer
	}
	return err
}

func (m *reconciler) drop() {
	if m.to != nil {
		m.to.close(false)
		m.to = nil
	}
}

func (m *reconciler) close() {
	if m.to != nil {
		m.to.close(true)
		m.to = nil
	}
}

// inTheWay says that a row could not be written since another, which is still to
// be taken away, holds a value that is unique.
func inTheWay(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.UniqueViolation, pgerrcode.ExclusionViolation:
		return !errors.Is(err, errLedgerRefused)
	}
	return false
}
