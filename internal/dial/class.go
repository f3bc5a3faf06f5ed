package dial

import (
	"context"
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
	switch {
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.As(err, &connect), errors.As(err, &netErr):
		return Lost
	case strings.Contains(err.Error(), "conn closed"), strings.HasPrefix(err.Error(), "tls: "):
		return Lost
	}
	return Final
}

// SQLState returns the SQLSTATE of a server's error, "" for any other.
func SQLState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
