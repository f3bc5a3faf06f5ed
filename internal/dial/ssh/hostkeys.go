package ssh

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// systemHosts is OpenSSH's file for all users.
const systemHosts = "/etc/ssh/ssh_known_hosts"

// hostKeys checks who answers. There is no way around it.
type hostKeys struct {
	named string // the file that a new line belongs into
	files []string
	check xssh.HostKeyCallback
	certs map[string]bool // "file:line" of @cert-authority
}

// hostKeyError is a host key that is not the one that is known.
type hostKeyError struct{ reason string }

func (e *hostKeyError) Error() string { return e.reason }

// readHostKeys reads a file that the user names, or the user's own and the
// system's, as far as they are there.
func (o Options) readHostKeys() (*hostKeys, error) {
	k := &hostKeys{named: o.file(o.KnownHosts), certs: map[string]bool{}}
	files := []string{k.named}
	if o.KnownHosts == "" {
		k.named = filepath.Join(o.home(), ".ssh", "known_hosts")
		files = []string{k.named, systemHosts}
	}
	for _, f := range files {
		data, err := os.ReadFile(f) //nolint:gosec // the user names the file
		if err != nil {
			if o.KnownHosts == "" && errors.Is(err, os.ErrNotExist) {
				continue
			}
			return nil, err
		}
		k.files = append(k.files, f)
		scan := bufio.NewScanner(bytes.NewReader(data))
		for n := 1; scan.Scan(); n++ {
			if strings.HasPrefix(strings.TrimSpace(scan.Text()), "@cert-authority") {
				k.certs[fmt.Sprintf("%s:%d", f, n)] = true
			}
		}
	}
	var err error
	if k.check, err = knownhosts.New(k.files...); err != nil {
		return nil, err
	}
	return k, nil
}

// callback checks a host key, and says what to do about one that is not known.
func (k *hostKeys) callback(hostname string, remote net.Addr, key xssh.PublicKey) error {
	err := k.check(hostname, remote, key)
	if err == nil {
		return nil
	}
	print := xssh.FingerprintSHA256(key)
	var revoked *knownhosts.RevokedError
	var other *knownhosts.KeyError
	switch {
	case errors.As(err, &revoked):
		return &hostKeyError{fmt.Sprintf("its %s key %s is revoked in line %d of %s", key.Type(), print, revoked.Revoked.Line, revoked.Revoked.Filename)}
	case errors.As(err, &other) && len(other.Want) > 0:
		return &hostKeyError{fmt.Sprintf("its %s key %s is NOT the one that line %d of %s knows: somebody may stand between, or the bastion was made anew; "+
			"ask its operator, and only then replace the line", key.Type(), print, other.Want[0].Line, other.Want[0].Filename)}
	case errors.As(err, &other):
		return &hostKeyError{fmt.Sprintf("the host is not known, and its %s key has the fingerprint %s: compare it with what the bastion's operator says, then add this line to %s: %s",
			key.Type(), print, k.named, knownhosts.Line([]string{hostname}, key))}
	}
	return &hostKeyError{err.Error()}
}

// algorithms are the kinds of host key that are known of a host, so that it does
// not present another one; nil where none is known.
func (k *hostKeys) algorithms(addr string) []string {
	public, err := xssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	var known *knownhosts.KeyError
	if !errors.As(k.check(addr, &net.TCPAddr{}, public), &known) {
		return nil
	}
	var out []string
	for _, w := range known.Want {
		if k.certs[fmt.Sprintf("%s:%d", w.Filename, w.Line)] {
			out = append(out, xssh.CertAlgoED25519v01, xssh.CertAlgoECDSA256v01, xssh.CertAlgoECDSA384v01, xssh.CertAlgoECDSA521v01,
				xssh.CertAlgoRSASHA512v01, xssh.CertAlgoRSASHA256v01)
			continue
		}
		if w.Key.Type() == xssh.KeyAlgoRSA {
			out = append(out, xssh.KeyAlgoRSASHA512, xssh.KeyAlgoRSASHA256)
			continue
		}
		out = append(out, w.Key.Type())
	}
	return out
}
