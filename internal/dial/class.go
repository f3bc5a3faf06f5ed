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
)

// Class says what an error of a server or of the way to it means for what was
// being done. It is the one place that decides by SQLSTATE.
type Class int

// The classes.
const (
	// Final will come again when the same is tried again.
	Final Class = iota
	// Retry is a conflict or a shortage that passes: the transaction was rolled
	// back and may be tried again.
	Retry
	// Lost is a connection that broke: what the transaction did is unknown.
	Lost
	// Cancelled is our own stop.
	Cancelled
)

// ErrLost marks a connection that broke where the error alone does not say so.
var ErrLost = errors.New("the connection is lost")

// Classify returns the class of err. The server's own words decide before the
// network's: a session that was ended by the server (57P01) is Lost, since a
// COMMIT may have been on its way.
func Classify(err error) Class {
	if err == nil {
		return Final
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == pgerrcode.AdminShutdown, pg.Code == pgerrcode.CrashShutdown,
			pgerrcode.IsConnectionException(pg.Code), pg.Code == pgerrcode.IdleInTransactionSessionTimeout,
			pg.Code == "57P05" /* idle_session_timeout */ :
			return Lost
		case pg.Code == pgerrcode.SerializationFailure, pg.Code == pgerrcode.DeadlockDetected,
			pgerrcode.IsInsufficientResources(pg.Code), pg.Code == pgerrcode.CannotConnectNow,
			pg.Code == pgerrcode.ObjectInUse:
			return Retry
		}
		return Final
	}
	var connect *pgconn.ConnectError
	var netErr net.Error
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.As(err, &connect), errors.As(err, &netErr), errors.As(err, &record), errors.Is(err, ErrLost):
		return Lost
	case strings.Contains(err.Error(), "conn closed"), strings.Contains(err.Error(), "tls: "):
		return Lost
	}
	return Final
}

// Conflict says that transactions were in each other's way: the same soon works,
// or never does.
func Conflict(err error) bool {
	switch SQLState(err) {
	case pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected, pgerrcode.ObjectInUse:
		return true
	}
	return false
}

// SQLState returns the SQLSTATE of a server's error, "" for any other.
func SQLState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
