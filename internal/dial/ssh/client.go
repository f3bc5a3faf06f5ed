package ssh

import (
	"sync"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// client is one SSH connection.
type client struct {
	ssh     *xssh.Client
	bastion string
	dead    chan struct{} // closed when it has ended

	mu   sync.Mutex
	lost *LostError
}

// end ends the connection; the first reason is the one that is told.
func (c *client) end(reason string) {
	c.mu.Lock()
	if c.lost == nil {
		c.lost = &LostError{Bastion: c.bastion, Reason: reason}
	}
	c.mu.Unlock()
	_ = c.ssh.Close()
}

// why says why the connection has ended, nil while it stands.
func (c *client) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		return nil
	}
	return c.lost
}

// wait notices the end.
func (c *client) wait() {
	err := c.ssh.Wait()
	reason := "the bastion closed it"
	if err != nil {
		reason = err.Error()
	}
	c.end(reason)
	close(c.dead)
}

// keepAlive asks the bastion for a sign, as OpenSSH's ServerAliveInterval does:
// a firewall between forgets links that are silent, and a bastion that is gone is
// noticed though nothing is under way.
func (c *client) keepAlive(timeout time.Duration) {
	tick := time.NewTicker(max(time.Second, min(15*time.Second, timeout/4)))
	defer tick.Stop()
	for {
		select {
		case <-c.dead:
			return
		case <-tick.C:
		}
		if !c.answers(timeout) {
			c.end(silent(timeout))
		}
	}
}

// answers sends one request and waits for any answer to it; a refusal is one.
func (c *client) answers(timeout time.Duration) bool {
	answered := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		_, _, _ = c.ssh.SendRequest("keepalive@openssh.com", true, nil) // an error is an end, which wait notices
		close(answered)
	})
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case <-answered:
	case <-limit.C:
		c.end(silent(timeout)) // which lets the request go
	}
	asking.Wait()
	return c.why() == nil
}
