//go:build unix

package dial_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

// authority is a private CA.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "private CA"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	require.NoError(t, err)
	a.write(t, "ca.crt", "CERTIFICATE", der)
	return a
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// issue writes name.crt and name.key.
func (a *authority) issue(t *testing.T, name, common string, hosts ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: common}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	a.write(t, name+".crt", "CERTIFICATE", der)
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	a.write(t, name+".key", "PRIVATE KEY", pkcs)
}

// tlsServer is a PostgreSQL with a certificate for "localhost" by a private CA.
// Role clear sends its password in the clear, role cert has a certificate, and
// nobody but the superuser comes in without TLS.
func tlsServer(t *testing.T) (db *pgtest.DB, a *authority, port uint16) {
	t.Helper()
	c := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true})
	if c.Dir() == "" {
		t.Skip("the server is not ours")
	}
	db = c.Database(t)
	a = newAuthority(t)
	a.issue(t, "server", "localhost", "localhost")
	a.issue(t, "client", "cert")
	owner, err := os.Stat(c.Dir())
	require.NoError(t, err)
	uid, gid := int(owner.Sys().(*syscall.Stat_t).Uid), int(owner.Sys().(*syscall.Stat_t).Gid)
	put := func(name string, data []byte) {
		path := filepath.Join(c.Dir(), name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		require.NoError(t, os.Chown(path, uid, gid))
	}
	for from, to := range map[string]string{"ca.crt": "root.crt", "server.crt": "server.crt", "server.key": "server.key"} {
		data, err := os.ReadFile(a.path(from))
		require.NoError(t, err)
		put(to, data)
	}
	put("pg_hba.conf", []byte("hostssl all clear all password\nhostssl all cert all cert\nhostssl all scram all scram-sha-256\nhostnossl all postgres all scram-sha-256\n"))
	for _, sql := range []string{
		"ALTER SYSTEM SET ssl = on", "ALTER SYSTEM SET ssl_ca_file = 'root.crt'",
		"CREATE ROLE clear LOGIN PASSWORD 'c'", "CREATE ROLE scram LOGIN PASSWORD 's'", "CREATE ROLE cert LOGIN",
	} {
		db.Exec(t, sql)
	}
	c.Stop(t, pgtest.Fast)
	c.Start(t)
	cfg, err := pgx.ParseConfig(db.URL)
	require.NoError(t, err)
	return db, a, cfg.Port
}

// M6 and M7: private CAs, client certificates, channel binding, an IPv6-only
// host, URLs with options already; and nothing of it ever without TLS.
func TestM6TLS(t *testing.T) {
	t.Parallel()
	db, a, port := tlsServer(t)
	six := ipv6(t, port)
	ca := "&sslrootcert=" + a.path("ca.crt")
	at := func(user, host string) string {
		return fmt.Sprintf("postgres://%s@%s:%d/%s", user, host, port, db.Name)
	}
	verified, encrypted := "TLS, certificate verified", "TLS, certificate not verified"
	for _, c := range []struct {
		name, url, transport, want, hint string
	}{
		{name: "private CA", url: at("scram:s", "localhost") + "?sslmode=verify-full" + ca, transport: verified},
		{name: "private CA unknown", url: at("scram:s", "localhost") + "?sslmode=verify-full", transport: verified, want: "certificate", hint: "sslrootcert"},
		{name: "another name", url: at("scram:s", "127.0.0.1") + "?sslmode=verify-full" + ca, transport: verified, want: "certificate", hint: "sslrootcert"},
		{name: "CA without the name", url: at("scram:s", "127.0.0.1") + "?sslmode=verify-ca" + ca, transport: verified},
		{name: "options in the URL", url: at("scram:s", "localhost") + "?application_name=a%3Fb&options=-c%20work_mem%3D5MB&sslmode=verify-full" + ca, transport: verified},
		{name: "channel binding with SCRAM", url: at("scram:s", "localhost") + "?sslmode=verify-full&channel_binding=require" + ca, transport: verified},
		{name: "channel binding without SCRAM", url: at("clear:c", "localhost") + "?sslmode=verify-full&channel_binding=require" + ca, transport: verified, want: "channel binding required", hint: "channel_binding=prefer"},
		{name: "cleartext password", url: at("clear:c", "localhost") + "?sslmode=verify-full" + ca, transport: verified},
		{name: "required method", url: at("clear:c", "localhost") + "?sslmode=require&require_auth=scram-sha-256", transport: encrypted, want: "require_auth", hint: "require_auth"},
		{name: "client certificate", url: at("cert", "localhost") + "?sslmode=verify-full&sslcert=" + a.path("client.crt") + "&sslkey=" + a.path("client.key") + ca, transport: verified},
		{name: "no client certificate", url: at("cert", "localhost") + "?sslmode=verify-full" + ca, transport: verified, want: "certificate", hint: "sslcert"},
		{name: "IPv6", url: "postgres://scram:s@" + six + "/" + db.Name + "?sslmode=require", transport: encrypted},
		{name: "nothing said", url: at("scram:s", "localhost"), transport: encrypted},
		{name: "prefer", url: at("scram:s", "localhost") + "?sslmode=prefer", transport: encrypted},
		{name: "plaintext", url: at("scram:s", "localhost") + "?sslmode=disable", transport: "plaintext (sslmode=disable)", want: "no encryption", hint: "sslmode=require"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.name == "IPv6" && six == "" {
				t.Skip("no IPv6 on loopback")
			}
			e, err := dial.Parse(dial.Target, c.url)
			require.NoError(t, err)
			require.Equal(t, c.transport, e.Transport())
			conn, err := e.Connect(t.Context(), dial.Writer())
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, c.hint)
				return
			}
			require.NoError(t, err)
			defer conn.Close(t.Context())
			var tls bool
			var name, mem string
			require.NoError(t, conn.QueryRow(t.Context(), `SELECT ssl, current_setting('application_name'), current_setting('work_mem')
				FROM pg_stat_ssl WHERE pid = pg_backend_pid()`).Scan(&tls, &name, &mem))
			require.True(t, tls, "M7")
			if c.name == "options in the URL" {
				require.Equal(t, []string{"a?b", "5MB"}, []string{name, mem})
			}
		})
	}
}

// ipv6 is an address on the IPv6 loopback alone that leads to a port of the
// other one, "" where there is none.
func ipv6(t *testing.T, port uint16) string {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return "" // no IPv6 here
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				_ = client.Close()
				continue
			}
			wg.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
			wg.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}
