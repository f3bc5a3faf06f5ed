// Package sshtest is a bastion for tests: an SSH server that leads on to other
// addresses, and breaks when it is told to.
package sshtest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// User is who may log in.
const User = "tunnel"

// Server is a bastion on loopback.
type Server struct {
	Addr       string // host:port
	KnownHosts string // a file that knows it
	Key        string // a file with a private key that is let in
	Private    ed25519.PrivateKey

	hostKey  ssh.Signer
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	hosts  map[string]string // names that it alone resolves, "host:port" to an address of net.Dial
	conns  map[net.Conn]bool
	logins int
	drops  int
	dialed []string
	refuse bool
	forbid bool
	closed bool
	seen   func(toServer bool, bytes int64) bool
}

// New starts a bastion that ends with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	dir := tb.TempDir()
	s := &Server{hosts: map[string]string{}, conns: map[net.Conn]bool{}, KnownHosts: filepath.Join(dir, "known_hosts"), Key: filepath.Join(dir, "id_ed25519")}
	var err error
	if _, s.Private, err = ed25519.GenerateKey(rand.Reader); err != nil {
		tb.Fatal(err)
	}
	s.WriteKey(tb, s.Key, nil)
	s.hostKey = newSigner(tb)
	s.listener, err = (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.Addr = s.listener.Addr().String()
	line := knownhosts.Line([]string{knownhosts.Normalize(s.Addr)}, s.hostKey.PublicKey()) + "\n"
	if err := os.WriteFile(s.KnownHosts, []byte(line), 0o600); err != nil {
		tb.Fatal(err)
	}
	s.wg.Go(s.accept)
	tb.Cleanup(func() {
		_ = s.listener.Close()
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.Drop()
		s.wg.Wait()
	})
	return s
}

func newSigner(tb testing.TB) ssh.Signer {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return signer
}

// WriteKey writes the private key that is let in, encrypted where there is a
// passphrase.
func (s *Server) WriteKey(tb testing.TB, path string, passphrase []byte) {
	tb.Helper()
	var block *pem.Block
	var err error
	if passphrase == nil {
		block, err = ssh.MarshalPrivateKey(s.Private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(s.Private, "", passphrase)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// Bastion is the address as --source-ssh takes it.
func (s *Server) Bastion() string { return User + "@" + s.Addr }

// Fingerprint is that of the host key.
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.hostKey.PublicKey()) }

// Resolve gives a name that nobody else knows: "db.internal:5432" leads to an
// address, on TCP or, with a leading slash, a unix socket.
func (s *Server) Resolve(name, addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[name] = addr
}

// NewHostKey is another host key from now on.
func (s *Server) NewHostKey(tb testing.TB) {
	tb.Helper()
	key := newSigner(tb)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hostKey = key
}

// Drop breaks all connections that are open.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// DropOnceAfter breaks once the one SSH connection that goes beyond so many
// bytes to what is behind the bastion, or from there.
func (s *Server) DropOnceAfter(toServer bool, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := false
	var total int64
	s.seen = func(to bool, bytes int64) bool {
		if done || to != toServer {
			return false
		}
		if total += bytes; total < n {
			return false
		}
		done = true
		s.drops++
		return true
	}
}

// Drops is how often DropOnceAfter has done so.
func (s *Server) Drops() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drops
}

// Refuse lets nobody in, or everybody again.
func (s *Server) Refuse(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = on
}

// Forbid leads to nowhere, as AllowTcpForwarding no does.
func (s *Server) Forbid() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forbid = true
}

// Logins is how often somebody was let in.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Dialed lists the addresses that were asked for, as they were asked for.
func (s *Server) Dialed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.dialed)
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed || s.refuse {
			_ = conn.Close()
			s.mu.Unlock()
			continue
		}
		s.conns[conn] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serve(conn)
			_ = conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		})
	}
}

func (s *Server) serve(raw net.Conn) {
	mine, err := ssh.NewPublicKey(s.Private.Public())
	if err != nil {
		return
	}
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if meta.User() == User && string(key.Marshal()) == string(mine.Marshal()) {
			return nil, nil //nolint:nilnil // no permissions are no bounds
		}
		return nil, os.ErrPermission
	}}
	s.mu.Lock()
	cfg.AddHostKey(s.hostKey)
	s.mu.Unlock()
	conn, channels, requests, err := ssh.NewServerConn(raw, cfg)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.logins++
	s.mu.Unlock()
	s.wg.Go(func() { ssh.DiscardRequests(requests) })
	var open sync.WaitGroup
	for c := range channels {
		open.Go(func() { s.lead(raw, c) })
	}
	_ = conn.Close()
	open.Wait()
}

// lead leads a channel on to where it asks to go.
func (s *Server) lead(raw net.Conn, c ssh.NewChannel) {
	var want struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}
	if c.ChannelType() != "direct-tcpip" || ssh.Unmarshal(c.ExtraData(), &want) != nil {
		_ = c.Reject(ssh.UnknownChannelType, "no")
		return
	}
	to := net.JoinHostPort(want.Host, strconv.Itoa(int(want.Port)))
	s.mu.Lock()
	s.dialed = append(s.dialed, to)
	known, forbid := s.hosts[to], s.forbid
	s.mu.Unlock()
	if forbid {
		_ = c.Reject(ssh.Prohibited, "administratively prohibited")
		return
	}
	network := "tcp"
	if known != "" {
		to = known
	}
	if to[0] == '/' {
		network = "unix"
	}
	out, err := (&net.Dialer{}).DialContext(context.Background(), network, to)
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := c.Accept()
	if err != nil {
		_ = out.Close()
		return
	}
	s.wg.Go(func() { ssh.DiscardRequests(requests) })
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(counted{s, raw, true, out}, channel)
		_ = out.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(counted{s, raw, false, channel}, out)
		_ = channel.Close()
	})
	both.Wait()
}

// counted sees what passes.
type counted struct {
	s        *Server
	raw      net.Conn
	toServer bool
	to       io.Writer
}

// Write implements io.Writer.
func (c counted) Write(b []byte) (int, error) {
	c.s.mu.Lock()
	drop := c.s.seen != nil && c.s.seen(c.toServer, int64(len(b)))
	c.s.mu.Unlock()
	if drop {
		_ = c.raw.Close()
		return 0, io.ErrClosedPipe
	}
	return c.to.Write(b)
}
