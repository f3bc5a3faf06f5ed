package preflight

import (
	"fmt"
	"time"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/dial"
)

// expiryMargin is how long a password should still live for: connections are
// opened anew all through a run.
const expiryMargin = 30 * time.Minute

// Expiring finds passwords that are tokens with a date, and that nothing gives
// anew when they have expired. An endpoint may be nil.
func Expiring(now time.Time, endpoints ...*dial.Endpoint) []finding.Finding {
	var out []finding.Finding
	for _, e := range endpoints {
		if e == nil || e.Renewed() {
			continue
		}
		at, ok := e.Expires()
		if !ok || at.Sub(now) >= expiryMargin {
			continue
		}
		when := fmt.Sprintf("expires in %s", at.Sub(now).Round(time.Second))
		if !at.After(now) {
			when = "has expired"
		}
		out = append(out, finding.Finding{
			Code: PasswordExpires, Severity: finding.Info, Object: finding.Object{Kind: "server", Name: string(e.Side())},
			Message: fmt.Sprintf("the password is a token that %s (%s): connections that a longer run opens after that would fail",
				when, at.UTC().Format(time.RFC3339)),
			Remedy: fmt.Sprintf("--%s-password-command with a command that prints a new one: it is asked at every connect", e.Side()),
		})
	}
	return out
}
