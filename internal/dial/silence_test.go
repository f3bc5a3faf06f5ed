package dial

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// timedOut is a connection that the system has given up: whoever reads is told why,
// and who writes only that it is broken.
type timedOut struct {
	net.Conn
	reading, written chan struct{}
}

func (c *timedOut) Read([]byte) (int, error) {
	close(c.reading)
	<-c.written
	return 0, syscall.ETIMEDOUT
}

func (c *timedOut) Write([]byte) (int, error) {
	close(c.written)
	return 0, syscall.EPIPE
}

// C5: of two who use a connection the writer is told of the silence, though the
// system has told only the reader, and a moment later.
func TestC5SilenceIsToldToTheWriter(t *testing.T) {
	t.Parallel()
	c := &timedOut{reading: make(chan struct{}), written: make(chan struct{})}
	w := &watched{Conn: c, side: Target, timeout: 2 * time.Second, told: make(chan struct{})}
	read := make(chan error, 1)
	go func() {
		_, err := w.Read(nil)
		read <- err
	}()
	<-c.reading
	_, err := w.Write(nil)
	require.ErrorContains(t, err, "the target gave no sign for 2s (--network-timeout) while data were sent to it")
	require.ErrorContains(t, <-read, "while waiting for its answer")

	_, err = w.Write(nil)
	var silent *SilenceError
	require.ErrorAs(t, err, &silent)
}
