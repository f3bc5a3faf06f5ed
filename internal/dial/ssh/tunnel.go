package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// loginTimeout bounds one attempt to log in to the bastion.
const loginTimeout = 20 * time.Second

// Tunnel is a way through a bastion, shared by all connections of a side. The
// SSH connection is made when it is first needed, kept alive, and made anew when
// it was lost. Close ends it.
type Tunnel struct {
	o     Options
	place place
	hosts *hostKeys
	turn  chan struct{} // held by who connects
	wg    sync.WaitGroup

	mu     sync.Mutex
	client *client // nil: none, or lost
	closed bool
}

// Open reads what the tunnel needs: nothing is connected yet.
func Open(o Options) (*Tunnel, error) {
	t := &Tunnel{o: o, turn: make(chan struct{}, 1)}
	var err error
	if t.place, err = parseAddress(o.Address); err != nil {
		return nil, &OptionError{Option: o.Side + "-ssh", Reason: err.Error() + "; expected user@host or user@host:port"}
	}
	if t.hosts, err = o.readHostKeys(); err != nil {
		return nil, &OptionError{Option: "ssh-known-hosts", Reason: err.Error()}
	}
	if t.o.Dial == nil {
		t.o.Dial = (&net.Dialer{}).DialContext
	}
	if t.o.Timeout <= 0 {
		t.o.Timeout = time.Minute
	}
	return t, nil
}

// String is the bastion: user@host.
func (t *Tunnel) String() string { return t.place.String() }

// DialContext connects from the bastion to an address, whose name is resolved
// there.
func (t *Tunnel) DialContext(ctx context.Context, network, to string) (net.Conn, error) {
	if network == "unix" {
		return nil, t.failed(true, nil, "a unix socket of the database is not reached from a bastion: name host and port in the URL, as they are seen from there")
	}
	for attempt := 1; ; attempt++ {
		c, err := t.get(ctx)
		if err != nil {
			return nil, err
		}
		channel, err := c.ssh.DialContext(ctx, "tcp", to)
		var refused *xssh.OpenChannelError
		switch {
		case err == nil:
			if conn := t.join(c, channel, to); conn != nil {
				return conn, nil
			}
			return nil, t.closedError()
		case errors.As(err, &refused):
			return nil, t.openError(refused, to)
		case ctx.Err() != nil:
			return nil, fmt.Errorf("connecting to %s through %s: %w", to, t.place, context.Cause(ctx))
		}
		c.end("it broke while a connection was opened: " + err.Error())
		if attempt > 1 { // the second one was new
			return nil, c.why()
		}
	}
}

// get returns the SSH connection, and makes it where there is none. Those who
// ask meanwhile wait for the one who connects.
func (t *Tunnel) get(ctx context.Context) (*client, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the SSH connection to %s: %w", t.place, context.Cause(ctx))
	}
	t.mu.Lock()
	c, closed := t.client, t.closed
	t.mu.Unlock()
	if closed {
		return nil, t.closedError()
	}
	if c != nil && c.why() == nil {
		return c, nil
	}
	c, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed { // in the meantime
		_ = c.ssh.Close()
		return nil, t.closedError()
	}
	t.client = c
	t.wg.Go(c.wait)
	t.wg.Go(func() { c.keepAlive(t.o.Timeout) })
	return c, nil
}

func (t *Tunnel) closedError() error { return t.failed(true, net.ErrClosed, "the tunnel is closed") }

// connect logs in to the bastion.
func (t *Tunnel) connect(ctx context.Context) (*client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, loginTimeout, fmt.Errorf("no answer within %s", loginTimeout))
	defer cancel()
	ids, err := t.identities(ctx)
	if err != nil {
		return nil, err
	}
	defer ids.close()
	raw, err := t.o.Dial(ctx, "tcp", t.place.addr())
	if err != nil {
		return nil, t.failed(false, err, "connecting to the bastion: %v", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // the handshake takes no context
	defer stop()
	conn, channels, requests, err := xssh.NewClientConn(raw, t.place.addr(), &xssh.ClientConfig{
		User:              t.place.user,
		Auth:              []xssh.AuthMethod{xssh.PublicKeys(ids.signers...)},
		HostKeyCallback:   t.hosts.callback,
		HostKeyAlgorithms: t.hosts.algorithms(t.place.addr()),
		ClientVersion:     "SSH-2.0-pg2db9",
	})
	if err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			return nil, t.failed(false, context.Cause(ctx), "logging in: %v", context.Cause(ctx))
		}
		return nil, t.handshakeError(err, ids.tried)
	}
	return &client{ssh: xssh.NewClient(conn, channels, requests), bastion: t.place.String(), dead: make(chan struct{})}, nil
}

// Close ends the tunnel and all connections through it.
func (t *Tunnel) Close() {
	t.mu.Lock()
	t.closed = true
	c := t.client
	t.mu.Unlock()
	if c != nil {
		c.end("the tunnel is closed")
	}
	t.wg.Wait()
}
