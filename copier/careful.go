package copier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgerrcode"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// Where rows are refused, and the run keeps them apart (--on-row-error reject), a
// part is read carefully: each batch stays in memory until the target has
// answered it, so that finding the refused row in it needs no second reading of
// the source. The batches are small, as what is loaded before a refused row is
// loaded twice.
const (
	keptBytes     = 2 << 20 // bytes of a batch where the profile has no bound
	mostKeptRows  = 16 << 10
	leastKeptRows = 32
	firstKeptRows = 2048
	// batchCost is what a batch costs beside its rows, in rows.
	batchCost = 512
	// streamedBytes are those of a batch before the first row is refused, where the
	// profile has no bound: what is lost to that row at most.
	streamedBytes = 8 << 20
)

// careful is what the careful way of reading a part needs to know.
type careful struct {
	known   map[int64]refusal // rows that are too large to be kept, and are refused
	columns string
	refuse  func(ctx context.Context, why refusal, pending int) error // says whether so many more rows may be refused
}

// knownRowError is a row that was sent alone, as it is too large to be kept, and was
// refused: the part is read again, and the row is left out.
type knownRowError struct {
	row int64
	why refusal
	err error
}

func (e *knownRowError) Error() string { return e.err.Error() }
func (e *knownRowError) Unwrap() error { return e.err }

// keptRow is a row in memory.
type keptRow struct {
	number int64 // in the part
	end    int   // in the keeper's bytes
	sum    digest.Sum
}

// kept is a batch in memory.
type kept struct {
	rows    []keptRow
	bytes   []byte
	rejects []reject // of its rows, those that are refused and not committed, in order
	first   int64    // its first row
	last    int64    // the row after its last
	final   bool     // the part ends with it
}

// keeper holds two batches: while one is loaded, all of its rows as rows or as
// refused ones, the next is read.
type keeper struct {
	*relay
	filling *kept
	working *kept
	loading chan error // nil: nothing is being loaded

	next    int64 // first row that is not committed
	ended   bool  // the part's end is committed
	most    int64 // rows of a batch
	seen    int64 // rows loaded or refused
	refused int64
}

// runCarefully is run after the committed prefix.
func (r *relay) runCarefully(ctx context.Context, next int64) (int64, error) {
	if err := r.to.await(ctx, 0); err != nil { // of parts before, over the same connection
		return 0, r.writing(err)
	}
	k := &keeper{relay: r, next: next, most: firstKeptRows, filling: &kept{first: next, last: next}, working: &kept{}}
	if r.profile.BatchRows > 0 {
		k.most = r.profile.BatchRows
	}
	read, err := k.run(ctx)
	return read, errors.Join(err, k.wait()) // whatever happened, nothing is written behind the caller's back
}

func (k *keeper) run(ctx context.Context) (int64, error) {
	for {
		n, tag, end, err := k.from.row()
		if err != nil {
			return 0, k.reading(err)
		}
		if end {
			if tag != k.framed {
				return tag, fmt.Errorf("the source says that it sent %d rows, but %d arrived: nothing of the last batch is committed", tag, k.framed)
			}
			k.filling.final = true
			return tag, k.pass(ctx)
		}
		if k.isFull(n) {
			if err := k.pass(ctx); err != nil {
				return 0, err
			}
			if isClosed(k.stop) {
				if err := k.wait(); err != nil { // what is in memory is finished
					return 0, err
				}
				return 0, errStopped
			}
		}
		if err := k.take(ctx, n); err != nil {
			return 0, err
		}
	}
}

// pass has what was read loaded, when the batch before it is.
func (k *keeper) pass(ctx context.Context) error {
	k.count()
	if err := k.wait(); err != nil {
		return err
	}
	if err := k.between(ctx); err != nil {
		return err
	}
	k.filling, k.working = k.working, k.filling
	f := k.filling
	f.rows, f.bytes, f.rejects, f.first, f.last = f.rows[:0], f.bytes[:0], f.rejects[:0], k.working.last, k.working.last
	k.loading = make(chan error, 1)
	go func() {
		k.loading <- shielded(k.part, func() error { return k.load(ctx) })
	}()
	return nil
}

// wait waits until nothing is being loaded.
func (k *keeper) wait() error {
	if k.loading == nil {
		return nil
	}
	err := <-k.loading
	k.loading = nil
	k.resize()
	return err
}

// mostUnsent is how many rows that are refused before they are sent one batch
// records: they are in one message with its ledger row.
const mostUnsent = 100

func (k *keeper) isFull(n int) bool {
	bytes := int64(keptBytes)
	if k.profile.BatchBytes > 0 && !k.stream {
		bytes = k.profile.BatchBytes
	}
	f := k.filling
	kept := len(f.bytes)
	for _, r := range f.rejects { // not UTF-8, most often few
		kept += len(r.bytes)
	}
	return f.last > f.first && (f.last-f.first >= k.most || int64(kept+n) > bytes || len(f.rejects) >= mostUnsent)
}

// take reads the next row, of n bytes.
func (k *keeper) take(ctx context.Context, n int) error {
	if why, known := k.careful.known[k.framed]; known {
		return k.discard(ctx, n, why)
	}
	if k.profile.RowBytes > 0 && int64(n) > k.profile.RowBytes {
		return k.discard(ctx, n, refusal{
			state: pgerrcode.ProgramLimitExceeded, size: true,
			message: fmt.Sprintf("the row has %d bytes, the target takes at most %d", n, k.profile.RowBytes),
		})
	}
	if n > hugeRow {
		return k.sendAlone(ctx, n)
	}
	f := k.filling
	at := len(f.bytes)
	for len(f.bytes)-at < n {
		piece, err := k.from.in.chunk()
		if err != nil {
			return k.reading(err)
		}
		f.bytes = append(f.bytes, piece...)
	}
	line, err := k.line(f.bytes[at:])
	if err != nil {
		return err
	}
	row := keptRow{number: k.framed, end: len(f.bytes)}
	row.sum.Add(k.canon.Row(line))
	if err := k.passed(ctx, n); err != nil {
		return err
	}
	if k.utf8 && !utf8.Valid(line) {
		f.bytes = f.bytes[:at]
		f.rejects = append(f.rejects, k.rejectOf(row, line, refusal{
			state: pgerrcode.CharacterNotInRepertoire, message: "the row holds bytes that are not UTF-8",
		}))
		return nil
	}
	f.rows = append(f.rows, row)
	return nil
}

// passed counts a row of n bytes that was read, and waits where the brake is on.
func (k *keeper) passed(ctx context.Context, n int) error {
	k.framed++
	k.filling.last = k.framed
	k.metRows++
	k.metBytes += int64(n)
	if k.metBytes > frameSize {
		k.count()
	}
	return k.rein.took(ctx, n, false) // what is being loaded comes to its end by itself
}

// discard reads a row that is refused for its length, without keeping it.
func (k *keeper) discard(ctx context.Context, n int, why refusal) error {
	var sum digest.Sum
	var head []byte
	err := k.unchecked(ctx, n, &sum, func(_ context.Context, p []byte) error {
		if head == nil {
			head = slices.Clone(p[:min(len(p), readBuffer)])
		}
		return nil
	})
	if err != nil {
		return err
	}
	number := k.framed
	if err := k.passed(ctx, n); err != nil {
		return err
	}
	k.filling.rejects = append(k.filling.rejects, reject{
		rejectedRow: rejectedRow{row: number, digest: sum.Hex()}, refusal: why,
		key: keyOf(k.table, head, false), length: int64(n - 1),
	})
	return nil
}

// unchecked is digest for a row that need not be UTF-8.
func (r *relay) unchecked(ctx context.Context, n int, sum *digest.Sum, put func(context.Context, []byte) error) error {
	defer func(was bool) { r.utf8 = was }(r.utf8)
	r.utf8 = false
	return r.digest(ctx, n, sum, put)
}

// prove adds a row of the committed prefix to the sum, or, where it was refused,
// holds it against what the ledger has of it.
func (r *relay) prove(ctx context.Context, n int, sum *digest.Sum) error {
	want, refused := r.left[r.framed]
	if !refused {
		return r.digest(ctx, n, sum, nil)
	}
	var one digest.Sum
	if err := r.unchecked(ctx, n, &one, nil); err != nil {
		return err
	}
	if one.Hex() != want {
		return fmt.Errorf("row %d of this part is not the one that the ledger holds as refused (%s, recorded %s): load the table anew", r.framed, one.Hex(), want)
	}
	return nil
}

// sendAlone sends a row that is too large to be kept in a batch of its own, as it
// comes. When it is refused, the part must be read again to go on.
func (k *keeper) sendAlone(ctx context.Context, n int) error {
	if k.filling.last > k.filling.first {
		if err := k.pass(ctx); err != nil {
			return err
		}
	}
	if err := k.wait(); err != nil {
		return err
	}
	number := k.framed
	k.begin(number)
	err := k.row(ctx, n)
	if err == nil {
		err = k.finish(ctx, false)
	}
	if why, refused := refusalOf(err); refused {
		return &knownRowError{row: number, why: why, err: err}
	}
	k.next, k.filling.first, k.filling.last = k.framed, k.framed, k.framed
	return err
}

// begin opens a batch, each of whose answers is awaited.
func (k *keeper) begin(first int64) {
	k.open(first)
	k.batch.window, k.batch.atOnce = 1, !k.profile.Await && k.profile.Window > 1
	k.batch.columns = k.careful.columns
}

// rejectOf is a row that is in memory, as a refused one.
func (k *keeper) rejectOf(row keptRow, line []byte, why refusal) reject {
	return reject{
		rejectedRow: rejectedRow{row: row.number, digest: row.sum.Hex()}, refusal: why,
		key: keyOf(k.table, line, true), length: int64(len(line)), bytes: append([]byte{}, line...),
	}
}

// refuse keeps a reject until its batch is committed.
func (k *keeper) refuse(ctx context.Context, r reject) error {
	w := k.working
	at, _ := slices.BinarySearchFunc(w.rejects, r.row, func(r reject, row int64) int { return int(r.row - row) })
	w.rejects = slices.Insert(w.rejects, at, r)
	k.refused++
	return k.careful.refuse(ctx, r.refusal, len(w.rejects))
}

// resize chooses the rows of the next batch by how often a row is refused: half
// of a batch with a refused row is loaded twice, and each batch has its cost.
func (k *keeper) resize() {
	if k.profile.BatchRows > 0 {
		return
	}
	k.most = min(2*k.most, mostKeptRows)
	if k.refused > 0 {
		apart := float64(k.seen) / float64(k.refused)
		k.most = min(k.most, max(leastKeptRows, int64(math.Sqrt(2*batchCost*apart))))
	}
}

// tooManyRejectsError is a run that refuses more rows than it may.
type tooManyRejectsError struct{ Most int64 }

// Error implements error.
func (e *tooManyRejectsError) Error() string {
	return fmt.Sprintf("the target refuses more than %d rows of the run: look at those in _pg2db9.reject, mend the source or the target, or raise --max-rejects", e.Most)
}

// carefully says whether a part that failed is to be tried again, its rows read
// carefully. The caller has dropped the connections: the ledger is read first.
func (c *copyRun) carefully(s *partState, err error) bool {
	if c.OnRowError != RowReject {
		return false
	}
	defer c.forget(s)
	var known *knownRowError
	if errors.As(err, &known) {
		if s.known == nil {
			s.known = map[int64]refusal{}
		}
		s.known[known.row] = known.why
		return true
	}
	if _, refused := refusalOf(err); !refused || s.careful {
		return false
	}
	s.careful = true
	c.choosy.Store(s.part.Target, true)
	return true
}
