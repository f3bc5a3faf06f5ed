package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// ownKeys are the files that OpenSSH looks for in ~/.ssh.
var ownKeys = []string{"id_ed25519", "id_ecdsa", "id_rsa"}

// identities are the keys to log in by, and where they come from.
type identities struct {
	signers []xssh.Signer
	tried   []string
	agent   net.Conn // open while the agent signs
}

func (i *identities) close() {
	if i.agent != nil {
		_ = i.agent.Close()
	}
}

// identities reads the key that the user names, asks the agent for its own, and
// without a named one looks for the user's files. An encrypted file that was not
// named is passed over: its key may be in the agent.
func (t *Tunnel) identities(ctx context.Context) (*identities, error) {
	i := &identities{}
	if t.o.Key != "" {
		s, err := t.readKey(ctx, t.o.file(t.o.Key))
		if err != nil {
			return nil, err
		}
		i.add("key "+t.o.Key, s)
	}
	agentErr := i.ask(ctx, t.o.Agent)
	if t.o.Key == "" && t.o.home() != "" {
		for _, name := range ownKeys {
			path := filepath.Join(t.o.home(), ".ssh", name)
			data, err := os.ReadFile(path) //nolint:gosec // the user's own key
			if err != nil {
				continue
			}
			if s, err := xssh.ParsePrivateKey(data); err == nil {
				i.add("key "+path, s)
			}
		}
	}
	if len(i.signers) > 0 {
		return i, nil
	}
	i.close()
	reason := "there is no key to log in by: load one into the agent (ssh-add; SSH_AUTH_SOCK is not set), or name one by --%s-ssh-key"
	if t.o.Agent != "" {
		reason = "there is no key to log in by: the agent has none (ssh-add), or name one by --%s-ssh-key"
	}
	if agentErr != nil {
		reason = "there is no key to log in by, and the agent does not answer: name one by --%s-ssh-key"
	}
	return nil, t.failed(true, agentErr, reason, t.o.Side)
}

func (i *identities) add(from string, s ...xssh.Signer) {
	i.signers = append(i.signers, s...)
	i.tried = append(i.tried, from)
}

// ask takes the agent's keys. They stay there: it signs.
func (i *identities) ask(ctx context.Context, socket string) error {
	if socket == "" {
		return nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("connecting to the SSH agent: %w", err)
	}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil || len(signers) == 0 {
		_ = conn.Close()
		return err
	}
	i.agent = conn
	i.add(fmt.Sprintf("the agent (%d keys)", len(signers)), signers...)
	return nil
}

// readKey reads a file with a private key, by its passphrase where it needs one.
func (t *Tunnel) readKey(ctx context.Context, path string) (xssh.Signer, error) {
	option := "--" + t.o.Side + "-ssh-key"
	data, err := os.ReadFile(path) //nolint:gosec // the user names the file
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, t.failed(true, err, "the key %s (%s) cannot be read: %v", path, option, err)
	}
	s, err := xssh.ParsePrivateKey(data)
	var locked *xssh.PassphraseMissingError
	switch {
	case err == nil:
		return s, nil
	case !errors.As(err, &locked):
		return nil, t.failed(true, nil, "the file %s (%s) holds no private key that can be read", path, option)
	case t.o.Passphrase == nil:
		return nil, t.failed(true, err, "the key %s is encrypted: load it into the agent (ssh-add %s), or give --%s-ssh-passphrase-command", path, path, t.o.Side)
	}
	passphrase, err := t.o.Passphrase(ctx)
	if err != nil {
		return nil, err
	}
	if s, err = xssh.ParsePrivateKeyWithPassphrase(data, []byte(passphrase)); err != nil {
		return nil, t.failed(true, nil, "the key %s is encrypted, and not by the passphrase that the command of --%s-ssh-passphrase-command prints", path, t.o.Side)
	}
	return s, nil
}
