package copier

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// load brings a batch that is kept to the target: the rows that it takes as rows,
// the others into the ledger.
func (k *keeper) load(ctx context.Context) error {
	w := k.working
	for i, r := range w.rejects { // refused while they were read
		k.refused++
		if err := k.careful.refuse(ctx, r.refusal, i+1); err != nil {
			return err
		}
	}
	err := k.settle(ctx, 0, len(w.rows), true)
	if err == nil && (k.next < w.last || w.final && !k.ended) { // refused rows at the end, or no rows
		err = k.try(ctx, len(w.rows), len(w.rows))
	}
	k.seen += int64(len(w.rows))
	if cap(w.bytes) > 2*keptBytes {
		w.bytes = nil
	}
	return err
}

// settle loads rows [i, j) of those kept. A refused piece is cut, at the row that
// the server's own words name, once, or else in halves; what is loaded is
// committed piece by piece. A row is called refused when it is so alone, all
// before it being committed: what could make it a duplicate of itself, a batch
// whose answer was lost, was ruled out when the part was taken over.
func (k *keeper) settle(ctx context.Context, i, j int, trust bool) error {
	for i < j {
		err := k.try(ctx, i, j)
		why, refused := refusalOf(err)
		if !refused {
			return err
		}
		if err := k.again(ctx); err != nil {
			return err
		}
		if j-i == 1 {
			line := k.piece(i, j)
			return k.refuse(ctx, k.rejectOf(k.working.rows[i], line[:len(line)-1], why))
		}
		at, named := copyLine(err)
		if at--; !trust || !named || at < 0 || at >= int64(j-i) {
			mid := i + (j-i)/2
			if err := k.settle(ctx, i, mid, trust); err != nil {
				return err
			}
			i = mid
			continue
		}
		bad := i + int(at)
		if err := k.settle(ctx, i, bad, false); err != nil {
			return err
		}
		before := k.refused
		if err := k.settle(ctx, bad, bad+1, false); err != nil {
			return err
		}
		trust = k.refused > before // else the server names another row than it means
		i = bad + 1
	}
	return nil
}

// try loads rows [i, j) in one transaction, and records with them the refused
// rows before the one that follows.
func (k *keeper) try(ctx context.Context, i, j int) error {
	for {
		err := k.once(ctx, i, j)
		var record *recordError
		if !errors.As(err, &record) || dial.Classify(err) != dial.Refused || !k.shed() {
			return err
		}
		if err := k.again(ctx); err != nil {
			return err
		}
	}
}

// shed takes off the rejects what the ledger may not take: characters that the
// target's encoding lacks, then the longest one's bytes.
func (k *keeper) shed() bool {
	plain := false
	for i := range k.working.rejects {
		r := &k.working.rejects[i]
		for _, text := range []*string{&r.key, &r.message} {
			if strings.IndexFunc(*text, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
				*text, plain = strings.Trim(strconv.QuoteToASCII(*text), `"`), true
			}
		}
	}
	if plain {
		return true
	}
	longest := -1
	for i, r := range k.working.rejects {
		if r.bytes != nil && (longest < 0 || r.length > k.working.rejects[longest].length) {
			longest = i
		}
	}
	if longest < 0 {
		return false
	}
	k.working.rejects[longest].bytes = nil
	return true
}

func (k *keeper) once(ctx context.Context, i, j int) error {
	k.begin(k.next)
	b := k.batch
	s := &b.span
	s.last, s.final = k.working.last, k.working.final && j == len(k.working.rows)
	if j < len(k.working.rows) {
		s.last = k.working.rows[j].number
	}
	for _, row := range k.working.rows[i:j] {
		s.sum.Merge(row.sum)
	}
	rows := k.piece(i, j)
	s.bytes = int64(len(rows))
	n, _ := slices.BinarySearchFunc(k.working.rejects, s.last, func(r reject, row int64) int { return int(r.row - row) })
	b.rejects = k.working.rejects[:n]
	for _, r := range b.rejects {
		s.rejected = append(s.rejected, r.rejectedRow)
	}
	if err := b.begin(ctx); err != nil {
		return k.writing(err)
	}
	if err := k.send(ctx, rows); err != nil {
		return k.writing(err)
	}
	if err := b.commit(ctx); err != nil {
		return k.writing(err)
	}
	k.next, k.ended = s.last, s.final
	k.working.rejects = k.working.rejects[n:]
	return nil
}

// piece is the bytes of rows [i, j).
func (k *keeper) piece(i, j int) []byte {
	from := 0
	if i > 0 {
		from = k.working.rows[i-1].end
	}
	to := from
	if j > i {
		to = k.working.rows[j-1].end
	}
	return k.working.bytes[from:to]
}

// send sends rows as frames. An error that the server gives meanwhile is its
// answer to COPY, which the batch waits for: what is left need not be sent.
func (k *keeper) send(ctx context.Context, rows []byte) error {
	frame := k.out.b[:0]
	for len(rows) > 0 && !k.to.failed.Load() {
		piece := rows[:min(len(rows), frameSize)]
		rows = rows[len(piece):]
		frame = append(frame[:0], 'd')
		frame = binary.BigEndian.AppendUint32(frame, uint32(len(piece)+4)) //nolint:gosec // at most frameSize
		frame = append(frame, piece...)
		if err := k.batch.write(frame); err != nil {
			return k.batch.prefer(ctx, err)
		}
	}
	k.out.reset()
	return nil
}

// again makes the connection ready for the next batch after one that was
// refused.
func (k *keeper) again(ctx context.Context) error {
	for len(k.to.unanswered) > 0 { // what was sent behind the refused rows: not done, as the first answer says
		r, err := k.to.answer(ctx)
		if err == nil && (r.lost || r.err == nil) {
			err = fmt.Errorf("%w: %s was sent behind rows that were refused, and was answered with %q", dial.ErrLost, k.to.unanswered[0].doing, strings.Join(r.tags, "; "))
		}
		if err != nil {
			return k.writing(err)
		}
		k.to.unanswered = k.to.unanswered[1:]
	}
	k.to.failed.Store(false)
	k.to.blame = nil
	err := k.batch.ask(ctx, "ROLLBACK", expected{doing: "ROLLBACK", tags: []string{"ROLLBACK"}, status: 'I'})
	if err == nil {
		err = k.to.await(ctx, 0)
	}
	if err != nil {
		return k.writing(err)
	}
	return nil
}

// rejecting gives a relay what it needs to keep refused rows apart.
func (c *copyRun) rejecting(r *relay, s *partState) {
	if c.OnRowError != RowReject {
		return
	}
	if !r.bounded() {
		r.profile.BatchBytes, r.stream = streamedBytes, true
	}
	if _, choosy := c.choosy.Load(s.part.Target); !s.careful && !choosy && !c.Profile.Await {
		return
	}
	s.careful = true
	r.careful = &careful{
		known: s.known, columns: columnsOf(r.table),
		refuse: func(ctx context.Context, why refusal, pending int) error { return c.refuse(ctx, s, why, pending) },
	}
}

// refound takes over what the ledger holds of the part's refused rows.
func (s *partState) refound(t total) {
	s.rejected, s.left = int64(len(t.rejected)), nil
	if len(t.rejected) > 0 {
		s.left = make(map[int64]string, len(t.rejected))
	}
	for _, r := range t.rejected {
		s.left[r.row] = r.digest
	}
}

// loaded is how many rows of the part stand on the target.
func (s *partState) loaded() int64 { return s.next - s.rejected }
