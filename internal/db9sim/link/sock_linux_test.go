package link_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/db9sim/link"
)

// A client that sends keepalives keeps what a quiet one loses.
func TestKeepalivesKeepAnIdleConnection(t *testing.T) {
	t.Parallel()
	client, server := pair(t, link.Config{IdleDrop: 2500 * time.Millisecond})
	require.NoError(t, client.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 5}))
	<-time.After(4 * time.Second)
	write(t, client, 1)
	require.NoError(t, server.SetReadDeadline(time.Now().Add(5*time.Second)))
	read(t, server, 1)
}
