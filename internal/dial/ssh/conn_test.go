package ssh

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// M6: a channel ends a moment before it is known that the connection under it did.
func TestM6EndOfChannelTellsOfTheTunnel(t *testing.T) {
	t.Parallel()
	c := &conn{client: &client{bastion: "b", dead: make(chan struct{})}}
	time.AfterFunc(5*time.Millisecond, func() {
		c.client.mu.Lock()
		c.client.lost = &LostError{Bastion: "b", Reason: "gone"}
		c.client.mu.Unlock()
		close(c.client.dead)
	})
	var lost *LostError
	require.ErrorAs(t, c.explain(io.EOF), &lost)

	c = &conn{client: &client{dead: make(chan struct{})}}
	require.Equal(t, io.EOF, c.explain(io.EOF), "the server ended it")
}
