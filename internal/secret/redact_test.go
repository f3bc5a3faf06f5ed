package secret

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://app:hunter2@db/x":                 "postgres://app:***@db/x",
		"postgres://app@db:5432/x":                    "postgres://app@db:5432/x",
		"host=db password=hunter2 user=app":           "host=db password=*** user=app",
		"PassWord = 'hunter 2' sslpassword=hunter2":   "PassWord = *** sslpassword=***",
		`dial "postgres://app:hunter2@db": no answer`: `dial "postgres://app:***@db": no answer`,
		"the password is not told":                    "the password is not told",
	} {
		require.Equal(t, want, Redact(text))
	}
}
