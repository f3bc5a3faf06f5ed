package copier

import (
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pg2db9/pg2db9/ddlgen"
)

// deadConn is a connection that its client has lost: nothing is written, Close
// leaves the socket to the test.
type deadConn struct{ net.Conn }

func (deadConn) Write([]byte) (int, error) { return 0, net.ErrClosed }
func (deadConn) Close() error              { return nil }

// query encodes a simple query.
func query(sql string) []byte {
	b, err := (&pgproto3.Query{String: sql}).Encode(nil)
	if err != nil {
		panic(err)
	}
	return b
}

func postgresProfile() ddlgen.Profile { return ddlgen.Postgres() }

// assertEventually polls a condition for at most ten seconds.
func assertEventually(cond func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case <-tick.C:
			if cond() {
				return true
			}
		case <-deadline:
			return false
		}
	}
}
