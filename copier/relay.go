package copier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgerrcode"
	"golang.org/x/sync/semaphore"

	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// hugeRow is the length in bytes above which rows of which a part must be held
// share one place in memory (design invariant 6).
const hugeRow = 16 << 20

// errStopped is a part that was left at a batch's end because the user asked to
// stop.
var errStopped = errors.New("stopped")

// relay moves the rows of one part from the source's stream into batches.
type relay struct {
	from    *sourceConn
	to      *targetConn
	profile ddlgen.Profile
	table   *ddlgen.Transfer
	part    Part
	claim   claim
	copyIn  string
	canon   *digest.RowCanon
	utf8    bool             // hold rows against UTF-8 here: the target may not
	stream  bool             // send rows as they come, though batches have an end
	careful *careful         // not nil: keep each batch until it is answered, and find the rows that are refused
	left    map[int64]string // rows of the committed prefix that were refused, and their digests
	huge    *semaphore.Weighted
	stop    <-chan struct{}
	meter   *event.Meter
	faults  *faults

	out      *copyBuffer
	batch    *batch
	framed   int64 // rows seen in the stream, skipped ones too
	hasher   digest.Hasher
	metRows  int64
	metBytes int64

	rein    *rein
	between func(context.Context) error // called between two batches; nil does nothing
	latency func(time.Duration)         // told of every COMMIT's; nil is not
	batches func(Batch)                 // told of every batch that is committed; nil is not

	// committed is told of every batch that the target has committed, with the
	// rows that its COPY counted. The last ones of a part may be told after run
	// has returned.
	committed func(s span, acked int64)
}

// run copies the part from row next on; the rows before it are read, proved
// against the sum that the ledger has of them, and skipped. It returns the
// source's own count of the rows it sent.
func (r *relay) run(ctx context.Context, next int64, sum digest.Sum) (read int64, err error) {
	if err := r.from.open(r.table, r.part); err != nil {
		if dial.SQLState(err) == pgerrcode.LockNotAvailable {
			err = fmt.Errorf("another session holds the table exclusively, or waits for that; see pg_locks for who (--yield-locks would give way): %w", err)
		}
		return 0, r.reading(err)
	}
	r.out = newCopyBuffer()
	if err := r.skip(ctx, next, sum); err != nil {
		return 0, err
	}
	if r.careful != nil {
		return r.runCarefully(ctx, next)
	}
	r.open(next)
	for {
		if err := r.burst(ctx); err != nil {
			return 0, err
		}
		n, tag, end, err := r.from.row()
		if err != nil {
			return 0, r.reading(err)
		}
		if end {
			if tag != r.framed {
				return tag, fmt.Errorf("the source says that it sent %d rows, but %d arrived: nothing of the last batch is committed", tag, r.framed)
			}
			return tag, r.finish(ctx, true)
		}
		if r.isFull(n) {
			if err := r.finish(ctx, false); err != nil {
				return 0, err
			}
			if isClosed(r.stop) {
				if err := r.to.await(ctx, 0); err != nil { // batches in flight are finished
					return 0, r.writing(err)
				}
				return 0, errStopped
			}
			if err := r.between(ctx); err != nil {
				return 0, r.writing(err)
			}
			r.open(r.framed)
		}
		if err := r.row(ctx, n); err != nil {
			return 0, err
		}
	}
}

// skip reads rows that are committed already and proves that they are the same.
func (r *relay) skip(ctx context.Context, rows int64, want digest.Sum) error {
	var got digest.Sum
	for r.framed < rows {
		n, _, end, err := r.from.row()
		if err != nil {
			return r.reading(err)
		}
		if end {
			return fmt.Errorf("the ledger holds %d rows of this part, but the source gives only %d of them again: the order of its rows is not repeatable; load the table anew (--resume --redo %s)", rows, r.framed, r.part.Relation)
		}
		if err := r.prove(ctx, n, &got); err != nil {
			return err
		}
		r.framed++
		if err := r.held(ctx, n); err != nil {
			return err
		}
	}
	if got != want {
		return fmt.Errorf("the first %d rows of this part are not the ones that the ledger holds (%s, recorded %s): load the table anew (--resume --redo %s)", rows, got, want, r.part.Relation)
	}
	return nil
}

// open prepares the next batch; it is begun on the target when there is
// something to send.
func (r *relay) open(first int64) {
	r.batch = &batch{
		to: r.to, claim: r.claim, copyIn: r.copyIn, await: r.profile.Await, window: r.profile.Window,
		meter: r.meter, faults: r.faults, part: r.part, committed: r.committed, latency: r.latency, watch: r.batches,
		span: span{part: r.part.ID, first: first, last: first},
	}
	if r.table.Binary {
		r.out.add(binaryHeader)
	}
}

// bounded says that batches are collected in memory and sent whole, so that no
// transaction idles open on the target while the source is slow.
func (r *relay) bounded() bool {
	return !r.stream && (r.profile.BatchRows > 0 || r.profile.BatchBytes > 0)
}

// isFull says that a further row of n bytes would pass the batch's bounds. A
// row that alone passes them is a batch of its own.
func (r *relay) isFull(n int) bool {
	s := r.batch.span
	if s.last == s.first {
		return false
	}
	return r.profile.BatchRows > 0 && s.last-s.first >= r.profile.BatchRows ||
		r.profile.BatchBytes > 0 && s.bytes+int64(n) > r.profile.BatchBytes
}

// row takes the next row, of n bytes, into the batch.
func (r *relay) row(ctx context.Context, n int) error {
	if r.profile.RowBytes > 0 && int64(n) > r.profile.RowBytes {
		return r.tooLarge(n)
	}
	s := &r.batch.span
	if err := r.digest(ctx, n, &s.sum, r.put); err != nil {
		return err
	}
	r.framed++
	s.last++
	s.bytes += int64(n)
	r.metRows++
	r.metBytes += int64(n)
	if r.metBytes > frameSize {
		r.count()
	}
	return r.held(ctx, n)
}

// held waits where the brake is on. What was sent is answered before the part is
// left.
func (r *relay) held(ctx context.Context, n int) error {
	err := r.rein.took(ctx, n, r.batch != nil && r.batch.begun)
	if errors.Is(err, errStopped) {
		if aerr := r.to.await(ctx, 0); aerr != nil {
			return r.writing(aerr)
		}
	}
	return err
}

func (r *relay) count() {
	r.meter.Add(r.metRows, r.metBytes)
	r.metRows, r.metBytes = 0, 0
}

// put passes bytes of rows towards the target.
func (r *relay) put(ctx context.Context, p []byte) error {
	if !r.out.add(p) {
		return nil
	}
	r.out.cut()
	if r.bounded() && len(r.out.b) < hugeRow {
		return nil
	}
	return r.flush(ctx)
}

// flush sends what is collected, and begins the batch if that was not done.
func (r *relay) flush(ctx context.Context) error {
	if !r.batch.begun {
		if err := r.batch.begin(ctx); err != nil {
			return r.writing(err)
		}
	}
	if r.to.failed.Load() {
		return r.writing(r.batch.prefer(ctx, errProtocol))
	}
	if err := r.to.poll(); err != nil {
		return r.writing(err)
	}
	if err := r.batch.write(r.out.frames()); err != nil {
		return r.writing(r.batch.prefer(ctx, err))
	}
	r.out.reset()
	return nil
}

// finish sends the rest of the batch and commits it.
func (r *relay) finish(ctx context.Context, final bool) error {
	r.count()
	r.batch.span.final = final
	if r.table.Binary {
		r.out.add(binaryEnd)
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	if err := r.batch.commit(ctx); err != nil {
		return r.writing(err)
	}
	return nil
}

// digest reads a row of n bytes, adds it to the sum and hands its bytes to put.
// A row that fits into the read buffer is one slice; a longer one passes in
// pieces, of which only a field with a form of its own is held. Rows that may have
// a huge one wait for each other, so that memory is bounded by one of them.
func (r *relay) digest(ctx context.Context, n int, sum *digest.Sum, put func(context.Context, []byte) error) error {
	if r.from.in.fits(n) {
		row, err := r.from.in.body()
		if err != nil {
			return r.reading(err)
		}
		return r.whole(ctx, row, sum, put)
	}
	hasher := &r.hasher
	if !r.canon.Verbatim() {
		if n > hugeRow {
			if err := r.huge.Acquire(ctx, 1); err != nil {
				return err
			}
			defer r.huge.Release(1)
		}
		hasher = digest.NewHasher(r.canon) // goes with its buffers when the row has passed
	}
	var text utf8Check
	for left := n; left > 0; {
		piece, err := r.from.in.chunk()
		if err != nil {
			return r.reading(err)
		}
		left -= len(piece)
		line := piece
		if left == 0 && !r.table.Binary {
			if line, err = r.line(piece); err != nil {
				return err
			}
		}
		if r.utf8 && !text.valid(line, left == 0) {
			return r.notUTF8()
		}
		hasher.Write(line)
		if put != nil {
			if err := put(ctx, piece); err != nil {
				return err
			}
		}
	}
	hasher.Finish(sum)
	return nil
}

// whole handles a row that is in memory.
func (r *relay) whole(ctx context.Context, row []byte, sum *digest.Sum, put func(context.Context, []byte) error) error {
	line, err := r.line(row)
	if err != nil {
		return err
	}
	if r.utf8 && !utf8.Valid(line) {
		return r.notUTF8()
	}
	sum.Add(r.canon.Row(line))
	if put == nil {
		return nil
	}
	return put(ctx, row)
}

// line takes the line end off a row. That it is there proves that the message
// was one whole row; of a binary one its number of columns has.
func (r *relay) line(row []byte) ([]byte, error) {
	if r.table.Binary {
		return row, nil
	}
	if len(row) == 0 || row[len(row)-1] != '\n' {
		return nil, fmt.Errorf("row %d of the stream does not end with a line end: the source does not send one row a message", r.framed)
	}
	return row[:len(row)-1], nil
}

// reading says where an error of the source came from.
func (r *relay) reading(err error) error {
	return &sourceError{fmt.Errorf("reading %s (%s) from the source, after row %d: %w", r.part.Relation, r.part.Range(), r.framed, err)}
}

// writing says where an error of the target came from.
func (r *relay) writing(err error) error {
	b := r.batch
	if r.to.blame != nil {
		b = r.to.blame // an earlier one, of another table perhaps
	}
	return b.writing(err)
}

func (r *relay) notUTF8() error {
	return &unfitRowError{pgerrcode.CharacterNotInRepertoire, fmt.Errorf("row %d of %s holds bytes that are not UTF-8: mend them on the source (it does not check its own encoding), or exclude the table", r.framed, r.part.Relation)}
}

// tooLarge refuses a row above the target's limit, naming it by its key as far
// as the first piece of it shows the key.
func (r *relay) tooLarge(n int) error {
	key := ""
	if head, err := r.from.in.chunk(); err == nil {
		key = rowKey(r.table, head)
	}
	return &unfitRowError{pgerrcode.ProgramLimitExceeded, fmt.Errorf("row %d of %s%s has %d bytes, the target takes at most %d: shorten it, or exclude the table", r.framed, r.part.Relation, key, n, r.profile.RowBytes)}
}

// rowKey renders the key columns of a row of which head is the beginning.
func rowKey(t *ddlgen.Transfer, head []byte) string {
	if t.Binary {
		return ""
	}
	fields := strings.Split(string(head), "\t")
	var parts []string
	for i, c := range t.Columns {
		for _, k := range t.Key {
			if c.Target == k && i < len(fields)-1 {
				parts = append(parts, fmt.Sprintf("%s=%.60s", c.Target, fields[i]))
			}
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// utf8Check holds a text that arrives in pieces against UTF-8.
type utf8Check struct{ rest []byte }

// valid takes the next piece; last says that it is the end of the text.
func (u *utf8Check) valid(p []byte, last bool) bool {
	if len(u.rest) > 0 {
		p = append(u.rest, p...)
		u.rest = nil
	}
	if !last {
		// A character may go on in the next piece: keep back its beginning.
		for i := 1; i <= min(3, len(p)); i++ {
			if c := p[len(p)-i]; utf8.RuneStart(c) {
				if !utf8.FullRune(p[len(p)-i:]) {
					u.rest = append(u.rest, p[len(p)-i:]...)
					p = p[:len(p)-i]
				}
				break
			}
		}
	}
	return utf8.Valid(p)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
