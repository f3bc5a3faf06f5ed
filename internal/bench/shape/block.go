package shape

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
)

// To format every field of every row would cost more than a server does to read
// it. So some blocks of rows are made once, ready for the wire, and then given
// out again and again; only their keys are written anew, which are of as many
// digits always. Rows that are many blocks apart differ in nothing but the key.

const (
	blockBytes = 192 << 10 // of one block, at least
	blocks     = 8
	keyDigits  = 12
	keys       = 100_000_000_000 // that there are: keyBase and up
	keyBase    = 100_000_000_000
	frameHead  = 5 // type and length of a CopyData message
)

// stride is the step from one key to the next in random order: the golden
// section of all keys, which spreads them evenly however many are taken. It has
// no divisor in common with their number, so that no key comes twice.
const stride = 61_803_398_875 - 2 // odd, and not of 5

// Maker makes rows of one shape. It may be used by several goroutines.
type Maker struct {
	shape  Shape
	order  Order
	offset uint64 // of the first key in random order
	blocks []block
	mean   float64 // bytes of COPY TEXT that a row has
}

// block is rows as they go over the wire: each a CopyData message.
type block struct {
	data []byte
	keys []int // where each row's key stands in data
	ends []int // where each row's message ends
}

// New prepares to make rows of a shape. The same seed gives the same rows.
func New(s Shape, order Order, seed uint64) *Maker {
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) //nolint:gosec // rows, not secrets
	m := &Maker{shape: s, order: order, offset: r.Uint64N(keys)}
	var rows, bytes int
	for range blocks {
		b := newBlock(s, r)
		m.blocks = append(m.blocks, b)
		rows += len(b.ends)
		bytes += len(b.data) - frameHead*len(b.ends)
	}
	m.mean = float64(bytes) / float64(rows)
	return m
}

func newBlock(s Shape, r *rand.Rand) block {
	var b block
	for len(b.data) < blockBytes {
		start := len(b.data)
		b.data = append(b.data, 'd', 0, 0, 0, 0)
		b.keys = append(b.keys, len(b.data))
		b.data = append(b.data, "000000000000"[:keyDigits]...)
		for _, c := range s.Columns {
			b.data = c.AppendValue(append(b.data, '\t'), r)
		}
		b.data = append(b.data, '\n')
		binary.BigEndian.PutUint32(b.data[start+1:], uint32(len(b.data)-start-1)) //nolint:gosec // bounded by what columns may hold
		b.ends = append(b.ends, len(b.data))
	}
	return b
}

// RowBytes is how many bytes of COPY TEXT a row has on the mean.
func (m *Maker) RowBytes() float64 { return m.mean }

// Rows gives n rows from row first on, as a server sends them: CopyData
// messages, one a row, then io.EOF.
func (m *Maker) Rows(first, n int64) *Reader {
	return &Reader{m: m, next: first, left: n, buf: make([]byte, 0, blockBytes*5/4)}
}

// Reader gives out rows. It must not be used by two goroutines at once.
type Reader struct {
	m       *Maker
	next    int64 // number of the next row to be made
	left    int64 // rows to be made
	made    int64
	buf, in []byte // the block at hand, and what is left of it
	at      int
}

// Made is how many rows were made so far.
func (r *Reader) Made() int64 { return r.made }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(r.in) == 0 {
			if r.left == 0 {
				break
			}
			r.block()
		}
		k := copy(p[n:], r.in)
		r.in = r.in[k:]
		n += k
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// block makes the next rows.
func (r *Reader) block() {
	b := &r.m.blocks[r.at%len(r.m.blocks)]
	r.at++
	rows := len(b.ends)
	if int64(rows) > r.left {
		rows = int(r.left)
	}
	r.buf = append(r.buf[:0], b.data[:b.ends[rows-1]]...)
	switch r.m.order {
	case OrderRandom:
		key := r.m.scattered(uint64(r.next)) //nolint:gosec // never negative
		for _, at := range b.keys[:rows] {
			putKey(r.buf[at:at+keyDigits], keyBase+key)
			if key += stride; key >= keys {
				key -= keys
			}
		}
	case OrderKey:
		fallthrough
	default:
		key := keyBase + uint64(r.next) //nolint:gosec // never negative
		for _, at := range b.keys[:rows] {
			putKey(r.buf[at:at+keyDigits], key)
			key++
		}
	}
	r.next += int64(rows)
	r.left -= int64(rows)
	r.made += int64(rows)
	r.in = r.buf
}

// scattered is the key of row n in random order.
func (m *Maker) scattered(n uint64) uint64 {
	hi, lo := bits.Mul64(n%keys, stride)
	_, rest := bits.Div64(hi, lo, keys)
	return (rest + m.offset) % keys
}

// quads are the numbers of four digits as text.
var quads = func() (out [10_000]uint32) {
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(fmt.Appendf(nil, "%04d", i))
	}
	return out
}()

// putKey writes a key of twelve digits.
func putKey(p []byte, key uint64) {
	_ = p[keyDigits-1]
	high, low := key/100_000_000, key%100_000_000
	binary.LittleEndian.PutUint32(p, quads[high%10_000])
	binary.LittleEndian.PutUint32(p[4:], quads[low/10_000])
	binary.LittleEndian.PutUint32(p[8:], quads[low%10_000])
}
