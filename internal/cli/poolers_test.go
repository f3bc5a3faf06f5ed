package cli

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// statements watches what clients send for statements that have a name.
type statements struct {
	mu    sync.Mutex
	conns map[int64][]byte // of each connection, the message that is not whole yet
	begun map[int64]bool   // the first message, which has no type, is behind it
	seen  int              // messages that prepare or execute
	named []string
}

// look takes bytes of a connection, in order.
func (s *statements) look(conn int64, toServer bool, data []byte) bool {
	if !toServer {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	buf := append(s.conns[conn], data...)
	for {
		head := 1
		if !s.begun[conn] {
			head = 0
		}
		if len(buf) < head+4 {
			break
		}
		n := head + int(binary.BigEndian.Uint32(buf[head:]))
		if len(buf) < n {
			break
		}
		if head == 1 {
			s.message(buf[0], buf[5:n])
		}
		s.begun[conn] = true
		buf = buf[n:]
	}
	s.conns[conn] = buf
	return true
}

func (s *statements) message(typ byte, body []byte) {
	text := body
	switch typ {
	case 'P':
		name, rest, _ := bytes.Cut(body, []byte{0})
		if len(name) > 0 {
			s.named = append(s.named, string(name))
		}
		text = rest
	case 'Q':
	default:
		return
	}
	s.seen++
	for _, sql := range strings.Split(strings.ToUpper(string(text)), ";") {
		if strings.HasPrefix(strings.TrimSpace(sql), "PREPARE ") {
			s.named = append(s.named, sql)
		}
	}
}

func (s *statements) told() (seen int, named []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen, s.named
}

// C31: no statement is prepared under a name, on either side, from assess to
// verify: so none collides with what another client of a pooler has left in a
// session of the server's.
func TestC31NoNamedStatements(t *testing.T) {
	t.Parallel()
	b := setup(t, shop)
	watch := func() *statements { return &statements{conns: map[int64][]byte{}, begun: map[int64]bool{}} }
	source, target, proof := watch(), watch(), watch()
	from, to := newProxy(t, b.source, source.look).url(), newProxy(t, b.target, target.look).url()
	for _, args := range [][]string{
		{"assess", "--source", from, "--scan-data", "full"},
		{"clone", "--source", from, "--target", to},
		{"clone", "--source", from, "--target", to, "--on-existing", "drop", "--profile", "db9", "--probe", "never"},
		{"verify", "--source", from, "--target", to},
		{"sequences", "--source", from, "--target", to},
		{"status", "--source", from, "--target", to},
	} {
		r := run(t, args...)
		require.NotContains(t, []Code{Failed, Usage, Partial}, r.code, "%s: %s", args, r.err)
	}
	for side, s := range map[string]*statements{"source": source, "target": target} {
		seen, named := s.told()
		require.Greater(t, seen, 30, side)
		require.Empty(t, named, side)
	}

	// A client that names its statements is noticed.
	conn, err := pgx.Connect(t.Context(), newProxy(t, b.source, proof.look).url())
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "SELECT $1::int", 1)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "PREPARE p AS SELECT 1")
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	_, named := proof.told()
	require.Len(t, named, 2)
}
