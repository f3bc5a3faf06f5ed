package db9sim

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// AuthConfig says who may connect. The zero value asks for no password.
type AuthConfig struct {
	Tenant string // of users, where rule tenant-users is on; "" is DefaultTenant
	Role   string // that becomes the backend's user; "" is admin
	// Password is the one that is valid now; nil asks for none. It is called at
	// each connection.
	Password func() string
	// PasswordTTL is how long a password is valid after Password first gave it;
	// 0 is for ever. Who is connected stays so.
	PasswordTTL time.Duration
	// PasswordFile, in place of Password, is kept up with a random password, a
	// new one each half of a PasswordTTL: as with tokens, who reads one has at
	// least the other half to use it. It is only readable by its owner.
	PasswordFile string
}

// What users are made of.
const (
	DefaultTenant = "db9simtenant"
	defaultRole   = "admin"
)

func (a AuthConfig) tenant() string { return or(a.Tenant, DefaultTenant) }
func (a AuthConfig) role() string   { return or(a.Role, defaultRole) }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// passwords knows which password is valid.
type passwords struct {
	source func() string
	ttl    time.Duration

	mu    sync.Mutex
	last  string
	since time.Time // when source first gave it
	older string    // the one of before, which a file's reader may still hold
}

func newPasswords(cfg AuthConfig) *passwords {
	return &passwords{source: cfg.Password, ttl: cfg.PasswordTTL}
}

// asked says that a client needs one.
func (p *passwords) asked() bool { return p.source != nil }

// current gives the password, and false if it has expired.
func (p *passwords) current() (now string, valid bool) {
	now = p.source()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() || now != p.last {
		p.last, p.since = now, time.Now()
	}
	return now, p.ttl <= 0 || time.Since(p.since) < p.ttl
}

// taken are the passwords that one may connect with, and false if the only one
// has expired.
func (p *passwords) taken() (all []string, valid bool) {
	now, valid := p.current()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.older != "" {
		return []string{now, p.older}, valid
	}
	return []string{now}, valid
}

// rotate makes the passwords those of a file, with a new one each half of a TTL
// until ctx ends. It returns what keeps it up.
func (p *passwords) rotate(file string) (run func(context.Context) error, err error) {
	every := p.ttl / 2
	p.ttl = 0 // the file always has a fresh one
	var mu sync.Mutex
	var now string
	renew := func() error {
		next := rand.Text()
		mu.Lock()
		defer mu.Unlock()
		p.mu.Lock()
		now, p.older = next, now
		p.mu.Unlock()
		if err := writeFile(file, next); err != nil {
			return fmt.Errorf("writing the password file: %w", err)
		}
		return nil
	}
	p.source = func() string {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	if err := renew(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if every <= 0 {
			return nil
		}
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				if err := renew(); err != nil {
					return err
				}
			}
		}
	}, nil
}

// writeFile replaces a file in one step, so that no reader sees half of it.
func writeFile(file, text string) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".password-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// authenticate asks a client for its password. A refusal is for the client.
func (s *Sim) authenticate(client *pgproto3.Backend, user string) (*refusal, error) {
	if !s.passwords.asked() {
		return nil, nil
	}
	want, valid := s.passwords.taken()
	var ok bool
	var err error
	if s.rules.On("cleartext-password") {
		ok, err = cleartext(client, want)
	} else {
		ok, err = scram(client, want)
	}
	switch {
	case err != nil:
		return nil, err
	case !ok || !valid:
		r := refuse("28P01", "password authentication failed for user %q", user)
		if ok {
			r.detail = "The password has expired."
		}
		return r, nil
	}
	return nil, nil
}

func cleartext(client *pgproto3.Backend, want []string) (bool, error) {
	client.Send(&pgproto3.AuthenticationCleartextPassword{})
	if err := client.Flush(); err != nil {
		return false, fmt.Errorf("asking for a password: %w", err)
	}
	if err := client.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
		return false, err
	}
	msg, err := client.Receive()
	if err != nil {
		return false, fmt.Errorf("reading a password: %w", err)
	}
	m, ok := msg.(*pgproto3.PasswordMessage)
	if !ok {
		return false, fmt.Errorf("a %T in place of a password", msg)
	}
	for _, password := range want {
		if subtle.ConstantTimeCompare([]byte(m.Password), []byte(password)) == 1 {
			return true, nil
		}
	}
	return false, nil
}

// backendUser is the backend's user for a client's; "" is that of
// Config.Backend.
func (s *Sim) backendUser(user string) (string, *refusal) {
	if s.rules.On("tenant-users") {
		tenant, role, ok := strings.Cut(user, ".")
		switch {
		case !ok || role == "":
			return "", refuse("28000", "user %q is not of the form <tenant_id>.<role>", user)
		case tenant != s.cfg.Auth.tenant():
			return "", refuse("28000", "tenant %q does not exist", tenant)
		case role == s.cfg.Auth.role():
			return "", nil
		}
		return role, nil
	}
	if user == s.backend.User {
		return "", nil
	}
	return user, nil
}

// backendDatabase is the backend's database for a client's; "" is that of
// Config.Backend.
func (s *Sim) backendDatabase(database string) (string, *refusal) {
	switch {
	case database == "postgres", database == "" && s.rules.On("database-postgres"):
		return "", nil
	case s.rules.On("database-postgres"):
		return "", refuse("3D000", "database %q does not exist", database)
	}
	return database, nil
}
