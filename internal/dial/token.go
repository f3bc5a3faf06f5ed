package dial

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// expiry reads when a password expires that is a JSON Web Token (RFC 7519):
// three parts in base64url, the second with a claim "exp" in seconds since 1970.
// Nothing is verified: the server does that.
func expiry(password string) (time.Time, bool) {
	parts := strings.Split(password, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Expires *float64 `json:"exp"`
	}
	if !decodePart(parts[0], &header) || header.Algorithm == "" || !decodePart(parts[1], &claims) || claims.Expires == nil {
		return time.Time{}, false
	}
	if s := *claims.Expires; s > 0 && s < 1e12 { // a date, and not in milliseconds
		return time.Unix(int64(s), 0), true
	}
	return time.Time{}, false
}

func decodePart(part string, to any) bool {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	return err == nil && json.Unmarshal(data, to) == nil
}
