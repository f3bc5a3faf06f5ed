package dial

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pg2db9/pg2db9/internal/dial/ssh"
)

// openTunnel prepares the way through a bastion; nil where there is none.
func openTunnel(side Side, timeout time.Duration, o SSH) (*ssh.Tunnel, error) {
	if o.Bastion == "" {
		return nil, nil //nolint:nilnil // no bastion is the usual case
	}
	opts := ssh.Options{
		Side: string(side), Address: o.Bastion, Key: o.Key, Agent: o.Agent, KnownHosts: o.KnownHosts,
		Timeout: timeout, Dial: dialer(side, timeout),
	}
	if o.PassphraseCommand != "" {
		c := newCommand("--"+string(side)+"-ssh-passphrase-command", o.PassphraseCommand)
		opts.Passphrase = func(ctx context.Context) (string, error) {
			text, _, err := c.ask(ctx, 0)
			return text, err
		}
	}
	return ssh.Open(opts)
}

// way is how network connections are opened: by the test's function, through the
// bastion, or straight.
func (e *Endpoint) way() pgconn.DialFunc {
	switch {
	case e.dial != nil:
		return e.dial
	case e.tunnel != nil:
		return e.tunnel.DialContext
	}
	return dialer(e.side, e.timeout)
}

// asGiven leaves a host's name to the bastion, which may know others than this
// machine does.
func asGiven(_ context.Context, host string) ([]string, error) { return []string{host}, nil }

// Bastion is the one that the endpoint is reached through, "" for none.
func (e *Endpoint) Bastion() string {
	if e.tunnel == nil {
		return ""
	}
	return e.tunnel.String()
}

// Aside returns the endpoint by a tunnel of its own, where there is one: what
// must outlive a break, as the snapshot must, does not go over the connection
// that carries all rows.
func (e *Endpoint) Aside() *Endpoint {
	if e.tunnel == nil {
		return e
	}
	other := *e
	other.tunnel = e.aside
	return &other
}

// Close ends what the endpoint's connections share: the tunnels, and with them
// those that are still open.
func (e *Endpoint) Close() {
	if e != nil && e.tunnel != nil {
		e.tunnel.Close()
		e.aside.Close()
	}
}
