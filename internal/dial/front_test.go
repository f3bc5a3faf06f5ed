package dial_test

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
)

// front is a server that asks for the password in the clear and knows SET and
// SHOW alone: what it does with them is a test's to say.
type front struct {
	listener net.Listener
	wg       sync.WaitGroup

	// password says whether it is the right one; nil takes all.
	password func(string) bool
	// set and show answer a statement: the value shown, and a SQLSTATE or "".
	set  func(name, value string) string
	show func(name string) (string, string)

	mu       sync.Mutex
	messages []string // simple queries
	refused  int      // passwords
}

// startFront starts a front that takes and shows every setting as it is, but
// for what the functions say.
func startFront(t *testing.T, f *front) *front {
	t.Helper()
	var err error
	f.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.wg.Go(func() {
		for {
			conn, err := f.listener.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() {
				defer conn.Close()
				_ = f.serve(pgproto3.NewBackend(conn, conn))
			})
		}
	})
	t.Cleanup(func() { _ = f.listener.Close(); f.wg.Wait() })
	return f
}

func (f *front) url() string {
	return fmt.Sprintf("postgres://tenant.admin:static@%s/postgres?sslmode=disable", f.listener.Addr())
}

func (f *front) serve(b *pgproto3.Backend) error {
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return err
	}
	b.Send(&pgproto3.AuthenticationCleartextPassword{})
	if err := b.Flush(); err != nil {
		return err
	}
	if err := b.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
		return err
	}
	msg, err := b.Receive()
	if err != nil {
		return err
	}
	if p, ok := msg.(*pgproto3.PasswordMessage); ok && f.password != nil && !f.password(p.Password) {
		f.mu.Lock()
		f.refused++
		f.mu.Unlock()
		b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "password authentication failed"})
		return b.Flush()
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: "16.0"})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	values := map[string]string{}
	for {
		if err := b.Flush(); err != nil {
			return err
		}
		msg, err := b.Receive()
		if err != nil {
			return err
		}
		q, ok := msg.(*pgproto3.Query)
		if !ok {
			return io.EOF
		}
		f.mu.Lock()
		f.messages = append(f.messages, q.String)
		f.mu.Unlock()
		for sql := range strings.SplitSeq(q.String, ";") {
			if !f.answer(b, values, sql) {
				break
			}
		}
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	}
}

var settingSQL = regexp.MustCompile(`^(SET|SHOW) "([^"]+)"(?: = '(.*)')?$`)

// answer answers one statement of a message; false ends the message.
func (f *front) answer(b *pgproto3.Backend, values map[string]string, sql string) bool {
	m := settingSQL.FindStringSubmatch(sql)
	state := "42601"
	if m != nil {
		state = ""
		if value := m[3]; m[1] == "SET" {
			if f.set != nil {
				state = f.set(m[2], value)
			}
			if m[2] == "search_path" {
				value = `""`
			}
			values[m[2]] = value
		} else {
			value := values[m[2]]
			if f.show != nil {
				shown, s := f.show(m[2])
				if state = s; shown != "" {
					value = shown
				}
			}
			if state == "" {
				b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte(m[2]), DataTypeOID: 25}}})
				b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(value)}})
			}
		}
	}
	if state != "" {
		b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: state, Message: "no: " + sql})
		return false
	}
	b.Send(&pgproto3.CommandComplete{CommandTag: []byte(m[1])})
	return true
}

// seen returns the simple queries so far, and forgets them.
func (f *front) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.messages
	f.messages = nil
	return out
}
