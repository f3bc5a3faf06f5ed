package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Options say how a side's bastion is reached.
type Options struct {
	Side    string // "source": for messages, and the names of options in them
	Address string // [user@]host[:port]

	Key        string // file of a private key; "" is the agent's, and the user's own files
	Agent      string // the agent's socket (SSH_AUTH_SOCK); "" is none
	KnownHosts string // file; "" is the user's own and the system's
	// Passphrase gives the one of Key; nil is none.
	Passphrase func(context.Context) (string, error)

	Timeout time.Duration // how long the bastion may give no sign
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error)

	Home string // the user's folder; "" asks the system
}

// place is a bastion.
type place struct{ user, host, port string }

func (p place) addr() string { return net.JoinHostPort(p.host, p.port) }

// String is the bastion as messages name it: user@host, with a port that is not 22.
func (p place) String() string {
	host := p.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if p.port != "22" {
		host += ":" + p.port
	}
	return p.user + "@" + host
}

// parseAddress reads [user@]host[:port], with or without ssh:// before it.
func parseAddress(text string) (place, error) {
	var p place
	rest := strings.TrimSuffix(strings.TrimPrefix(text, "ssh://"), "/")
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		p.user, rest = rest[:i], rest[i+1:]
		if p.user == "" {
			return p, errors.New("the user before the @ is empty")
		}
		if strings.Contains(p.user, ":") {
			return p, errors.New("it holds a password, which pg2db9 does not take: use a key or the agent")
		}
	} else if u, err := user.Current(); err == nil {
		p.user = u.Username
	}
	p.port = "22"
	switch bare := strings.HasPrefix(rest, "[") && strings.HasSuffix(rest, "]"); {
	case bare:
		p.host = rest[1 : len(rest)-1]
	case strings.Count(rest, ":") > 1 && !strings.HasPrefix(rest, "["): // IPv6 without a port
		p.host = rest
	case strings.Contains(rest, ":"):
		host, port, err := net.SplitHostPort(rest)
		if err != nil {
			return p, errors.New("host and port cannot be told apart")
		}
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return p, fmt.Errorf("%q is no port", port)
		}
		p.host, p.port = host, port
	default:
		p.host = rest
	}
	if p.host == "" || strings.ContainsAny(p.host, " /?#") {
		return p, errors.New("it names no host")
	}
	return p, nil
}

// home is the user's folder, "" where the system knows none.
func (o Options) home() string {
	if o.Home != "" {
		return o.Home
	}
	dir, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return dir
}

// file resolves a leading ~/, which no shell has done for what stands in a file.
func (o Options) file(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && o.home() != "" {
		return filepath.Join(o.home(), rest)
	}
	return path
}
