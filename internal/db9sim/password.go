package db9sim

import "time"

// AuthConfig says who may connect. The zero value lets everybody in.
type AuthConfig struct {
	Tenant      string        // "" takes users as they are
	Role        string        // "" is admin
	Password    func() string // nil asks for none; called at each connection
	PasswordTTL time.Duration
}
