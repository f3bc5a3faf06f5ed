package copier

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// What is not a whole stream in the binary format is an error, and no row is taken
// for one that is not of as many columns.
func TestTuplesRefuseStrangeStreams(t *testing.T) {
	t.Parallel()
	row := "\x00\x01\x00\x00\x00\x01x"
	header, end := string(binaryHeader), string(binaryEnd)
	for name, c := range map[string]struct {
		messages []string
		rows     int
		strange  bool
	}{
		"whole":               {messages: []string{header + row, row, end}, rows: 2},
		"header by itself":    {messages: []string{header, row, end}, rows: 1},
		"no row":              {messages: []string{header + end}},
		"text":                {messages: []string{"1\t2\n"}, strange: true},
		"another signature":   {messages: []string{"PGCOPY\n\xff\r\n\x01" + header[11:] + row, end}, strange: true},
		"flags":               {messages: []string{header[:14] + "\x01" + header[15:] + row, end}, strange: true},
		"no end":              {messages: []string{header + row}, rows: 1, strange: true},
		"nothing":             {strange: true},
		"rows after the end":  {messages: []string{header + row, end, row}, rows: 1, strange: true},
		"two ends":            {messages: []string{header, end, end}, strange: true},
		"two columns":         {messages: []string{header + row, "\x00\x02" + row[2:], end}, rows: 1, strange: true},
		"half a row's number": {messages: []string{header + row, "\x00", end}, rows: 1, strange: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stream []byte
			add := func(m pgproto3.BackendMessage) {
				var err error
				stream, err = m.Encode(stream)
				require.NoError(t, err)
			}
			for _, m := range c.messages {
				add(&pgproto3.CopyData{Data: []byte(m)})
			}
			add(&pgproto3.CopyDone{})
			add(&pgproto3.CommandComplete{CommandTag: []byte("COPY 1")})
			add(&pgproto3.ReadyForQuery{TxStatus: 'T'})
			s := &sourceConn{in: newFrames(bytes.NewReader(stream)), tuples: newTuples(&ddlgen.Transfer{Columns: make([]ddlgen.ColumnTransfer, 1)})}
			rows := 0
			for {
				n, _, end, err := s.row()
				if c.strange && err != nil {
					require.ErrorIs(t, err, errProtocol)
					break
				}
				require.NoError(t, err)
				if end {
					require.False(t, c.strange)
					break
				}
				require.Equal(t, len(row), n)
				rows++
			}
			require.Equal(t, c.rows, rows)
		})
	}
}
