package copier

import (
	"context"
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// burst takes the rows that lie whole in the read buffer into the batch, one
// after the other: what a row costs by itself is paid hundreds of millions of
// times, so nothing is asked here for each that can only change between two reads.
// It stops before whatever needs more than that, and leaves it to the one that
// takes rows singly: a row that is not here to its end, is not one, is refused,
// or does not go into the batch; any message that is not a row. It also stops
// when a frame is full, and where the brake is to be looked at.
func (r *relay) burst(ctx context.Context) error {
	in := r.from.in
	if in.rest > 0 {
		return nil
	}
	s := &r.batch.span
	roomRows, roomBytes := r.room()
	buf := in.buf[in.lo:in.hi]
	at, rows := 0, int64(0)
	bytes, most := 0, min(paceEvery, roomBytes)
	longest := most
	if r.profile.RowBytes > 0 {
		longest = int(min(int64(most), r.profile.RowBytes))
	}
	sum := s.sum
	full := false
	for !full && rows < roomRows && len(buf)-at > 5 && buf[at] == 'd' {
		n := int(binary.BigEndian.Uint32(buf[at+1:])) - 4
		if n < 1 || n > longest || n > len(buf)-at-5 || n > most-bytes {
			break
		}
		row := buf[at+5 : at+5+n]
		line := row
		if in := r.from.tuples; in != nil {
			if !in.is(row) {
				break
			}
		} else if line = row[:n-1]; row[n-1] != '\n' || r.utf8 && !utf8.Valid(line) {
			break
		}
		sum.Add(r.canon.Row(line))
		full = r.out.add(row)
		rows++
		bytes += n
		at += 5 + n
	}
	if rows == 0 {
		return nil
	}
	in.lo += at
	s.sum = sum
	s.last += rows
	s.bytes += int64(bytes)
	r.framed += rows
	r.metRows += rows
	r.metBytes += int64(bytes)
	if r.metBytes > frameSize {
		r.count()
	}
	if full {
		if err := r.put(ctx, nil); err != nil {
			return err
		}
	}
	return r.held(ctx, bytes)
}

// room is what goes into the present batch still: rows, and bytes of rows. A batch
// without rows has none here: its first one may be of any size.
func (r *relay) room() (rows int64, bytes int) {
	s := r.batch.span
	if s.first == s.last {
		return 0, 0
	}
	rows, bytes = math.MaxInt64, math.MaxInt
	if r.profile.BatchRows > 0 {
		rows = r.profile.BatchRows - (s.last - s.first)
	}
	if r.profile.BatchBytes > 0 {
		bytes = int(r.profile.BatchBytes - s.bytes)
	}
	return rows, bytes
}
