package verify

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pg2db9/pg2db9/verify/digest"
)

// message is one protocol message.
func message(kind byte, body string) string {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	return string(head) + body
}

const (
	tagOf2 = "COPY 2\x00"
	idle   = "I"
)

func TestFrameReader(t *testing.T) {
	t.Parallel()
	begin, end := message('H', "\x00\x00\x00"), message('c', "")
	rows := message('d', "a\n") + message('d', "b\n")
	ready := message('Z', idle)
	refusal := message('E', "SERROR\x00C22012\x00Mdivision by zero\x00\x00")
	for _, c := range []struct {
		name   string
		stream string
		rows   int64
		err    error
	}{
		{"whole", begin + rows + end + message('C', tagOf2) + ready, 2, nil},
		{"among notices", begin + message('N', "x") + rows + message('S', "a\x00b\x00") + end + message('A', "n") + message('C', tagOf2) + ready, 2, nil},
		{"no rows", begin + end + message('C', "COPY 0\x00") + ready, 0, nil},
		{"no end", begin + rows + message('C', tagOf2) + ready, 0, errProtocol},
		{"no tag", begin + rows + end + ready, 0, errProtocol},
		{"no COPY at all", message('C', "SELECT 2\x00") + ready, 0, errProtocol},
		{"tag without a number", begin + rows + end + message('C', "COPY\x00") + ready, 0, errProtocol},
		{"negative tag", begin + rows + end + message('C', "COPY -2\x00") + ready, 0, errProtocol},
		{"rows after the end", begin + end + rows + message('C', tagOf2) + ready, 0, errProtocol},
		{"unknown message", begin + rows + message('?', "") + end + message('C', tagOf2) + ready, 0, errProtocol},
		{"impossible length", begin + "d\x00\x00\x00\x03", 0, errProtocol},
		{"endless message", begin + "N\x7f\xff\xff\xff", 0, errProtocol},
		{"broken off in a row", begin + rows + message('d', "ccc\n")[:6], 0, io.ErrUnexpectedEOF},
		{"broken off in a header", begin + rows + "d\x00", 0, io.ErrUnexpectedEOF},
		{"broken off between messages", begin + rows + end + message('C', tagOf2), 0, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for name, in := range map[string]io.Reader{
				"at once": bytes.NewReader([]byte(c.stream)), "byte by byte": iotest.OneByteReader(bytes.NewReader([]byte(c.stream))),
			} {
				r := frameReader{conn: in, buf: make([]byte, 64)}
				got, err := r.run(func([]byte) error { return nil })
				require.ErrorIs(t, err, c.err, name)
				require.Equal(t, c.rows, got, name)
			}
		})
	}

	r := frameReader{conn: bytes.NewReader([]byte(begin + rows + refusal + ready)), buf: make([]byte, 16)}
	_, err := r.run(func([]byte) error { return nil })
	var pg *pgconn.PgError
	require.ErrorAs(t, err, &pg)
	require.Equal(t, "22012", pg.Code)
}

// However rows are cut into messages and messages into reads, and whatever the
// buffer's size, the rows are the same.
func TestRowsSurviveAnyCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want digest.Sum
		rows := rapid.SliceOf(rapid.StringMatching(`[ab\t\\]{0,40}`)).Draw(t, "rows")
		for _, row := range rows {
			want.Add([]byte(row))
			stream = append(append(stream, row...), '\n')
		}
		length := int64(len(stream))
		wire := message('H', "")
		for len(stream) > 0 {
			n := rapid.IntRange(0, len(stream)).Draw(t, "message")
			wire += message('d', string(stream[:n]))
			stream = stream[n:]
		}
		wire += message('c', "") + message('C', "COPY 7\x00") + message('Z', idle)

		in := &anyReader{t: t, data: []byte(wire)}
		r := frameReader{conn: in, buf: make([]byte, rapid.IntRange(1, 64).Draw(t, "buffer"))}
		got, err := newTally(nil)
		require.NoError(t, err)
		tag, err := r.run(func(piece []byte) error { got.take(piece); return nil })
		require.NoError(t, err)
		require.NoError(t, got.close())
		require.EqualValues(t, 7, tag)
		require.Equal(t, want, got.sum)
		require.Equal(t, length, got.bytes)
	})
}

type anyReader struct {
	t    *rapid.T
	data []byte
}

func (r *anyReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:rapid.IntRange(1, len(p)).Draw(r.t, "read")], r.data)
	r.data = r.data[n:]
	return n, nil
}

func TestTallyRefusesCutRow(t *testing.T) {
	t.Parallel()
	for _, canons := range [][]digest.Canon{nil, {digest.Float4}} {
		got, err := newTally(canons)
		require.NoError(t, err)
		got.take([]byte("1.5\n2"))
		require.ErrorIs(t, got.close(), errCutRow)
		got.take([]byte(".50\n"))
		require.NoError(t, got.close())
		require.EqualValues(t, 2, got.sum.Rows)
	}
}
