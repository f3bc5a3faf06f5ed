package ssh

import (
	"errors"
	"fmt"
	"strings"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// OptionError is an option that cannot be used.
type OptionError struct {
	Option string // "source-ssh"
	Reason string
}

// Error implements error.
func (e *OptionError) Error() string { return "--" + e.Option + ": " + e.Reason }

// Error is a bastion that could not be used. It holds no secret.
type Error struct {
	Side    string
	Bastion string
	Reason  string
	// Final says that trying again gives the same: a host key that is not known, a
	// user that is not let in, a bastion that does not forward.
	Final bool
	Err   error
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("SSH to %s (--%s-ssh): %s", e.Bastion, e.Side, e.Reason)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// LostError is a tunnel that broke under its connections. The next connection
// makes a new one.
type LostError struct {
	Bastion string
	Reason  string
}

// Error implements error.
func (e *LostError) Error() string {
	return fmt.Sprintf("the SSH tunnel by %s was lost: %s", e.Bastion, e.Reason)
}

// Timeout implements net.Error, of the kind that lost connections are.
func (e *LostError) Timeout() bool { return false }

// Temporary implements net.Error.
func (e *LostError) Temporary() bool { return false }

func (t *Tunnel) failed(final bool, err error, format string, args ...any) *Error {
	return &Error{Side: t.o.Side, Bastion: t.place.String(), Reason: fmt.Sprintf(format, args...), Final: final, Err: err}
}

// handshakeError says what a login that failed means.
func (t *Tunnel) handshakeError(err error, tried []string) error {
	var key *hostKeyError
	switch {
	case errors.As(err, &key):
		return t.failed(true, err, "%s", key.reason)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return t.failed(true, err, "the bastion does not let %s in by %s: check the user, and that the key's public half stands in authorized_keys there",
			t.place.user, strings.Join(tried, ", "))
	case strings.Contains(err.Error(), "no common algorithm"):
		return t.failed(true, err, "the two have no algorithm in common: %s", strings.TrimPrefix(err.Error(), "ssh: handshake failed: "))
	}
	return t.failed(false, err, "%s", strings.TrimPrefix(err.Error(), "ssh: handshake failed: "))
}

// openError says why the bastion did not lead on to an address.
func (t *Tunnel) openError(err *xssh.OpenChannelError, addr string) error {
	if err.Reason == xssh.ConnectionFailed {
		return t.failed(false, err, "the bastion could not reach %s: %s", addr, err.Message)
	}
	return t.failed(true, err, "the bastion does not lead on to %s (%s): allow AllowTcpForwarding and PermitOpen for the user there", addr, err.Message)
}

func silent(after time.Duration) string {
	return fmt.Sprintf("the bastion gave no sign for %s (--network-timeout)", after)
}
