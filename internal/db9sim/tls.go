package db9sim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// TLSMode says how an SSLRequest is answered.
type TLSMode int

// The modes.
const (
	TLSOff      TLSMode = iota // 'N': not offered, plaintext goes on
	TLSOn                      // 'S' with a self-made certificate; plaintext is accepted too
	TLSRequired                // as TLSOn, plaintext is refused with 28000
	TLSRefused                 // the connection is closed at an SSLRequest
)

// ParseTLSMode reads a mode as the command line has it: off, on, required or
// refused.
func ParseTLSMode(s string) (TLSMode, error) {
	for m, name := range []string{"off", "on", "required", "refused"} {
		if s == name {
			return TLSMode(m), nil
		}
	}
	return 0, fmt.Errorf("no TLS mode %q: it is off, on, required or refused", s)
}

// offered says that a client gets TLS when it asks for it.
func (m TLSMode) offered() bool { return m == TLSOn || m == TLSRequired }

// certificateLife is more than any stand-in lives.
const certificateLife = 7 * 24 * time.Hour

// selfSigned makes a certificate for this machine, which is its own authority.
func selfSigned() (config *tls.Config, authority []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key for TLS: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "db9sim"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate for TLS: %w", err)
	}
	config = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}
	return config, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// Authority is what a client verifies the stand-in's certificate with
// (sslrootcert), in PEM; nil without TLS.
func (s *Sim) Authority() []byte { return s.authority }
