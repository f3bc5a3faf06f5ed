package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial/ssh"
)

// Class says what an error of a server or of the way to it means for what was
// being done. It is the one place that decides by SQLSTATE.
type Class int

// The classes.
const (
	// Final will come again when the same is tried again.
	Final Class = iota
	// Retry is a conflict, a shortage or a stop that may pass: the transaction was
	// rolled back and may be tried again, for a bounded time.
	Retry
	// Lost is a connection that broke: what the transaction did is unknown.
	Lost
	// Cancelled is our own stop.
	Cancelled
	// Refused is a row, or what a row holds, that the target does not take: the
	// same rows will be refused again, but others will not.
	Refused
)

// Settled says that the answer stands: the same, tried again, ends the same way.
func (c Class) Settled() bool { return c == Final || c == Refused }

// ErrLost marks a connection that broke where the error alone does not say so.
var ErrLost = errors.New("the connection is lost")

// Classify returns the class of err. The server's own words decide before the
// network's: a session that was ended by the server (57P01) is Lost, since a
// COMMIT may have been on its way.
//
// 57014 is a statement that a timeout or somebody else cut short: Retry. That
// it was us is for the caller to rule out, by its context, before it asks. The
// transaction is never gone on with: on DB9 the next statement would run outside
// of it, so that Connect's connections close themselves on it (see neverGoOn).
func Classify(err error) Class {
	if err == nil {
		return Final
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return classOfState(pg)
	}
	var command *CommandError
	var connect *pgconn.ConnectError
	var netErr net.Error
	var record tls.RecordHeaderError
	var bastion *ssh.Error
	switch {
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.As(err, &bastion) && bastion.Final:
		return Final
	case errors.As(err, &command):
		return Retry // a service that hands tokens out can be away for a while, as a server can
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.As(err, &connect), errors.As(err, &netErr), errors.As(err, &record), errors.Is(err, ErrLost):
		return Lost
	case strings.Contains(err.Error(), "conn closed"), strings.Contains(err.Error(), "tls: "):
		return Lost
	}
	return Final
}

func classOfState(pg *pgconn.PgError) Class {
	switch pg.Code {
	case pgerrcode.AdminShutdown, pgerrcode.CrashShutdown, pgerrcode.IdleInTransactionSessionTimeout, pgerrcode.IdleSessionTimeout:
		return Lost
	case pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected, pgerrcode.CannotConnectNow, pgerrcode.ObjectInUse,
		pgerrcode.QueryCanceled, pgerrcode.ReadOnlySQLTransaction /* in the middle of a failover */ :
		return Retry
	case pgerrcode.InternalError:
		if ofTiKV(pg.Message) {
			return Retry
		}
	}
	switch {
	case refusedRow(pg):
		return Refused
	case pgerrcode.IsConnectionException(pg.Code):
		return Lost
	case pgerrcode.IsInsufficientResources(pg.Code):
		return Retry
	}
	return Final
}

// passingTexts are what TiKV and its client say, in lower case, of conflicts and
// of regions that move: DB9 may hand them on as XX000, the one state that alone
// says nothing. Each means that the transaction was rolled back, or that its
// outcome is unknown; the ledger is read before anything is sent again.
var passingTexts = []string{
	"write conflict",
	"writeconflict",
	"autocommit update failed",
	"pessimistic lock",
	"deadlock",
	"lock wait timeout",
	"txn lock not found",
	"txnlocknotfound",
	"region is unavailable",
	"region unavailable",
	"region error",
	"epoch not match",
	"not leader",
	"server is busy",
	"serverisbusy",
	"tikv server timeout",
	"tikv server is busy",
	"pd server timeout",
	"resolve lock timeout",
	"try again later",
}

func ofTiKV(message string) bool {
	message = strings.ToLower(message)
	for _, text := range passingTexts {
		if strings.Contains(message, text) {
			return true
		}
	}
	return false
}

// neverGoOn closes a connection at errors after which nothing may be sent on
// it: those that end the session, and a statement cut short (57014) in a
// transaction. PostgreSQL would refuse what follows; DB9 rolls the transaction
// back at once and runs the next statement outside of any.
func neverGoOn(conn *pgconn.PgConn, err *pgconn.PgError) bool {
	fatal := strings.EqualFold(err.Severity, "FATAL") || err.SeverityUnlocalized == "FATAL"
	return !fatal && (err.Code != pgerrcode.QueryCanceled || conn.TxStatus() == 'I')
}

// Conflict says that transactions were in each other's way: the same soon works,
// or never does.
func Conflict(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected, pgerrcode.ObjectInUse:
		return true
	}
	return pg.Code == pgerrcode.InternalError && ofTiKV(pg.Message)
}

// Remedy says what the user can do about a server's error that came back until
// trying again was given up; "" where the error says it all.
func Remedy(err error) string {
	switch SQLState(err) {
	case pgerrcode.ReadOnlySQLTransaction:
		return "the server takes no writes: name the primary, or switch default_transaction_read_only off for the role"
	case pgerrcode.DiskFull:
		return "the server's disk is full: make room there"
	case pgerrcode.OutOfMemory:
		return "the server is out of memory: lower --jobs, or give it more"
	case pgerrcode.TooManyConnections:
		return "free connections on the server, raise its limit, or lower --jobs"
	case pgerrcode.QueryCanceled:
		return "a statement was cut short: look for a statement_timeout on the server, and for who cancels"
	}
	return ""
}

// SQLState returns the SQLSTATE of a server's error, "" for any other.
func SQLState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
