package probe

import (
	"testing"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// endpoint is a target to probe.
func endpoint(t *testing.T, url string) *dial.Endpoint {
	t.Helper()
	e, err := dial.Parse(dial.Target, url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
