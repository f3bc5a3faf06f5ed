package link

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// Listener accepts connections over a link. Its connections are *Conn.
type Listener struct {
	net.Listener
	cfg    Config
	shared *Shared
}

// Listen listens as net.Listen does, for clients that are a link away. Where
// the link is slow, the system's own buffers are kept as small as those of a
// real one, so that a client feels its writes wait.
func Listen(ctx context.Context, network, address string, cfg Config) (*Listener, error) {
	// The system's keepalives would make an idle client look alive.
	l, err := (&net.ListenConfig{KeepAlive: -1, Control: cfg.control}).Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("listen for clients on %s: %w", address, err)
	}
	return &Listener{Listener: l, cfg: cfg, shared: NewShared(cfg)}, nil
}

// Accept waits for the next client.
func (l *Listener) Accept() (net.Conn, error) { return l.AcceptLink() }

// AcceptLink is Accept for who wants more than a net.Conn.
func (l *Listener) AcceptLink() (*Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.cfg.Wrap(c, l.shared), nil
}

// Shutdown stops listening, ends all connections at once, and waits for what
// worked on them. Close alone leaves the connections to their users.
func (l *Listener) Shutdown() {
	_ = l.Close()
	l.shared.Close()
}

// Forwarder puts a link before a server that runs already.
type Forwarder struct {
	listener        *Listener
	network, target string
	wg              sync.WaitGroup
	stop            context.CancelFunc
}

// Forward listens on address, such as "127.0.0.1:0", and joins each client by a
// link to the server at target: a host:port, or the path of a unix socket.
// Close ends it.
func Forward(ctx context.Context, address, target string, cfg Config) (*Forwarder, error) {
	l, err := Listen(ctx, "tcp", address, cfg)
	if err != nil {
		return nil, err
	}
	f := &Forwarder{listener: l, network: "tcp", target: target}
	if target != "" && target[0] == '/' {
		f.network = "unix"
	}
	ctx, f.stop = context.WithCancel(context.WithoutCancel(ctx))
	f.wg.Go(func() { f.accept(ctx) })
	return f, nil
}

// Addr is where clients connect to.
func (f *Forwarder) Addr() string { return f.listener.Addr().String() }

// Close ends the forwarder and its connections.
func (f *Forwarder) Close() {
	f.stop()
	f.listener.Shutdown()
	f.wg.Wait()
}

func (f *Forwarder) accept(ctx context.Context) {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.wg.Go(func() { f.join(ctx, client) })
	}
}

// join moves bytes between client and server until either ends. An end of one
// direction ends both: nothing that speaks over the link uses half of one.
func (f *Forwarder) join(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := new(net.Dialer).DialContext(ctx, f.network, f.target)
	if err != nil {
		return // the client sees its connection end, as behind a load balancer
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(plain{server}, client)
		_ = server.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(client, plain{server})
		_ = client.Close()
	})
	both.Wait()
}

// plain keeps io.Copy from taking a way around Read and Write, where a link
// could not slow it.
type plain struct{ net.Conn }
