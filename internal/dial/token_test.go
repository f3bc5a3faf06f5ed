package dial_test

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// token is a JSON Web Token with these claims.
func token(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + part([]byte(claims)) + "." + part([]byte("signature"))
}

func TestExpires(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for password, want := range map[string]bool{
		token(fmt.Sprintf(`{"sub":"x","exp":%d}`, at.Unix())):   true,
		token(fmt.Sprintf(`{"sub":"x","exp":%d.9}`, at.Unix())): true,
		token(`{"sub":"x"}`):           false,
		token(`{"exp":"tomorrow"}`):    false,
		token(`{"exp":-5}`):            false,
		token(`{"exp":1782907200000}`): false, // milliseconds: no date
		token(`{`):                     false,
		"plain":                        false,
		"a.b.c":                        false,
		"e30.eyJleHAiOjF9.x":           false, // no algorithm: three words of a passphrase
		"":                             false,
	} {
		e, err := dial.Parse(dial.Target, "host=h user=u dbname=d password='"+password+"'")
		require.NoError(t, err)
		got, ok := e.Expires()
		require.Equal(t, want, ok, password)
		if want {
			require.True(t, at.Equal(got), got)
		}
	}
}

// A token that has expired is named as the cause, with what to do.
func TestExpiredTokenIsNamed(t *testing.T) {
	t.Parallel()
	f := startFront(t, &front{password: func(string) bool { return false }})
	expired := token(`{"exp":1700000000}`)
	e, err := dial.Parse(dial.Target, withPassword(f.url(), expired))
	require.NoError(t, err)
	err = connects(t, e)
	require.ErrorContains(t, err, "a token that expired at 2023-11-14T22:13:20Z: take a new one, or let --target-password-command give one")
	require.NotContains(t, err.Error(), expired)

	err = connects(t, withCommand(t, f.url(), "echo "+expired))
	require.ErrorContains(t, err, "though the command for it was just asked, twice")
	require.NotContains(t, err.Error(), expired)
}

func TestMilliseconds(t *testing.T) {
	t.Parallel()
	for shown, want := range map[string]int64{
		"0": 0, "0ms": 0, "250": 250, "250ms": 250, "90s": 90_000, "1min": 60_000, "5 min": 300_000, "2h": 7_200_000, "1d": 86_400_000, "1us": 1, "1500us": 1,
	} {
		got, ok := dial.Milliseconds(shown)
		require.True(t, ok, shown)
		require.Equal(t, want, got, shown)
	}
	for _, shown := range []string{"", "s", "on", "-1", "1 fortnight", "min"} {
		_, ok := dial.Milliseconds(shown)
		require.False(t, ok, shown)
	}
}
