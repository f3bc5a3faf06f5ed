package dial

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial/ssh"
)

// awayFor is how long a first connect waits for a server that does not answer as
// one: nobody listens, or what listens hangs up. A mistyped port looks the same,
// so that this is short beside a run's patience.
const awayFor = 30 * time.Second

// Await is Connect for the first time: a serverless database that has to start,
// or one in the middle of a failover, is waited for with growing pauses. One that
// says that it is starting is given all of patience, one that is silent at most
// half a minute; what will not change (a password, a name, a certificate) is told
// at once. again is called before each further try.
func (e *Endpoint) Await(ctx context.Context, s Settings, patience time.Duration, again func(err error, in time.Duration)) (*pgx.Conn, error) {
	began := time.Now()
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier, pause.MaxInterval = 200*time.Millisecond, 2, 5*time.Second
	for {
		conn, err := e.Connect(ctx, s)
		if err == nil {
			return conn, nil
		}
		limit := min(patience, awayFor)
		if SQLState(err) == pgerrcode.CannotConnectNow {
			limit = patience
		}
		in := pause.NextBackOff()
		if ctx.Err() != nil || !waking(err) || time.Since(began)+in > limit {
			return nil, err
		}
		again(err, in)
		timer := time.NewTimer(in)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
	}
}

// waking reports errors of a first connect that a server which is on its way up
// gives.
func waking(err error) bool {
	if state := SQLState(err); state != "" {
		switch state {
		case pgerrcode.CannotConnectNow, pgerrcode.AdminShutdown, pgerrcode.CrashShutdown:
			return true
		}
		return pgerrcode.IsConnectionException(state)
	}
	var bastion *ssh.Error
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dns *net.DNSError
	var netErr net.Error
	switch {
	case errors.As(err, &bastion):
		return !bastion.Final
	case errors.As(err, &cert), errors.As(err, &record), strings.Contains(err.Error(), "TLS"):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.DeadlineExceeded):
		return true
	}
	return errors.As(err, &netErr) && netErr.Timeout()
}
